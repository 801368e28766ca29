"""Windows paths by their text: the short ways taken for many paths say what the plain reading of a path says."""

from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.model import paths

# Few letters and many separators: what is odd about paths is where these stand.
ODD_PATHS = st.lists(st.sampled_from(["a", "Server", ".", ":", "\\", "\\", "/"]), max_size=12).map("".join)


def plain_share(path: str) -> str | None:
    parts = paths.normal(path).removeprefix("\\\\").split("\\")
    is_unc = paths.normal(path).startswith("\\\\")
    return "\\\\" + "\\".join(parts[:2]) if is_unc and len(parts) >= 2 and parts[1] else None


@given(st.one_of(ODD_PATHS, ODD_PATHS.map(lambda rest: "\\\\" + rest), ODD_PATHS.map(lambda rest: "//fs/vms" + rest)))
@example("\\\\\\fs\\vms\\web")
@example("\\\\fs\\\\vms\\web\\os.vhdx")
@example("\\\\fs\\VMs/web")
@example("\\\\fs\\")
@example("\\\\")
def test_a_share_is_found_by_the_head_of_a_path(path: str) -> None:
    """Only as much of a path is normalised as names its share; the answer is that of the whole path."""
    assert paths.share_of(path) == plain_share(path)
    assert paths.is_smb(path) == paths.normal(path).startswith("\\\\")

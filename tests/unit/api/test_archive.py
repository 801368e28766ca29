"""Archives from strangers: whole, small, and pointing nowhere, or refused before anything comes of them."""

import contextlib
import gzip
import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.archive import ArchiveError, Bounds, read_archive

YAML = b"kind: Host\n"


def tar(*members: tuple[str, bytes] | tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                archive.addfile(info, io.BytesIO(member[1]))
    return out.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_yaml_files_are_read_and_everything_else_is_left_out() -> None:
    content = tar(
        ("./vms/web.yaml", YAML), ("README.md", b"hello"), ("vms/.hidden.yaml", YAML), (".git/a.yaml", YAML), ("b.YML", YAML)
    )

    assert [file.name for file in read_archive(content)] == ["vms/web.yaml", "b.YML"]


@pytest.mark.parametrize(
    ("member", "why"),
    [
        (("../up.yaml", YAML), "points outside"),
        (("a/../../up.yaml", YAML), "points outside"),
        (("/etc/up.yaml", YAML), "points outside"),
        (("C:\\up.yaml", YAML), "points outside"),
        (special("a.yaml", tarfile.SYMTYPE, "/etc/passwd"), "is a link"),
        (special("a.yaml", tarfile.LNKTYPE, "b.yaml"), "is a link"),
        (special("a.yaml", tarfile.FIFOTYPE), "neither file nor folder"),
        (special("a.yaml", tarfile.CHRTYPE), "neither file nor folder"),
    ],
)
def test_links_devices_and_ways_out_are_refused(member: tuple[str, bytes] | tarfile.TarInfo, why: str) -> None:
    with pytest.raises(ArchiveError, match=why):
        read_archive(tar(("good.yaml", YAML), member))


def test_a_bomb_is_refused_while_it_is_still_small() -> None:
    bounds = Bounds(members=100, file_bytes=1000, total_bytes=5000)

    with pytest.raises(ArchiveError, match="members"):
        read_archive(tar(*((f"{n}.yaml", b"") for n in range(101))), bounds)
    with pytest.raises(ArchiveError, match="larger than"):
        read_archive(tar(("a.yaml", bytes(1001))), bounds)
    with pytest.raises(ArchiveError, match="when unpacked"):
        read_archive(tar(("a.bin", bytes(5001)), ("a.yaml", YAML)), bounds)


@pytest.mark.parametrize(
    "content",
    [b"", b"nonsense", gzip.compress(b"nonsense"), tar(("a.yaml", YAML * 1000))[:60], tar(("a.txt", b""))],
    ids=["nothing", "no gzip", "no tar", "cut", "no YAML"],
)
def test_what_is_no_whole_archive_of_yaml_is_refused(content: bytes) -> None:
    with pytest.raises(ArchiveError):
        read_archive(content)


@given(st.binary(max_size=300), st.integers(0, 200), st.integers(0, 255))
def test_whatever_comes_it_is_files_or_a_refusal(noise: bytes, place: int, byte: int) -> None:
    """No exception but ours, for noise and for a good archive with a byte changed."""
    good = bytearray(tar(("a.yaml", YAML)))
    good[place % len(good)] = byte
    for content in (noise, bytes(good), gzip.compress(noise)):
        with contextlib.suppress(ArchiveError):
            read_archive(content)

"""Nothing that tells one fleet from another is left in a report, and what belonged together still does."""

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.selftest import Redactor
from reconciler.selftest.redact import COMMON

ANSWER = {
    "host": {"name": "HV1", "osVersion": "10.0.20348", "switches": ["Prod"], "networks": ["192.168.7.0/24", "any"]},
    "virtualMachines": [
        {
            "id": "1a2b3c4d-0000-4000-8000-00000000000a",
            "name": "Zürich-DB",
            "configurationPath": r"\\fs1.contoso.com\vms\Zürich-DB",
            "disks": [
                {"path": r"\\fs1.contoso.com\vms\Zürich-DB\Virtual Hard Disks\os_1A2B3C4D-0000-4000-8000-00000000000B.avhdx"},
                {"path": r"C:\ClusterStorage\Volume1\hv1\data.vhdx"},
            ],
        }
    ],
    "problems": [
        "disks of zürich-db: access to \\\\fs1.contoso.com\\vms is denied for S-1-5-21-7-8-9 at 192.168.7.12 (0x80070005)"
    ],
}


def test_names_are_replaced_alike_everywhere_and_what_windows_gives_is_kept() -> None:
    """Paths stay paths, a disk keeps its ending, an id stays an id, a network a network of the same size."""
    seen = Redactor("hv1.contoso.com", "CONTOSO\\svc").redacted(ANSWER)
    machine = seen["virtualMachines"][0]
    host, domain = seen["host"]["name"].lower(), "name2"

    assert seen["host"]["osVersion"] == "10.0.20348"
    assert seen["host"]["networks"] == ["10.0.1.0/24", "any"]
    assert machine["id"] == "00000000-0000-4000-8000-000000000001"
    share, _, folder = machine["configurationPath"].rpartition("\\")
    assert folder == machine["name"]
    assert (share[:2], f".{domain}.com\\" in share) == ("\\\\", True)
    assert machine["disks"][0]["path"].startswith(f"{share}\\{folder}\\Virtual Hard Disks\\")
    assert machine["disks"][0]["path"].endswith(".avhdx")
    assert machine["disks"][1]["path"].startswith(f"C:\\ClusterStorage\\Volume1\\{host}\\")
    assert seen["problems"][0].startswith(f"disks of {machine['name']}: access to {share} is denied for S-1-0 at 10.")


def test_no_name_of_the_fleet_is_left() -> None:
    """Neither in fields nor in sentences, in any case of letters."""
    text = repr(Redactor("hv1.contoso.com", "CONTOSO\\svc").redacted(ANSWER)).casefold()

    for name in ("hv1", "prod", "zürich", "fs1", "contoso", "vms", "svc", "192.168", "s-1-5", "1a2b3c4d", "data.vhdx"):
        assert name not in text


# Numbers, and the words that Windows itself gives to parts of paths, tell nothing of a fleet and stay as they are.
WORDS = st.text(alphabet=st.characters(categories=("Ll", "Lu", "Nd")), min_size=3, max_size=10).filter(
    lambda word: not word.isdigit() and word.casefold() not in COMMON
)


@settings(max_examples=100, deadline=None)
@given(st.lists(WORDS, min_size=2, max_size=6, unique_by=str.casefold), st.sampled_from(["name", "switches", "comment"]))
def test_a_field_that_nobody_thought_of_is_replaced_too(words: list[str], field: str) -> None:
    """The rule is what is kept, not what is taken out; equal stays equal and different stays different."""
    seen = Redactor().redacted([{field: word} for word in words] + [{"message": " ".join(words)}])
    stand_ins = [item[field].casefold() for item in seen[:-1]]

    assert len(set(stand_ins)) == len(words)
    assert all(stand_in.startswith("name") for stand_in in stand_ins)
    assert seen[-1]["message"].casefold().split() == stand_ins

"""Reality written back: after the patch nothing is left to do for these machines, and nothing but the values has changed."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.cycle import think
from reconciler.desired import SourceFile, load_desired
from reconciler.model import observation as seen
from reconciler.model.plan import MachineStep, Plan
from reconciler.patch import Patch, make_patch, unified_diff
from tests.builders import SHARE, a_fleet, a_host, a_vm
from tests.unit.preview.change import document

HOSTS = (
    "---\n".join(document("Host", f"Host{number}", "{hostGroup: HG, labels: {rack: r1}}") for number in (1, 2, 3))
    .replace("metadata: {name: Host2}", "metadata: {name: Host2, labels: {rack: r2}}")
    .replace(", labels: {rack: r1}}", "}")
    + "---\n"
    + document("HostGroup", "HG", "{}")
)


def files(machines: str) -> list[SourceFile]:
    return [SourceFile("d/hosts.yaml", HOSTS.encode()), SourceFile("d/vms.yaml", machines.encode())]


def patched(given_files: list[SourceFile], fleet: seen.Observation) -> tuple[Patch, Plan]:
    """Make the patch, and the plan of what it leads to."""
    loaded = load_desired(given_files)
    assert loaded.desired is not None, loaded.problems
    patch = make_patch(given_files, fleet, think(loaded.desired, fleet).drift)
    again = load_desired(patch.files(given_files))
    assert again.desired is not None, again.problems
    return patch, think(again.desired, fleet).plan


def machine(placement: str, storage: str = "", name: str = "vm1") -> str:
    """A document as people write it: comments, blank lines, quotes of their own taste."""
    return (
        f"# about {name}\napiVersion: reconciler/v1\nkind: VirtualMachine\nmetadata: {{name: {name}}}\n"
        f"spec:\n{placement}{storage}  migration: {{priority: 80}}   # urgent\n"
    )


PLACEMENTS = [
    "  placement: {host: Host2}      # since the move\n",
    "  placement:\n    host: 'Host2'  # quoted\n\n",
    '  placement: {host: "Host2"}\n',
    "  placement: {hosts: [Host2, Host3]}\n",
    "  placement:\n    hosts:\n      - Host2   # first\n      - Host3   # last\n    # a word at the end\n",
    "  placement: {hostSelector: {matchLabels: {rack: r2}}, prefer: [Host2]}\n",
    "  placement:\n    hostSelector:\n      matchLabels:\n        rack: r2   # the new one\n    prefer: [Host2]\n",
]


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_where_a_machine_runs_is_written_where_it_was_asked_for(placement: str) -> None:
    """One host is replaced, a list gets one more, anything else gives way; comments and layout stay, line for line."""
    before = machine(placement)
    patch, plan = patched(files(before), a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2"), a_host("Host3")))

    after = patch.after["d/vms.yaml"]
    assert (patch.machines, plan.steps, plan.blocked, patch.problems) == (("vm1",), (), (), ())
    changed = set(after.splitlines()) - set(before.splitlines())
    assert len(changed) == 1
    assert "Host1" in changed.pop()
    assert [line.partition("#")[2] for line in before.splitlines() if "#" in line] == [
        line.partition("#")[2] for line in after.splitlines() if "#" in line
    ]


OLD, NEW = rf"{SHARE}\old", r"D:\VMs\vm1"
STORAGES = [
    f"  storage: {{path: '{OLD}'}}\n",
    f"  storage:\n    path: '{OLD}'   # the share\n",
    f"  storage:\n    configurationPath: '{OLD}'\n    disks:\n      - {{file: vm1.vhdx, path: '{OLD}'}}  # its disk\n",
    f"  storage:\n    disks:\n      - file: VM1.VHDX\n        path: '{OLD}'\n",
]


@pytest.mark.parametrize("storage", STORAGES)
def test_where_files_lie_is_written_into_the_field_that_asks_for_them(storage: str) -> None:
    """A whole machine by its folder, single roots and disks by their own fields."""
    fleet = a_fleet(a_host("Host1", a_vm("vm1", folder=NEW)), a_host("Host2"), a_host("Host3"))

    patch, plan = patched(files(machine("  placement: {host: Host1}\n", storage)), fleet)

    assert (patch.machines, plan.steps) == (("vm1",), ())
    assert OLD not in patch.after["d/vms.yaml"]


def test_files_in_many_places_get_fields_of_their_own_and_the_rest_stays() -> None:
    """A folder for all cannot say it: the disk that is elsewhere gets an entry, in the style of its neighbours."""
    vm = a_vm("vm1", folder=rf"{SHARE}\vm1").model_copy(
        update={"smart_paging_path": r"D:\Paging", "disks": (seen.Disk(path=r"D:\Fast\vm1.vhdx", file_bytes=1),)}
    )
    before = machine("  placement: {host: Host1}\n", f"  storage:\n    path: '{SHARE}\\vm1'   # all\n")

    patch, plan = patched(files(before), a_fleet(a_host("Host1", vm), a_host("Host2"), a_host("Host3")))

    assert plan.steps == ()
    added = [line for line in patch.after["d/vms.yaml"].splitlines() if line not in before.splitlines()]
    assert added == ["    smartPagingPath: 'D:\\Paging'", "    disks: [{file: vm1.vhdx, path: 'D:\\Fast'}]"]


def test_what_would_move_again_is_left_out_with_a_warning() -> None:
    """Two machines that must be apart are together: writing that down would change nothing. The third is written back."""
    rule = "---\n" + document("PlacementRule", "apart", "{type: antiAffinity, virtualMachines: {names: [a, b]}}")
    text = (
        "---\n".join(machine(f"  placement: {{host: Host{n}}}\n", name=name) for n, name in ((1, "a"), (2, "b"), (3, "c")))
        + rule
    )
    fleet = a_fleet(a_host("Host1", a_vm("a"), a_vm("b"), a_vm("c")), a_host("Host2"), a_host("Host3"))

    patch, plan = patched(files(text), fleet)

    assert patch.machines == ("c",)
    assert [problem.subject for problem in patch.problems] == ["virtualMachine/b"]
    assert {step.virtual_machine.name for step in plan.steps if isinstance(step, MachineStep)} == {"b"}


@pytest.mark.parametrize("placement", ["  placement: {host: &h Host2}\n  labels: *h\n", "  placement: {host: !!str Host2}\n"])
def test_what_cannot_be_edited_in_place_is_left_to_a_person(placement: str) -> None:
    """Anchors and tags: an edit could change something else."""
    text = machine(placement.replace("  labels: *h\n", ""))
    loaded = load_desired(files(text))
    if loaded.desired is None:
        pytest.skip("loading refuses it already")
    patch, _ = patched(files(text), a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2"), a_host("Host3")))

    assert (patch.machines, [problem.code for problem in patch.problems]) == ((), ["not-patched"])


WHERE = st.sampled_from(["Host1", "Host2", "Host3"])
FOLDER = st.sampled_from([rf"{SHARE}\x", r"D:\VMs\it's", r"D:\Deep\Folder\x", r"D:\#1 {odd}, x & y"])
STORAGE = st.sampled_from(["", *STORAGES])
ENDS = st.sampled_from(["\n", "\r\n"])


@given(st.lists(st.tuples(st.sampled_from(PLACEMENTS), STORAGE, WHERE, FOLDER), min_size=1, max_size=4), ENDS)
@settings(max_examples=25, deadline=None)
def test_after_the_patch_nothing_is_to_be_done_for_its_machines(machines: list[tuple[str, str, str, str]], end: str) -> None:
    """The law, and git agrees that the diff is one: for any placements, storages and layouts, and any place where they are."""
    names = [f"vm{number}" for number in range(1, len(machines) + 1)]
    text = "---\n".join(
        machine(placement, storage.replace("vm1", name), name)
        for name, (placement, storage, _, _) in zip(names, machines, strict=True)
    ).replace("\n", end)
    by_host: dict[str, list[seen.VirtualMachine]] = {"Host1": [], "Host2": [], "Host3": []}
    for name, (_, _, where, folder) in zip(names, machines, strict=True):
        by_host[where].append(a_vm(name, folder=folder))

    patch, plan = patched(files(text), a_fleet(*(a_host(host, *vms) for host, vms in by_host.items())))

    assert [problem.finding for problem in patch.problems] == []
    assert (plan.steps, plan.blocked) == ((), ())


def test_git_applies_the_diff(tmp_path: Path) -> None:
    """Also with carriage returns, a byte order mark and no line end at the end of the file."""
    before = {"d/vms.yaml": "\ufeffa: 1\r\nb: 2\r\nc: 3", "d/x.yaml": "same\n"}
    after = before | {"d/vms.yaml": "\ufeffa: 1\r\nb: 5\r\nc: 4"}
    for name, text in before.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(text.encode())

    diff = unified_diff(before, after)
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=diff.encode(), check=True)

    assert {name: (tmp_path / name).read_bytes().decode() for name in before} == after
    assert "x.yaml" not in diff

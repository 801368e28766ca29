"""What holds of every import, whatever the fleet: it is sound, its plan is empty, and nobody is left out without a word."""

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.cycle import think
from reconciler.desired import SourceFile, load_desired
from reconciler.importer import Imported, Layout, Wishes, files_for, import_fleet, yaml_text
from reconciler.model import observation as seen
from reconciler.model.desired import Desired
from reconciler.model.observation import Observation
from tests.builders import a_fleet, a_host, a_vm, migration

LAWS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)

# Names and folders that people and Windows really make, and those that YAML, file systems and our own rules stumble over.
ODD_NAMES = [
    "web",
    "Web",
    "no",
    "010",
    "1e3",
    "null",
    "~",
    "a: b",
    "# x",
    "con",
    "ü ö",
    "x/y",
    "it's",
    "{a}",
    " lead",
    "tab\there",
]
HOMES = [
    r"D:\VMs\{}",
    "D:\\VMs\\{}\\",
    r"\\fs1.contoso.com\vms\{}",
    r"\\fs1\vms\{}",
    r"C:\ClusterStorage\Volume1\{}",
    r"C:\ProgramData\Microsoft\Windows\Hyper-V",
    "D:\\",
    r"E:\machines #1\a: b",
]
names = st.one_of(st.sampled_from(ODD_NAMES), st.text(min_size=1, max_size=12))


@st.composite
def machines(draw: st.DrawFn) -> seen.VirtualMachine:
    """One to three disks with few names, in any folders, some unknown, some upon a parent, some passed through."""
    folders = [draw(st.sampled_from(HOMES)).format(draw(st.sampled_from(["a", "b"]))) for _ in range(3)]
    roots: list[str | None] = [draw(st.sampled_from([*folders, None])) for _ in range(3)]
    if draw(st.booleans()):
        roots = [folders[0]] * 3
    disks = []
    for _ in range(draw(st.integers(0, 3))):
        file = draw(st.sampled_from(["os.vhdx", "data.vhdx", "os_1.avhdx"]))
        below = draw(st.sampled_from(["\\Virtual Hard Disks\\", "\\"]))
        folder = draw(st.sampled_from(folders))
        parent = rf"{folder}\os.vhdx" if file.endswith("avhdx") else None
        path = draw(st.sampled_from([folder + below + file] * 5 + [None]))
        disks.append(seen.Disk(path=path, parent_path=parent, pass_through=draw(st.sampled_from([False] * 5 + [True]))))
    return a_vm(
        draw(names),
        id=str(draw(st.uuids())),
        state=draw(st.sampled_from(["Running", "Off", None, "PausedCritical"])),
        highly_available=draw(st.sampled_from([True, False, None])),
        configuration_path=roots[0],
        checkpoint_path=roots[1],
        smart_paging_path=roots[2],
        disks=tuple(disks),
    )


@st.composite
def fleets(draw: st.DrawFn) -> Observation:
    """One to three hosts, some in a cluster, some not answering in full, some with a machine on the move or on two hosts."""
    hosts = []
    everyone: list[seen.VirtualMachine] = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        own = draw(st.lists(machines(), max_size=4))
        if everyone and draw(st.integers(0, 5)) == 0:
            own = [*own, everyone[0]]
        everyone += own
        jobs = (seen.Migration(id="job", virtual_machine=own[0].id, kind="live", destination="Host1"),) if own else ()
        hosts.append(
            a_host(
                draw(st.sampled_from([f"Host{number}", f"host {number}", f"Knoten-ü{number}"])),
                *own,
                address=draw(st.sampled_from([f"host{number}.contoso.com", None])),
                cluster=draw(st.sampled_from([None, "Cluster1", "Cluster1", "no"])),
                status=draw(st.sampled_from(["ok", "ok", "ok", "partial"])),
                migration=migration(
                    networks=draw(st.sampled_from(["any", ("10.0.0.0/24",), ("10.0.0.1/24",), ()])),
                    maximum_storage_migrations=draw(st.sampled_from([2, 0, None])),
                ),
                migrations=jobs if draw(st.integers(0, 3)) == 0 else (),
            )
        )
    volume = seen.Volume(path=r"C:\ClusterStorage\Volume1")
    clusters = (
        seen.Cluster(name="Cluster1", maximum_parallel_migrations=draw(st.sampled_from([None, 1])), shared_volumes=(volume,)),
    )
    short = seen.Share(path=r"\\fs1\vms", hosts=("Host1", "Host2"))
    return a_fleet(*hosts, clusters=draw(st.sampled_from([clusters, ()])), shares=draw(st.sampled_from([(), (short,)])))


def read(imported: Imported, layout: Layout) -> Desired:
    """Return the desired state of the files as they would be written, which must be sound without a warning."""
    files = files_for(imported, layout)
    texts = [SourceFile(name, yaml_text(parts, 1).encode()) for name, parts in files.items()]
    for text, parts in zip(texts, files.values(), strict=True):
        # Readers of YAML 1.1 must understand the same: to them, `no` without quotes is false.
        assert list(yaml.safe_load_all(text.content)) == [manifest.data for manifest in parts]
    loaded = load_desired(texts)
    assert [str(problem) for problem in loaded.problems if problem.code != "empty-desired-state"] == []
    assert loaded.desired is not None
    return loaded.desired


@LAWS
@given(fleets(), st.booleans(), st.booleans())
def test_the_plan_of_an_imported_fleet_is_empty(fleet: Observation, host_settings: bool, pin: bool) -> None:
    """No step, nothing blocked, no drift; and every managed machine is known to be in place, or the host says too little."""
    desired = read(import_fleet(fleet, Wishes(host_settings, pin)), Layout.EACH)

    plan = think(desired, fleet).plan

    assert (plan.steps, plan.blocked, plan.drift) == ((), (), ())
    assert plan.summary.in_place == len(desired.virtual_machines)


@LAWS
@given(fleets())
def test_every_machine_is_imported_or_named_as_left_out(fleet: Observation) -> None:
    """Unknown is never absent: what is in no document stands in a warning, or its host does."""
    imported = import_fleet(fleet)
    plan = think(read(imported, Layout.ONE), fleet).plan
    told = {problem.subject for problem in imported.problems}

    for host, machine in fleet.machines():
        managed = machine.id not in {one.id for one in unmanaged(imported, fleet)}
        assert managed or {f"virtualMachine/{machine.name}", f"host/{host.name}"} & told
    assert plan.summary.unmanaged <= len({machine.id for _, machine in fleet.machines()})


def unmanaged(imported: Imported, fleet: Observation) -> list[seen.VirtualMachine]:
    ids = {manifest.spec["id"] for manifest in imported.manifests if "id" in manifest.spec}
    by_name = {m.name.casefold() for m in imported.manifests if m.kind == "VirtualMachine" and "id" not in m.spec}
    return [machine for _, machine in fleet.machines() if machine.id not in ids and machine.name.casefold() not in by_name]


@LAWS
@given(fleets(), st.sampled_from(Layout))
def test_the_layout_changes_files_and_nothing_else(fleet: Observation, layout: Layout) -> None:
    """However the documents are spread, they say the same; no two files are one on a system that ignores case."""
    imported = import_fleet(fleet)
    files = files_for(imported, layout)

    assert read(imported, layout).digest == read(imported, Layout.ONE).digest
    assert len({name.casefold() for name in files}) == len(files)
    assert all("\\" not in name and ".." not in name and not name.startswith((".", "/")) for name in files)

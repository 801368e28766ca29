"""Small fleets with something to do, for the laws of ``apply``: what hosts and clusters there are, and what is asked of them.

Everything fits where it stands, as on real hosts; what is asked may be impossible, and then the plan has to say so.
"""

from dataclasses import dataclass

from hypothesis import strategies as st

from reconciler.model import desired as wanted
from reconciler.model import observation as seen
from reconciler.model.desired import Desired, Limits, Placement, Policy, VirtualMachineMigration
from reconciler.model.observation import Observation
from reconciler.model.words import PerformanceOption, WhenOff
from tests.builders import (
    GIB,
    SHARE,
    a_fleet,
    a_host,
    a_vm,
    apart,
    desired,
    desired_host,
    desired_vm,
    migration,
    source,
    stored,
    vm_id,
)

OPTIONS = tuple(PerformanceOption)


@dataclass(frozen=True)
class Case:
    """A fleet and what is asked of it."""

    desired: Desired
    observation: Observation


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Two to five hosts, some in clusters, up to seven machines; pins, drains, storage, settings, roles and power."""
    names = [f"Host{number}" for number in range(1, draw(st.integers(2, 5)) + 1)]
    cluster = {name: draw(st.sampled_from([None, "C1", "C1", "C2"])) for name in names}
    on: dict[str, list[seen.VirtualMachine]] = {name: [] for name in names}
    managed = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        name, home = f"vm{number}", draw(st.sampled_from(names))
        on[home].append(draw(machines(name, cluster[home])))
        managed.append(draw(wishes(name, names, cluster)))
    hosts = [draw(hosts_seen(name, on[name], cluster[name])) for name in names]
    asked = [draw(hosts_wanted(name, cluster[name])) for name in names]
    clusters = sorted({found for found in cluster.values() if found})
    rules = [apart("vm1", "vm2")] if draw(st.integers(0, 3)) == 0 else []
    policy = Policy(limits=Limits(draw(st.sampled_from([1, 50])), draw(st.sampled_from([1, 2]))))
    return Case(
        desired(*managed, *rules, *asked, policy, *[draw(clusters_wanted(one, cluster)) for one in clusters], hosts=()),
        a_fleet(*hosts, clusters=tuple(draw(clusters_seen(one)) for one in clusters)),
    )


def folders(name: str, cluster: str | None) -> list[str]:
    """Return where a machine's files may lie on a host: the share, a local drive, its cluster's volume."""
    homes = [rf"{SHARE}\{name}", rf"D:\VMs\{name}"]
    return [*homes, rf"C:\ClusterStorage\{cluster}\{name}"] if cluster else homes


@st.composite
def machines(draw: st.DrawFn, name: str, cluster: str | None) -> seen.VirtualMachine:
    """A machine as observed; highly available only where its files allow a role."""
    folder = draw(st.sampled_from(folders(name, cluster)))
    clustered = cluster is not None and not folder.startswith("D:")
    return a_vm(
        name,
        folder=folder,
        memory_mib=draw(st.sampled_from([1024, 2048, 4096])),
        gib=draw(st.sampled_from([1, 10, 40])),
        state=draw(st.sampled_from(["Running", "Running", "Running", "Off", "Saved"])),
        highly_available=clustered and draw(st.booleans()),
    )


@st.composite
def wishes(draw: st.DrawFn, name: str, names: list[str], cluster: dict[str, str | None]) -> wanted.VirtualMachine:
    """What is asked of a machine."""
    hosts = draw(st.sampled_from([None, "one", "one", "one", "some"]))
    chosen = draw(st.lists(st.sampled_from(names), min_size=1, max_size=1 if hosts == "one" else 3, unique=True))
    homes = [None, None, *folders(name, cluster[chosen[0]])]
    folder = draw(st.sampled_from(homes))
    moved = migration_wish(draw)
    return desired_vm(
        draw(st.sampled_from([name, name.upper()])),
        id=draw(st.sampled_from([None, vm_id(name)])),
        placement=Placement("hosts", tuple(sorted(chosen))) if hosts else None,
        storage=stored(rf"{folder}\new" if folder and draw(st.booleans()) else folder),
        high_availability=draw(st.sampled_from([None, True, True, False])),
        migration=moved,
    )


def migration_wish(draw: st.DrawFn) -> VirtualMachineMigration:
    """How a machine is to migrate."""
    return VirtualMachineMigration(
        performance_option=draw(st.sampled_from([None, None, *OPTIONS])),
        when_off=draw(st.sampled_from(list(WhenOff))),
        priority=draw(st.sampled_from([50, 50, 90])),
        maximum_unprotected_seconds=draw(st.sampled_from([None, None, 60])),
    )


@st.composite
def hosts_seen(draw: st.DrawFn, name: str, on: list[seen.VirtualMachine], cluster: str | None) -> seen.Host:
    """A host as observed, its memory tight at times, its drive too."""
    free = draw(st.sampled_from([0, 1024, 4096, 65536, 65536]))
    drive = seen.Volume(path="D:\\", size_bytes=1000 * GIB, free_bytes=draw(st.sampled_from([5, 45, 500])) * GIB)
    storage = seen.HostStorage(
        virtual_machine_path="D:\\Hyper-V", virtual_hard_disk_path="D:\\Hyper-V\\Virtual Hard Disks", volumes=(drive,)
    )
    facts = migration(
        enabled=draw(st.sampled_from([True, True, True, False])),
        maximum_virtual_machine_migrations=draw(st.sampled_from([1, 2, 2])),
        maximum_storage_migrations=draw(st.sampled_from([1, 2, 2])),
        performance_option=draw(st.sampled_from(OPTIONS)),
    )
    state = "Up" if cluster else None
    return a_host(name, *on, available_mib=free, cluster=cluster, node_state=state, migration=facts, storage=storage)


@st.composite
def hosts_wanted(draw: st.DrawFn, name: str, cluster: str | None) -> wanted.Host:
    """What is asked of a host."""
    settings = wanted.HostMigrationSettings(
        enabled=draw(st.sampled_from([None, True, True])),
        maximum_virtual_machine_migrations=draw(st.sampled_from([None, None, 1, 3])),
        maximum_storage_migrations=draw(st.sampled_from([None, None, 1, 3])),
        performance_option=draw(st.sampled_from([None, None, *OPTIONS])),
    )
    return desired_host(
        name,
        cluster=cluster,
        migration=settings,
        maintenance=draw(st.integers(0, 7)) == 0,
        cordoned=draw(st.integers(0, 7)) == 0,
        reserve_memory_mib=draw(st.sampled_from([0, 0, 1024])),
    )


@st.composite
def clusters_seen(draw: st.DrawFn, name: str) -> seen.Cluster:
    """A cluster as observed, with one shared volume."""
    volume = seen.Volume(path=rf"C:\ClusterStorage\{name}", size_bytes=1000 * GIB, free_bytes=500 * GIB)
    limit = draw(st.sampled_from([1, 2, 3]))  # an unknown limit lets nothing start, and rightly so
    return seen.Cluster(name=name, maximum_parallel_migrations=limit, shared_volumes=(volume,))


@st.composite
def clusters_wanted(draw: st.DrawFn, name: str, cluster: dict[str, str | None]) -> wanted.Cluster:
    """What is asked of a cluster."""
    nodes = tuple(host for host, found in cluster.items() if found == name)
    limit = draw(st.sampled_from([None, None, 1, 2]))
    return wanted.Cluster(name, source(name), f"{name.lower()}.contoso.com", limit, nodes)

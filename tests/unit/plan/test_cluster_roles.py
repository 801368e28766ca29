"""Cluster roles in a plan: what clusters refuse is never asked of them."""

from reconciler.audit import audit
from reconciler.diff import find_drift
from reconciler.model import observation as seen
from reconciler.model.desired import Cluster, Desired, HostMigrationSettings
from reconciler.model.observation import Observation
from reconciler.model.plan import MachineStep, Plan
from reconciler.plan import make_plan
from tests.builders import GIB, SHARE, a_fleet, a_host, a_vm, desired, desired_host, desired_vm, source, stored

CSV = r"C:\ClusterStorage\Volume1"


def node(name: str, *machines: seen.VirtualMachine, cluster: str = "C1") -> seen.Host:
    return a_host(name, *machines, cluster=cluster, node_state="Up")


def clustered(*hosts: seen.Host, limit: int = 2) -> Observation:
    volume = seen.Volume(path=CSV, size_bytes=1000 * GIB, free_bytes=500 * GIB)
    names = sorted({host.cluster for host in hosts if host.cluster})
    clusters = tuple(seen.Cluster(name=name, maximum_parallel_migrations=limit, shared_volumes=(volume,)) for name in names)
    return a_fleet(*hosts, clusters=clusters)


def audited(wanted: Desired, fleet: Observation) -> Plan:
    plan = make_plan(wanted, fleet, find_drift(wanted, fleet))
    assert audit(plan, wanted, fleet) == ()
    return plan


def told(plan: Plan) -> list[tuple[str, str, str | None, tuple[str, ...]]]:
    steps = [step for step in plan.steps if isinstance(step, MachineStep)]
    return [(step.action.value, step.source, step.destination, step.depends_on) for step in steps]


def test_a_role_is_not_asked_for_while_files_lie_on_local_disks() -> None:
    """Hosts refuse it; the machine is blocked, with the file in the way and what to do about it."""
    fleet = clustered(node("Host1", a_vm(folder=r"D:\VMs\vm1")))
    plan = audited(desired(desired_vm("vm1", "Host1", high_availability=True)), fleet)
    assert plan.steps == ()
    ((code, finding, remedy),) = [(one.code, one.finding, one.remedy) for one in plan.blocked]
    assert code == "role-storage"
    assert r"D:\VMs\vm1" in finding
    assert "spec.storage.path" in remedy


def test_inside_a_cluster_the_files_of_a_role_move_before_its_host() -> None:
    """One combined move would be refused: two steps, one after the other, that count as two migrations, both needed."""
    fleet = clustered(node("Host1", a_vm(highly_available=True)), node("Host2"))
    plan = audited(desired(desired_vm("vm1", "Host2", storage=stored(rf"{CSV}\vm1"))), fleet)
    assert told(plan) == [("storageMigration", "Host1", None, ()), ("liveMigration", "Host1", "Host2", ("s1",))]
    assert (plan.summary.migrations, plan.summary.needed_migrations) == (2, 2)


def test_a_machine_without_a_role_takes_its_files_along_inside_a_cluster() -> None:
    """Only the cluster refuses that, and the cluster knows nothing of this machine."""
    fleet = clustered(node("Host1", a_vm()), node("Host2"))
    plan = audited(desired(desired_vm("vm1", "Host2", storage=stored(rf"{CSV}\vm1"))), fleet)
    assert [step[0] for step in told(plan)] == ["liveMigrationWithStorage"]


def test_a_role_nobody_wants_goes_before_the_files_leave_clustered_storage() -> None:
    """With its role the machine could not have files on a local disk."""
    fleet = clustered(node("Host1", a_vm(highly_available=True)))
    plan = audited(desired(desired_vm("vm1", "Host1", high_availability=False, storage=stored(r"D:\VMs\vm1"))), fleet)
    assert told(plan) == [("removeClusterRole", "Host1", None, ()), ("storageMigration", "Host1", None, ("s1",))]


def test_a_machine_that_has_lost_its_role_takes_its_files_to_a_local_disk_of_another_node() -> None:
    """Role off, then one combined move: the files could not lie on the other node's drive while it stays behind."""
    fleet = clustered(node("Host1", a_vm(highly_available=True)), node("Host2"))
    plan = audited(desired(desired_vm("vm1", "Host2", high_availability=False, storage=stored(r"D:\VMs\vm1"))), fleet)
    assert told(plan) == [
        ("removeClusterRole", "Host1", None, ()),
        ("liveMigrationWithStorage", "Host1", "Host2", ("s1",)),
    ]


def test_a_role_leaves_its_cluster_only_where_its_document_says_what_becomes_of_it() -> None:
    """Unsaid, the role would be gone once the machine has arrived, and nobody would put it back."""
    fleet = clustered(node("Host1", a_vm(highly_available=True)), node("Host2", cluster="C2"))
    plan = audited(desired(desired_vm("vm1", "Host2")), fleet)
    assert plan.steps == ()
    assert [(one.code, one.remedy) for one in plan.blocked] == [
        ("role-undecided", "set spec.highAvailability to true or to false")
    ]


def test_the_timetable_keeps_the_limit_that_a_cluster_is_about_to_get() -> None:
    """The plan lowers the cluster's limit first, so only one of three machines is on its way at once."""
    names = ("vm1", "vm2", "vm3")
    fleet = clustered(node("Host1", *(a_vm(name, folder=rf"{SHARE}\{name}") for name in names)), node("Host2"), limit=3)
    asked = Cluster("C1", source("C1"), "c1.contoso.com", 1, ("Host1", "Host2"))
    hosts = [desired_host(name, cluster="C1", migration=HostMigrationSettings()) for name in ("Host1", "Host2")]
    plan = audited(desired(asked, *hosts, *(desired_vm(name, "Host2") for name in names), hosts=()), fleet)
    moves = sorted(
        (step for step in plan.steps if isinstance(step, MachineStep)), key=lambda step: step.estimated_start_seconds
    )
    ends = [step.estimated_start_seconds + step.estimated_seconds for step in moves]
    assert all(step.estimated_start_seconds >= end for step, end in zip(moves[1:], ends, strict=False))


def test_a_role_that_a_step_of_its_own_takes_off_is_not_taken_off_again_after_a_hop_inside_the_cluster() -> None:
    """Two full nodes of different clusters swap: one machine steps aside as no role, and leaves the cluster as none."""
    fleet = clustered(
        a_host("Host1", a_vm("vm1", highly_available=True), cluster="C1", node_state="Up", available_mib=1024),
        node("Host2"),
        a_host("Host3", a_vm("vm2", highly_available=True), cluster="C2", node_state="Up", available_mib=1024),
    )
    wanted = desired(*(desired_vm(name, host, high_availability=False) for name, host in (("vm1", "Host3"), ("vm2", "Host1"))))
    plan = audited(wanted, fleet)

    mine = [step for step in plan.steps if isinstance(step, MachineStep) and step.virtual_machine.name == "vm1"]
    assert [(step.action.value, step.source, step.destination, step.leaves_cluster) for step in mine] == [
        ("removeClusterRole", "Host1", None, None),
        ("liveMigration", "Host1", "Host2", None),
        ("liveMigration", "Host2", "Host3", None),
    ]

"""What is said of one host or cluster: slots and whose limit binds, room, what comes and goes, who is refused and why."""

from reconciler.model import desired as want
from reconciler.model import observation as seen
from reconciler.model.desired import HostMigrationSettings
from tests.builders import a_fleet, a_host, a_vm, desired, desired_host, desired_vm, migration, source, vm_id
from tests.unit.explain.asking import answer, host
from tests.unit.explain.cases import crossing, host_in_maintenance


def limit_owner(own: int, asked: int | None, cluster: int | None) -> tuple[int | None, str | None]:
    node = a_host("Host1", cluster="East" if cluster else None, migration=migration(maximum_virtual_machine_migrations=own))
    clusters = (seen.Cluster(name="East", maximum_parallel_migrations=cluster),) if cluster else ()
    settings = HostMigrationSettings(maximum_virtual_machine_migrations=asked)
    live = host(desired(desired_host("Host1", migration=settings), hosts=1), a_fleet(node, clusters=clusters), "Host1").live
    return live.limit, live.owner


def test_the_limit_that_binds_is_named_with_its_owner() -> None:
    """The smallest of host, desired state and cluster; of equal ones the host's own."""
    assert limit_owner(2, None, None) == (2, "host Host1")
    assert limit_owner(4, 2, None) == (2, "desired state of host Host1")
    assert limit_owner(4, 2, 1) == (1, "cluster East")
    assert limit_owner(2, 2, 2) == (2, "host Host1")


def test_slots_in_use_count_what_the_host_lists_too() -> None:
    """A count of the host that lags behind its own list of jobs does not hide a slot in use."""
    job = seen.Migration(id="m", virtual_machine=vm_id("vm1"), kind="liveWithStorage", destination="Host2")
    explained = host(desired(hosts=2), a_fleet(a_host("Host1", a_vm("vm1"), migrations=(job,)), a_host("Host2")), "Host1")
    assert (explained.live.used, explained.storage.used) == (1, 1)
    assert explained.migrations == (job,)


def test_a_host_in_maintenance_tells_who_leaves_who_cannot_and_who_is_refused() -> None:
    """A machine that leaves with its step; the planner's code for one that cannot; a stray; a machine kept out."""
    wanted, fleet, _ = host_in_maintenance()
    explained = host(wanted, fleet, "host1.contoso.com")
    assert [step.virtual_machine.name for step in explained.leaves] == ["vm1"]
    assert {one.name: (one.standing, one.leaves_by) for one in explained.machines} == {
        "stray": ("unmanaged", None),
        "vm1": ("inPlace", "s2"),
        "vm2": ("inPlace", None),
    }
    assert explained.machines[-1].blocked == "host-in-maintenance"
    assert [(one.name, one.reasons[0].reason) for one in explained.refused] == [("vm3", "maintenance")]
    assert [entry.field for entry in explained.drift] == ["migration.maximumVirtualMachineMigrations"]


def test_what_arrives_is_told_by_the_host_that_receives() -> None:
    """The same step, from the other side."""
    wanted, fleet, _ = host_in_maintenance()
    assert [step.id for step in host(wanted, fleet, "Host2").arrives] == ["s2"]


def test_a_host_that_does_not_answer_says_so() -> None:
    """Nothing about it is guessed."""
    fleet = a_fleet(a_host("Host1", status="unreachable", problem="no answer", migration=seen.HostMigration()))
    explained = host(desired(hosts=2), fleet, "Host1")
    assert "Unreachable: no answer" in explained.answer
    assert (explained.live.limit, explained.live.used) == (None, None)
    assert host(desired(hosts=2), fleet, "Host2").answer.startswith("Not observed")


def test_a_cluster_tells_its_limit_its_nodes_and_what_crosses_its_border() -> None:
    """A machine that leaves for another cluster crosses the border; a move between two nodes would not."""
    wanted, fleet, _ = crossing()
    east = answer(wanted, fleet, "east").clusters[0]
    assert (east.maximum_parallel_migrations.limit, [node.name for node in east.nodes]) == (1, ["Node1"])
    assert ([step.id for step in east.leaves], east.joins) == (["s1"], ())
    inside = a_fleet(a_host("Node1", a_vm("vm1"), cluster="East"), a_host("Node2", cluster="East"))
    one = want.Cluster("East", source("east"), "east.contoso.com", maximum_parallel_migrations=3)
    within = answer(desired(desired_vm("vm1", "Node2"), one, hosts=("Node1", "Node2")), inside, "East").clusters[0]
    assert (within.joins, within.leaves) == ((), ())
    assert (within.maximum_parallel_migrations.owner, within.maximum_parallel_migrations.because) == (
        "desired state of cluster East",
        "desired-state/east.yaml:1",
    )

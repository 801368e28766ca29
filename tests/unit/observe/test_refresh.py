"""A few hosts seen again: their facts are the new ones, all others keep theirs with their time, and no patchwork lies."""

from datetime import timedelta

from reconciler.model.observation import Cluster, Observation, Share
from reconciler.observe.refresh import also_to_ask, changed_since, lost_sight_of, refreshed
from tests.builders import OBSERVED_AT, SHARE, a_fleet, a_host, a_vm

LATER = OBSERVED_AT + timedelta(seconds=40)
BEFORE = a_fleet(a_host("A", a_vm("vm1")), a_host("B"), a_host("C", a_vm("vm3")))


def a_part(*hosts: object, **facts: object) -> Observation:
    return a_fleet(*hosts, **facts).model_copy(update={"observed_at": LATER})  # type: ignore[arg-type]


def places(observation: Observation) -> list[tuple[str, str]]:
    return [(host.name, vm.name) for host, vm in observation.machines()]


def test_hosts_seen_again_are_as_seen_now_and_the_others_keep_their_time() -> None:
    """vm1 has moved from A to B; C was not asked."""
    seen = refreshed(BEFORE, a_part(a_host("A"), a_host("B", a_vm("vm1"))))

    assert places(seen) == [("B", "vm1"), ("C", "vm3")]
    assert [(host.name, host.observed_at) for host in seen.hosts] == [("A", LATER), ("B", LATER), ("C", OBSERVED_AT)]
    assert seen.observed_at == OBSERVED_AT


def test_a_machine_that_came_from_a_host_not_asked_has_that_host_asked_as_well() -> None:
    """Somebody moved vm3 from C to A by hand: with only A asked it would stand on both."""
    assert also_to_ask(BEFORE, a_part(a_host("A", a_vm("vm1"), a_vm("vm3")), a_host("B"))) == {"C"}
    assert also_to_ask(BEFORE, a_part(a_host("A"), a_host("B", a_vm("vm1")))) == frozenset()


def test_a_machine_that_is_nowhere_any_more_is_noticed() -> None:
    """vm1 left A for a host that was not asked: absent would be a lie."""
    assert len(lost_sight_of(BEFORE, refreshed(BEFORE, a_part(a_host("A"))))) == 1
    assert not lost_sight_of(BEFORE, refreshed(BEFORE, a_part(a_host("A"), a_host("B", a_vm("vm1")))))


def test_a_host_is_due_when_it_was_changed_since_it_was_seen() -> None:
    """In the same instant counts as since."""
    changed = {"a": OBSERVED_AT, "B": OBSERVED_AT - timedelta(seconds=1), "c": OBSERVED_AT + timedelta(seconds=1)}

    assert changed_since(BEFORE, changed) == {"A", "C"}


def test_what_a_part_does_not_know_of_clusters_and_shares_stays_known() -> None:
    """A host that cannot tell a limit or free space takes no knowledge away."""
    known = (Cluster(name="C1", maximum_parallel_migrations=2),)
    before = a_fleet(a_host("A"), a_host("B"), clusters=known, shares=(Share(path=SHARE, free_bytes=5, hosts=("A", "B")),))
    seen = refreshed(before, a_part(a_host("A"), clusters=(Cluster(name="c1"),), shares=(Share(path=SHARE, hosts=("A",)),)))

    assert [cluster.maximum_parallel_migrations for cluster in seen.clusters] == [2]
    assert [(share.free_bytes, share.hosts) for share in seen.shares] == [(5, ("A", "B"))]

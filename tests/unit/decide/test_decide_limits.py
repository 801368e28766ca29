"""Limits that are counts: what runs, whoever started it, takes its slot; the rest waits and says for which."""

from dataclasses import replace

import pytest

from reconciler.decide import Reason, decide
from reconciler.model import desired as wanted
from reconciler.model import observation as seen
from reconciler.model.memory import Memory, StartedStep
from reconciler.model.words import Action, HostStatus, MigrationKind
from tests.unit.decide.fleet import (
    NOW,
    SHARE,
    SOURCE,
    a_copy,
    a_host,
    a_job,
    a_machine,
    a_managed,
    a_move,
    a_plan,
    asked,
    decided,
    observed,
    reasons,
    seconds,
    settings_of,
    settings_of_cluster,
    started,
)


def three_on(host: str, **facts: object) -> seen.Host:
    return a_host(host, a_machine("a"), a_machine("b"), a_machine("c"), **facts)


def test_two_of_three_live_migrations_start_where_a_host_allows_two() -> None:
    """Slots are refilled one by one: the third hears which host is full."""
    fleet = observed(three_on("H1"), a_host("H2"), a_host("H3"), a_host("H4"))
    decision = decided(fleet, a_move("a", "H1", "H2"), a_move("b", "H1", "H3"), a_move("c", "H1", "H4"))

    assert started(decision) == ["s-a", "s-b"]
    assert reasons(decision) == {"s-c": "live-slots"}
    assert decision.waiting[0].finding == "H1 uses 2 of 2 live migration slots"


def test_incoming_and_outgoing_share_the_slots_of_a_host() -> None:
    """A host that one machine leaves and one enters has none left for a third."""
    fleet = observed(a_host("H1", a_machine("a")), a_host("H2", a_machine("b"), a_machine("c")), a_host("H3"))
    decision = decided(fleet, a_move("a", "H1", "H2"), a_move("b", "H2", "H3"), a_move("c", "H2", "H1"))

    assert started(decision) == ["s-a", "s-b"]
    assert reasons(decision) == {"s-c": "live-slots"}


def test_live_and_storage_slots_are_apart_and_a_combined_move_takes_one_of_each_at_both_ends() -> None:
    """With one slot of each, a copy fits beside a live migration, and neither fits beside a combined move."""
    one = {"migration": {"maximum_virtual_machine_migrations": 1, "maximum_storage_migrations": 1}}
    fleet = observed(three_on("H1", **one), a_host("H2", a_machine("d"), **one))
    both = a_copy("c", "H1", "H2", estimated_seconds=99)

    assert started(decided(fleet, a_move("a", "H1", "H2"), a_copy("b", "H1"))) == ["s-a", "s-b"]
    assert started(decided(fleet, both, a_move("a", "H1", "H2"), a_copy("d", "H2"))) == ["s-c"]


@pytest.mark.parametrize(
    "busy",
    [
        {"migration": {"active_virtual_machine_migrations": 2}},
        {"migrations": (a_job("x", "h2.contoso.com"), a_job("y", "H2"))},
        {"migrations": (a_job("x", "H2"),), "migration": {"active_virtual_machine_migrations": 2}},
    ],
)
def test_the_greater_of_counted_and_listed_migrations_takes_slots(busy: dict[str, object]) -> None:
    """A migration that somebody else started takes its slot, by the host's count or by its own listing."""
    fleet = observed(three_on("H1", **busy), a_host("H2"), a_host("H3"))

    assert reasons(decided(fleet, a_move("a", "H1", "H3"))) == {"s-a": "live-slots"}


def test_a_listed_migration_takes_a_slot_at_its_destination_too() -> None:
    """Jobs are listed on the source; the destination's own count may lag behind."""
    foreign = (a_job("x", "h2.contoso.com"), a_job("y", "H2"))
    fleet = observed(a_host("H3", migrations=foreign), a_host("H1", a_machine("a")), a_host("H2"))

    assert reasons(decided(fleet, a_move("a", "H1", "H2"))) == {"s-a": "live-slots"}


def test_a_finished_job_that_is_still_listed_takes_no_slot() -> None:
    """Windows lists a job for minutes after it has ended."""
    done = a_job("x", "H2").model_copy(update={"state": "Completed"})
    one = {"migration": {"maximum_virtual_machine_migrations": 1}}
    fleet = observed(a_host("H1", a_machine("a"), migrations=(done,), **one), a_host("H2"))

    assert started(decided(fleet, a_move("a", "H1", "H2"))) == ["s-a"]


def test_a_lowered_limit_counts_at_once_and_a_raised_one_when_observed() -> None:
    """The effective limit is the smallest of what is desired and what is observed."""
    fleet = observed(three_on("H1"), a_host("H2"))

    def with_limit(limit: int) -> tuple[wanted.Host, ...]:
        settings = wanted.HostMigrationSettings(maximum_virtual_machine_migrations=limit)
        return tuple(replace(host, migration=settings) for host in asked(fleet).hosts)

    steps = [a_move(name, "H1", "H2") for name in "abc"]
    assert len(decided(fleet, *steps, hosts=with_limit(1)).starts) == 1
    assert len(decided(fleet, *steps, hosts=with_limit(9)).starts) == 2


def test_the_limit_of_a_cluster_overrides_a_larger_one_of_its_nodes() -> None:
    """Nodes that allow two, in a cluster that allows one."""
    cluster = seen.Cluster(name="C1", maximum_parallel_migrations=1)
    fleet = observed(three_on("H1", cluster="C1"), a_host("H2", cluster="C1"), clusters=(cluster,))
    decision = decided(fleet, a_move("a", "H1", "H2"), a_move("b", "H1", "H2"))

    assert reasons(decision) == {"s-b": "cluster-slots"}


def test_a_lowered_limit_of_a_cluster_counts_at_once() -> None:
    """The desired state asks for one, the cluster still allows two."""
    cluster = seen.Cluster(name="C1", maximum_parallel_migrations=2)
    fleet = observed(three_on("H1", cluster="C1"), a_host("H2", cluster="C1"), clusters=(cluster,))
    lower = (wanted.Cluster("C1", SOURCE, "c1", maximum_parallel_migrations=1),)

    assert reasons(decided(fleet, a_move("a", "H1", "H2"), a_move("b", "H1", "H2"), clusters=lower)) == {"s-b": "cluster-slots"}


@pytest.mark.parametrize("unknown", ["maximum_virtual_machine_migrations", "active_virtual_machine_migrations"])
def test_what_a_host_does_not_tell_about_its_slots_is_not_taken_for_room(unknown: str) -> None:
    """Unknown never justifies an action."""
    fleet = observed(a_host("H1", a_machine("a")), a_host("H2", migration={unknown: None}))

    assert reasons(decided(fleet, a_move("a", "H1", "H2"))) == {"s-a": "unknown-limits"}


def test_a_cluster_that_does_not_tell_its_limit_moves_one_machine_at_a_time_but_older_windows_has_no_limit() -> None:
    """Windows Server 2019 has no such property; no limit of a newer cluster is smaller than one."""

    def fleet(version: str) -> seen.Observation:
        machines = a_machine("a"), a_machine("b")
        nodes = (a_host("H1", *machines, cluster="C1", os_version=version), a_host("H2", cluster="C1", os_version=version))
        return observed(*nodes, clusters=(seen.Cluster(name="C1"),))

    moves = a_move("a", "H1", "H2"), a_move("b", "H1", "H2")
    assert reasons(decided(fleet("10.0.20348"), *moves)) == {"s-b": "cluster-slots"}
    assert started(decided(fleet("10.0.17763"), *moves)) == ["s-a", "s-b"]


def test_the_fleet_limit_counts_migrations_of_others_and_those_no_survey_has_seen_yet() -> None:
    """Three are on the way: one listed elsewhere, one just started, one granted now; the limit is three."""
    fleet = observed(
        a_host("H1", a_machine("a"), a_machine("b")), a_host("H2"), a_host("H3", migrations=(a_job("x", "H4"),)), a_host("H4")
    )
    unseen = StartedStep("s9", Action.STORAGE_MIGRATION, "H4", None, NOW, (SHARE,))
    policy = wanted.Policy(limits=wanted.Limits(concurrent_migrations=3))
    decision = decided(
        fleet,
        a_move("a", "H1", "H2"),
        a_move("b", "H1", "H2"),
        memory=Memory().with_started("id-y", unseen),
        policy=policy,
    )

    assert started(decision) == ["s-a"]
    assert reasons(decision) == {"s-b": "fleet-limit"}


def test_a_storage_location_takes_as_many_writers_as_it_allows() -> None:
    """One copy into the location at a time; a foreign copy of unknown target counts, for it may write there."""
    location = wanted.StorageLocation(name="shared", source=SOURCE, path=SHARE, maximum_concurrent_migrations=1)
    quiet = observed(a_host("H1", a_machine("a")), a_host("H2", a_machine("b")))
    busy = observed(*quiet.hosts, a_host("H3", migrations=(a_job("x", None, MigrationKind.STORAGE),)))
    steps = (a_copy("a", "H1"), a_copy("b", "H2"))

    assert reasons(decided(quiet, *steps, storage_locations=(location,))) == {"s-b": "location-limit"}
    assert started(decided(busy, *steps, storage_locations=(location,))) == []


def test_one_machine_at_a_time_goes_without_high_availability() -> None:
    """A crossing waits for another granted now, and for a machine seen on a node without the role it should have."""
    cluster = seen.Cluster(name="C1", maximum_parallel_migrations=5)
    nodes = [a_host(name, a_machine(vm, highly_available=True), cluster="C1") for name, vm in (("H1", "a"), ("H2", "b"))]
    fleet = observed(*nodes, a_host("H3"), a_host("H4"), clusters=(cluster,))
    steps = [a_move("a", "H1", "H3", leaves_cluster="C1"), a_move("b", "H2", "H4", leaves_cluster="C1")]
    lacking = a_host("H5", a_machine("c", highly_available=False), cluster="C1")
    managed = tuple(a_managed(name, high_availability=True) for name in "abc")

    assert reasons(decided(fleet, *steps)) == {"s-b": "unprotected-limit"}
    assert started(decided(fleet, *steps, memory=Memory().with_unprotected("id-z", NOW))) == []
    unprotected = observed(*fleet.hosts, lacking, clusters=(cluster,))
    assert started(decided(unprotected, *steps, virtual_machines=managed)) == []


def test_a_machine_that_already_lacks_its_protection_may_go_on() -> None:
    """Trying its crossing again leaves no more machines unprotected than there are."""
    cluster = seen.Cluster(name="C1", maximum_parallel_migrations=5)
    fleet = observed(a_host("H1", a_machine("a"), cluster="C1"), a_host("H2"), clusters=(cluster,))
    memory = Memory().with_unprotected("id-a", NOW)

    assert started(decided(fleet, a_move("a", "H1", "H2", leaves_cluster="C1"), memory=memory)) == ["s-a"]


def test_settings_wait_for_migrations_that_use_them_and_migrations_for_settings_that_change_now() -> None:
    """A host's settings change while nothing moves there, and nothing starts there in the same pass."""
    idle = observed(a_host("H1", a_machine("a")), a_host("H2"))
    busy = observed(a_host("H1"), a_host("H2"), a_host("H3", migrations=(a_job("x", "H2"),)))
    decision = decided(idle, a_move("a", "H1", "H2"), settings_of("H2"))

    assert (started(decision), reasons(decision)) == (["c1"], {"s-a": "settings-in-use"})
    assert reasons(decided(busy, settings_of("H2"))) == {"c1": "settings-in-use"}


def test_a_migration_does_not_wait_for_settings_that_must_wait_themselves() -> None:
    """Only a dependency makes a move wait for a change of settings that cannot happen now."""
    fleet = observed(a_host("H1", a_machine("a"), migrations=(a_job("x", "H2"),)), a_host("H2"), a_host("H3"))
    decision = decided(fleet, a_move("a", "H1", "H3"), settings_of("H1"))
    dependent = decided(fleet, a_move("a", "H1", "H3", depends_on=("c1",)), settings_of("H1"))

    assert (started(decision), reasons(decision)) == (["s-a"], {"c1": "settings-in-use"})
    assert reasons(dependent) == {"c1": "settings-in-use", "s-a": "depends-on"}


def test_what_whoever_asks_would_not_start_takes_no_slot_from_the_others() -> None:
    """Given up, not approved, held back: it waits with that reason, and the next in line gets the slot."""
    fleet = observed(three_on("H1"), a_host("H2", migration={"maximum_virtual_machine_migrations": 1}))
    steps = [a_move("a", "H1", "H2"), a_move("b", "H1", "H2")]
    given_up = {"s-a": Reason("given-up", "failed 3 times")}

    decision = decide(a_plan(*steps), asked(fleet), fleet, Memory(), NOW, kept_back=lambda step: given_up.get(step.id))

    assert (started(decision), reasons(decision)) == (["s-b"], {"s-a": "given-up"})


def test_a_cluster_s_limit_waits_for_a_node_that_tells_only_a_part_but_not_for_one_that_is_gone() -> None:
    """A migration may be hidden in what a node does not tell; a node that is gone may be gone for weeks."""

    def with_other_node(status: HostStatus) -> seen.Observation:
        node = a_host("H2", cluster="C1", status=status)
        return observed(a_host("H1", cluster="C1"), node, clusters=(seen.Cluster(name="C1", maximum_parallel_migrations=2),))

    limit = settings_of_cluster("C1", 1)

    assert started(decided(with_other_node(HostStatus.OK), limit)) == ["c1"]
    assert reasons(decided(with_other_node(HostStatus.PARTIAL), limit)) == {"c1": "host-not-ok"}
    assert started(decided(with_other_node(HostStatus.UNREACHABLE), limit)) == ["c1"]


def test_urgent_machines_come_first_then_the_longest() -> None:
    """With one slot: priority decides, and among equals the longest goes first."""
    one = {"migration": {"maximum_virtual_machine_migrations": 1}}
    fleet = observed(three_on("H1", **one), a_host("H2"))
    steps = [a_move("a", "H1", "H2"), a_move("b", "H1", "H2", estimated_seconds=99), a_move("c", "H1", "H2")]
    urgent = (a_managed("a"), a_managed("b"), a_managed("c", migration=wanted.VirtualMachineMigration(priority=90)))

    assert started(decided(fleet, *steps)) == ["s-b"]
    assert started(decided(fleet, *steps, virtual_machines=urgent)) == ["s-c"]


def test_a_start_that_a_fresh_survey_no_longer_lists_is_not_counted_any_more() -> None:
    """What we started counts until the host was looked at again."""
    fleet = observed(a_host("H1", a_machine("a")), a_host("H2"), a_host("H3"))
    old = StartedStep("s9", Action.LIVE_MIGRATION, "H3", "H2", NOW - seconds(60))
    policy = wanted.Policy(limits=wanted.Limits(concurrent_migrations=1))

    assert started(decided(fleet, a_move("a", "H1", "H2"), memory=Memory().with_started("id-y", old), policy=policy)) == ["s-a"]

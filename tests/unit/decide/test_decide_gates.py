"""Everything besides counts that may keep a step from starting, each with its code."""

from dataclasses import replace

import pytest

from reconciler.decide import decide
from reconciler.model import desired as wanted
from reconciler.model import observation as seen
from reconciler.model.memory import Attempt, Memory
from reconciler.model.plan import PlanProblem
from reconciler.model.words import Action, Handling, HostStatus, RuleType
from tests.unit.decide.fleet import (
    GIB,
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
    started,
)

PAIR = observed(a_host("H1", a_machine("a")), a_host("H2"))
MOVE = a_move("a", "H1", "H2")
GUARDED = PlanProblem(code="guardrail-share", subject="plan", severity="error", finding="too many", remedy="split it")
BROKEN = PlanProblem(code="no-such-host", subject="plan", severity="error", finding="unknown", remedy="name it")


def test_a_step_with_nothing_against_it_starts() -> None:
    """The fleet that the other specifications break in one place each."""
    assert started(decided(PAIR, MOVE)) == ["s-a"]


def test_a_guard_rail_stops_all_until_it_is_overridden_by_name_and_an_error_stays() -> None:
    """An override passes over the guard rail it names, never over an error."""

    def code(*problems: PlanProblem, override: frozenset[str] = frozenset()) -> dict[str, str]:
        plan = a_plan(MOVE, applicable=False, problems=problems)
        return reasons(decide(plan, asked(PAIR), PAIR, Memory(), NOW, override=override))

    assert code(GUARDED) == {"s-a": "not-applicable"}
    assert code(GUARDED, override=frozenset({"guardrail-share"})) == {}
    assert code(GUARDED, BROKEN, override=frozenset({"guardrail-share", "no-such-host"})) == {"s-a": "not-applicable"}
    assert code(override=frozenset({"guardrail-share"})) == {"s-a": "not-applicable"}


def test_when_asked_to_stop_nothing_starts() -> None:
    """Running migrations go on by themselves; no new one begins."""
    decision = decide(a_plan(MOVE), asked(PAIR), PAIR, Memory(), NOW, stopping=True)

    assert reasons(decision) == {"s-a": "stopping"}


@pytest.mark.parametrize(("host", "age"), [("H1", 301), ("H2", 301), ("H2", -301)])
def test_facts_of_either_host_that_are_too_old_or_ahead_of_time_are_not_acted_upon(host: str, age: float) -> None:
    """The limit of the policy is 300 seconds; a host's own time counts before the survey's."""
    hosts = [other.model_copy(update={"observed_at": NOW - seconds(age if other.name == host else 0)}) for other in PAIR.hosts]

    assert reasons(decided(observed(*hosts), MOVE)) == {"s-a": "stale-observation"}


@pytest.mark.parametrize("host", ["h1", "H2"])
def test_a_host_is_looked_at_again_after_each_change_of_ours(host: str) -> None:
    """Facts taken before, or in the same instant as, our last change there may not show it."""
    before, after = Memory().with_change(host, NOW), Memory().with_change(host, NOW - seconds(1))

    assert reasons(decided(PAIR, MOVE, memory=before)) == {"s-a": "stale-observation"}
    assert started(decided(PAIR, MOVE, memory=after)) == ["s-a"]


def test_a_dependency_that_is_still_in_the_plan_is_not_done() -> None:
    """Each pass plans anew; what was done is gone from the plan."""
    fleet = observed(a_host("H1", a_machine("a"), a_machine("b")), a_host("H2"))
    later = a_move("a", "H1", "H2", depends_on=("s-b", "done"), dependency_reasons={"s-b": "it frees memory"})
    decision = decided(fleet, later, a_move("b", "H1", "H2"))

    assert reasons(decision) == {"s-a": "depends-on"}
    assert decision.waiting[0].finding == "waits for s-b: it frees memory"
    assert started(decided(fleet, a_move("a", "H1", "H2", depends_on=("done",)))) == ["s-a"]


@pytest.mark.parametrize(
    "change",
    [{"status": HostStatus.UNREACHABLE, "problem": "no answer"}, {"status": HostStatus.PARTIAL}, {"node_state": "Paused"}],
)
def test_no_migration_goes_to_a_host_that_is_not_well(change: dict[str, object]) -> None:
    """Unreachable, seen in part, or a node that takes nothing."""
    fleet = observed(PAIR.hosts[0], PAIR.hosts[1].model_copy(update=change))

    assert reasons(decided(fleet, MOVE)) == {"s-a": "host-not-ok"}


def test_a_paused_node_may_still_be_left() -> None:
    """Emptying a node is what pausing it is for."""
    assert started(decided(observed(a_host("H1", a_machine("a"), node_state="Paused"), a_host("H2")), MOVE)) == ["s-a"]


@pytest.mark.parametrize(
    ("machine", "action", "code"),
    [
        (a_machine("a", operation="BackingUp"), Action.LIVE_MIGRATION, "machine-busy"),
        (a_machine("a", state="Off"), Action.LIVE_MIGRATION, "not-as-planned"),
        (a_machine("a", state=None), Action.LIVE_MIGRATION, "not-as-planned"),
        (a_machine("a"), Action.OFFLINE_MIGRATION, "not-as-planned"),
        (a_machine("b"), Action.LIVE_MIGRATION, "not-managed"),
    ],
)
def test_a_machine_that_is_not_as_the_step_needs_it_is_left_alone(
    machine: seen.VirtualMachine, action: Action, code: str
) -> None:
    """Busy, in another state, or not there at all."""
    fleet = observed(a_host("H1", machine), a_host("H2"))

    assert reasons(decided(fleet, a_move("a", "H1", "H2", action))) == {"s-a": code}


def test_a_machine_has_one_mover() -> None:
    """Not while a job for it runs, and not twice in one decision."""
    running = observed(a_host("H1", a_machine("a"), migrations=(a_job("a", "H2"),)), a_host("H2"))
    twice = decided(PAIR, MOVE, a_copy("a", "H1", id="s-a2"))

    assert reasons(decided(running, MOVE)) == {"s-a": "machine-busy"}
    assert (started(twice), reasons(twice)) == (["s-a"], {"s-a2": "machine-busy"})


def test_a_machine_seen_on_two_hosts_is_touched_on_neither() -> None:
    """The same VMId twice: nobody knows which one runs."""
    twins = observed(a_host("H1", a_machine("a")), a_host("H2"), a_host("H3", a_machine("a")))
    managed = (a_managed("a"),)

    assert reasons(decided(twins, MOVE, virtual_machines=managed)) == {"s-a": "not-as-planned"}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"hold": wanted.Hold("visit", "ops")}, "held"),
        ({"hold": wanted.Hold("visit", "ops", NOW + seconds(1))}, "held"),
        ({"hold": wanted.Hold("visit", "ops", NOW)}, None),
        ({"drift": Handling.REPORT}, "held"),
        ({"drift": Handling.IGNORE}, "held"),
    ],
)
def test_hands_off_machines_that_are_held_or_only_reported_on(fields: dict[str, object], code: str | None) -> None:
    """A hold ends at its moment."""
    assert reasons(decided(PAIR, MOVE, virtual_machines=(a_managed("a", **fields),))).get("s-a") == code


def test_after_a_failure_a_machine_waits_until_its_next_try() -> None:
    """The wait says until when, and ends at that moment."""
    memory = Memory(attempts={"id-a": Attempt(1, NOW, "refused", NOW + seconds(30))})
    decision = decided(PAIR, MOVE, memory=memory)

    assert reasons(decision) == {"s-a": "backing-off"}
    assert decision.waiting[0].until == NOW + seconds(30)
    assert started(decided(PAIR, MOVE, memory=Memory(attempts={"id-a": Attempt(1, NOW, "refused", NOW)}))) == ["s-a"]


def test_protection_is_given_back_even_while_the_machine_backs_off() -> None:
    """What failed was the move; the role is owed at once."""
    memory = Memory(attempts={"id-a": Attempt(1, NOW, "refused", NOW + seconds(30))})
    nodes = observed(a_host("H1", a_machine("a", highly_available=False), cluster="C1"))

    assert started(decided(nodes, a_move("a", "H1", None, Action.ADD_CLUSTER_ROLE), memory=memory)) == ["s-a"]


def test_settings_that_a_host_refused_are_left_alone_for_a_while_too() -> None:
    """Remembered by the subject of the step."""
    memory = Memory(attempts={"host/h2": Attempt(1, NOW, "refused", NOW + seconds(30))})

    assert reasons(decided(PAIR, settings_of("H2"), memory=memory)) == {"c1": "backing-off"}


def test_outside_the_windows_no_migration_starts_but_protection_is_restored() -> None:
    """The wait tells when the next window opens; somebody may order otherwise."""
    windows = (wanted.Window(("Mon",), "22:00", "23:00", "UTC"),)
    policy = wanted.Policy(windows=windows)
    nodes = observed(a_host("H1", a_machine("a", highly_available=False), cluster="C1"), a_host("H2"))
    closed = decided(PAIR, MOVE, policy=policy)
    ordered = decide(a_plan(MOVE), asked(PAIR, policy=policy), PAIR, Memory(), NOW, override=frozenset({"window-closed"}))

    assert reasons(closed) == {"s-a": "window-closed"}
    assert closed.waiting[0].until == NOW + seconds(36 * 3600)
    assert started(decided(nodes, a_move("a", "H1", None, Action.ADD_CLUSTER_ROLE), policy=policy)) == ["s-a"]
    assert started(ordered) == ["s-a"]


@pytest.mark.parametrize("enabled", [False, None])
@pytest.mark.parametrize("place", [0, 1])
def test_migration_must_be_known_to_be_enabled_at_both_ends(enabled: bool | None, place: int) -> None:
    """Disabled and unknown are alike."""
    hosts = [a_host("H1", a_machine("a")), a_host("H2")]
    hosts[place] = a_host(hosts[place].name, *hosts[place].virtual_machines, migration={"enabled": enabled})

    assert reasons(decided(observed(*hosts), MOVE)) == {"s-a": "migration-disabled"}


def test_a_destination_needs_room_beside_its_reserve_and_what_is_coming() -> None:
    """4 GiB fit once into 8 GiB less a reserve of 1 GiB; a machine that a job brings counts too."""

    def fleet(*jobs: seen.Migration) -> seen.Observation:
        others = a_host("H3", a_machine("c"), migrations=jobs)
        return observed(a_host("H1", a_machine("a"), a_machine("b")), a_host("H2", available_memory_mib=8192), others)

    hosts = tuple(replace(host, reserve_memory_mib=1024) for host in asked(fleet()).hosts)
    steps = (a_move("a", "H1", "H2"), a_move("b", "H1", "H2"))

    assert reasons(decided(fleet(), *steps, hosts=hosts)) == {"s-b": "memory"}
    assert reasons(decided(fleet(a_job("c", "H2")), *steps, hosts=hosts)) == {"s-a": "memory", "s-b": "memory"}


def test_starting_a_machine_takes_memory_where_it_is() -> None:
    """A start and an arrival share what is free."""
    off = a_machine("a", state="Off")
    fleet = observed(a_host("H1", off, available_memory_mib=5000), a_host("H2", a_machine("b")))
    steps = (a_move("a", "H1", None, Action.START_VIRTUAL_MACHINE, estimated_seconds=99), a_move("b", "H2", "H1"))

    assert reasons(decided(fleet, *steps)) == {"s-b": "memory"}


def test_unknown_memory_is_unverified_and_policy_decides() -> None:
    """By default only space may start unverified."""
    fleet = observed(a_host("H1", a_machine("a")), a_host("H2", available_memory_mib=None))
    bold = wanted.Policy(unverified=wanted.Unverified(other="allow"))

    assert reasons(decided(fleet, MOVE)) == {"s-a": "unverified"}
    assert started(decided(fleet, MOVE, policy=bold)) == ["s-a"]


def test_a_check_named_on_the_step_as_not_made_is_judged_by_policy() -> None:
    """``space`` by its own rule, anything else by the other."""
    strict = wanted.Policy(unverified=wanted.Unverified(space="block"))

    assert reasons(decided(PAIR, a_move("a", "H1", "H2", unverified=("switches",)))) == {"s-a": "unverified"}
    assert started(decided(PAIR, a_move("a", "H1", "H2", unverified=("space",)))) == ["s-a"]
    assert reasons(decided(PAIR, a_move("a", "H1", "H2", unverified=("space",)), policy=strict)) == {"s-a": "unverified"}


def test_copies_need_space_beside_the_free_share_and_the_copies_already_granted() -> None:
    """Of 25 GiB free, 10 must stay: one copy of 10 GiB starts, the second waits."""
    share = seen.Share(path=SHARE, size_bytes=100 * GIB, free_bytes=25 * GIB)
    fleet = observed(a_host("H1", a_machine("a"), a_machine("b")), shares=(share,))
    location = wanted.StorageLocation(name="shared", source=SOURCE, path=SHARE, reserve_free_percent=10)
    steps = (a_copy("a", "H1"), a_copy("b", "H1"))

    assert reasons(decided(fleet, *steps, storage_locations=(location,))) == {"s-b": "space"}
    assert started(decided(fleet, *steps)) == ["s-a", "s-b"]


def test_unknown_space_may_start_unless_policy_blocks_it() -> None:
    """The free space of a share is often unknown."""
    fleet = observed(a_host("H1", a_machine("a")), shares=(seen.Share(path=SHARE),))
    strict = wanted.Policy(unverified=wanted.Unverified(space="block"))

    assert started(decided(fleet, a_copy("a", "H1"))) == ["s-a"]
    assert reasons(decided(fleet, a_copy("a", "H1"), policy=strict)) == {"s-a": "unverified"}


def test_required_anti_affinity_counts_a_mover_on_both_hosts() -> None:
    """A mate that is still leaving, or about to arrive, keeps the other off."""
    rule = wanted.PlacementRule("apart", SOURCE, RuleType.ANTI_AFFINITY, ("a", "b"))
    leaving = observed(a_host("H1", a_machine("a")), a_host("H2", a_machine("b"), migrations=(a_job("b", "H3"),)), a_host("H3"))
    both = observed(a_host("H1", a_machine("a")), a_host("H2", a_machine("b")), a_host("H3"))
    decision = decided(both, a_move("a", "H1", "H3"), a_move("b", "H2", "H3"), placement_rules=(rule,))

    assert reasons(decided(leaving, MOVE, placement_rules=(rule,))) == {"s-a": "rule"}
    assert (started(decision), reasons(decision)) == (["s-a"], {"s-b": "rule"})


def test_a_rule_by_label_refuses_hosts_without_it_and_racks_where_an_unseen_member_may_be() -> None:
    """Moving within one rack is no change to the rack."""
    rule = wanted.PlacementRule("racks", SOURCE, RuleType.ANTI_AFFINITY, ("a", "b"), topology="rack")

    def code(*racks: str | None, third: HostStatus = HostStatus.OK) -> str | None:
        fleet = observed(*PAIR.hosts, a_host("H3", status=third))
        labels = [{"rack": rack} if rack else {} for rack in racks]
        hosts = tuple(replace(host, labels=label) for host, label in zip(asked(fleet).hosts, labels, strict=True))
        return reasons(decided(fleet, MOVE, hosts=hosts, placement_rules=(rule,))).get("s-a")

    assert code("r1", "r2", "r3") is None
    assert code("r1", None, "r3") == "rule"
    assert code("r1", "r2", "r2", third=HostStatus.UNREACHABLE) == "rule"
    assert code("r1", "r1", "r1", third=HostStatus.UNREACHABLE) is None

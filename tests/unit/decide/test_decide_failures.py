"""Failures beyond one machine: hosts left alone, starts stopped, and what comes first when much could start."""

import pytest

from reconciler.decide import after_failure, after_success, decide, hosts_at
from reconciler.model import desired as wanted
from reconciler.model.host_failures import Cause, Diagnosis
from reconciler.model.memory import Memory
from reconciler.model.plan import MachineStep
from reconciler.model.words import Action
from tests.unit.decide.fleet import NOW, a_host, a_machine, a_move, a_plan, asked, decided, observed, reasons, seconds, started

FLEET = observed(a_host("H1", *(a_machine(name) for name in "abcde")), a_host("H2"), a_host("H3"))
PATIENT = wanted.Policy(failures=wanted.FailureLimits(budget=3, within_minutes=10, per_host=3, quarantine_minutes=5))


def failing(*steps: MachineStep, ago: float = 60) -> Memory:
    """A memory of one failure of each step, long enough ago that no machine is backing off."""
    memory = Memory()
    for step in steps:
        memory = after_failure(memory, step.virtual_machine.id, NOW - seconds(ago), "no answer", hosts=hosts_at(step))
    return memory


def test_a_host_at_which_several_machines_failed_is_left_alone_and_others_are_not() -> None:
    """Three failures of three machines on the way to H2: nothing goes there, and the way to H3 is open."""
    memory = failing(*(a_move(name, "H4", "H2") for name in "abc"))
    decision = decided(FLEET, a_move("d", "H1", "H2"), a_move("e", "H1", "H3"), memory=memory)

    assert started(decision) == ["s-e"]
    (waiting,) = decision.waiting
    assert (waiting.code, waiting.until) == ("host-quarantined", NOW + seconds(29 * 60))
    assert waiting.finding == "3 failures of 3 machines at H2, none done there since; last: no answer"


@pytest.mark.parametrize(
    ("story", "memory"),
    [
        ("one machine says more about itself than about the host", failing(*[a_move("a", "H4", "H2")] * 3, ago=600)),
        (
            "something was done there since",
            after_success(failing(*(a_move(n, "H4", "H2") for n in "abc")), "x", frozenset({"h2"})),
        ),
        ("the time is over", failing(*(a_move(name, "H4", "H2") for name in "abc"), ago=1801)),
        ("two are too few", failing(*(a_move(name, "H4", "H2") for name in "ab"))),
        ("a full host is not a sick one", Memory()),
    ],
)
def test_a_host_is_trusted_where_nothing_speaks_against_it(story: str, memory: Memory) -> None:
    """Neither one bad machine, nor what was mended or is long ago, keeps others away."""
    if not memory.attempts:
        for name in "abc":
            step = a_move(name, "H4", "H2")
            limit = Diagnosis(Cause.LIMIT, "wait")
            memory = after_failure(
                memory, step.virtual_machine.id, NOW - seconds(60), "full", diagnosis=limit, hosts=hosts_at(step)
            )

    assert started(decided(FLEET, a_move("d", "H1", "H2"), memory=memory)) == ["s-d"], story


def test_too_many_failures_in_the_fleet_stop_all_starts_but_not_the_return_of_a_role() -> None:
    """Three in ten minutes are the budget; it is whole again when the first of them is ten minutes old."""
    memory = Memory()
    for number, (name, ago) in enumerate({"a": 300, "b": 200, "c": 60}.items(), 5):
        step = a_move(name, f"H{number}", None)
        memory = after_failure(memory, step.virtual_machine.id, NOW - seconds(ago), "no answer", hosts=hosts_at(step))
    restore = a_move("e", "H1", None, Action.ADD_CLUSTER_ROLE)
    fleet = observed(a_host("H1", *(a_machine(name, highly_available=False) for name in "de"), cluster="C1"), a_host("H3"))
    decision = decided(fleet, a_move("d", "H1", "H3"), restore, memory=memory, policy=PATIENT)

    assert started(decision) == ["s-e"]
    assert [(one.code, one.until) for one in decision.waiting] == [("failure-budget", NOW + seconds(300))]


def test_a_person_may_pass_a_quarantine_and_a_spent_budget_by_their_names_and_nothing_else() -> None:
    """What is named is passed; limits never are."""
    memory = failing(*(a_move(name, "H4", "H2") for name in "abc"))
    step, desired = a_move("d", "H1", "H2"), asked(FLEET, policy=PATIENT)

    def starts(*override: str) -> list[str]:
        return started(decide(a_plan(step), desired, FLEET, memory, NOW, override=frozenset(override)))

    assert starts() == starts("failure-budget") == starts("host-quarantined") == []
    assert starts("failure-budget", "host-quarantined") == ["s-d"]
    full = observed(a_host("H1", a_machine("d")), a_host("H2", migration={"active_virtual_machine_migrations": 2}))
    assert started(decide(a_plan(step), asked(full), full, Memory(), NOW, override=frozenset({"live-slots"}))) == []


def test_what_only_a_person_can_mend_is_left_alone_for_half_an_hour_and_says_what_to_mend() -> None:
    """The first refusal for want of delegation waits as long as the eighth of another kind."""
    delegation = Diagnosis(Cause.DELEGATION, "set up delegation")
    memory = after_failure(Memory(), "id-a", NOW, "no credentials", diagnosis=delegation)
    (waiting,) = decided(FLEET, a_move("a", "H1", "H2"), memory=memory).waiting

    assert (waiting.code, waiting.until) == ("blocked-by-host", NOW + seconds(1800))
    assert waiting.finding.endswith("no credentials — delegation missing: set up delegation")


def test_among_equals_the_step_with_the_longest_chain_behind_it_goes_first() -> None:
    """b is short, but c and d wait for it, one after the other; a is longer than b and nobody waits for it."""
    one_slot = observed(
        a_host("H1", *(a_machine(name) for name in "abcd")), a_host("H2", migration={"maximum_virtual_machine_migrations": 1})
    )
    steps = [
        a_move("a", "H1", "H2", estimated_seconds=50),
        a_move("b", "H1", "H2", estimated_seconds=20),
        a_move("c", "H1", "H3", estimated_seconds=20, depends_on=("s-b",)),
        a_move("d", "H1", "H3", estimated_seconds=20, depends_on=("s-c",)),
    ]

    assert started(decided(one_slot, *steps)) == ["s-b"]
    assert reasons(decided(one_slot, *steps))["s-a"] == "live-slots"

"""Back-off after failures, what memory keeps, and the guard rail against a shrunken desired state."""

import pytest

from reconciler.decide import after_failure, after_success, shrunken
from reconciler.model import desired as wanted
from reconciler.model.host_failures import Cause, Diagnosis
from reconciler.model.memory import Memory
from tests.unit.decide.fleet import NOW, a_managed, seconds

LIMIT = Diagnosis(Cause.LIMIT, "wait")


def test_waits_double_from_thirty_seconds_to_half_an_hour() -> None:
    """Each failure in a row doubles the wait; the thousandth waits no longer than the eighth."""
    memory, waits = Memory(), []
    for _ in range(1000):
        memory = after_failure(memory, "id-a", NOW, "refused")
        waits.append((memory.attempts["id-a"].next_try_at - NOW).total_seconds())

    assert waits[:8] == [30, 60, 120, 240, 480, 960, 1800, 1800]
    assert waits[-1] == 1800


def test_a_full_host_is_asked_again_after_thirty_seconds_and_nothing_is_held_against_the_machine() -> None:
    """A limit refusal neither doubles nor counts."""
    once = after_failure(Memory(), "id-a", NOW, "limit", diagnosis=LIMIT)
    again = after_failure(after_failure(once, "id-a", NOW, "limit", diagnosis=LIMIT), "id-a", NOW, "refused")

    assert once.attempts["id-a"].next_try_at == NOW + seconds(30)
    assert again.attempts["id-a"].next_try_at == NOW + seconds(30)
    assert again.attempts["id-a"].failures == 1


def test_success_forgives_one_machine_only() -> None:
    """The failures of others stay."""
    memory = after_failure(after_failure(Memory(), "id-a", NOW, "x"), "id-b", NOW, "x")

    assert list(after_success(memory, "id-a").attempts) == ["id-b"]


def test_memory_keeps_the_latest_change_of_a_host_and_the_earliest_loss_of_protection() -> None:
    """Whatever order news arrives in; host names compare without case."""
    memory = Memory().with_change("Host1", NOW).with_change("HOST1", NOW - seconds(5))
    memory = memory.with_unprotected("id-a", NOW).with_unprotected("id-a", NOW + seconds(5))

    assert memory.last_change("host1") == NOW
    assert memory.unprotected_since == {"id-a": NOW}


@pytest.mark.parametrize(
    ("before", "now", "stopped"),
    [(10, 7, False), (10, 6, True), (9, 1, False), (9, 0, True), (1, 0, True), (0, 0, False), (10, 12, False)],
)
def test_a_desired_state_that_lost_too_many_machines_is_stopped(before: int, now: int, stopped: bool) -> None:
    """More than 30 % of ten or more, or all of any number."""
    policy = wanted.Policy(guardrails=wanted.Guardrails(maximum_share_of_virtual_machines=0.3))
    machines = tuple(a_managed(f"VM{number}") for number in range(now))
    desired = wanted.Desired(digest="d", virtual_machines=machines, policy=policy)
    problem = shrunken(frozenset(f"vm{number}" for number in range(before)), desired)

    assert (problem is not None and problem.code == "guardrail-shrunken") is stopped


def test_without_a_share_only_an_empty_desired_state_is_stopped() -> None:
    """Replacing all names by others counts as losing them only where a share is set."""
    names = frozenset(f"vm{number}" for number in range(20))

    assert shrunken(names, wanted.Desired(digest="d", virtual_machines=(a_managed("vm0"),))) is None
    assert shrunken(names, wanted.Desired(digest="d")) is not None

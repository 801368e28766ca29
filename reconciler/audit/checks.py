"""The list of all checks, and ``audit``, which asks them one after the other."""

from collections.abc import Callable, Iterator

from reconciler.audit import complete, destination, files, moves, replay, room, rules, schedule, settings, structure, summary
from reconciler.audit.case import Case
from reconciler.model.desired import Desired
from reconciler.model.observation import Observation
from reconciler.model.plan import Plan
from reconciler.model.problem import Problem

CHECKS: tuple[Callable[[Case], Iterator[Problem]], ...] = (
    summary.check,
    settings.check,
    moves.check,
    destination.check,
    files.check,
    room.check,
    rules.check,
    replay.check,
    schedule.check,
    complete.check,
)


def audit(plan: Plan, desired: Desired, observation: Observation) -> tuple[Problem, ...]:
    """Return what is wrong with the plan, sorted by subject and code; nothing where it is sound.

    Codes begin with ``audit-``. Where ids or dependencies are broken, only that is told: the rest needs an order.
    """
    case = Case(plan, desired, observation)
    found = list(structure.check(case))
    if not found:
        found = [problem for check in CHECKS for problem in check(case)]
    return tuple(sorted(set(found), key=lambda problem: (problem.subject, problem.code, problem.finding)))

"""``decide``: which steps start now. Steps are considered one by one in order of urgency, and each grant counts for the next.

There are no waves: whatever fits starts, the rest hears why not. Count limits are asked last, after everything that is about
the step itself.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from reconciler.decide.decision import Decision, Reason, Waiting
from reconciler.decide.facts import Facts, Flight, flight_of
from reconciler.decide.gates import MACHINE_GATES, SETTINGS_GATES, hosts_of
from reconciler.decide.limits import fleet_full, location_full, slots_full, unprotected_full
from reconciler.decide.room import memory_short, space_short
from reconciler.decide.rules import rule_broken
from reconciler.decide.traffic import Traffic
from reconciler.model.desired import Desired
from reconciler.model.memory import Memory
from reconciler.model.observation import Observation
from reconciler.model.plan import MachineStep, Plan, SettingsStep, Step
from reconciler.model.words import Action

Limit = Callable[[Flight, Traffic], Reason | None]
LIMITS: tuple[Limit, ...] = (slots_full, fleet_full, location_full, unprotected_full)
# What a person may pass over by its name. Limits, freshness and room are never among it.
OPEN_BY_ORDER = frozenset({"window-closed", "host-quarantined", "failure-budget"})
ROOM: tuple[Callable[[MachineStep, Traffic], Reason | None], ...] = (memory_short, space_short, rule_broken)


def decide(
    plan: Plan,
    desired: Desired,
    observation: Observation,
    memory: Memory,
    now: datetime,
    *,
    stopping: bool = False,
    override: frozenset[str] = frozenset(),
    kept_back: Callable[[Step], Reason | None] = lambda _step: None,
) -> Decision:
    """Return what may start at ``now``, and for every other step the reason why not yet.

    ``plan`` must be made from this very observation, so that a dependency that still stands in it is not done.
    ``stopping`` lets nothing start. ``override`` names codes that somebody chose to pass over: problems of the plan whose
    code begins with "guardrail-", and the reasons in ``OPEN_BY_ORDER``. ``kept_back`` says why the caller would not start a
    step that may start; such a step takes no slot, room or place from the others.
    """
    facts = Facts(desired, observation, memory, now)
    traffic = Traffic(facts)
    general = _nothing_starts(plan, stopping, override)
    pending = frozenset(step.id for step in plan.steps)
    starts: list[Step] = []
    waiting: list[Waiting] = []
    remaining = remaining_seconds(plan.steps)
    for step in sorted(plan.steps, key=lambda step: _urgency(step, remaining[step.id], facts)):
        reason = general or next(_reasons(step, traffic, pending, override), None) or kept_back(step)
        if reason is None:
            starts.append(step)
            traffic.grant(step, tuple(name.casefold() for name in hosts_of(step, facts)))
        else:
            waiting.append(Waiting(step.id, step.subject, reason.code, reason.finding, reason.until))
    return Decision(tuple(starts), tuple(waiting))


def _nothing_starts(plan: Plan, stopping: bool, override: frozenset[str]) -> Reason | None:
    if stopping:
        return Reason("stopping", "asked to stop: nothing new starts")
    errors = [problem for problem in plan.problems if problem.severity == "error"]
    standing = [problem for problem in errors if not _is_overridden(problem.code, override)]
    if plan.applicable or (errors and not standing):
        return None
    why = f": {standing[0].finding}" if standing else ""
    return Reason("not-applicable", f"the plan may not be applied{why}")


def _is_overridden(code: str, override: frozenset[str]) -> bool:
    # An error is never passed over, whatever somebody typed; a guard rail is, when it is named.
    return code.startswith("guardrail-") and code in override


def remaining_seconds(steps: Sequence[Step]) -> dict[str, float]:
    """Return how long it takes from each step's start to the end of the longest chain of steps that wait for it.

    A step stands after all that it depends on; the audit has seen to that.
    """
    after: dict[str, float] = {}
    chain: dict[str, float] = {}
    for step in reversed(steps):
        chain[step.id] = step.estimated_seconds + after.get(step.id, 0.0)
        for needed in step.depends_on:
            after[needed] = max(after.get(needed, 0.0), chain[step.id])
    return chain


def _urgency(step: Step, remaining: float, facts: Facts) -> tuple[int, int, int, float, int, str]:
    """Settings first (others need them), then priority, protection, the longest chain behind it; the id settles the rest."""
    tail = (-remaining, len(step.id), step.id)
    if isinstance(step, SettingsStep):
        return (0, 0, 0, *tail)
    wanted = facts.managed.get(step.virtual_machine.id.casefold())
    priority = wanted.migration.priority if wanted else 0
    return (1, -priority, _protection(step), *tail)


def _protection(step: MachineStep) -> int:
    # Giving protection back comes before taking it away, and a crossing, which keeps others waiting, before the rest.
    if step.action is Action.ADD_CLUSTER_ROLE:
        return 0
    return 1 if step.is_crossing else 2


def _reasons(step: Step, traffic: Traffic, pending: frozenset[str], override: frozenset[str]) -> Iterator[Reason]:
    first = next((needed for needed in step.depends_on if needed in pending), None)
    if first is not None:
        why = step.dependency_reasons.get(first)
        yield Reason("depends-on", f"waits for {first}" + (f": {why}" if why else ""))
    if isinstance(step, SettingsStep):
        yield from filter(None, (gate(step, traffic) for gate in SETTINGS_GATES))
    else:
        found = (gate(step, traffic) for gate in MACHINE_GATES)
        yield from (reason for reason in found if reason and not _is_open_by_order(reason, override))
        yield from _counts(step, traffic)


def _is_open_by_order(reason: Reason, override: frozenset[str]) -> bool:
    return reason.code in OPEN_BY_ORDER and reason.code in override


def _counts(step: MachineStep, traffic: Traffic) -> Iterator[Reason]:
    flight = flight_of(step)
    if flight is not None:
        yield from filter(None, (limit(flight, traffic) for limit in LIMITS))
    yield from filter(None, (check(step, traffic) for check in ROOM))

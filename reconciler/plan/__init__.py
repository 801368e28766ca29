"""Make the plan: the fewest safe steps from what was observed to what is desired. Pure: same inputs, same bytes.

``make_plan`` is the way in; each stage is a module that knows only the values in ``moves``: ``targets``, ``drives``, ``exact``,
``assign`` (where to), ``routes`` (how: ``checks``, ``reach``, ``storage``, ``kinds``), ``outcome`` (``clashes``, then ``order``
and ``bypass``: a safe sequence; of one group: ``group``, ``sequence``, ``explore``, ``hops``), ``announced`` and ``hold`` (what
was announced is kept to), ``splits``, ``steps``, ``schedule``, ``summary``, ``guard``.
"""

from collections.abc import Mapping, Sequence

from reconciler.model.announced import AnnouncedMove
from reconciler.model.desired import Desired
from reconciler.model.drift import Drift, MachineStatus
from reconciler.model.observation import Observation
from reconciler.model.plan import DesiredRef, MachineStep, ObservationRef, Plan, PlanProblem, Step
from reconciler.plan.estimate import Assumptions
from reconciler.plan.fleet import Fleet
from reconciler.plan.guard import guard_problems
from reconciler.plan.hold import hold_to_announced
from reconciler.plan.moves import Placed
from reconciler.plan.outcome import Outcome, carry_through
from reconciler.plan.quicker import quicker
from reconciler.plan.rules import Rules
from reconciler.plan.schedule import with_times
from reconciler.plan.solver import Solver
from reconciler.plan.splits import with_splits
from reconciler.plan.steps import make_steps
from reconciler.plan.summary import summarise
from reconciler.plan.targets import NONE_GIVEN, choose_targets

__all__ = ["Assumptions", "make_plan"]


def make_plan(
    desired: Desired,
    observation: Observation,
    drift: Drift,
    assumptions: Assumptions | None = None,
    solver: Solver | None = None,
    announced: Sequence[AnnouncedMove] = (),
) -> Plan:
    """Return the whole plan; machines it cannot help are in ``blocked``, never a reason to stop.

    ``drift`` is what ``find_drift`` said of the same two values; ``assumptions`` are bandwidths and fixed costs for estimates,
    the policy's where not given;
    ``solver`` looks further than the planner's own search where that leaves something open. ``announced``: the migrations of a
    plan made before; its hosts and detours are kept to as long as no plan is known to be better.
    """
    assumed = assumptions or Assumptions.of(desired.policy)
    fleet = Fleet(desired, observation, drift, announced)
    rules = Rules(fleet)
    found = _found(fleet, rules, assumed, solver, announced)
    sequence = quicker(fleet, rules, found.sequence, lambda tried: _told_times(fleet, tried, assumed))
    sequence = with_splits(fleet, sequence, lambda tried: _seconds(_timed(fleet, tried, assumed)[0]))
    steps, least = _timed(fleet, sequence, assumed)
    summary = summarise(drift, steps, found.needed, found.blocked, least)
    guards = guard_problems(desired, drift, steps, summary)
    return Plan(
        desired=DesiredRef(revision=desired.revision, digest=desired.digest),
        observation=ObservationRef(digest=observation.digest, observed_at=observation.observed_at),
        complete=_is_complete(fleet),
        applicable=not guards,
        summary=summary,
        steps=tuple(steps),
        blocked=tuple(found.blocked),
        drift=drift.entries,
        problems=(*guards, *map(PlanProblem.of, drift.problems)),
        assumptions=assumed.stated(),
    )


def _found(
    fleet: Fleet, rules: Rules, assumed: Assumptions, solver: Solver | None, announced: Sequence[AnnouncedMove]
) -> Outcome:
    """Return what is to be done; machines go where they were announced to go, as far as that costs nothing."""

    def carried(solver: Solver | None, given: Mapping[str, str] = NONE_GIVEN, without: frozenset[str] = frozenset()) -> Outcome:
        choice = choose_targets(fleet, rules, assumed, solver, announced, given, without)
        return carry_through(fleet, rules, choice, announced, solver)

    first = best = carried(solver)
    without = frozenset[str]()
    if first.in_vain and first.is_short:  # what was kept for them may do for the others
        again = carried(solver, without=first.in_vain).beside(first)
        if again.leaves_out_fewer(first):
            best, without = again, first.in_vain

    def holding(hosts: Mapping[str, str]) -> Outcome:
        found = carried(None, {name: host for name, host in hosts.items() if name not in without}, without)
        return found.beside(first) if without else found

    return hold_to_announced(fleet, rules, best, announced, holding)


def _timed(fleet: Fleet, sequence: list[Placed], assumed: Assumptions) -> tuple[list[Step], float]:
    return with_times(fleet, make_steps(fleet, sequence, assumed), assumed)


def _seconds(steps: list[Step]) -> float:
    return max((step.estimated_start_seconds + step.estimated_seconds for step in steps), default=0.0)


def _told_times(fleet: Fleet, sequence: list[Placed], assumed: Assumptions) -> tuple[dict[str, float], float, float]:
    """When each machine starts, when all have ended, and when no plan could have."""
    steps, least = with_times(fleet, make_steps(fleet, sequence, assumed), assumed, roughly=True)
    starts = {one.virtual_machine.id.casefold(): one.estimated_start_seconds for one in steps if isinstance(one, MachineStep)}
    return starts, _seconds(steps), least


def _is_complete(fleet: Fleet) -> bool:
    seen = all(fleet.host(host.name) is not None for host in fleet.desired.hosts)
    return seen and all(drift.status is not MachineStatus.UNKNOWN for drift in fleet.drift.unsettled)

"""Make the plan: the fewest safe steps from what was observed to what is desired. Pure: same inputs, same bytes.

``make_plan`` is the way in; each stage is a module that knows only the values in ``moves``: ``targets``, ``exact``, ``assign``
(where to), ``routes`` (how: ``checks``, ``reach``, ``storage``, ``kinds``), ``clashes``, ``order`` and ``bypass`` (a safe
sequence; of one group: ``group``, ``sequence``, ``explore``, ``hops``; what was ``announced`` is kept to), ``splits``,
``steps``, ``schedule``, ``summary``, ``guard``.
"""

from collections.abc import Sequence

from reconciler.model.announced import AnnouncedMove
from reconciler.model.desired import Desired
from reconciler.model.drift import Drift, MachineStatus
from reconciler.model.observation import Observation
from reconciler.model.plan import Blocked, DesiredRef, MachineStep, ObservationRef, Plan, PlanProblem, Step
from reconciler.plan.announced import keep_announced, told_as_stops
from reconciler.plan.bypass import left_over, order_moves
from reconciler.plan.clashes import without_clashes
from reconciler.plan.estimate import Assumptions
from reconciler.plan.exact import MAKES_ROOM
from reconciler.plan.fleet import Fleet
from reconciler.plan.guard import guard_problems
from reconciler.plan.moves import Move, Placed
from reconciler.plan.order import State
from reconciler.plan.quicker import quicker
from reconciler.plan.roles import roles_refused
from reconciler.plan.rules import Rules
from reconciler.plan.schedule import with_times
from reconciler.plan.solver import Solver
from reconciler.plan.splits import with_splits
from reconciler.plan.steps import make_steps
from reconciler.plan.summary import needed_by, summarise
from reconciler.plan.targets import choose_targets, is_wish

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
    plan made before; where machines need detours, what is left of it is kept to as long as no plan is known to be better.
    """
    assumed = assumptions or Assumptions.of(desired.policy)
    fleet = Fleet(desired, observation, drift)
    rules = Rules(fleet)
    sequence, needed, blocked = _safe_sequence(fleet, rules, assumed, solver, announced)
    sequence = quicker(fleet, rules, sequence, lambda tried: _told_times(fleet, tried, assumed))
    sequence = with_splits(fleet, sequence, lambda tried: _seconds(_timed(fleet, tried, assumed)[0]))
    steps, least = _timed(fleet, sequence, assumed)
    summary = summarise(drift, steps, needed, blocked, least)
    guards = guard_problems(desired, drift, steps, summary)
    return Plan(
        desired=DesiredRef(revision=desired.revision, digest=desired.digest),
        observation=ObservationRef(digest=observation.digest, observed_at=observation.observed_at),
        complete=_is_complete(fleet),
        applicable=not guards,
        summary=summary,
        steps=tuple(steps),
        blocked=tuple(blocked),
        drift=drift.entries,
        problems=(*guards, *map(PlanProblem.of, drift.problems)),
        assumptions=assumed.stated(),
    )


def _timed(fleet: Fleet, sequence: list[Placed], assumed: Assumptions) -> tuple[list[Step], float]:
    return with_times(fleet, make_steps(fleet, sequence, assumed), assumed)


def _seconds(steps: list[Step]) -> float:
    return max((step.estimated_start_seconds + step.estimated_seconds for step in steps), default=0.0)


def _told_times(fleet: Fleet, sequence: list[Placed], assumed: Assumptions) -> tuple[dict[str, float], float, float]:
    """When each machine starts, when all have ended, and when no plan could have."""
    steps, least = with_times(fleet, make_steps(fleet, sequence, assumed), assumed, roughly=True)
    starts = {one.virtual_machine.id.casefold(): one.estimated_start_seconds for one in steps if isinstance(one, MachineStep)}
    return starts, _seconds(steps), least


def _safe_sequence(
    fleet: Fleet, rules: Rules, assumed: Assumptions, solver: Solver | None, announced: Sequence[AnnouncedMove]
) -> tuple[list[Placed], int, list[Blocked]]:
    """Return the moves in a safe order, how many migrations any plan needs for that, and the machines left out."""
    choice = choose_targets(fleet, rules, assumed, solver, announced)
    moves, clashing = without_clashes(fleet, choice.moves)
    ordered = keep_announced(fleet, rules, moves, order_moves(fleet, rules, moves, solver), announced)
    while needless := _makes_room_for_nobody(ordered.state, ordered.left) & {move.id for move in moves}:
        moves = [move for move in moves if move.id not in needless]
        ordered = keep_announced(fleet, rules, moves, order_moves(fleet, rules, moves, solver), announced)
    state = _without_idle(fleet, rules, ordered.state)
    blocked = choice.told([*told_as_stops(fleet, choice.blocked, announced), *clashing, *left_over(ordered)])
    left = {move.id for move in ordered.left}
    spared = left | (set() if choice.proven else {move.id for move in moves if choice.asks_to_make_way(move)})
    made = [move for move in moves if move.id not in spared and not is_wish(move)]
    blocked += roles_refused(fleet, [placed.move for placed in state.placed], [one.id for one in blocked])
    blocked += rules.unmended(state.placed, blocked)
    needed = sum(map(needed_by, made)) + ordered.extra_bound
    return state.placed, needed, sorted(blocked, key=lambda one: (one.subject.casefold(), one.id or ""))


def _without_idle(fleet: Fleet, rules: Rules, state: State) -> State:
    """Return the same sequence without machines that a detour sent away for good and nobody waits for; one by one."""
    while idle := _makes_room_for_nobody(state, []):
        rest = State(fleet, rules)
        rest.count_on_leavers()
        for placed in state.placed:
            if placed.move.id not in idle:
                if rest.obstacle(placed.move) is not None:
                    return state
                rest.place(placed.move)
        state = rest
    return state


def _makes_room_for_nobody(state: State, stuck: list[Move]) -> set[str]:
    """Return machines in place that go, or would go, although nobody comes to take their room; and wishes that are stuck."""
    awaited = {(earlier, placed.move.target) for placed in state.placed for earlier in placed.waits_for}
    moves = [(index, placed.move) for index, placed in enumerate(state.placed) if placed.move.reason == MAKES_ROOM]
    # It may step aside by a hop first: then that is the departure that somebody waits for.
    useful = {placed.move.id for index, placed in enumerate(state.placed) if (index, placed.move.source) in awaited}
    idle = {move.id for index, move in moves if not move.bypass and (index, move.source) not in awaited} - useful
    return idle | {move.id for move in stuck if move.reason == MAKES_ROOM or is_wish(move)}


def _is_complete(fleet: Fleet) -> bool:
    seen = all(fleet.host(host.name) is not None for host in fleet.desired.hosts)
    return seen and all(drift.status is not MachineStatus.UNKNOWN for drift in fleet.drift.unsettled)

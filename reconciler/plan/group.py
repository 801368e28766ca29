"""One group of moves placed after what is placed already: by quick tries, by the planner's own search, by a solver.

Each is asked only where the one before left something open. Says what is proven: how many extra migrations the group takes at
the least, and whether what is left over can be placed at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from reconciler.model.words import Action
from reconciler.plan.explore import Search, explore
from reconciler.plan.fleet import Fleet
from reconciler.plan.hops import Hop, Ways, is_flexible, may_be_parked
from reconciler.plan.moves import Move
from reconciler.plan.openings import is_up_to_others
from reconciler.plan.order import State, by_priority, memory_key, run
from reconciler.plan.sequence import Job, Leg, OrderPuzzle, Stop, best_fit
from reconciler.plan.solver import Solver

MOST_EXTRA = 6  # extra migrations that one group may cost
BUDGET = 2000  # moves weighed for one group: each state costs as many as are left in it
FIRST_BUDGET = 1500  # moves weighed before quick tries with detours, and a solver
MOST_TRIED = 3  # detours of quick tries
LARGEST = 60  # moves of a group that is searched exactly


@dataclass(frozen=True, slots=True)
class Outcome:
    """The state with the group placed, the moves left over, and what is proven of both.

    ``bound``: no order takes fewer extra migrations, where nothing is left. ``proven``: what is left can be placed in no order,
    whatever detours are made. ``narrow``: other groups might have helped.
    """

    state: State
    left: list[Move]
    bound: int
    proven: bool
    narrow: bool


def place_group(
    fleet: Fleet, state: State, group: list[Move], elsewhere: dict[str, int], solver: Solver | None = None
) -> Outcome:
    """Return the state with as much of the group placed as was found, ``elsewhere`` being the room of others' hosts."""
    ways = Ways(fleet, state.rules, sum(move.machine.memory_mib or 0 for move in group), elsewhere)
    task = _Task(ways, state, group, [ways.detours(move) for move in group])
    if (placed := task.tried(0)) is not None:
        return Outcome(placed, [], 0, True, False)
    found = _searched(task, FIRST_BUDGET)
    # Neither tries nor a solver know of machines in place that step aside.
    if not task.is_settled(found) and not is_up_to_others(ways, state, group):
        found = _with_tries(task, found)
        if solver is not None and not task.is_settled(found):
            found = _asked(task, found, solver)
    if found.left and not task.is_settled(found) and found.bound <= MOST_EXTRA:
        found = min(found, _searched(task, BUDGET, found.bound), key=task.worth)
    return found


@dataclass
class _Task:
    """A group, the state that it begins in, and the detours that each of its moves could make at one extra migration."""

    ways: Ways
    state: State
    group: list[Move]
    detours: list[list[Hop]]

    @cached_property
    def puzzle(self) -> OrderPuzzle:
        return _puzzle(self.state, list(zip(self.group, self.detours, strict=True)))

    def tried(self, detours: int) -> State | None:
        """Return the state after an order that quick tries came upon."""
        return self.replayed(best_fit(self.puzzle, detours))

    def worth(self, found: Outcome) -> tuple[int, int]:
        """Rank: moves left over, then extra migrations."""
        made = sum(placed.move.route.migrations for placed in found.state.placed[len(self.state.placed) :])
        return len(found.left), made - sum(move.route.migrations for move in self.group)

    def is_settled(self, found: Outcome) -> bool:
        """Whether nothing is left open: all placed with the fewest there can be, or proven to be impossible."""
        return found.proven if found.left else self.worth(found)[1] <= found.bound

    def replayed(self, order: tuple[Stop, ...] | None) -> State | None:
        """Place the moves of an order one by one; None where there is no order, or one does not fit after all."""
        if order is None:
            return None
        branch = self.state.copy()
        for stop in order:
            move = self.group[stop.job]
            if stop.detour is not None:
                hop = self.detours[stop.job][stop.detour]
                move = hop.then if stop.second and hop.then else hop.first
            if branch.obstacle(move) is not None:
                return None
            branch.place(move)
        return branch


def _with_tries(task: _Task, found: Outcome) -> Outcome:
    """The best of what was found and of quick tries with ever more detours."""
    for detours in range(max(1, found.bound), MOST_TRIED + 1):
        if not found.left and task.worth(found)[1] <= detours:
            break
        if (placed := task.tried(detours)) is not None:
            return replace(found, state=placed, left=[], proven=True)
    return found


def _asked(task: _Task, found: Outcome, solver: Solver) -> Outcome:
    """What a solver adds: proofs that so many detours do not suffice, and the order for the first number that does."""
    provable = _provable(task)
    most = MOST_EXTRA if found.left else task.worth(found)[1] - 1
    found = replace(found, narrow=found.narrow or _others_make_room(task))
    for detours in range(found.bound, most + 1):
        answer = solver.order(task.puzzle, detours)
        if (placed := task.replayed(answer.order)) is not None:
            return replace(found, state=placed, left=[], proven=True)
        if not answer.impossible:
            break
        found = replace(found, bound=max(found.bound, min(detours + 1, provable)))
    return found


def _searched(task: _Task, budget: int, proven_levels: int = 0) -> Outcome:
    """The planner's own search, one extra migration more allowed at a time; ``proven_levels`` are known not to do."""
    ways, state, group = task.ways, task.state, task.group
    proven, levels, capped = len(group) <= LARGEST, proven_levels, False
    start = state.copy()
    best = start, run(start, group, by_priority)
    for extra in range(proven_levels, MOST_EXTRA + 1):
        search = Search(ways, len(state.placed), budget, best)
        if len(group) <= LARGEST or extra:
            found = explore(search, state.copy(), tuple(group), extra)
            best = (found, []) if found else search.best
            capped = search.capped
        budget = search.budget
        if not best[1] or budget <= 0:
            proven = proven and (not best[1] or search.complete)
            break
        proven = proven and search.complete
        levels = extra + 1 if proven else levels
    # Without a single detour to try, the orders were all there is; else a longer way might exist.
    return Outcome(best[0], best[1], levels, proven and not ways.offered and not capped, ways.narrow)


def _provable(task: _Task) -> int:
    """How many extra migrations a solver's bound can stand for: one detour for each mover is all that it knows of.

    A machine that could go elsewhere, or be moved in two, might get by without; what else there is costs two: a settled machine
    that steps aside, a second stop. One that steps aside for good costs one, and so does a place that others make free.
    """
    if any(is_flexible(move.drift) or move.route.action is Action.LIVE_MIGRATION_WITH_STORAGE for move in task.group):
        return 0
    flexible = any(may_be_parked(drift) and is_flexible(drift) for drift in task.ways.fleet.drift.machines)
    files = any(move.route.storage for move in task.group)
    return 1 if flexible or files or _others_make_room(task) else 2


def _others_make_room(task: _Task) -> bool:
    """Whether hosts that other groups use have more room at another time."""
    rooms = ((task.state.room_ever(memory_key(host)), most) for host, most in task.ways.elsewhere.items())
    return any(room is not None and most > room for room, most in rooms)


def _puzzle(state: State, moves: Sequence[tuple[Move, list[Hop]]]) -> OrderPuzzle:
    jobs = tuple(
        Job(_leg(state, move), tuple((_leg(state, hop.first), _leg(state, hop.then)) for hop in hops if hop.then))
        for move, hops in moves
    )
    legs = [leg for job in jobs for leg in (job.direct, *(one for pair in job.detours for one in pair))]
    rooms = {key: state.room_under(key) for leg in legs for key in (*leg.takes, *leg.gives)}
    return OrderPuzzle(jobs, {key: room for key, room in sorted(rooms.items()) if room is not None})


def _leg(state: State, move: Move) -> Leg:
    takes, gives = state.rule_places(move)
    return Leg(state.takes(move) | takes, state.gives(move) | gives)

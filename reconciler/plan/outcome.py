"""What comes of a choice of hosts: a safe sequence of moves, how many migrations any plan needs, and who is left out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from reconciler.model.announced import AnnouncedMove
from reconciler.model.drift import MachineDrift
from reconciler.model.plan import Blocked
from reconciler.plan.announced import keep_announced, told_as_stops
from reconciler.plan.bypass import Ordered, left_over, order_moves
from reconciler.plan.clashes import without_clashes
from reconciler.plan.exact import MAKES_ROOM
from reconciler.plan.fleet import Fleet
from reconciler.plan.moves import Move, Placed
from reconciler.plan.order import State
from reconciler.plan.roles import roles_refused
from reconciler.plan.rules import Rules
from reconciler.plan.solver import Solver
from reconciler.plan.summary import needed_by
from reconciler.plan.targets import NO_PLACE, Choice, is_wish


@dataclass(frozen=True, slots=True)
class Outcome:
    """Moves in a safe order, the least number of migrations that any plan needs for them, and machines left out.

    ``in_vain`` (names, case folded): a host was chosen, and no order brings them there; ``is_short``: others found none
    beside them.
    """

    sequence: list[Placed]
    needed: int
    blocked: list[Blocked]
    in_vain: frozenset[str] = frozenset()
    is_short: bool = False

    @property
    def migrations(self) -> int:
        """How many migrations the sequence has."""
        return sum(placed.move.route.migrations for placed in self.sequence)

    def beside(self, fresh: Self) -> Self:
        """Return this outcome, made without those for whom a host was chosen in vain, beside what was said of them.

        Of others that found no place still, nothing is proven: those who stay were not asked to go elsewhere.
        """
        told = [one for one in fresh.blocked if _name(one) in fresh.in_vain]
        unsure = {"proven": False, "conflict": ()}
        own = [one.model_copy(update=unsure) if one.code in NO_PLACE else one for one in self.blocked]
        return replace(self, blocked=_sorted([*own, *told]))

    def leaves_out_fewer(self, other: Self) -> bool:
        """Tell whether only some of those are left out who are left out there."""
        return {one.subject for one in self.blocked} < {one.subject for one in other.blocked}


def carry_through(
    fleet: Fleet, rules: Rules, choice: Choice, announced: Sequence[AnnouncedMove], solver: Solver | None = None
) -> Outcome:
    """Return what comes of a choice; of detours that cost the same, those that were announced."""
    moves, clashing = without_clashes(fleet, choice.moves)
    moves, ordered = _ordered(fleet, rules, moves, announced, solver)
    state = _without_idle(fleet, rules, ordered.state)
    if is_short := choice.lacks(placed.move for placed in state.placed):
        state = _without_needless(fleet, rules, state, choice)
    sequence = state.placed
    blocked = choice.told([*told_as_stops(fleet, choice.blocked, announced), *clashing, *left_over(ordered)])
    blocked = _less_sure(fleet, rules, choice, blocked, [move for move in ordered.left if move.changes_host])
    left = {move.id for move in ordered.left}
    is_proven = choice.proven and not is_short
    spared = left | (set() if is_proven else {move.id for move in moves if choice.asks_to_make_way(move)})
    made = [move for move in moves if move.id not in spared and not is_wish(move)]
    blocked += roles_refused(fleet, [placed.move for placed in sequence], [one.id for one in blocked])
    blocked += rules.unmended(sequence, blocked)
    needed = sum(map(needed_by, made)) + ordered.extra_bound
    in_vain = frozenset(move.drift.machine.name.casefold() for move in ordered.left if move.changes_host)
    return Outcome(sequence, needed, _sorted(blocked), in_vain, bool(choice.failed))


def _sorted(blocked: list[Blocked]) -> list[Blocked]:
    return sorted(blocked, key=lambda one: (one.subject.casefold(), one.id or ""))


def _name(blocked: Blocked) -> str:
    return blocked.subject.partition("/")[2].casefold()


def _less_sure(fleet: Fleet, rules: Rules, choice: Choice, blocked: list[Blocked], left: list[Move]) -> list[Blocked]:
    """Claim no proof of machines that found no place beside others, where one of these others is left out after all."""
    if not left or not choice.failed:
        return blocked
    failed = {drift.subject: drift for drift in fleet.drift.unsettled if drift.subject in choice.failed}

    def gave_way(drift: MachineDrift) -> bool:
        placement = drift.machine.placement
        mates = {name.casefold() for rule in rules.of(drift) for name in rule.virtual_machines}
        others = (move for move in left if move.drift.machine.name != drift.machine.name)
        return any(
            move.drift.machine.name.casefold() in mates or placement is None or placement.allows(move.target) for move in others
        )

    doubtful = {subject for subject, drift in failed.items() if gave_way(drift)}
    unsure = {"proven": False, "conflict": ()}
    return [one.model_copy(update=unsure) if one.subject in doubtful else one for one in blocked]


def _ordered(
    fleet: Fleet, rules: Rules, moves: list[Move], announced: Sequence[AnnouncedMove], solver: Solver | None
) -> tuple[list[Move], Ordered]:
    """Return the moves in a safe order, but for those that would make room for nobody."""
    while True:
        ordered = keep_announced(fleet, rules, moves, order_moves(fleet, rules, moves, solver), announced)
        needless = _makes_room_for_nobody(ordered.state, ordered.left) & {move.id for move in moves}
        if not needless:
            return moves, ordered
        moves = [move for move in moves if move.id not in needless]


def _without_idle(fleet: Fleet, rules: Rules, state: State) -> State:
    """Return the same sequence without machines that a detour sent away for good and nobody waits for; one by one."""
    while idle := _makes_room_for_nobody(state, []):
        rest = _replayed(fleet, rules, state, idle)
        if rest is None:
            return state
        state = rest
    return state


def _without_needless(fleet: Fleet, rules: Rules, state: State, choice: Choice) -> State:
    """Return the same sequence without those who make way, as far as all others can do without; one by one.

    They were chosen for more machines than are in it now. Who goes along with a mate is not left behind.
    """
    for move in [placed.move for placed in state.placed if choice.asks_to_make_way(placed.move)]:
        if move.reason == MAKES_ROOM and len(rules.apart(move.drift)) == len(rules.of(move.drift)):
            state = _replayed(fleet, rules, state, {move.id}) or state
    return state


def _replayed(fleet: Fleet, rules: Rules, state: State, without: set[str]) -> State | None:
    """Return a sequence without some machines (VMIds), or None where another cannot do without them."""
    rest = State(fleet, rules)
    rest.count_on_leavers()
    for placed in state.placed:
        if placed.move.id not in without:
            if rest.obstacle(placed.move) is not None:
                return None
            rest.place(placed.move)
    return rest


def _makes_room_for_nobody(state: State, stuck: list[Move]) -> set[str]:
    """Return machines in place that go, or would go, although nobody comes to take their room; and wishes that are stuck."""
    awaited = {(earlier, placed.move.target) for placed in state.placed for earlier in placed.waits_for}
    moves = [(index, placed.move) for index, placed in enumerate(state.placed) if placed.move.reason == MAKES_ROOM]
    # It may step aside by a hop first: then that is the departure that somebody waits for.
    useful = {placed.move.id for index, placed in enumerate(state.placed) if (index, placed.move.source) in awaited}
    idle = {move.id for index, move in moves if not move.bypass and (index, move.source) not in awaited} - useful
    return idle | {move.id for move in stuck if move.reason == MAKES_ROOM or is_wish(move)}

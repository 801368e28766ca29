"""Who takes whose room settles who waits for whom. Other safe sequences of the same moves are tried; the quickest wins.

Nothing is moved elsewhere or oftener: only the waits change. People's priorities stay first in every rank.
"""

from collections.abc import Callable, Sequence

from reconciler.plan.exact import MAKES_ROOM
from reconciler.plan.fleet import Fleet
from reconciler.plan.moves import Move, Placed
from reconciler.plan.order import Rank, State, run
from reconciler.plan.rules import Rules

MOST, FEW = 1500, 400  # moves of a plan that is looked at, and up to which nothing but the bound itself is good enough
ENOUGH = 1.01  # of the bound, for longer plans
WORTH_SECONDS = 0.001
Timed = Callable[[list[Placed]], tuple[dict[str, float], float, float]]  # starts by VMId (case folded), end, bound


def quicker(fleet: Fleet, rules: Rules, sequence: list[Placed], timed: Timed) -> list[Placed]:
    """Return the sequence, or another one of the same moves that ends earlier."""
    moves = [placed.move for placed in sequence]
    once = len({move.id for move in moves}) == len(moves)
    if not once or len(moves) > MOST or not any(placed.waits_for for placed in sequence):
        return sequence
    if any(move.reason == MAKES_ROOM for move in moves):  # who makes room is waited for; in another order perhaps nobody would
        return sequence
    starts, least, bound = timed(sequence)
    best = sequence
    enough = bound * (1 if len(moves) <= FEW else ENOUGH) + WORTH_SECONDS
    for rank in _ranks(moves, starts):
        if least <= enough:
            break
        state = State(fleet, rules)
        if run(state, moves, rank):
            continue
        _, seconds, _ = timed(state.placed)
        if seconds < least - WORTH_SECONDS:
            best, least = state.placed, seconds
    return best


def _ranks(moves: Sequence[Move], starts: dict[str, float]) -> list[Rank]:
    """The largest first, for small ones find room later; those first whose room is waited for; as they started before."""
    awaited = {move.target for move in moves if move.changes_host}

    def priority(move: Move) -> int:
        return -move.drift.machine.migration.priority

    def large(move: Move) -> tuple[object, ...]:
        return (priority(move), -move.memory_mib, move.id)

    def holes(move: Move) -> tuple[object, ...]:
        return (priority(move), move.source not in awaited, -move.memory_mib, move.id)

    def small(move: Move) -> tuple[object, ...]:
        return (priority(move), move.memory_mib, move.id)

    def started(move: Move) -> tuple[object, ...]:
        return (priority(move), starts.get(move.id, 0.0), -move.memory_mib, move.id)

    return [large, holes, small, started]

"""One group of moves that contend for the same room: every order, and every detour, one extra migration more at a time.

Within the budget everything is tried, so the first answer is the least, and finding none is a proof.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.plan.hops import Ways, choices, is_flexible
from reconciler.plan.moves import Move
from reconciler.plan.openings import fewest_to_go_on
from reconciler.plan.order import Key, State, by_priority, memory_key

StateKey = tuple[frozenset[tuple[object, ...]], frozenset[object]]


@dataclass(slots=True)
class Search:
    """What is known while a group is searched: the budget left (moves to weigh), the best state so far, states looked at.

    ``met`` are states as they were come to, before what takes from nobody was placed.
    ``capped`` turns true once a state was left because every way out of it costs more than is allowed.
    """

    ways: Ways
    begun: int
    budget: int
    best: tuple[State, list[Move]]
    seen: dict[StateKey, int] = field(default_factory=dict)
    met: dict[StateKey, int] = field(default_factory=dict)
    capped: bool = False

    @property
    def complete(self) -> bool:
        """Whether everything that was to be tried has been tried."""
        return self.budget > 0 and self.ways.complete


def explore(search: Search, state: State, remaining: tuple[Move, ...], extra: int) -> State | None:
    """Try every order of what remains with up to ``extra`` extra migrations; return the state at its end, or None."""
    search.budget -= len(remaining)
    remaining = _place_harmless(search, state, remaining, extra)
    if not remaining:
        return state
    _remember(search, state, remaining)
    positions = {one.move.id: one.move.target for one in state.placed[search.begun :]}
    if search.budget <= 0 or not _is_new(search.seen, _key(positions, remaining), extra):
        return None
    spare = extra + sum(map(search.ways.saving, remaining))
    if _is_hopeless(state, remaining) if not spare else _is_stuck(search, state, remaining, spare):
        return None
    for move in _by_use(remaining):
        if state.obstacle(move) is None:
            found = _then(search, state, positions, move, [one for one in remaining if one is not move], extra)
            if found is not None:
                return found
    for hop in search.ways.hops(state, remaining, extra):
        if hop.extra <= extra:
            rest = [one for one in remaining if one.id != hop.first.id]
            rest = [*rest, hop.then] if hop.then else rest
            found = _then(search, state, positions, hop.first, rest, extra - hop.extra)
            if found is not None:
                return found
    return None


def _then(search: Search, state: State, positions: dict[str, str], move: Move, rest: list[Move], extra: int) -> State | None:
    if search.budget <= 0 or not _is_new(search.met, _key({**positions, move.id: move.target}, rest), extra):
        return None
    branch = state.copy()
    branch.place(move)
    return explore(search, branch, tuple(rest), extra)


def _is_new(known: dict[StateKey, int], key: StateKey, extra: int) -> bool:
    """Note that a state is looked at with so many extra migrations to spend; False where it was, with as many or more."""
    if known.get(key, -1) >= extra:
        return False
    known[key] = extra
    return True


def _key(positions: dict[str, str], remaining: Iterable[Move]) -> StateKey:
    """What tells states apart: what is left to do from where, and where the machines that have moved are (not how)."""
    todo = frozenset((move.id, move.source, tuple(file.source for file in move.route.storage)) for move in remaining)
    return todo, frozenset(positions.items())


def _is_stuck(search: Search, state: State, remaining: tuple[Move, ...], extra: int) -> bool:
    """Whether no machine that must go could go anywhere yet, not even to make a stop, for so few extra migrations."""
    needed = fewest_to_go_on(search.ways, state, remaining, extra)
    search.capped = search.capped or (needed is not None and needed > extra)
    return needed is None or needed > extra


def _remember(search: Search, state: State, remaining: tuple[Move, ...]) -> None:
    """Keep the state that leaves the fewest over, where nobody has been left at an interim stop."""
    away = {placed.move.id for placed in state.placed if placed.move.bypass}
    if len(remaining) < len(search.best[1]) and not any(move.id in away for move in remaining):
        search.best = state.copy(), sorted(remaining, key=by_priority)


def _place_harmless(search: Search, state: State, remaining: tuple[Move, ...], extra: int) -> tuple[Move, ...]:
    """Place moves that take from nobody: whatever comes later fits beside them, so no order is lost by placing them now."""
    rest = list(remaining)
    while True:
        demand = _demand(state, search.ways, rest, extra)
        move = next((move for move in _by_use(rest) if _is_harmless(state, move, demand)), None)
        if move is None:
            return tuple(rest)
        state.place(move)
        rest.remove(move)


def _demand(state: State, ways: Ways, moves: Iterable[Move], extra: int) -> dict[Key, int]:
    """What all of these would take of each place, interim stops included: each extra migration brings one machine there."""
    wanted: dict[Key, int] = defaultdict(int)
    largest = wherever = 0
    for move in moves:
        for key, amount in state.takes(move).items():
            wanted[key] += amount
            if key[0] != "memory":
                largest = max(largest, amount)
        if extra and is_flexible(move.drift):
            wherever += move.memory_mib
    stops = min(ways.ample_mib, extra * ways.largest_mib + wherever) if extra else 0
    return {key: amount + (stops if key[0] == "memory" else extra * largest) for key, amount in wanted.items()}


def _is_harmless(state: State, move: Move, demand: dict[Key, int]) -> bool:
    if state.rules.apart(move.drift) or state.obstacle(move) is not None:
        return False
    rooms = ((state.room_ever(key), demand.get(key, 0)) for key in state.takes(move))
    return all(room is None or room >= wanted for room, wanted in rooms)


def _is_hopeless(state: State, remaining: tuple[Move, ...]) -> bool:
    """Whether some move would not fit even after all others had left its target, nor at another host that it may choose."""
    freed: dict[Key, int] = defaultdict(int)
    for move in remaining:
        for key, amount in state.gives(move).items():
            freed[key] += amount
    for move in remaining:
        own = state.gives(move)
        for key, amount in state.takes(move).items():
            room = state.room_ever(key)
            if room is not None and room + freed[key] - own.get(key, 0) < amount and not _has_a_choice(state, move, freed):
                return True
    return False


def _has_a_choice(state: State, move: Move, freed: Mapping[Key, int]) -> bool:
    keys = [memory_key(host) for host in choices(move)]
    rooms = ((state.room_ever(key), freed.get(key, 0)) for key in keys)
    return any(room is None or room + left >= move.memory_mib for room, left in rooms)


def _by_use(moves: Iterable[Move]) -> list[Move]:
    """Departures from places that others wait for come first."""
    awaited = {move.target for move in moves}
    return sorted(moves, key=lambda move: (move.source not in awaited, *by_priority(move)))

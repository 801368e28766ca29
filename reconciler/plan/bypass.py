"""Moves that no simple order brings along: an exact search for an order, with the fewest detours where there is none.

Moves that contend for the same room are one group, searched on its own, one extra migration more allowed at a time. Within the
budget the search tries every order and every detour, so the first answer is the least, and finding none is a proof. Beyond
the budget it keeps what it has and says so. Knows nothing of time: which moves run side by side is settled later.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from reconciler.model.plan import Blocked
from reconciler.plan.fleet import Fleet
from reconciler.plan.hops import Ways
from reconciler.plan.moves import Move, Refusal, as_blocked
from reconciler.plan.order import Key, State, by_priority, memory_key, put_in_order, run
from reconciler.plan.rules import Rules

MOST_EXTRA = 6  # extra migrations that one group may cost
BUDGET = 4000  # states looked at for one group
LARGEST = 60  # moves of a group that is searched exactly


@dataclass(slots=True)
class Ordered:
    """A safe sequence (in ``state``), the moves ``left`` over, and what is proven.

    ``extra_bound``: no order of the moves that are placed takes fewer extra migrations. ``proven``: what is left over can be
    placed in no order, whatever detours are made. ``narrow``: groups that were searched apart might have helped each other.
    """

    state: State
    left: list[Move] = field(default_factory=list)
    extra_bound: int = 0
    proven: bool = True
    narrow: bool = False

    @property
    def migrations(self) -> int:
        """How many migrations the sequence has."""
        return sum(placed.move.route.migrations for placed in self.state.placed)


@dataclass(slots=True)
class _Search:
    ways: Ways
    begun: int
    budget: int
    best: tuple[State, list[Move]]
    seen: dict[tuple[frozenset[tuple[object, ...]], frozenset[object]], int] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether everything that was to be tried has been tried."""
        return self.budget > 0 and self.ways.complete


def order_moves(fleet: Fleet, rules: Rules, moves: Sequence[Move]) -> Ordered:
    """Return all moves in a safe order, with as few detours as were found, and what is proven of that."""
    state, stuck = put_in_order(fleet, rules, moves)
    if not stuck:
        return Ordered(state)
    hopeful, hopeless = _without_hopeless(state, stuck)
    if not hopeful:
        return Ordered(state, hopeless)
    dropped = {move.id for move in hopeless}
    moves = [move for move in moves if move.id not in dropped]
    core = _contenders(fleet, rules, moves, hopeful)
    result = _group_by_group(fleet, rules, moves, core)
    if result.narrow and len(moves) <= LARGEST:
        # Apart from one another the groups were not solved as well as they might be: once more, all as one.
        whole = _group_by_group(fleet, rules, moves, [moves])
        result = min(result, whole, key=lambda one: (len(one.left), one.migrations))
    result.left += hopeless
    return result


def _group_by_group(fleet: Fleet, rules: Rules, moves: list[Move], groups: list[list[Move]]) -> Ordered:
    inside = {move.id for group in groups for move in group}
    state = State(fleet, rules)
    left = run(state, [move for move in moves if move.id not in inside], by_priority)
    _count_on_leavers(fleet, state)
    result = Ordered(state, run(state, left, by_priority))
    for group in groups:
        _add_group(fleet, result, group, _most_room(state, [move for move in moves if move not in group]))
    return result


def _count_on_leavers(fleet: Fleet, state: State) -> None:
    for host in sorted(fleet.leaving_memory):
        state.release(host, fleet.leaving_memory[host])


def _add_group(fleet: Fleet, result: Ordered, group: list[Move], elsewhere: dict[str, int]) -> None:
    """Place a group after what is placed already."""
    ample = sum(move.machine.memory_mib or 0 for move in group)
    proven, levels = len(group) <= LARGEST, 0
    start = result.state.copy()
    best = start, run(start, group, by_priority)
    ways, budget = Ways(fleet, ample, elsewhere), BUDGET
    for extra in range(MOST_EXTRA + 1):
        search = _Search(ways, len(result.state.placed), budget, best)
        if len(group) <= LARGEST or extra:
            found = _explore(search, result.state.copy(), tuple(group), extra)
            best = (found, []) if found else search.best
        budget = search.budget
        if not best[1] or budget <= 0:
            proven = proven and (not best[1] or search.complete)
            break
        proven = proven and search.complete
        levels = extra + 1 if proven else levels
    result.state, left = best
    result.left += left
    result.narrow = result.narrow or ways.narrow
    result.extra_bound += levels if not left else 0
    # Without a single detour to try, the orders were all there is; else a longer way might exist.
    result.proven = result.proven and (not left or (proven and not ways.offered))


def _most_room(state: State, others: list[Move]) -> dict[str, int]:
    """Return the most memory that hosts of other groups have at any time: with all departures, before any arrival."""
    most: dict[str, int] = {}
    for host in sorted({name for move in others if move.changes_host for name in (move.source, move.target)}):
        key = memory_key(host)
        room = State(state.fleet, state.rules).room_ever(key)
        if room is not None:
            most[host.casefold()] = room + sum(state.gives(move).get(key, 0) for move in others)
    return most


def _explore(search: _Search, state: State, remaining: tuple[Move, ...], extra: int) -> State | None:
    """Try every order of what remains with up to ``extra`` extra migrations; return the state at its end, or None."""
    remaining = _place_harmless(search, state, remaining, extra)
    if not remaining:
        return state
    _remember(search, state, remaining)
    key = _key(search, state, remaining)
    if search.seen.get(key, -1) >= extra or search.budget <= 0:
        return None
    search.seen[key] = extra
    search.budget -= 1
    if not extra and _is_hopeless(state, remaining):
        return None
    for move in _by_use(remaining):
        if state.obstacle(move) is None:
            found = _then(search, state, move, [one for one in remaining if one is not move], extra)
            if found is not None:
                return found
    for hop in search.ways.hops(state, remaining, extra):
        if hop.extra <= extra:
            rest = [one for one in remaining if one.id != hop.first.id]
            found = _then(search, state, hop.first, [*rest, hop.then] if hop.then else rest, extra - hop.extra)
            if found is not None:
                return found
    return None


def _then(search: _Search, state: State, move: Move, rest: list[Move], extra: int) -> State | None:
    branch = state.copy()
    branch.place(move)
    return _explore(search, branch, tuple(rest), extra)


def _key(search: _Search, state: State, remaining: tuple[Move, ...]) -> tuple[frozenset[tuple[object, ...]], frozenset[object]]:
    """What tells states apart: what is left to do from where, and where the machines that have moved are (not how)."""
    todo = frozenset((move.id, move.source, tuple(file.source for file in move.route.storage)) for move in remaining)
    positions = {one.move.id: one.move.target for one in state.placed[search.begun :]}
    return todo, frozenset(positions.items())


def _remember(search: _Search, state: State, remaining: tuple[Move, ...]) -> None:
    """Keep the state that leaves the fewest over, where nobody has been left at an interim stop."""
    away = {placed.move.id for placed in state.placed if placed.move.bypass}
    if len(remaining) < len(search.best[1]) and not any(move.id in away for move in remaining):
        search.best = state.copy(), sorted(remaining, key=by_priority)


def _place_harmless(search: _Search, state: State, remaining: tuple[Move, ...], extra: int) -> tuple[Move, ...]:
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
    """What all of these would take of each place, interim stops included."""
    wanted: dict[Key, int] = defaultdict(int)
    largest: dict[str, int] = defaultdict(int)
    for move in moves:
        for key, amount in state.takes(move).items():
            wanted[key] += amount
            largest[key[0]] = max(largest[key[0]], amount)
    return {
        key: amount + (extra and ways.ample_mib if key[0] == "memory" else extra * largest[key[0]])
        for key, amount in wanted.items()
    }


def _is_harmless(state: State, move: Move, demand: dict[Key, int]) -> bool:
    if state.rules.apart(move.drift) or state.obstacle(move) is not None:
        return False
    rooms = ((state.room_ever(key), demand.get(key, 0)) for key in state.takes(move))
    return all(room is None or room >= wanted for room, wanted in rooms)


def _is_hopeless(state: State, remaining: tuple[Move, ...]) -> bool:
    """Whether some move would not fit even after all others had left its target."""
    freed: dict[Key, int] = defaultdict(int)
    for move in remaining:
        for key, amount in state.gives(move).items():
            freed[key] += amount
    for move in remaining:
        own = state.gives(move)
        for key, amount in state.takes(move).items():
            room = state.room_ever(key)
            if room is not None and room + freed[key] - own.get(key, 0) < amount:
                return True
    return False


def _by_use(moves: Iterable[Move]) -> list[Move]:
    """Departures from places that others wait for come first."""
    awaited = {move.target for move in moves}
    return sorted(moves, key=lambda move: (move.source not in awaited, *by_priority(move)))


def _contenders(fleet: Fleet, rules: Rules, moves: list[Move], stuck: list[Move]) -> list[list[Move]]:
    """Return the groups of moves that contend with the stuck ones for room, or share a rule with them."""
    state = State(fleet, rules)
    scarce = _scarce(state, moves)
    ties = {id(move): _ties(state, move, scarce) for move in moves}
    groups: list[tuple[set[Key], list[Move]]] = []
    for move in sorted(moves, key=by_priority):
        keys, members = set(ties[id(move)]), [move]
        for group in [group for group in groups if group[0] & keys]:
            groups.remove(group)
            keys, members = keys | group[0], group[1] + members
        groups.append((keys, members))
    names = {move.id for move in stuck}
    return [sorted(members, key=by_priority) for _, members in groups if any(move.id in names for move in members)]


def _scarce(state: State, moves: list[Move]) -> set[Key]:
    """The places that cannot take in all arrivals at once."""
    wanted: dict[Key, int] = defaultdict(int)
    for move in moves:
        for key, amount in state.takes(move).items():
            wanted[key] += amount
    rooms = {key: state.room_ever(key) for key in wanted}
    return {key for key, amount in wanted.items() if (room := rooms[key]) is not None and room < amount}


def _ties(state: State, move: Move, scarce: set[Key]) -> set[Key]:
    keys = (set(state.takes(move)) | set(state.gives(move))) & scarce
    return keys | {("rule", rule.name) for rule in state.rules.apart(move.drift)}


def _without_hopeless(state: State, stuck: list[Move]) -> tuple[list[Move], list[Move]]:
    """Set aside moves whose destination lacks room even when all others have left it; nothing would break that."""
    hopeful, hopeless = list(stuck), list[Move]()
    while True:
        leaving: dict[Key, int] = defaultdict(int)
        for move in hopeful:
            for key, amount in state.gives(move).items():
                leaving[key] += amount
        never = [move for move in hopeful if not _ever_fits(state, move, leaving)]
        if not never:
            return hopeful, hopeless
        hopeful = [move for move in hopeful if move not in never]
        hopeless += never


def _ever_fits(state: State, move: Move, leaving: dict[Key, int]) -> bool:
    needs = ((state.room_ever(key), amount, leaving[key]) for key, amount in state.takes(move).items())
    return all(room is None or room + freed >= amount for room, amount, freed in needs)


def left_over(result: Ordered) -> list[Blocked]:
    """Return why each move that is left over cannot be made: no room at all, or a ring that nothing broke."""
    return [_blocked(result, move) for move in result.left]


def _blocked(result: Ordered, move: Move) -> Blocked:
    obstacle = result.state.obstacle(move)
    if obstacle is not None and obstacle[0] == "rule":
        finding = f"rule {obstacle[1]} keeps it apart from a machine that stays at {move.target}"
        remedy = f"change one of the placements, or relax rule {obstacle[1]}"
        return as_blocked(move.drift, Refusal("rule", "no-host", finding, remedy), {"rule": 1}, move.reason)
    if obstacle is not None and obstacle[0] == "volume":
        return _blocked_by_space(result, move, obstacle)
    return _blocked_by_memory(result, move)


def _waiting_for(result: Ordered, key: Key) -> list[str]:
    return sorted(other.machine.name for other in result.left if key in result.state.gives(other))[:3]


def _search_said(result: Ordered) -> str:
    return (
        "no order and no interim stop lets them pass"
        if result.proven
        else f"no way with up to {MOST_EXTRA} extra migrations was found in the search's budget"
    )


def _blocked_by_space(result: Ordered, move: Move, key: Key) -> Blocked:
    names = ", ".join(name for name in _waiting_for(result, key) if name != move.machine.name)
    leaving = sum(result.state.gives(other).get(key, 0) for other in result.left if other is not move)
    if names and (result.state.room_ever(key) or 0) + leaving >= result.state.takes(move)[key]:
        finding = f"{key[3]} gets room only when the files of {names} have left, which wait in turn; {_search_said(result)}"
        remedy = "free space on any storage location that their hosts reach, so that files can stop there for a while"
        return as_blocked(move.drift, Refusal("space", "cycle", finding, remedy), {"space": 1}, move.reason, result.proven)
    finding = f"{key[3]} has no room for the files to be copied there"
    remedy = "free space there, lower the location's reserve, or give another path"
    return as_blocked(move.drift, Refusal("space", "no-room", finding, remedy), {"space": 1}, move.reason)


def _blocked_by_memory(result: Ordered, move: Move) -> Blocked:
    key = memory_key(move.target)
    leaving = sum(result.state.gives(other).get(key, 0) for other in result.left)
    room = result.state.room_ever(key) or 0
    if leaving and room + leaving >= move.memory_mib:
        names = ", ".join(_waiting_for(result, key))
        finding = f"{move.target} gets room only when {names} has left, which waits in turn; {_search_said(result)}"
        remedy = "free memory on any host that can hold one of them for a while"
        return as_blocked(move.drift, Refusal("memory", "cycle", finding, remedy), {"memory": 1}, move.reason, result.proven)
    finding = f"{move.target} has room for {max(room, 0)} MiB after all departures, and {move.memory_mib} MiB are needed"
    remedy = f"free memory on {move.target}, lower its reserve, or place the machine elsewhere"
    return as_blocked(move.drift, Refusal("memory", "no-room", finding, remedy), {"memory": 1}, move.reason)

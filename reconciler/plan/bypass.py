"""Moves that no simple order brings along: groups that contend for the same room, each searched on its own (``group``).

Beyond its budget the search keeps what it has and says so. Knows nothing of time: which moves run side by side is settled
later.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from reconciler.model.machine_files import files_of
from reconciler.model.plan import Blocked
from reconciler.plan.fleet import Fleet
from reconciler.plan.group import LARGEST, MOST_EXTRA, Outcome, place_group
from reconciler.plan.hops import is_flexible
from reconciler.plan.moves import Move, Refusal, as_blocked
from reconciler.plan.order import Key, State, by_priority, memory_key, place_of, put_in_order, run, volume_key
from reconciler.plan.rules import Rules
from reconciler.plan.solver import Solver


@dataclass(slots=True)
class Ordered:
    """A safe sequence (in ``state``), the moves ``left`` over, and what is proven.

    ``extra_bound``: no order of the moves that are placed takes fewer extra migrations. ``proven``: what is left over can be
    placed in no order, whatever detours are made. ``narrow``: groups that were searched apart might have helped each other.
    ``awaited``: who of those left over (VMId, case folded) only waits for which machines, on their way to interim stops.
    ``unsearched``: who was set aside without a search, for others that cannot leave are in the way.
    """

    state: State
    left: list[Move] = field(default_factory=list)
    extra_bound: int = 0
    proven: bool = True
    narrow: bool = False
    awaited: dict[str, str] = field(default_factory=dict)
    unsearched: frozenset[str] = frozenset()

    @property
    def migrations(self) -> int:
        """How many migrations the sequence has."""
        return sum(placed.move.route.migrations for placed in self.state.placed)

    def is_least(self, moves: Sequence[Move]) -> bool:
        """Whether all of these moves are placed with no more extra migrations than are proven to be needed."""
        extra = self.migrations - sum(move.route.migrations for move in moves)
        return not self.left and extra <= self.extra_bound


def order_moves(fleet: Fleet, rules: Rules, moves: Sequence[Move], solver: Solver | None = None) -> Ordered:
    """Return all moves in a safe order, with as few detours as were found, and what is proven of that.

    ``solver`` looks further where the planner's own search leaves something open.
    """
    state, stuck = put_in_order(fleet, rules, moves)
    if not stuck:
        return Ordered(state)
    hopeful, hopeless = _without_hopeless(state, stuck)
    dropped = frozenset(move.id for move in hopeless)
    if not hopeful:
        return Ordered(state, hopeless, unsearched=dropped)
    moves = [move for move in moves if move.id not in dropped]
    core = _contenders(fleet, rules, moves, hopeful)
    result = _group_by_group(fleet, rules, moves, core, solver)
    if result.narrow and len(moves) <= LARGEST and not result.is_least(moves):
        # Apart from one another the groups were not solved as well as they might be: once more, all as one.
        whole = _group_by_group(fleet, rules, moves, [moves], solver)
        result = min(result, whole, key=lambda one: (len(one.left), one.migrations, -one.extra_bound))
    result.left += hopeless
    result.unsearched = dropped
    return result


def _group_by_group(fleet: Fleet, rules: Rules, moves: list[Move], groups: list[list[Move]], solver: Solver | None) -> Ordered:
    inside = {move.id for group in groups for move in group}
    state = State(fleet, rules)
    left = run(state, [move for move in moves if move.id not in inside], by_priority)
    state.count_on_leavers()
    result = Ordered(state, run(state, left, by_priority))
    for group in groups:
        elsewhere = _most_room(state, [move for move in moves if move not in group])
        _add(result, place_group(fleet, result.state, group, elsewhere, solver))
    # What one group left over may fit once others have made room.
    result.left = run(result.state, result.left, by_priority)
    return result


def _add(result: Ordered, found: Outcome) -> None:
    result.state = found.state
    result.left += found.left
    result.narrow = result.narrow or found.narrow
    result.extra_bound += found.bound if not found.left else 0
    result.proven = result.proven and (not found.left or found.proven)


def _most_room(state: State, others: list[Move]) -> dict[str, int]:
    """Return the most memory that hosts of other groups have at any time: with all departures, before any arrival."""
    most: dict[str, int] = {}
    for host in sorted({name for move in others if move.changes_host for name in (move.source, move.target)}):
        key = memory_key(host)
        room = State(state.fleet, state.rules).room_ever(key)
        if room is not None:
            most[host.casefold()] = room + sum(state.gives(move).get(key, 0) for move in others)
    return most


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
    """Set aside moves whose destination lacks room, or breaks a rule, even when all others have left it."""
    hopeful, hopeless = list(stuck), list[Move]()
    while True:
        leaving: dict[Key, int] = defaultdict(int)
        for move in hopeful:
            for key, amount in state.gives(move).items():
                leaving[key] += amount
        leavers = frozenset(move.drift.machine.name.casefold() for move in hopeful)
        never = [move for move in hopeful if not _ever_fits(state, move, leaving) or state.is_kept_off(move, leavers)]
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
    if move.id in result.awaited:
        return _blocked_for_now(move, result.awaited[move.id])
    obstacle = result.state.obstacle(move)
    if obstacle is not None and obstacle[0] == "rule":
        finding = f"rule {obstacle[1]} keeps it apart from a machine that stays at {move.target}"
        remedy = f"change one of the placements, or relax rule {obstacle[1]}"
        refusal, mates = Refusal("rule", "no-host", finding, remedy), result.state.mates_at(obstacle, move)
        proven = not any(is_flexible(one) or one.wrong_host for one in mates)
        return as_blocked(move.drift, refusal, {"rule": 1}, move.reason, proven)
    if obstacle is not None and obstacle[0] == "volume":
        return _blocked_by_space(result, move, obstacle)
    if obstacle is not None and obstacle != memory_key(move.target):
        return _blocked_at_source(result, move)
    return _blocked_by_memory(result, move)


def _blocked_for_now(move: Move, others: str) -> Blocked:
    finding = f"it follows once the interim stop of {others}, under way now, has made room"
    remedy = "wait for that migration to end; the next pass plans anew"
    return as_blocked(move.drift, Refusal("memory", "migrating", finding, remedy), {"memory": 1}, move.reason, proven=False)


def _blocked_at_source(result: Ordered, move: Move) -> Blocked:
    room = max(result.state.room_ever(memory_key(move.source)) or 0, 0)
    finding = f"{move.source} has room for {room} MiB, and {move.memory_mib} MiB are needed to start it there before it moves"
    remedy = f"free memory on {move.source}, or let it move while it is off (whenOff: move)"
    return as_blocked(move.drift, Refusal("memory", "no-room", finding, remedy), {"memory": 1}, move.reason)


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
        if move.id in result.unsearched:
            return _blocked_by_others(move, place_of(result.state.fleet, key), f"the files of {names}", "space")
        others = f"the files of {names} have left, which wait in turn"
        finding = f"{place_of(result.state.fleet, key)} gets room only when {others}; {_search_said(result)}"
        remedy = "free space on any storage location that their hosts reach, so that files can stop there for a while"
        return as_blocked(move.drift, Refusal("space", "cycle", finding, remedy), {"space": 1}, move.reason, result.proven)
    finding = f"{place_of(result.state.fleet, key)} has no room for the files to be copied there"
    remedy = "free space there, lower the location's reserve, or give another path"
    refusal, proven = Refusal("space", "no-room", finding, remedy), not _may_be_otherwise(result, move, key)
    return as_blocked(move.drift, refusal, {"space": 1}, move.reason, proven)


def _may_be_otherwise(result: Ordered, move: Move, key: Key) -> bool:
    """Tell whether another choice of hosts might spare a volume: of this machine, or of one whose files lie or come there."""
    if is_flexible(move.drift):
        return True
    fleet, comers = result.state.fleet, (placed.move for placed in result.state.placed)
    if any(is_flexible(one.drift) and key in result.state.takes(one) for one in comers):
        return True
    at_host = (one for one in fleet.drift.machines if key[1] == "host" and (one.host or "").casefold() == key[2])
    seen = (one.observed for one in at_host if is_flexible(one) and one.observed)
    return any(file.path and volume_key(fleet, key[2], file.path) == key for machine in seen for file in files_of(machine))


def _blocked_by_others(move: Move, place: str, names: str, reason: str) -> Blocked:
    finding = f"{place} would get room from {names}, but not all that have to leave can: see what keeps them"
    remedy = f"mend what keeps them, or free {reason} there"
    return as_blocked(move.drift, Refusal(reason, "cycle", finding, remedy), {reason: 1}, move.reason, proven=False)


def _blocked_by_memory(result: Ordered, move: Move) -> Blocked:
    key = memory_key(move.target)
    leaving = sum(result.state.gives(other).get(key, 0) for other in result.left)
    room = result.state.room_ever(key) or 0
    if leaving and room + leaving >= move.memory_mib:
        names = ", ".join(_waiting_for(result, key))
        if move.id in result.unsearched:
            return _blocked_by_others(move, move.target, names, "memory")
        finding = f"{move.target} gets room only when {names} has left, which waits in turn; {_search_said(result)}"
        remedy = "free memory on any host that can hold one of them for a while"
        return as_blocked(move.drift, Refusal("memory", "cycle", finding, remedy), {"memory": 1}, move.reason, result.proven)
    finding = f"{move.target} has room for {max(room, 0)} MiB after all departures, and {move.memory_mib} MiB are needed"
    remedy = f"free memory on {move.target}, lower its reserve, or place the machine elsewhere"
    return as_blocked(move.drift, Refusal("memory", "no-room", finding, remedy), {"memory": 1}, move.reason)

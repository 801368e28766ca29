"""Rings of moves that each wait for the other's room, broken by the fewest extra hops through an interim host.

Each connected group of stuck moves is searched on its own, by iterative deepening over the number of extra migrations
and within a budget of tried hops, so that a hopeless group costs bounded work. Disk space has no interim places here.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from reconciler.model.drift import MachineDrift, MachineStatus
from reconciler.model.plan import Blocked
from reconciler.model.words import Action, Handling, WhenOff
from reconciler.plan.fleet import Fleet
from reconciler.plan.moves import Move, Refusal, Route, after, as_blocked
from reconciler.plan.order import State, by_priority, memory_key, run
from reconciler.plan.roles import crossing
from reconciler.plan.routes import find_route

MOST_EXTRA = 4  # extra migrations that one ring may cost
BUDGET = 2000  # hops tried for one group of stuck moves
INTERIM_HOSTS = 6  # interim hosts tried for one machine, those with most room first


@dataclass(slots=True)
class _Search:
    """The budget left and the best way out found so far."""

    fleet: Fleet
    budget: int
    stuck: int
    state: State | None = None
    left: list[Move] | None = None


@dataclass(frozen=True, slots=True)
class Hop:
    """One way to make room: the moves that replace those of its machine, and how many of them are extra."""

    first: Move
    then: Move
    extra: int


def break_rings(state: State, stuck: list[Move]) -> tuple[State, list[Move]]:
    """Return a longer safe sequence, rings broken where a way was found, and what is still left over."""
    hopeful, left = _without_hopeless(state, stuck)
    for group in _groups(hopeful):
        search = _Search(state.fleet, BUDGET, len(group), left=group)
        for extra in range(1, MOST_EXTRA + 1):
            _deepen(search, state, group, extra, frozenset())
            if not search.left or search.budget <= 0:
                break
        state = search.state or state
        left += search.left or []
    return state, run(state, left, by_priority)


def _without_hopeless(state: State, stuck: list[Move]) -> tuple[list[Move], list[Move]]:
    """Set aside moves whose destination lacks room even when all others have left it; nothing would break that."""
    hopeful, hopeless = list(stuck), list[Move]()
    while True:
        leaving: dict[str, int] = defaultdict(int)
        for move in hopeful:
            leaving[move.source] += move.memory_mib if move.changes_host else 0
        never = [move for move in hopeful if not _ever_fits(state, move, leaving[move.target])]
        if not never:
            return hopeful, hopeless
        hopeful = [move for move in hopeful if move not in never]
        hopeless += never


def _ever_fits(state: State, move: Move, leaving: int) -> bool:
    room = state.room_ever(memory_key(move.target))
    return not move.memory_mib or room is None or room + leaving >= move.memory_mib


def _deepen(search: _Search, state: State, stuck: list[Move], extra: int, hopped: frozenset[str]) -> None:
    """Try every hop that makes room, then place what fits; keep the way out that leaves the fewest over."""
    for hop in _hops(search.fleet, state, stuck, hopped):
        if not search.left or search.budget <= 0:
            return
        if hop.extra > extra:
            continue
        search.budget -= 1
        branch = state.copy()
        branch.place(hop.first)
        rest = [move for move in stuck if move.id != hop.first.id]
        left = run(branch, [*rest, hop.then], by_priority)
        gone = hopped | {hop.first.id}
        if len(left) < len(search.left) and not any(move.id in gone for move in left):
            search.state, search.left = branch, left
        elif left and extra > hop.extra:
            _deepen(search, branch, left, extra - hop.extra, gone)


def _hops(fleet: Fleet, state: State, stuck: list[Move], hopped: frozenset[str]) -> Iterator[Hop]:
    """Yield hops of machines that must move anyway, then of settled ones in the way, which have to come back."""
    wanted = {move.target.casefold() for move in stuck}
    for move in sorted(stuck, key=by_priority):
        if move.id not in hopped and move.changes_host and move.source.casefold() in wanted:
            yield from _hops_of(fleet, state, move)
    moving = {move.id for move in stuck} | {placed.move.id for placed in state.placed}
    for drift in fleet.drift.machines:
        if drift.observed and drift.host and drift.host.casefold() in wanted and _may_be_parked(drift):
            if drift.observed.id.casefold() in moving:
                continue
            home = Route(None, Action.LIVE_MIGRATION)
            yield from _hops_of(fleet, state, Move(drift, drift.observed, drift.host, home, "bypass", True))


def _may_be_parked(drift: MachineDrift) -> bool:
    settled = drift.status is MachineStatus.IN_PLACE and not drift.differs and drift.handling is Handling.CORRECT
    return settled and drift.observed is not None and drift.observed.is_running


def _hops_of(fleet: Fleet, state: State, move: Move) -> Iterator[Hop]:
    if move.route.starts or (move.drift.machine.migration.when_off is WhenOff.HOLD and move.machine.is_off):
        return
    found = 0
    for host in _interim_hosts(fleet, state, move):
        hop = _hop_via(fleet, state, move, host)
        if hop is not None:
            yield hop
            found += 1
            if found == INTERIM_HOSTS:
                return


def _interim_hosts(fleet: Fleet, state: State, move: Move) -> list[str]:
    """Hosts with room now, most room first; a machine with a cluster role stays within the clusters it has to do with."""
    ends = {move.source.casefold(), move.target.casefold()}
    needed = move.machine.memory_mib or 0
    rooms = {name: state.room_ever(memory_key(name)) for name in fleet.host_names if name.casefold() not in ends}
    fitting = {name: room for name, room in rooms.items() if room is not None and room >= needed}
    return [
        name
        for name in sorted(fitting, key=lambda name: (-fitting[name], name.casefold()))
        if not move.machine.highly_available or fleet.same_cluster(name, move.source) or fleet.same_cluster(name, move.target)
    ]


def _hop_via(fleet: Fleet, state: State, move: Move, host: str) -> Hop | None:
    going = find_route(fleet, move.drift, move.machine, move.source, host, bypass=True)
    if isinstance(going, Refusal):
        return None
    first = Move(move.drift, move.machine, move.source, going, move.reason, bypass=True)
    if state.obstacle(first) is not None or crossing(fleet, move.drift, move.machine, move.source, host).leaves:
        return None
    machine = after(first)
    on = find_route(fleet, move.drift, machine, host, move.target)
    if isinstance(on, Refusal):
        return None
    extra = going.migrations + on.migrations - (0 if move.bypass else move.route.migrations)
    return Hop(first, replace(move, machine=machine, source=host, route=on), extra)


def _groups(stuck: list[Move]) -> list[list[Move]]:
    """Split stuck moves into groups that share no host."""
    groups: list[tuple[set[str], list[Move]]] = []
    for move in stuck:
        hosts, members = {move.source.casefold(), move.target.casefold()}, [move]
        for group in [group for group in groups if group[0] & hosts]:
            groups.remove(group)
            hosts, members = hosts | group[0], group[1] + members
        groups.append((hosts, members))
    return [sorted(members, key=by_priority) for _, members in groups]


def left_over(state: State, stuck: list[Move]) -> list[Blocked]:
    """Return why each move that is left over cannot be made: no room at all, or a ring that nothing broke."""
    return [_blocked(state, move, stuck) for move in stuck]


def _blocked(state: State, move: Move, stuck: list[Move]) -> Blocked:
    obstacle = state.obstacle(move)
    if obstacle is not None and obstacle[0] == "rule":
        finding = f"rule {obstacle[1]} keeps it apart from a machine that stays at {move.target}"
        remedy = f"change one of the placements, or relax rule {obstacle[1]}"
        return as_blocked(move.drift, Refusal("rule", "no-host", finding, remedy), {"rule": 1}, move.reason)
    if obstacle is not None and obstacle[0] == "volume":
        finding = f"{obstacle[3]} has no room for the files to be copied there"
        remedy = "free space there, lower the location's reserve, or give another path"
        return as_blocked(move.drift, Refusal("space", "no-room", finding, remedy), {"space": 1}, move.reason)
    key = memory_key(move.target)
    leaving = sum(other.memory_mib for other in stuck if other.source == move.target)
    room = state.room_ever(key) or 0
    if leaving and room + leaving >= move.memory_mib:
        names = ", ".join(sorted(other.machine.name for other in stuck if other.source == move.target)[:3])
        finding = f"{move.target} gets room only when {names} has left, which waits in turn; no interim host was found"
        remedy = "free memory on any host that can hold one of them for a while"
        return as_blocked(move.drift, Refusal("memory", "cycle", finding, remedy), {"memory": 1}, move.reason)
    finding = f"{move.target} has room for {max(room, 0)} MiB after all departures, and {move.memory_mib} MiB are needed"
    remedy = f"free memory on {move.target}, lower its reserve, or place the machine elsewhere"
    return as_blocked(move.drift, Refusal("memory", "no-room", finding, remedy), {"memory": 1}, move.reason)

"""Detours: the ways in which a machine can make room before it gets to where it belongs, and what each costs.

A machine that has to go anyway may stop at an interim host, its files at an interim place, or its one combined migration may
be taken in two; one that may go to several hosts may take another. A machine that is where it belongs may step aside and come
back, or for good where it may. Every stop satisfies what a destination must.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from reconciler.model import paths
from reconciler.model.drift import MachineDrift, MachineStatus
from reconciler.model.machine_files import DISK_FOLDER, files_of
from reconciler.model.observation import VirtualMachine
from reconciler.model.plan import StorageMove
from reconciler.model.words import Action, Handling, MigrationKind, WhenOff
from reconciler.plan.exact import MAKES_ROOM
from reconciler.plan.fleet import Fleet
from reconciler.plan.moves import Move, Refusal, Route, after
from reconciler.plan.order import Key, State, by_priority, memory_key, volume_key
from reconciler.plan.reach import are_one_place, can_write, is_clustered, stays_reachable
from reconciler.plan.roles import crossing
from reconciler.plan.routes import find_route
from reconciler.plan.rules import Rules

INTERIM_HOSTS = 6  # interim hosts tried for one machine, those with most room first
FEW_MACHINES = 100  # in larger fleets only machines at hosts that others want step aside
INTERIM_FOLDER = "interim"  # where parked files stay for a while, under a storage location


@dataclass(frozen=True, slots=True)
class Hop:
    """One way to make room: the moves that replace those of its machine (``then`` None: one), and how many are extra."""

    first: Move
    then: Move | None
    extra: int


@dataclass(frozen=True, slots=True)
class Mobile:
    """A running machine that could be moved, by its VMId (case folded); ``is_settled``: it has no move of its own."""

    id: str
    host: str
    memory_mib: int
    is_flexible: bool
    is_settled: bool


@dataclass(slots=True)
class Ways:
    """All detours of a group of moves. ``complete`` turns false once some way was left out to keep the search short.

    ``ample_mib``: a host with that much room could take everybody. ``elsewhere``: hosts (case folded) that other groups
    use, with the most room that they have at any time. ``narrow``: one of them might
    have helped. ``offered`` counts the detours that there were.
    """

    fleet: Fleet
    rules: Rules
    ample_mib: int
    elsewhere: dict[str, int] = field(default_factory=dict)
    complete: bool = True
    narrow: bool = False
    offered: int = 0
    routes: dict[tuple[object, ...], Route | Refusal] = field(default_factory=dict)
    # Kept with the move itself, so that no other can get its number.
    stops: dict[int, tuple[Move, dict[str, Hop]]] = field(default_factory=dict)
    later: dict[int, tuple[Move, dict[str, int]]] = field(default_factory=dict)
    homes: dict[str, Move] = field(default_factory=dict)
    mobiles: tuple[Mobile, ...] | None = None

    def hops(self, state: State, remaining: Sequence[Move], extra: int) -> Iterator[Hop]:
        """Yield detours that cost up to ``extra`` migrations: movers' stops, settled machines, then splits."""
        for hop in self._hops(state, remaining, extra):
            self.offered += 1
            yield hop

    def _hops(self, state: State, remaining: Sequence[Move], extra: int) -> Iterator[Hop]:
        hosts = {key[1] for move in remaining for key in state.takes(move) if key[0] == "memory"}
        hosts |= {move.target.casefold() for move in remaining if move.changes_host}  # also of those kept apart that are off
        hosts |= {host.casefold() for move in remaining for host in choices(move)}
        volumes = {key for move in remaining for key in state.takes(move) if key[0] == "volume"}
        moves = sorted(remaining, key=by_priority)
        if extra:
            yield from self._stops(state, moves, hosts, volumes)
            yield from self._of_settled(state, moves, hosts, extra)
            self.complete = self.complete and not (volumes and extra > 1)  # files of settled machines stay where they are
        for move in moves:
            yield from self._others(state, move, extra)
        for move in moves:
            yield from splits(self.fleet, state, move)

    def _stops(self, state: State, moves: Sequence[Move], hosts: set[str], volumes: set[Key]) -> Iterator[Hop]:
        for move in moves:
            if move.changes_host and move.source.casefold() in hosts:
                yield from self._of_host(state, move)
            yield from self._of_files(state, move, volumes)

    def route(
        self, move: Move, machine: VirtualMachine, source: str, destination: str, *, bypass: bool = False
    ) -> Route | Refusal:
        """Return ``find_route``'s answer, asked only once for each."""
        key = (move.id, source, destination, bypass, machine.state, tuple(file.path for file in files_of(machine)))
        if key not in self.routes:
            self.routes[key] = find_route(self.fleet, move.drift, machine, source, destination, bypass=bypass)
        return self.routes[key]

    def _of_settled(self, state: State, remaining: Sequence[Move], hosts: set[str], extra: int) -> Iterator[Hop]:
        moving = {move.id for move in remaining} | {placed.move.id for placed in state.placed}
        for drift, machine, host in self._settled(hosts, extra):
            if machine.id.casefold() in moving:
                continue
            yield from self._for_good(state, drift, machine, host)
            if extra > 1:
                yield from self._of_host(state, self.home_of(drift, machine, host))

    def _settled(self, hosts: set[str], extra: int) -> list[tuple[MachineDrift, VirtualMachine, str]]:
        """Machines in place at hosts that others want; with more migrations to spend also those at interim hosts."""
        everywhere = extra > 1 and len(self.fleet.drift.machines) <= FEW_MACHINES
        self.complete = self.complete and (extra < 2 or everywhere)
        return [
            (drift, drift.observed, drift.host)
            for drift in self.fleet.drift.machines
            if drift.observed is not None
            and drift.host is not None
            and (everywhere or drift.host.casefold() in hosts)
            and may_be_parked(drift)
        ]

    def home_of(self, drift: MachineDrift, machine: VirtualMachine, host: str) -> Move:
        """Return the move that a machine in place would have if it stood elsewhere: back to where it is."""
        if machine.id not in self.homes:
            self.homes[machine.id] = Move(drift, machine, host, Route(None, Action.LIVE_MIGRATION), "bypass", True)
        return self.homes[machine.id]

    def stop_at(self, move: Move, host: str) -> Hop | None:
        """Return the stop that a machine could make at one host, whatever room there is."""
        known = host in self._others_than_ends(move)
        return _hop_via(self, move, host) if known and _may_stop(move) else None

    def parks(self, move: Move, names: Collection[str]) -> Iterator[Hop]:
        """Yield the interim places for files of a move, by name, whatever room there is."""
        files = tuple(file for file in move.route.storage if file.file in names)
        if files and _may_park_files(move):
            hops = (_hop_by_files(self, move, files, place) for place in _interim_places(self.fleet, move))
            yield from (hop for hop in hops if hop is not None)

    def detours(self, move: Move) -> list[Hop]:
        """Return all detours of a move that cost one extra migration, whatever room there is for them now."""
        hops: list[Hop | None] = []
        if move.changes_host:
            hops += self.stops_of(move).values()
        if move.route.storage and _may_park_files(move):
            hops += [_hop_by_files(self, move, move.route.storage, place) for place in _interim_places(self.fleet, move)]
        return [hop for hop in hops if hop is not None and hop.then is not None and hop.extra == 1]

    def stops_of(self, move: Move) -> dict[str, Hop]:
        """Return the stops that a machine could make on its way, by host, whatever room there is; worked out only once."""
        if id(move) not in self.stops:
            hops = {name: _hop_via(self, move, name) for name in self._others_than_ends(move)} if _may_stop(move) else {}
            self.stops[id(move)] = move, {name: hop for name, hop in hops.items() if hop is not None}
        return self.stops[id(move)][1]

    def later_stops(self, move: Move) -> dict[str, int]:
        """Return what stops cost a machine whose files have gone before it, by host, whatever room there is: never too much.

        Files may go first to where they belong, which costs nothing, and from there other hosts may be within reach; or to an
        interim place, after which any host may be.
        """
        if id(move) not in self.later:
            costs: dict[str, int] = {}
            if _may_stop(move) and move.route.storage and _may_park_files(move) and _interim_places(self.fleet, move):
                costs = dict.fromkeys(self._others_than_ends(move), 2)
            if may_be_split(move) and files_may_go_first(self.fleet, move):
                storage, alone = _in_two(move)
                then = _after(replace(move, route=storage), move, alone)
                costs |= {host: hop.extra for host, hop in self.stops_of(then).items()}
            self.later[id(move)] = move, costs
        return self.later[id(move)][1]

    def could_move(self) -> tuple[Mobile, ...]:
        """Return every machine that could be moved if it had to be, wherever it is now."""
        if self.mobiles is None:
            self.mobiles = tuple(
                Mobile(seen.id.casefold(), one.host, seen.memory_mib or 0, is_flexible(one), may_be_parked(one))
                for one in self.fleet.drift.machines
                if (seen := one.observed) and one.host and seen.is_running and one.handling is Handling.CORRECT
            )
        return self.mobiles

    @property
    def largest_mib(self) -> int:
        """The memory of the largest machine that could be moved."""
        return max((one.memory_mib for one in self.could_move()), default=0)

    def _of_host(self, state: State, move: Move) -> Iterator[Hop]:
        found, stops = 0, self.stops_of(move)
        names = self._with_room(state, stops, move.machine)
        for name, room in names:
            hop = stops[name]
            if state.obstacle(hop.first) is not None:
                continue
            yield hop
            found += 1
            if found == INTERIM_HOSTS:
                # One host that could take everybody serves as well as the next, unless rules tell them apart.
                left_out = len(names) > found and (room < self.ample_mib or bool(state.rules.of(move.drift)))
                self.complete = self.complete and not left_out
                return

    def _others_than_ends(self, move: Move) -> list[str]:
        """Every other host; a machine with a cluster role stays within the clusters it has to do with."""
        fleet, ends = self.fleet, {move.source.casefold(), move.target.casefold()}
        return [
            name
            for name in fleet.host_names
            if name.casefold() not in ends
            and (
                not move.machine.highly_available
                or fleet.same_cluster(name, move.source)
                or fleet.same_cluster(name, move.target)
            )
        ]

    def _with_room(self, state: State, names: Iterable[str], machine: VirtualMachine) -> list[tuple[str, int]]:
        needed = 0 if machine.is_off else machine.memory_mib or 0
        found: list[tuple[str, int]] = []
        for name in names:
            room = state.room_ever(memory_key(name))
            if room is not None and room >= needed:
                found.append((name, room))
            elif room is not None and self.elsewhere.get(name.casefold(), 0) >= needed:
                self.complete, self.narrow = False, True  # it has room at another time, in the order of other groups
        return sorted(found, key=lambda one: (-one[1], one[0].casefold()))

    def _others(self, state: State, move: Move, extra: int) -> Iterator[Hop]:
        """Another host for a machine that may go to several, where that costs no more than is allowed."""
        if choices(move):
            for other in self._allowed(state, move.drift, move.machine, move.source, {move.target.casefold()}):
                cost = other.route.migrations - move.route.migrations
                if cost <= extra:
                    yield Hop(replace(other, reason=move.reason), None, cost)

    def saving(self, move: Move) -> int:
        """Return how many migrations another host that the machine may choose would save, at the most."""
        if move.route.migrations < 2 or not (hosts := choices(move)):
            return 0
        plain = replace(move, route=Route(None, Action.LIVE_MIGRATION), reason="placement")
        routes = (self.route(plain, move.machine, move.source, host) for host in hosts)
        return max([0, *(move.route.migrations - route.migrations for route in routes if isinstance(route, Route))])

    def _for_good(self, state: State, drift: MachineDrift, machine: VirtualMachine, host: str) -> Iterator[Hop]:
        """A settled machine that may be elsewhere goes there, and stays."""
        for move in self._allowed(state, drift, machine, host, set()):
            yield Hop(replace(move, reason=MAKES_ROOM), None, move.route.migrations)

    def _allowed(
        self, state: State, drift: MachineDrift, machine: VirtualMachine, source: str, but: set[str]
    ) -> Iterator[Move]:
        placement = drift.machine.placement
        names = [name for name in placement.hosts if name.casefold() not in but | {source.casefold()}] if placement else []
        if not names:
            return
        if len(state.rules.apart(drift)) < len(state.rules.of(drift)):
            self.complete = False  # who keeps together was weighed when the hosts were chosen
            return
        names = [name for name in names if state.rules.may_choose(drift, name)]
        for number, (name, room) in enumerate(self._with_room(state, names, machine)):
            if number == INTERIM_HOSTS:
                self.complete = self.complete and room >= self.ample_mib
                return
            move = Move(drift, machine, source, Route(None, Action.LIVE_MIGRATION), "placement")
            route = self.route(move, machine, source, name)
            if isinstance(route, Route) and not route.needs:
                option = replace(move, route=route)
                if state.obstacle(option) is None:
                    yield option

    def _of_files(self, state: State, move: Move, wanted: set[Key]) -> Iterator[Hop]:
        """Park files that lie on a volume which others wait for, at another place that the host reaches."""
        blocking = tuple(file for file in move.route.storage if volume_key(self.fleet, move.source, file.source) in wanted)
        if not blocking or not _may_park_files(move):
            return
        for location in _interim_places(self.fleet, move):
            hop = _hop_by_files(self, move, blocking, location)
            if hop is not None and state.obstacle(hop.first) is None:
                yield hop


def _may_stop(move: Move) -> bool:
    return not move.route.starts and not (move.drift.machine.migration.when_off is WhenOff.HOLD and move.machine.is_off)


def _may_park_files(move: Move) -> bool:
    return MigrationKind.STORAGE in move.drift.machine.migration.allow and not move.route.starts


def may_be_split(move: Move) -> bool:
    """Tell whether a move is one of host and files at once, and its machine allows both kinds apart."""
    if move.route.action is not Action.LIVE_MIGRATION_WITH_STORAGE or move.route.in_two or move.machine.highly_available:
        return False
    return {MigrationKind.LIVE, MigrationKind.STORAGE} <= move.drift.machine.migration.allow


def splits(fleet: Fleet, state: State, move: Move) -> Iterator[Hop]:
    """Yield a combined migration taken in two, files first or host first: as many migrations, and other orders."""
    if not may_be_split(move):
        return
    if files_may_go_first(fleet, move):
        yield from _in_turn(state, move, *_in_two(move))
    if not move.route.starts and all(
        stays_reachable(fleet, file.path or "", move.source, move.target) for file in files_of(move.machine)
    ):
        yield from _in_turn(state, move, *reversed(_in_two(move)))


def _in_two(move: Move) -> tuple[Route, Route]:
    """The way of a combined migration's files alone, and that of its host."""
    storage = replace(move.route, destination=None, action=Action.STORAGE_MIGRATION, needs=(), starts=False)
    return storage, replace(move.route, action=Action.LIVE_MIGRATION, storage=())


def files_may_go_first(fleet: Fleet, move: Move) -> bool:
    """Tell whether the source reaches every place that files go to, and the destination means the same by it."""
    return are_one_place(fleet, move.route.storage, move.source, move.target)


def _in_turn(state: State, move: Move, one: Route, other: Route) -> Iterator[Hop]:
    first = replace(move, route=one)
    if state.obstacle(first) is None:
        yield Hop(first, _after(first, move, other), 0)


def _after(first: Move, move: Move, route: Route) -> Move:
    return replace(move, machine=after(first), source=first.target, route=route)


def choices(move: Move) -> list[str]:
    """Return the other hosts that a machine may go to where it stands at the beginning of its way; most have none."""
    placement = move.drift.machine.placement
    if placement is None or not move.changes_host or move.bypass or move.source != move.drift.host:
        return []
    ends = {move.source.casefold(), move.target.casefold()}
    return [host for host in placement.hosts if host.casefold() not in ends]


def is_flexible(drift: MachineDrift) -> bool:
    """Tell whether a machine may be on more than one host."""
    placement = drift.machine.placement
    return placement is not None and len(placement.hosts) > 1


def may_be_parked(drift: MachineDrift) -> bool:
    """Tell whether a machine that is where it belongs may step aside for a while."""
    settled = drift.status is MachineStatus.IN_PLACE and not drift.differs and drift.handling is Handling.CORRECT
    return settled and drift.observed is not None and drift.observed.is_running


def _hop_via(ways: Ways, move: Move, host: str) -> Hop | None:
    fleet, going = ways.fleet, ways.route(move, move.machine, move.source, host, bypass=True)
    if isinstance(going, Refusal) or not ways.rules.know(move.drift, host):
        return None
    first = Move(move.drift, move.machine, move.source, going, move.reason, bypass=True)
    if crossing(fleet, move.drift, move.machine, move.source, host).leaves:
        return None
    return _hop(ways, move, first, host)


def _hop(ways: Ways, move: Move, first: Move, host: str) -> Hop | None:
    machine = after(first)
    on = ways.route(move, machine, host, move.target)
    if isinstance(on, Refusal):
        return None
    extra = first.route.migrations + on.migrations - (0 if move.bypass else move.route.migrations)
    return Hop(first, replace(move, machine=machine, source=host, route=on), extra)


def _interim_places(fleet: Fleet, move: Move) -> list[str]:
    """Storage locations that the host reaches, but for the volumes that the files leave and go to."""
    wanted = fleet.wanted(move.source)
    listed = [location.path for location in fleet.desired.storage_locations]
    listed += list(wanted.storage.locations) if wanted else []
    ends = {
        volume_key(fleet, host, path)
        for file in move.route.storage
        for host, path in ((move.source, file.source), (move.target, file.target))
    }
    reached = (place for place in sorted(set(listed), key=str.casefold) if can_write(fleet, move.source, place))
    return [place for place in reached if volume_key(fleet, move.source, place) not in ends]


def _hop_by_files(ways: Ways, move: Move, files: tuple[StorageMove, ...], place: str) -> Hop | None:
    fleet = ways.fleet
    if move.machine.highly_available and not is_clustered(fleet, move.source, place):
        return None
    disks = {file.path for file in files_of(move.machine) if file.is_disk}
    root = paths.join(paths.join(place, INTERIM_FOLDER), move.id)
    parked = tuple(
        file.model_copy(
            update={"target": paths.join(paths.join(root, DISK_FOLDER), file.file) if file.source in disks else root}
        )
        for file in files
    )
    first = replace(move, route=Route(None, Action.STORAGE_MIGRATION, parked), bypass=True)
    return _hop(ways, move, first, move.source)

"""Where placing machines one by one leaves somebody out: look at all of them together, and at who could make way.

Makes a puzzle of the troubled machines, the hosts that they may go to, and the machines there that may go elsewhere; reads
the answer of ``assign``. In a large fleet the puzzle is cut to a neighbourhood, and what is found there is not called minimal.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from reconciler.model.drift import SETTLED, MachineDrift, MachineStatus
from reconciler.model.words import Handling, RuleType, WhenOff
from reconciler.plan.assign import Answer, Group, Item, Puzzle, assign
from reconciler.plan.conflicts import Demand, smallest_conflict, without_group, without_item, without_room
from reconciler.plan.fleet import Fleet
from reconciler.plan.moves import Move
from reconciler.plan.rules import Rules
from reconciler.plan.solver import Solver

MAKES_ROOM = "makesRoom"  # the reason of a move of a machine that may stay, and goes so that another may come
BUDGET = 20_000  # tries


@dataclass(frozen=True, slots=True)
class Scope:
    """How much of a fleet one puzzle looks at: machines that must go, that could make way, and hosts for each of them."""

    forced: int
    settled: int
    hosts: int


OWN_SEARCH = Scope(40, 120, 24)
# The solver looks first at those who must go alone: with room for all of them, nobody else has to move.
SOLVER = (Scope(1500, 0, 400), Scope(400, 600, 60))


@dataclass(frozen=True, slots=True)
class Decision:
    """Hosts by machine name (case folded), and who goes only to make way; ``proven``: no plan takes fewer migrations.

    ``better``: it is to be preferred to the first choice. ``troubled`` (case folded) contend for places. ``impossible``: some
    of them must be left out, which is proven; ``conflict`` are then the demands that contradict each other.
    """

    hosts: dict[str, str] = field(default_factory=dict)
    making_room: frozenset[str] = frozenset()
    proven: bool = True
    better: bool = True
    troubled: frozenset[str] = frozenset()
    impossible: bool = False
    conflict: tuple[str, ...] = ()

    def with_given(self, hosts: Mapping[str, str]) -> Self:
        """Return the decision beside hosts that were given before."""
        return replace(self, hosts={**hosts, **self.hosts}, making_room=self.making_room | hosts.keys())


@dataclass(frozen=True, slots=True)
class FirstChoice:
    """What came of placing one by one: room left in the end, moves, who found no place though some host would do."""

    room: dict[str, int | None]
    positions: dict[str, str]
    moves: list[Move]
    failed: list[MachineDrift]
    options: Callable[[MachineDrift, int], list[Move]]
    choices: Callable[[MachineDrift], int]


def decide_together(fleet: Fleet, rules: Rules, first: FirstChoice, solver: Solver | None = None) -> Decision | None:
    """Return what came of looking at everybody concerned together, or None where nothing had to be looked at.

    The planner's own search comes first; the solver, where there is one, when that leaves something open.
    """
    crowded = [move for move in first.moves if move.changes_host and (first.room.get(move.target) or 0) < 0]
    if not first.failed and not crowded:
        return None
    scene = _scene(fleet, rules, first, crowded, OWN_SEARCH)
    puzzle = _puzzle(rules, first, scene)
    answer, search = assign(puzzle, BUDGET), _own_search
    if solver is not None and (answer is None or answer.left_out or not _decision(scene, answer).proven):
        for scope in SOLVER:
            scene, search = _scene(fleet, rules, first, crowded, scope), solver.assign
            puzzle = _puzzle(rules, first, scene)
            answer = search(puzzle) or answer
            if answer is not None and _decision(scene, answer).proven and not answer.left_out:
                break
    troubled = frozenset(scene.forced)
    if answer is None:
        return Decision(better=False, troubled=troubled)
    better = bool(crowded) or len(answer.left_out) < len(first.failed)
    decision = replace(_decision(scene, answer), better=better, troubled=troubled)
    if not answer.impossible or not scene.whole:
        return decision
    free = _with_homes(scene, puzzle)
    if free is not puzzle and not ((whoever := search(free)) and whoever.impossible):
        return decision  # others could leave instead
    conflict = smallest_conflict(free, _demands(fleet, rules, scene, free), search)
    return replace(decision, impossible=True, conflict=conflict)


def _with_homes(scene: "_Scene", puzzle: Puzzle) -> Puzzle:
    """Return the puzzle in which machines that go only to mend a rule may as well stay: who goes was a choice."""
    stays = {name for name in scene.forced if not (scene.drifts[name].wrong_host or scene.drifts[name].draining)}
    items = (
        replace(item, options=((item.home, item.cheapest), *item.options)) if item.forced and item.name in stays else item
        for item in puzzle.items
    )
    return replace(puzzle, items=tuple(items)) if stays else puzzle


def _own_search(puzzle: Puzzle) -> Answer | None:
    return assign(puzzle, BUDGET // 10)


def _demands(fleet: Fleet, rules: Rules, scene: "_Scene", puzzle: Puzzle) -> list[Demand]:
    """What the puzzle asks for, each in the words of its document and with its place there."""
    demands: list[Demand] = []
    for item in puzzle.items:
        demands.append(_placement_demand(scene.drifts[item.name], item))
    for group in puzzle.groups:
        rule = next(one for one in rules.required if one.name == group.name)
        wish = "apart" if group.apart else "together"
        text = f"{rule.source.place}: rule {rule.name} keeps {', '.join(sorted(rule.virtual_machines))} {wish}"
        demands.append(Demand(text, without_group(group)))
    return demands + [_room_demand(fleet, host, room) for host, room in sorted(puzzle.room.items()) if room is not None]


def _placement_demand(drift: MachineDrift, item: Item) -> Demand:
    placement, options = drift.machine.placement, [host for host, _ in item.options if host != item.home]
    others = [host for host in (placement.hosts if placement else ()) if host != item.home]
    names = ", ".join(sorted(options, key=str.casefold)[:4]) + (" ..." if len(options) > 4 else "")
    may = f"may go to {names}" if len(options) >= len(others) else f"may go to {names} (the other hosts refuse it, see above)"
    stands = f"is on {item.home} and " if not item.forced or item.home in dict(item.options) else ""
    text = f"{drift.machine.source.of('placement')}: {drift.machine.name} ({item.size} MiB) {stands}{may}"
    return Demand(text, without_item(item.name))


def _room_demand(fleet: Fleet, host: str, room: int) -> Demand:
    wanted = fleet.wanted(host)
    place = f"{wanted.source.place}: " if wanted else ""
    reserve = f" beside its reserve of {wanted.reserve_memory_mib} MiB" if wanted and wanted.reserve_memory_mib else ""
    return Demand(f"{place}host {host} has {max(room, 0)} MiB for arrivals{reserve}", without_room(host))


@dataclass(slots=True)
class _Scene:
    """The part of the fleet that one puzzle is about. ``whole``: nothing was cut off."""

    forced: dict[str, list[Move]]
    drifts: dict[str, MachineDrift]
    settled: dict[str, list[Move]] = field(default_factory=dict)
    whole: bool = True


def _scene(fleet: Fleet, rules: Rules, first: FirstChoice, crowded: list[Move], scope: Scope) -> _Scene:
    troubled = {_key(drift): drift for drift in [*first.failed, *(move.drift for move in crowded)]}
    hosts, whole = _nearest(
        first, {one.target for drift in troubled.values() for one in first.options(drift, scope.hosts)}, scope
    )
    mates = _mates(rules, troubled.values())
    for move in first.moves:
        if move.changes_host and (move.target in hosts or _key(move.drift) in mates) and len(troubled) < scope.forced:
            troubled.setdefault(_key(move.drift), move.drift)
    scene = _Scene({}, dict(list(troubled.items())[: scope.forced]))
    scene.forced = {name: first.options(drift, scope.hosts) for name, drift in scene.drifts.items()}
    going = {_key(move.drift) for move in first.moves if move.changes_host}
    others = (drift for drift in fleet.drift.machines if _key(drift) not in scene.forced and _key(drift) not in going)
    everybody = [drift for drift in others if _may_make_way(rules, drift)]
    movable = everybody
    if len(movable) > scope.settled:
        movable = [drift for drift in movable if drift.host in hosts]
    for drift in movable[: scope.settled]:
        options = first.options(drift, scope.hosts)
        near, all_of_them = _nearest(first, {move.target for move in options}, scope)
        scene.settled[_key(drift)] = [move for move in options if move.target in near]
        scene.drifts[_key(drift)] = drift
        whole = whole and all_of_them
    matter = _who_matters(rules, first, scene)
    few = all(len(drift.machine.placement.hosts) <= scope.hosts for drift in scene.drifts.values() if drift.machine.placement)
    busy = _busy_where_it_matters(fleet, rules, scene, going)
    scene.whole = whole and few and not busy and matter <= set(scene.forced) and len(everybody) == len(scene.settled)
    return scene


def _busy_where_it_matters(fleet: Fleet, rules: Rules, scene: _Scene, going: set[str]) -> bool:
    """Tell whether somebody may stay, is not asked to make way because its files or role come first, and could do so later."""
    places, mates = _targets(scene), _mates(rules, scene.drifts.values())
    return any(
        _key(drift) not in scene.forced and _key(drift) not in going and (drift.host in places or _key(drift) in mates)
        for drift in fleet.drift.unsettled
        if _has_own_work(drift)
    )


def _has_own_work(drift: MachineDrift) -> bool:
    placement, stays = drift.machine.placement, not drift.wrong_host and not drift.draining
    is_seen = drift.status in SETTLED and drift.observed is not None
    is_free = drift.handling is Handling.CORRECT and placement is not None and len(placement.hosts) > 1
    return is_seen and is_free and stays and drift.differs


def _who_matters(rules: Rules, first: FirstChoice, scene: _Scene) -> set[str]:
    """Return who has to go and takes room, or is bound by a rule, where the machines of a scene could be.

    What the others leave behind counts as free already, so nothing that they could do instead would help.
    """
    places = _targets(scene) | {scene.drifts[name].host or "" for name in scene.settled}
    mates = _mates(rules, scene.drifts.values())
    going = ((_key(move.drift), move.target) for move in first.moves if move.changes_host)
    return {name for name, target in going if target in places or name in mates}


def _targets(scene: _Scene) -> set[str]:
    return {move.target for moves in (*scene.forced.values(), *scene.settled.values()) for move in moves}


def _mates(rules: Rules, drifts: Iterable[MachineDrift]) -> set[str]:
    """Return the names (case folded) in the required rules of some machines."""
    return {name.casefold() for drift in drifts for rule in rules.of(drift) for name in rule.virtual_machines}


def _nearest(first: FirstChoice, hosts: Iterable[str], scope: Scope) -> tuple[set[str], bool]:
    """Return the hosts that promise most: those with most room; and whether these are all."""
    ranked = sorted(hosts, key=lambda host: (-(first.room.get(host) or 0), host.casefold()))
    return set(ranked[: scope.hosts]), len(ranked) <= scope.hosts


def _may_make_way(rules: Rules, drift: MachineDrift) -> bool:
    """Tell whether a machine in place could go elsewhere; of those that are off, which take no memory, only mates of others."""
    placement, machine = drift.machine.placement, drift.observed
    settled = drift.status is MachineStatus.IN_PLACE and not drift.differs and drift.handling is Handling.CORRECT
    if not settled or machine is None or placement is None or len(placement.hosts) < 2:
        return False
    moved_off = machine.is_off and drift.machine.migration.when_off is WhenOff.MOVE
    return machine.is_running or (moved_off and bool(rules.of(drift)))


def _puzzle(rules: Rules, first: FirstChoice, scene: _Scene) -> Puzzle:
    room, chosen = dict(first.room), {_key(move.drift): move for move in first.moves if move.changes_host}
    for name, drift in scene.drifts.items():
        if name in scene.forced:
            place, size = (
                (chosen[name].target, chosen[name].memory_mib) if name in chosen else (drift.host or "", _size(scene, name))
            )
            known = room.get(place)
            if known is not None:
                room[place] = known + size
    items = [_item(first, scene, name, drift, moves, True) for name, drift, moves in _with_drifts(scene, scene.forced)]
    items += [_item(first, scene, name, drift, moves, False) for name, drift, moves in _with_drifts(scene, scene.settled)]
    hosts = sorted({host for item in items for host, _ in item.options} | {item.home for item in items})
    used = {host: room.get(host) for host in hosts}
    return Puzzle(tuple(items), used, _groups(rules, first, {item.name for item in items}, hosts))


def _with_drifts(scene: _Scene, moves: dict[str, list[Move]]) -> list[tuple[str, MachineDrift, list[Move]]]:
    return [(name, scene.drifts[name], moves[name]) for name in sorted(moves)]


def _item(first: FirstChoice, scene: _Scene, name: str, drift: MachineDrift, moves: list[Move], forced: bool) -> Item:
    options = tuple((move.target, move.route.migrations) for move in moves)
    return Item(name, drift.host or "", _size(scene, name), options, forced, first.choices(drift))


def _size(scene: _Scene, name: str) -> int:
    options = scene.forced.get(name) or scene.settled.get(name) or []
    return max((move.memory_mib for move in options), default=0)


def _groups(rules: Rules, first: FirstChoice, items: set[str], hosts: list[str]) -> tuple[Group, ...]:
    groups: list[Group] = []
    for rule in rules.required:
        members = {name.casefold() for name in rule.virtual_machines}
        if members & items:
            values = {host: rules.value(rule, host) for host in hosts}
            others = (rules.value(rule, first.positions[name]) for name in sorted(members - items) if name in first.positions)
            fixed = tuple(value for value in others if value is not None)
            groups.append(Group(rule.type is RuleType.ANTI_AFFINITY, frozenset(members & items), values, fixed, rule.name))
    return tuple(groups)


def _decision(scene: _Scene, answer: Answer) -> Decision:
    making_room = frozenset(name for name in answer.hosts if name not in scene.forced)
    cheap = not answer.left_out and all(
        move.route.migrations == min(one.route.migrations for one in moves)
        for name, moves in scene.forced.items()
        for move in moves
        if move.target == answer.hosts.get(name)
    )
    # With nobody moved but those who must be, no proof is needed; else only a search of the whole fleet is one.
    proven = (cheap and not making_room) or (answer.proven and scene.whole)
    return Decision(answer.hosts, making_room, proven)


def _key(drift: MachineDrift) -> str:
    return drift.machine.name.casefold()

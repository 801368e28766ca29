"""Where placing machines one by one leaves somebody out: look at all of them together, and at who could make way.

Makes a puzzle of the troubled machines, the hosts that they may go to, and the machines there that may go elsewhere; reads
the answer of ``assign``. In a large fleet the puzzle is cut to a neighbourhood, and what is found there is not called minimal.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from reconciler.model.drift import MachineDrift, MachineStatus
from reconciler.model.words import Handling, RuleType
from reconciler.plan.assign import Answer, Group, Item, Puzzle, assign
from reconciler.plan.fleet import Fleet
from reconciler.plan.moves import Move
from reconciler.plan.rules import Rules

MAKES_ROOM = "makesRoom"  # the reason of a move of a machine that may stay, and goes so that another may come
HOSTS, FORCED, SETTLED = 24, 40, 120  # how much of a fleet one puzzle looks at
BUDGET = 20_000  # tries


@dataclass(frozen=True, slots=True)
class Decision:
    """Hosts by machine name (case folded), and who goes only to make way; ``proven``: no plan takes fewer migrations."""

    hosts: dict[str, str] = field(default_factory=dict)
    making_room: frozenset[str] = frozenset()
    proven: bool = True


@dataclass(frozen=True, slots=True)
class FirstChoice:
    """What came of placing one by one: room left in the end, moves, who found no place though some host would do."""

    room: dict[str, int | None]
    positions: dict[str, str]
    moves: list[Move]
    failed: list[MachineDrift]
    options: Callable[[MachineDrift], list[Move]]


def decide_together(fleet: Fleet, rules: Rules, first: FirstChoice) -> Decision | None:
    """Return a better placement of everybody concerned, or None where the first choice cannot or need not be bettered."""
    crowded = [move for move in first.moves if move.changes_host and (first.room.get(move.target) or 0) < 0]
    if not first.failed and not crowded:
        return None
    scene = _scene(fleet, first, crowded)
    answer = assign(_puzzle(rules, first, scene), BUDGET)
    if answer is None or (len(answer.left_out) >= len(first.failed) and not crowded):
        return None
    return _decision(scene, answer)


@dataclass(slots=True)
class _Scene:
    """The part of the fleet that one puzzle is about. ``whole``: nothing was cut off."""

    forced: dict[str, list[Move]]
    drifts: dict[str, MachineDrift]
    settled: dict[str, list[Move]] = field(default_factory=dict)
    whole: bool = True


def _scene(fleet: Fleet, first: FirstChoice, crowded: list[Move]) -> _Scene:
    troubled = {_key(drift): drift for drift in [*first.failed, *(move.drift for move in crowded)]}
    hosts, whole = _nearest(first, {one.target for drift in troubled.values() for one in first.options(drift)})
    for move in first.moves:
        if move.changes_host and move.target in hosts and len(troubled) < FORCED:
            troubled.setdefault(_key(move.drift), move.drift)
    scene = _Scene({}, dict(list(troubled.items())[:FORCED]))
    scene.forced = {name: first.options(drift) for name, drift in scene.drifts.items()}
    movable = [drift for drift in fleet.drift.machines if drift.host in hosts and _may_make_way(drift)]
    for drift in movable[:SETTLED]:
        options = first.options(drift)
        near, all_of_them = _nearest(first, {move.target for move in options})
        scene.settled[_key(drift)] = [move for move in options if move.target in near]
        scene.drifts[_key(drift)] = drift
        whole = whole and all_of_them
    going = {_key(move.drift) for move in first.moves if move.changes_host}
    everybody = sum(_may_make_way(drift) for drift in fleet.drift.machines)
    few = all(len(drift.machine.placement.hosts) <= HOSTS for drift in scene.drifts.values() if drift.machine.placement)
    scene.whole = whole and few and going <= set(scene.forced) and everybody == len(scene.settled)
    return scene


def _nearest(first: FirstChoice, hosts: Iterable[str]) -> tuple[set[str], bool]:
    """Return the hosts that promise most: those with most room; and whether these are all."""
    ranked = sorted(hosts, key=lambda host: (-(first.room.get(host) or 0), host.casefold()))
    return set(ranked[:HOSTS]), len(ranked) <= HOSTS


def _may_make_way(drift: MachineDrift) -> bool:
    placement = drift.machine.placement
    settled = drift.status is MachineStatus.IN_PLACE and not drift.differs and drift.handling is Handling.CORRECT
    running = drift.observed is not None and drift.observed.is_running
    return settled and running and placement is not None and len(placement.hosts) > 1


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
    items = [_item(scene, name, drift, moves, True) for name, drift, moves in _with_drifts(scene, scene.forced)]
    items += [_item(scene, name, drift, moves, False) for name, drift, moves in _with_drifts(scene, scene.settled)]
    hosts = sorted({host for item in items for host, _ in item.options} | {item.home for item in items})
    used = {host: room.get(host) for host in hosts}
    return Puzzle(tuple(items), used, _groups(rules, first, {item.name for item in items}, hosts))


def _with_drifts(scene: _Scene, moves: dict[str, list[Move]]) -> list[tuple[str, MachineDrift, list[Move]]]:
    return [(name, scene.drifts[name], moves[name]) for name in sorted(moves)]


def _item(scene: _Scene, name: str, drift: MachineDrift, moves: list[Move], forced: bool) -> Item:
    options = tuple((move.target, move.route.migrations) for move in moves)
    return Item(name, drift.host or "", _size(scene, name), options, forced)


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
            groups.append(Group(rule.type is RuleType.ANTI_AFFINITY, frozenset(members & items), values, fixed))
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

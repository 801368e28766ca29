"""Keep to what was announced: of two ways that cost the same, the one that people have read is the better one.

A search for detours made anew on the way finds as short a rest, but at times another one; and while a machine is on its way to
an interim stop, whoever waits for its room would be sent on a detour of its own. So the rest of the announced plan is followed
move by move, every check made again, and kept where it brings as many machines into place with no more migrations.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from reconciler.model import paths
from reconciler.model.announced import AnnouncedMove
from reconciler.model.drift import MachineDrift, MachineStatus
from reconciler.model.plan import Blocked
from reconciler.plan.bypass import Ordered
from reconciler.plan.exact import MAKES_ROOM
from reconciler.plan.fleet import Fleet
from reconciler.plan.hops import Hop, Ways, may_be_parked, splits
from reconciler.plan.moves import Move, Route
from reconciler.plan.order import Key, State, by_priority, run
from reconciler.plan.routes import find_route
from reconciler.plan.rules import Rules

Announced = Sequence[AnnouncedMove]


def keep_announced(fleet: Fleet, rules: Rules, moves: Sequence[Move], fresh: Ordered, announced: Announced) -> Ordered:
    """Return the rest of what was announced where it is as good as the order that was found anew, else that order.

    Worse is: others left over than would be left anyway, unless they are no more and were not announced to go; or as many, and
    more migrations. While a machine is on its way to an announced stop, those who only wait until it has arrived do not count
    as left over.
    """
    own = {id(move) for move in moves}
    if not announced or not (fresh.left or any(id(placed.move) not in own for placed in fresh.state.placed)):
        return fresh
    stops = _stops_under_way(fleet, announced)
    rest = _follow(fleet, rules, moves, announced, stops)
    if _deeds(rest) == _deeds(fresh):
        return fresh
    if not _leaves_out_nobody_else(rest, fresh, announced) or (not stops and _worth(rest) > _worth(fresh)):
        return fresh
    if stops:
        return _for_now(fleet, rules, rest, fresh, stops, moves)
    if not _ids(rest.left) <= _ids(fresh.left):  # what was proven was proven of others
        fresh = replace(fresh, extra_bound=0, proven=False)
    return replace(fresh, state=rest.state, left=rest.left)


def told_as_stops(fleet: Fleet, blocked: Sequence[Blocked], announced: Announced) -> list[Blocked]:
    """Say of machines on their way to an announced stop what they do; diff knows only that nobody wants them there."""
    ways = {_id(stop.drift): stop.drift.destination for stop in _stops_under_way(fleet, announced)} if announced else {}
    said = {"remedy": "wait for that migration to end; the next pass plans on from there"}
    return [
        one.model_copy(update=said | {"finding": f"it is on its way to {stop}, the interim stop that was announced"})
        if (stop := ways.get((one.id or "").casefold())) is not None
        else one
        for one in blocked
    ]


@dataclass(frozen=True, slots=True)
class _Stop:
    """A machine on its way to an announced interim stop, and the move that it makes from there (None: nothing leads on)."""

    drift: MachineDrift
    then: Move | None


@dataclass(frozen=True, slots=True)
class _Rest:
    """The announced moves that could be made, in a safe order, and the moves of machines that are left over."""

    state: State
    left: list[Move]


def _worth(found: "_Rest | Ordered") -> tuple[int, int]:
    return len(found.left), sum(placed.move.route.migrations for placed in found.state.placed)


def _deeds(found: "_Rest | Ordered") -> Counter[AnnouncedMove]:
    return Counter(_announced(placed.move) for placed in found.state.placed)


def _announced(move: Move) -> AnnouncedMove:
    files = frozenset((file.file, paths.normal(file.target)) for file in move.route.storage)
    return AnnouncedMove(move.id, move.source, move.route.destination, files, move.bypass)


def _ids(moves: Sequence[Move]) -> set[str]:
    return {move.id for move in moves}


def _leaves_out_nobody_else(rest: _Rest, fresh: Ordered, announced: Announced) -> bool:
    """Tell whether all who are left over would be anyway; or are no more, and those others were not announced to go before."""
    others = _ids(rest.left) - _ids(fresh.left)
    return not others or (len(rest.left) <= len(fresh.left) and not others & {one.machine for one in announced})


def _stops_under_way(fleet: Fleet, announced: Announced) -> list[_Stop]:
    """The machines that a running migration takes to an announced stop; what they leave is free once they have arrived."""
    stops = {(one.machine, one.source, one.destination) for one in announced if one.bypass}
    on_the_way = (drift for drift in fleet.drift.unsettled if drift.status is MachineStatus.FOREIGN) if stops else ()
    return [
        _Stop(drift, _from_stop(fleet, drift, [one for one in announced if one.machine == drift.observed.id.casefold()]))
        for drift in on_the_way
        if drift.observed is not None and (drift.observed.id.casefold(), drift.host, drift.destination) in stops
    ]


def _from_stop(fleet: Fleet, drift: MachineDrift, legs: Announced) -> Move | None:
    """The move that brings a machine from its stop to where the last of its announced moves leads."""
    machine, stop, end = drift.observed, drift.destination, legs[-1].destination
    if machine is None or stop is None or end is None or end == stop:
        return None
    route = find_route(fleet, drift, machine, stop, end)
    return Move(drift, machine, stop, route, "placement") if isinstance(route, Route) else None


def _for_now(fleet: Fleet, rules: Rules, rest: _Rest, fresh: Ordered, stops: list[_Stop], moves: Sequence[Move]) -> Ordered:
    """Return the part of the rest that depends on nobody's arrival at a stop: the others follow once they have arrived."""
    later = {_id(stop.drift) for stop in stops}
    while True:
        state, waiting = _without(fleet, rules, rest, later)
        if not (stranded := waiting & {placed.move.id for placed in state.placed}):
            break
        later |= stranded
    names = " and ".join(sorted(stop.drift.machine.name for stop in stops))
    left = [*rest.left, *(move for move in moves if move.id in waiting)]
    return replace(fresh, state=state, left=left, extra_bound=0, awaited=dict.fromkeys(waiting, names))


def _without(fleet: Fleet, rules: Rules, rest: _Rest, later: set[str]) -> tuple[State, set[str]]:
    """Place what can be placed while some moves come later, and take no room from those, nor from who waits for them."""
    state, waiting, kept_free = _begin(fleet, rules), set(later), set[Key]()
    for placed in rest.state.placed:
        move, takes = placed.move, state.takes(placed.move)
        if move.id in waiting or kept_free & takes.keys() or state.obstacle(move) is not None:
            waiting.add(move.id)
            kept_free |= takes.keys()
        else:
            state.place(move)
    return state, waiting


def _begin(fleet: Fleet, rules: Rules) -> State:
    state = State(fleet, rules)
    state.count_on_leavers()
    return state


def _id(drift: MachineDrift) -> str:
    return drift.observed.id.casefold() if drift.observed else ""


def _follow(fleet: Fleet, rules: Rules, moves: Sequence[Move], announced: Announced, stops: list[_Stop]) -> _Rest:
    """Follow all; then with machines in place stepping aside only when nothing else can go on: they may be back already."""
    tried = [_without_stranded(fleet, rules, moves, announced, stops, eager=eager) for eager in (True, False)]
    return min(tried, key=_worth)


def _without_stranded(
    fleet: Fleet, rules: Rules, moves: Sequence[Move], announced: Announced, stops: list[_Stop], *, eager: bool
) -> _Rest:
    """Follow what was announced, but for machines that would be left at an interim stop."""
    without = set[str]()
    while True:
        following = _Following.begun(fleet, rules, moves, stops)
        stranded = following.follow([one for one in announced if one.machine not in without], eager=eager)
        if not stranded:
            left = run(following.state, following.not_begun(moves), by_priority)
            return _Rest(following.state, left)
        without |= stranded


@dataclass(slots=True)
class _Following:
    """How far the announced moves were followed. ``pending``: what each machine (VMId, case folded) has still to do."""

    ways: Ways
    state: State
    pending: dict[str, Move]
    settled: dict[str, MachineDrift]
    aside: set[str] = field(default_factory=set)

    @classmethod
    def begun(cls, fleet: Fleet, rules: Rules, moves: Sequence[Move], stops: list[_Stop]) -> "_Following":
        state = _begin(fleet, rules)
        for stop in stops:
            if stop.drift.host and stop.drift.observed and stop.drift.observed.is_running:
                state.release(stop.drift.host, stop.drift.observed.memory_mib or 0)
        onward = [stop.then for stop in stops if stop.then]
        settled = {_id(drift): drift for drift in fleet.drift.machines if may_be_parked(drift)}
        return cls(Ways(fleet, state.rules, 0), state, {move.id: move for move in [*onward, *moves]}, settled)

    def follow(self, announced: Announced, *, eager: bool) -> set[str]:
        """Make every announced move that can be made; return the machines that then stand at an interim stop."""
        todo = list(announced)
        while True:
            made = {one for one in todo if (eager or one.machine in self.pending) and self._make(one)}
            if not made and not eager:
                made = set(islice((one for one in todo if self._make(one)), 1))
            if not made:
                return self.aside
            todo = [one for one in todo if one not in made]

    def not_begun(self, moves: Sequence[Move]) -> list[Move]:
        """Return the moves of machines that are still where they were."""
        return [move for move in moves if self.pending.get(move.id) is move]

    def _make(self, one: AnnouncedMove) -> bool:
        for hop in self._ways_on(one):
            if _announced(hop.first) == one and self.state.obstacle(hop.first) is None:
                self.state.place(hop.first)
                self._note(hop)
                return True
        return False

    def _note(self, hop: Hop) -> None:
        if hop.then is None:
            self.pending.pop(hop.first.id, None)
            self.settled.pop(hop.first.id, None)
            self.aside.discard(hop.first.id)
        else:
            self.pending[hop.first.id] = hop.then
            self.aside.add(hop.first.id)

    def _ways_on(self, one: AnnouncedMove) -> Iterator[Hop]:
        """The ways in which a machine could go on that may be the announced one."""
        move = self.pending.get(one.machine)
        if move is not None and move.source != one.source:
            return
        if move is not None:
            yield Hop(move, None, 0)
            yield from splits(self.ways.fleet, self.state, move)
            if one.bypass and one.destination is None:
                yield from self.ways.parks(move, {name for name, _ in one.files})
        elif (drift := self.settled.get(one.machine)) and drift.observed and drift.host == one.source:
            move = self.ways.home_of(drift, drift.observed, drift.host)
        if move is not None and one.destination is not None:
            yield from self._to_host(move, one.destination, is_stop=one.bypass)

    def _to_host(self, move: Move, host: str, *, is_stop: bool) -> Iterator[Hop]:
        """A stop at a host, or that host for good where the machine may be there and no wish speaks of another."""
        rules, drift, placement = self.state.rules, move.drift, move.drift.machine.placement
        if is_stop:
            if (hop := self.ways.stop_at(move, host)) is not None:
                yield hop
        elif placement is not None and placement.allows(host) and not placement.prefer and rules.may_choose(drift, host):
            if rules.are_wished(drift):
                return
            route = self.ways.route(move, move.machine, move.source, host)
            if isinstance(route, Route) and not route.needs:
                reason = MAKES_ROOM if move.bypass else move.reason
                yield Hop(replace(move, route=route, reason=reason, bypass=False), None, 0)

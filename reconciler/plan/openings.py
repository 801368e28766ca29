"""How many extra migrations it takes at the least before machines that must go can go anywhere: a bound, never too high.

The first of them to leave needs a host with room for it, and until then only machines that have nowhere to go can make that
room. Where it cannot be made, or not for so little, a search need not try all the ways of stepping aside that come to nothing.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate

from reconciler.plan.hops import Ways
from reconciler.plan.moves import Move
from reconciler.plan.order import State, memory_key

AMPLE = 1 << 60  # MiB of a host that does not tell how much it has


def fewest_to_go_on(ways: Ways, state: State, remaining: Sequence[Move], enough: int) -> int | None:
    """Return a number of extra migrations without which these cannot all be made, or None where they never can.

    Asked of the largest machines first, then of more and more: the first of them to leave needs room, whatever all smaller
    ones have done before. Looks no further once it is clear whether more than ``enough`` are needed.
    """
    most = 0
    for opening in _openings(ways, state, remaining):
        fewest = opening.fewest(enough)
        if fewest is None or fewest > enough:
            return fewest
        most = max(most, fewest)
    return most


def is_up_to_others(ways: Ways, state: State, remaining: Sequence[Move]) -> bool:
    """Tell whether these cannot all be made, whatever stops they make, unless a machine that is in place steps aside."""
    return any(opening.fewest(AMPLE, helped=False) is None for opening in _openings(ways, state, remaining))


def _openings(ways: Ways, state: State, remaining: Sequence[Move]) -> Iterator["_Opening"]:
    movers = sorted((move for move in remaining if move.changes_host), key=lambda move: -move.memory_mib)
    now = _Now(ways, state, remaining)
    for number in range(1, len(movers) + 1):
        if number == len(movers) or movers[number].memory_mib < movers[number - 1].memory_mib:
            leaving: dict[str, int] = defaultdict(int)
            for move in movers[number:]:
                leaving[move.source.casefold()] += move.memory_mib
            yield _Opening(now, movers[:number], leaving)


@dataclass(frozen=True)
class _Opening:
    """The room that the first of some machines needs; ``leaving`` is what smaller ones give, by host, as they go."""

    now: "_Now"
    movers: Sequence[Move]
    leaving: dict[str, int]

    def fewest(self, enough: int, *, helped: bool = True) -> int | None:
        """Return the fewest extra migrations before one of them can leave, or any number that is ``enough``.

        ``helped``: by machines that step aside.
        """
        if any(self._lacking(move, move.target) <= 0 for move in self.movers):
            return 0
        fewest: int | None = None
        for move in self.movers:
            for host, cost in self._ways_out(move):
                if fewest is not None and cost >= fewest:
                    continue
                making = self._making(self._lacking(move, host), host.casefold(), helped=helped)
                if making is not None and (fewest is None or cost + making < fewest):
                    fewest = cost + making
                    if fewest <= enough:
                        return fewest
        return fewest

    def _ways_out(self, move: Move) -> Iterator[tuple[str, int]]:
        """The hosts that a machine could go to next, each with the extra migrations that this costs at the least."""
        yield move.target, 0
        placement = move.drift.machine.placement
        if placement is not None:
            yield from ((host, 1 - move.route.migrations) for host in placement.hosts if host != move.source)
        yield from ((host, hop.extra) for host, hop in self.now.ways.stops_of(move).items())
        yield from self.now.ways.later_stops(move).items()

    def _lacking(self, move: Move, host: str) -> int:
        return move.memory_mib - self.now.room(host.casefold()) - self.leaving.get(host.casefold(), 0)

    def _making(self, lacking: int, host: str, *, helped: bool) -> int | None:
        if lacking <= 0:
            return 0
        settled = self.now.settled.get(host) if helped else None
        return settled.fewest(lacking, self._largest_hole(host)) if settled else None

    def _largest_hole(self, but: str) -> int:
        """The most room that any other host has."""
        first = next(((room, host) for room, host in self.now.rooms if host != but), (0, ""))
        return max([first[0], *(self.now.room(host) + mib for host, mib in self.leaving.items() if host != but)])


@dataclass
class _Now:
    """A state as it bears on openings; what is asked of it is worked out once."""

    ways: Ways
    state: State
    remaining: Sequence[Move]
    known: dict[str, int] = field(default_factory=dict)

    def room(self, host: str) -> int:
        """What a host has for arrivals once all that was placed has happened, or while other groups are under way."""
        if host not in self.known:
            room = self.state.room_ever(memory_key(host))
            self.known[host] = AMPLE if room is None else max(room, self.ways.elsewhere.get(host, 0))
        return self.known[host]

    @cached_property
    def rooms(self) -> list[tuple[int, str]]:
        """Hosts by the room that they have, the most first."""
        return sorted(((self.room(name.casefold()), name.casefold()) for name in self.ways.fleet.host_names), reverse=True)

    @cached_property
    def settled(self) -> dict[str, "_Settled"]:
        """What could leave each host before any of the remaining moves has begun."""
        where = {placed.move.id: placed.move.target for placed in self.state.placed}
        waiting = {move.id for move in self.remaining}
        found: dict[str, _Settled] = defaultdict(_Settled)
        for one in self.ways.could_move():
            if one.id not in waiting:
                there = found[where.get(one.id, one.host).casefold()]
                comes_back = not one.is_flexible and (one.is_settled or one.id in where)
                (there.twice if comes_back else there.once).append(one.memory_mib)
        return found


class _Settled:
    """Machines of one host that could step aside: MiB of those that may stay away (one migration each), and of others (two)."""

    def __init__(self) -> None:
        self.once: list[int] = []
        self.twice: list[int] = []

    def fewest(self, lacking: int, hole: int) -> int | None:
        """Return the fewest migrations that free so much, ``hole`` being the most room elsewhere; None where all do not.

        A machine that fits nowhere needs another to step aside first.
        """
        if sum(self.once) + sum(self.twice) < lacking:
            return None
        once, twice = ([mib for mib in sizes if mib <= hole] for sizes in (self.once, self.twice))
        every = _fewest(lacking, self.once, self.twice) + 1
        return min(every, _fewest(lacking, once, twice)) if sum(once) + sum(twice) >= lacking else every


def _fewest(lacking: int, once: list[int], twice: list[int]) -> int:
    """The fewest migrations of machines that free so much together, the largest first, some of either kind."""
    freed_twice = [0, *accumulate(sorted(twice, reverse=True))]
    freed_once = [0, *accumulate(sorted(once, reverse=True))]
    return min(
        left + 2 * next(number for number, more in enumerate(freed_twice) if freed + more >= lacking)
        for left, freed in enumerate(freed_once)
        if freed + freed_twice[-1] >= lacking
    )

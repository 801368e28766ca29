"""The order of moves as a puzzle in numbers: what each takes and gives of which place, directly or by way of a detour.

Knows no machine and no host. ``best_fit`` tries many orders quickly; a solver (``solver.Solver``) decides exactly whether
there is one, and with how few detours. What either says is placed move by move afterwards, and dropped if it does not hold.
"""

import hashlib
from dataclasses import dataclass, field

Key = tuple[str, ...]
ATTEMPTS = 200  # orders that are tried; the odds of one for a tight group are a few in a hundred


@dataclass(frozen=True, slots=True)
class Leg:
    """One migration: what it needs of each place before it may begin, and what it frees once it has ended."""

    takes: dict[Key, int]
    gives: dict[Key, int]


@dataclass(frozen=True, slots=True)
class Job:
    """A move, and the detours that it could make instead: two migrations each, one more than the move itself."""

    direct: Leg
    detours: tuple[tuple[Leg, Leg], ...] = ()


@dataclass(frozen=True, slots=True)
class OrderPuzzle:
    """All moves of a group; ``room`` is what each place has at first. Places without a limit are left out."""

    jobs: tuple[Job, ...]
    room: dict[Key, int]


@dataclass(frozen=True, slots=True)
class Stop:
    """One migration in an order: of which job, by which detour (None: directly), and whether it is the second of two."""

    job: int
    detour: int | None = None
    second: bool = False


@dataclass(frozen=True, slots=True)
class OrderAnswer:
    """A safe order; without one, ``impossible``: there is proven to be none with so few detours."""

    order: tuple[Stop, ...] | None
    impossible: bool = False


def best_fit(puzzle: OrderPuzzle, detours: int = 0) -> tuple[Stop, ...] | None:
    """Return an order with up to so many detours, or None where the attempts found none, which proves nothing.

    First whatever takes from nobody; then what leaves the smallest hole, departures from places that others need before
    others; a detour where nothing fits, or at some moment before; small changes of that, each attempt others, the same on every
    machine.
    """
    task = _Task.of(puzzle)
    for attempt in range(ATTEMPTS * (1 + 4 * bool(detours))):
        early = attempt % (len(puzzle.jobs) + 1) if detours else 0
        now = _Attempt(task, list(task.room), list(task.wanted), _noise(attempt, len(puzzle.jobs)), detours, early)
        if now.succeeds():
            return tuple(now.order)
    return None


def _noise(attempt: int, jobs: int) -> list[float]:
    if not attempt:
        return [0.0] * jobs
    drawn = b"".join(hashlib.sha256(f"{attempt} {part}".encode()).digest() for part in range(jobs // 32 + 1))
    return [byte / 255 for byte in drawn[:jobs]]


Amounts = tuple[tuple[int, int], ...]  # by number of the place; those without a limit are left out
Change = tuple[Amounts, Amounts]  # what a leg takes and what it gives


@dataclass(frozen=True, slots=True)
class _Task:
    """The puzzle with places as numbers, for a thousand attempts; ``wanted``: what all would take of each directly."""

    direct: tuple[Change, ...]
    detours: tuple[tuple[tuple[Change, Change], ...], ...]
    room: tuple[int, ...]
    wanted: tuple[int, ...]

    @classmethod
    def of(cls, puzzle: OrderPuzzle) -> "_Task":
        places = {key: number for number, key in enumerate(puzzle.room)}

        def amounts(of: dict[Key, int]) -> Amounts:
            return tuple((places[key], amount) for key, amount in of.items() if key in places)

        def change(leg: Leg) -> Change:
            return amounts(leg.takes), amounts(leg.gives)

        wanted = [0] * len(places)
        direct = tuple(change(job.direct) for job in puzzle.jobs)
        for takes, _ in direct:
            for place, amount in takes:
                wanted[place] += amount
        detours = tuple(tuple((change(there), change(on)) for there, on in job.detours) for job in puzzle.jobs)
        return cls(direct, detours, tuple(puzzle.room.values()), tuple(wanted))


@dataclass(slots=True)
class _Attempt:
    task: _Task
    room: list[int]
    wanted: list[int]
    noise: list[float]
    detours: int
    early: int
    order: list[Stop] = field(default_factory=list)
    rest: dict[int, tuple[Stop, Change]] = field(default_factory=dict)

    def succeeds(self) -> bool:
        """Place one migration after the other until none is left; False where it gets stuck."""
        self.rest = {number: (Stop(number), change) for number, change in enumerate(self.task.direct)}
        while self.rest:
            if self.early and len(self.order) == self.early and self._makes_detour():
                continue
            if (stop := self._next()) is not None:
                self._go(*self.rest.pop(stop))
            elif not self._makes_detour():
                return False
        return True

    def _next(self) -> int | None:
        """The first that takes from nobody; else, of those that fit, the one that leaves the smallest hole."""
        best, least = None, 0.0
        for number, (_, change) in self.rest.items():
            if not self._fits(change[0]):
                continue
            if self._is_harmless(change[0]):
                return number
            badness = self._badness(change) + self.noise[number]
            if best is None or badness < least:
                best, least = number, badness
        return best

    def _makes_detour(self) -> bool:
        """Of what could step aside now, the one whose place others need, and that leaves the smallest hole."""
        options = [
            (self._badness(there) + self.noise[number], number, way)
            for number, (stop, _) in self.rest.items()
            if stop.detour is None and self.detours
            for way, (there, _) in enumerate(self.task.detours[number])
            if self._fits(there[0])
        ]
        if not options:
            return False
        _, number, way = min(options)
        there, on = self.task.detours[number][way]
        self.detours -= 1
        self._change(there)
        self.order.append(Stop(number, way))
        self.rest[number] = Stop(number, way, second=True), on
        return True

    def _go(self, stop: Stop, change: Change) -> None:
        self._change(change)
        self.order.append(stop)
        for place, amount in self.task.direct[stop.job][0]:
            self.wanted[place] -= amount

    def _change(self, change: Change) -> None:
        for place, amount in change[0]:
            self.room[place] -= amount
        for place, amount in change[1]:
            self.room[place] += amount

    # Loops instead of all(...): these three are asked a million times for one group.

    def _fits(self, takes: Amounts) -> bool:
        room = self.room
        for place, amount in takes:  # noqa: SIM110
            if room[place] < amount:
                return False
        return True

    def _is_harmless(self, takes: Amounts) -> bool:
        room, wanted = self.room, self.wanted
        for place, _ in takes:  # noqa: SIM110
            if room[place] < wanted[place]:
                return False
        return True

    def _badness(self, change: Change) -> float:
        room, worst = self.room, 0.0
        for place, amount in change[0]:
            if amount:
                worst = max(worst, (room[place] - amount) / amount)
        needed = any(self.wanted[place] > room[place] for place, _ in change[1])
        return worst - (1.0 if needed else 0.0)

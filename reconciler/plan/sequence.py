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
    for attempt in range(ATTEMPTS * (1 + 4 * bool(detours))):
        early = attempt % (len(puzzle.jobs) + 1) if detours else 0
        now = _Attempt(puzzle, dict(puzzle.room), _noise(attempt, len(puzzle.jobs)), detours, early)
        if now.succeeds():
            return tuple(now.order)
    return None


def _noise(attempt: int, jobs: int) -> list[float]:
    if not attempt:
        return [0.0] * jobs
    drawn = b"".join(hashlib.sha256(f"{attempt} {part}".encode()).digest() for part in range(jobs // 32 + 1))
    return [byte / 255 for byte in drawn[:jobs]]


@dataclass(slots=True)
class _Attempt:
    puzzle: OrderPuzzle
    room: dict[Key, int]
    noise: list[float]
    detours: int
    early: int
    order: list[Stop] = field(default_factory=list)
    wanted: dict[Key, int] = field(default_factory=dict)
    rest: dict[int, tuple[Stop, Leg]] = field(default_factory=dict)

    def succeeds(self) -> bool:
        """Place one migration after the other until none is left; False where it gets stuck."""
        for number, job in enumerate(self.puzzle.jobs):
            self.rest[number] = Stop(number), job.direct
            for key, amount in job.direct.takes.items():
                self.wanted[key] = self.wanted.get(key, 0) + amount
        while self.rest:
            if self.early and len(self.order) == self.early and self._makes_detour():
                continue
            if (stop := self._next()) is not None:
                self._go(*self.rest.pop(stop))
            elif not self._makes_detour():
                return False
        return True

    def _next(self) -> int | None:
        fitting = [number for number, (_, leg) in self.rest.items() if self._fits(leg)]
        harmless = next((number for number in fitting if self._is_harmless(self.rest[number][1])), None)
        if harmless is not None or not fitting:
            return harmless
        return min(fitting, key=lambda number: self._badness(self.rest[number][1]) + self.noise[number])

    def _makes_detour(self) -> bool:
        """Of what could step aside now, the one whose place others need, and that leaves the smallest hole."""
        options = [
            (self._badness(there) + self.noise[number], number, way, there, on)
            for number, (stop, _) in self.rest.items()
            if stop.detour is None and self.detours
            for way, (there, on) in enumerate(self.puzzle.jobs[number].detours)
            if self._fits(there)
        ]
        if not options:
            return False
        _, number, way, there, on = min(options, key=lambda one: one[:3])
        self.detours -= 1
        self._change(there)
        self.order.append(Stop(number, way))
        self.rest[number] = Stop(number, way, second=True), on
        return True

    def _go(self, stop: Stop, leg: Leg) -> None:
        self._change(leg)
        self.order.append(stop)
        for key, amount in self.puzzle.jobs[stop.job].direct.takes.items():
            self.wanted[key] -= amount

    def _change(self, leg: Leg) -> None:
        for changes, sign in ((leg.takes, -1), (leg.gives, 1)):
            for key, amount in changes.items():
                if key in self.room:
                    self.room[key] += sign * amount

    def _fits(self, leg: Leg) -> bool:
        return all(self.room[key] >= amount for key, amount in leg.takes.items() if key in self.room)

    def _is_harmless(self, leg: Leg) -> bool:
        return all(self.room[key] >= self.wanted.get(key, 0) for key in leg.takes if key in self.room)

    def _badness(self, leg: Leg) -> float:
        holes = [(self.room[key] - amount) / amount for key, amount in leg.takes.items() if key in self.room and amount]
        needed = any(self.wanted.get(key, 0) > self.room[key] for key in leg.gives if key in self.room)
        return max(holes, default=0.0) - (1.0 if needed else 0.0)

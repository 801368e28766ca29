"""Who goes first where several steps could start, judged anew at each moment: the longest chain, and the crowd still waiting.

The fixed ranks of ``rankings`` know how much work every host has in all; here it is how much it has left. So hosts with much
left to do are never idle, and towards the end short steps of such hosts go before long ones of hosts that are nearly done.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

Key = tuple[str, ...]
CROWDS = (1.0, 2.0, 0.0)  # how much the crowd counts beside the chain; zero: the greater of both counts
FLEET: Key = ("fleet",)


@dataclass(frozen=True, slots=True)
class Work:
    """Steps in numbers: seconds, the slots each holds, how many it waits for, who waits for it, its longest chain of followers.

    ``running`` are migrations under way: for how long, and the slots they hold.
    """

    seconds: Sequence[float]
    keys: Sequence[tuple[Key, ...]]
    limits: dict[Key, int]
    missing: Sequence[int]
    after: Sequence[Sequence[int]]
    tails: Sequence[float]
    running: Sequence[tuple[float, tuple[Key, ...]]] = ()


def crowded_first(work: Work, weight: float) -> list[float]:
    """Return when each step starts, those first that have most behind them: ``weight`` is one of ``CROWDS``."""
    return _Table(work, weight).starts()


@dataclass(slots=True)
class _Table:
    """Urgencies only ever fall, for crowds do: a heap that looks again at its first entry is always right.

    Entries are (negative urgency when last looked at, step, the slot whose line it stood in).
    """

    work: Work
    weight: float
    left: dict[Key, float] = field(default_factory=lambda: defaultdict(float))
    used: dict[Key, int] = field(default_factory=lambda: defaultdict(int))
    lines: dict[Key, list[tuple[float, int]]] = field(default_factory=lambda: defaultdict(list))
    ends: list[tuple[float, int, tuple[Key, ...]]] = field(default_factory=list)

    def starts(self) -> list[float]:
        work = self.work
        for seconds, keys in zip(work.seconds, work.keys, strict=True):
            self._add(seconds, keys)
        for until, keys in work.running:
            self._hold(keys)
            heapq.heappush(self.ends, (until, -1, keys))
        starts, missing, now = [0.0] * len(work.seconds), list(work.missing), 0.0
        ready: Iterable[int] = [step for step, count in enumerate(missing) if not count]
        freed: list[Key] = []
        while True:
            for step in self._started(ready, freed):
                starts[step] = now
                heapq.heappush(self.ends, (round(now + work.seconds[step], 3), step, work.keys[step]))
            if not self.ends:
                return starts
            now = self.ends[0][0]
            ready, freed = self._ended(now, missing)

    def _ended(self, now: float, missing: list[int]) -> tuple[list[int], list[Key]]:
        """Give back the slots of all that ends now; return who need no longer wait for a step, and the slots."""
        ready: list[int] = []
        freed: list[Key] = []
        while self.ends and self.ends[0][0] == now:
            _, step, keys = heapq.heappop(self.ends)
            freed += keys
            for key in keys:
                self.used[key] -= 1
            for follower in self.work.after[step] if step >= 0 else ():
                missing[follower] -= 1
                if not missing[follower]:
                    ready.append(follower)
        return ready, freed

    def _started(self, ready: Iterable[int], freed: list[Key]) -> Iterable[int]:
        """Yield steps that start now; of those in line for a slot, only the first is asked for each one that is free."""
        asked: list[tuple[float, int, Key]] = [(-self._urgency(step), step, ()) for step in ready]
        heapq.heapify(asked)
        for key in dict.fromkeys(freed):
            self._ask_next(key, asked)
        while asked:
            _, step, line = heapq.heappop(asked)
            urgency = self._urgency(step)
            if asked and -urgency > asked[0][0] + 1e-9:
                heapq.heappush(asked, (-urgency, step, line))
                continue
            full = next((key for key in self.work.keys[step] if self.used[key] >= self.work.limits[key]), None)
            if full is not None:
                heapq.heappush(self.lines[full], (-urgency, step))
            else:
                self._hold(self.work.keys[step])
                self._add(-self.work.seconds[step], self.work.keys[step])
                yield step
            if line:
                self._ask_next(line, asked)

    def _ask_next(self, key: Key, asked: list[tuple[float, int, Key]]) -> None:
        line = self.lines.get(key)
        while line and self.used[key] < self.work.limits[key]:
            _, step = heapq.heappop(line)
            urgency = self._urgency(step)
            if line and -urgency > line[0][0] + 1e-9:
                heapq.heappush(line, (-urgency, step))
                continue
            heapq.heappush(asked, (-urgency, step, key))
            return

    def _urgency(self, step: int) -> float:
        crowd = max((self.left[key] for key in self.work.keys[step] if key != FLEET), default=0.0)
        tail = self.work.tails[step]
        return tail + self.weight * crowd if self.weight else max(tail, crowd)

    def _add(self, seconds: float, keys: tuple[Key, ...]) -> None:
        for key in keys:
            self.left[key] += seconds / self.work.limits[key]

    def _hold(self, keys: tuple[Key, ...]) -> None:
        for key in keys:
            self.used[key] += 1

"""When each step would start: list scheduling, event by event, under every limit that counts. Estimates only.

Safety rests on dependencies alone and the real starts on the limits of the moment; this says how long it may take.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property

from reconciler.model import paths
from reconciler.model.observation import Migration
from reconciler.model.plan import MachineStep, SettingsStep, Step
from reconciler.model.words import Action, MigrationKind
from reconciler.plan.bounds import lower_bound_seconds
from reconciler.plan.crowds import CROWDS, Work, crowded_first
from reconciler.plan.estimate import Assumptions
from reconciler.plan.fleet import Fleet
from reconciler.plan.rankings import MANY, Ranks, chains, rankings

Key = tuple[str, ...]
LIVE_KINDS = (MigrationKind.LIVE, MigrationKind.LIVE_WITH_STORAGE, MigrationKind.OFFLINE)
STORAGE_KINDS = (MigrationKind.STORAGE, MigrationKind.LIVE_WITH_STORAGE)
CLOSE = 1.002  # of the bound: of a long plan that comes so near to it, no further table is made
USUAL_LIMIT = 2  # what Windows sets; stands in, for estimates only, where a limit is not known


class Slots:
    """The limits of a fleet, and which of them a step needs a slot of.

    ``later``: as they will be once this plan's settings are made. Estimates count on the limits of now, for a raised one counts
    once it has been seen; a time that no plan can beat may not.
    """

    def __init__(self, fleet: Fleet, *, later: bool = False) -> None:
        self._fleet, self._later = fleet, later
        self._of: dict[str, tuple[Key, ...]] = {}

    def of(self, step: Step) -> tuple[Key, ...]:
        """Return the slots a step holds while it runs."""
        if (known := self._of.get(step.id)) is None:
            known = self._of[step.id] = tuple(self._slots(step))
        return known

    def _slots(self, step: Step) -> Iterator[Key]:
        if not isinstance(step, MachineStep) or (kind := step.migration_kind) is None:
            return
        yield ("fleet",)
        yield from _host_slots(kind, bool(step.storage), (step.source, step.destination))
        if step.is_crossing:
            yield ("unprotected",)
        if step.storage:
            yield from (("location", name) for name in self._locations(step))

    def limit(self, key: Key) -> int:
        """Return how many slots there are; at least one, for a limit of none would never let an estimate end."""
        policy = self._fleet.desired.policy.limits
        known: int | None
        if key[0] == "live":
            known = self._fleet.live_limit_later(key[1]) if self._later else self._fleet.live_limit(key[1])
        elif key[0] == "storage":
            known = self._fleet.storage_limit_later(key[1]) if self._later else self._fleet.storage_limit(key[1])
        elif key[0] == "location":
            known = self._location_limits[key[1]]
        else:
            known = policy.concurrent_migrations if key[0] == "fleet" else policy.unprotected_virtual_machines
        return max(1, USUAL_LIMIT if known is None else known)

    @cached_property
    def _location_limits(self) -> dict[str, int]:
        locations = self._fleet.desired.storage_locations
        return {
            one.name: one.maximum_concurrent_migrations for one in locations if one.maximum_concurrent_migrations is not None
        }

    def _locations(self, step: MachineStep) -> list[str]:
        limited = self._location_limits
        return [
            location.name
            for location in self._fleet.desired.storage_locations
            if location.name in limited and any(paths.is_within(file.target, location.path) for file in step.storage)
        ]


def _host_slots(kind: MigrationKind, with_storage: bool, hosts: Iterable[str | None]) -> list[Key]:
    names = sorted({host.casefold() for host in hosts if host is not None})
    keys: list[Key] = [("live", name) for name in names if kind in LIVE_KINDS]
    copies = kind in STORAGE_KINDS or (kind is MigrationKind.OFFLINE and with_storage)
    return keys + [("storage", name) for name in names if copies]


def with_times(fleet: Fleet, steps: list[Step], assumptions: Assumptions, *, roughly: bool = False) -> tuple[list[Step], float]:
    """Return the steps with estimated starts, each as early as its dependencies and free slots allow; and the least seconds.

    Several rules are tried where several steps could start, as many as the size of the plan allows; the quickest table wins.
    ``roughly``: only the rules that are best most often. No plan for the same machines takes less than the least.
    """
    slots = Slots(fleet)
    book = _Book(fleet, steps, slots, assumptions)
    best: tuple[float, dict[str, float]] | None = None
    bound = lower_bound_seconds(fleet, steps, Slots(fleet, later=True) if fleet.changes_settings else slots)
    enough = bound + 1e-9 if len(steps) <= MANY else bound * CLOSE
    for starts in _tables(book, slots, roughly=roughly):
        ends = max((starts[one.id] + one.estimated_seconds for one in steps), default=0.0)
        if best is None or ends < best[0] - 1e-9:
            best = ends, starts
        if best[0] <= enough:
            break
    assert best is not None
    return [step.model_copy(update={"estimated_start_seconds": round(best[1][step.id], 3)}) for step in steps], bound


def _tables(book: "_Book", slots: Slots, *, roughly: bool) -> Iterator[dict[str, float]]:
    """Yield timetables, the most promising first."""
    names = [step.id for step in book.steps]
    if len(names) <= MANY:
        seconds = [step.estimated_seconds for step in book.steps]
        work = Work(seconds, book.keys, book.limits, book.missing, book.after, chains(book.steps), book.running)
        for weight in CROWDS:
            yield dict(zip(names, crowded_first(work, weight), strict=True))
        if roughly:
            return
    for ranks in rankings(book.steps, slots):
        yield _Timetable(book, ranks).starts()


class _Book:
    """What all timetables of one plan have in common: the slots of each step and their limits, waits, migrations that run."""

    def __init__(self, fleet: Fleet, steps: list[Step], slots: Slots, assumptions: Assumptions) -> None:
        self.steps, self._fleet = steps, fleet
        self.keys = [slots.of(step) for step in steps]
        self.limits = {key: slots.limit(key) for key in {key for keys in self.keys for key in keys}}
        self.missing, self.after = self._dependencies()
        self.running = list(self._running(assumptions))

    def _dependencies(self) -> tuple[list[int], list[list[int]]]:
        """Dependencies, and two waits for estimates alone: a host's settings first, lost protection restored first."""
        index_of = {step.id: index for index, step in enumerate(self.steps)}
        configured: dict[str, int] = {}
        restored: list[int] = []
        missing, after = [0] * len(self.steps), [[] for _ in self.steps]  # type: list[int], list[list[int]]
        for index, step in enumerate(self.steps):
            before = {index_of[one] for one in step.depends_on}
            if isinstance(step, SettingsStep):
                configured.update({step.host.casefold(): index} if step.host else {})
            else:
                ends = (step.source, step.destination or step.source)
                before |= {configured[host.casefold()] for host in ends if host.casefold() in configured}
                before.update(restored if step.is_crossing else ())
                restored += [index] if step.action is Action.ADD_CLUSTER_ROLE else []
            missing[index] = len(before)
            for one in sorted(before):
                after[one].append(index)
        return missing, after

    def _running(self, assumptions: Assumptions) -> Iterator[tuple[float, tuple[Key, ...]]]:
        """Migrations under way: for how long, and the slots they hold."""
        machines = self._fleet.observation.sightings
        hosts = sorted(self._fleet.observation.hosts, key=lambda host: host.name.casefold())
        for host in hosts:
            for job in host.running_migrations:
                found = machines.get(job.virtual_machine.casefold())
                machine = found[-1][1] if found else None
                destination = self._fleet.host_at(job.destination) if job.destination else None
                keys = (("fleet",), *_host_slots(job.kind, True, (host.name, destination)))
                copied = sum(disk.file_bytes or 0 for disk in machine.disks) if machine and job.kind in STORAGE_KINDS else 0
                seconds = _remaining(job, assumptions, (machine.memory_mib or 0) if machine else 0, copied)
                yield seconds, keys


class _Timetable:
    def __init__(self, book: _Book, ranks: Ranks) -> None:
        self._steps, self._ranks, self._keys, self._limits, self._after = book.steps, ranks, book.keys, book.limits, book.after
        self._used: dict[Key, int] = defaultdict(int)
        self._freed: list[Key] = []
        self._waiting: dict[Key, list[tuple[float, int]]] = defaultdict(list)
        self._ends: list[tuple[float, int, tuple[Key, ...]]] = []
        self._starts: dict[str, float] = {}
        self._missing = list(book.missing)
        self._ready = [ranks[index] for index, missing in enumerate(self._missing) if missing == 0]
        for seconds, keys in book.running:
            for key in keys:
                self._used[key] += 1
            heapq.heappush(self._ends, (seconds, -1, keys))

    def starts(self) -> dict[str, float]:
        now = 0.0
        self._start_all(now)
        while self._ends:
            now = self._ends[0][0]
            while self._ends and self._ends[0][0] == now:
                self._end(heapq.heappop(self._ends))
            self._start_all(now)
        return self._starts

    def _start_all(self, now: float) -> None:
        """Start what may; of those that wait for a slot, only the first in line is asked for each one that is free."""
        ready: list[tuple[tuple[float, int], Key | None]] = [(entry, None) for entry in self._ready]
        heapq.heapify(ready)
        for key in dict.fromkeys(self._freed):
            self._ask_next(key, ready)
        self._ready, self._freed = [], []
        while ready:
            entry, asked_for = heapq.heappop(ready)
            self._start_or_wait(entry, now)
            if asked_for is not None:
                self._ask_next(asked_for, ready)

    def _ask_next(self, key: Key, ready: list[tuple[tuple[float, int], Key | None]]) -> None:
        if self._waiting.get(key) and self._used[key] < self._limits[key]:
            heapq.heappush(ready, (heapq.heappop(self._waiting[key]), key))

    def _start_or_wait(self, entry: tuple[float, int], now: float) -> None:
        index = entry[1]
        keys = self._keys[index]
        full = next((key for key in keys if self._used[key] >= self._limits[key]), None)
        if full is not None:
            heapq.heappush(self._waiting[full], entry)
            return
        for key in keys:
            self._used[key] += 1
        step = self._steps[index]
        self._starts[step.id] = now
        heapq.heappush(self._ends, (round(now + step.estimated_seconds, 3), index, keys))

    def _end(self, end: tuple[float, int, tuple[Key, ...]]) -> None:
        _, index, keys = end
        for key in keys:
            self._used[key] -= 1
            self._freed.append(key)
        for follower in self._after[index] if index >= 0 else ():
            self._missing[follower] -= 1
            if self._missing[follower] == 0:
                self._ready.append(self._ranks[follower])


def _remaining(job: Migration, assumptions: Assumptions, memory_mib: int, copied: int) -> float:
    actions = {
        MigrationKind.LIVE: Action.LIVE_MIGRATION,
        MigrationKind.LIVE_WITH_STORAGE: Action.LIVE_MIGRATION_WITH_STORAGE,
        MigrationKind.STORAGE: Action.STORAGE_MIGRATION,
        MigrationKind.OFFLINE: Action.OFFLINE_MIGRATION,
    }
    whole = assumptions.migration_seconds(actions[job.kind], memory_mib=memory_mib, copied_bytes=copied, option=None)
    return round(whole * (1 - min(job.percent or 0, 100) / 100), 3)

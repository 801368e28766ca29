"""A time that no plan for the same machines can beat: slots have so much work, and who needs room waits for those who leave.

Only what every plan has to do counts: of a machine that may go to several hosts its departure alone, of one that makes a stop
its arrival alone, and of one that is in place nothing: another plan might make room, mend a rule or grant a wish by moving
somebody else. Rooms count only where no machine makes a stop or leaves its place, for either might make room earlier.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Protocol

from reconciler.model.drift import MachineDrift
from reconciler.model.plan import MachineStep, Step
from reconciler.model.words import Action
from reconciler.plan.fleet import Fleet

Key = tuple[str, ...]
NEAR, MOST_PACKED = 0.8, 60  # limits that come so near to the bound, and have no more steps, are looked at step by step
SWEEPS = 4  # rounds in which later departures push back arrivals, and these later departures
LIVE = (Action.LIVE_MIGRATION, Action.LIVE_MIGRATION_WITH_STORAGE)


class Limits(Protocol):
    """What is needed to know of slots."""

    def of(self, step: Step) -> tuple[Key, ...]:
        """Return the slots a step holds while it runs."""
        ...

    def limit(self, key: Key) -> int:
        """Return how many slots there are."""
        ...


@dataclass(slots=True)
class _Work:
    """A needed migration: seconds, the slots it holds in any plan, its memory, and how early it can begin."""

    seconds: float
    keys: Sequence[Key]
    mib: int
    source: str
    target: str | None
    earliest: float = 0.0


@dataclass(slots=True)
class _Host:
    """Room now and slots, who leaves and who arrives, largest need of time for each MiB last."""

    free: int
    slots: int
    leaving: list[_Work] = field(default_factory=list)
    arriving: list[_Work] = field(default_factory=list)


def lower_bound_seconds(fleet: Fleet, steps: list[Step], slots: Limits) -> float:
    """Return the bound in seconds; zero where there is nothing to migrate."""
    moves = [step for step in steps if isinstance(step, MachineStep) and step.migration_kind]
    hopping = {step.virtual_machine.id for step in moves if step.bypass}
    drifts = {drift.observed.id: drift for drift in fleet.drift.unsettled if drift.observed is not None} if moves else {}
    works = [
        _work(step, drifts[step.virtual_machine.id], hopping, slots)
        for step in moves
        if not step.bypass and step.virtual_machine.id in drifts
    ]
    bound = 0.0
    if len(works) == len(moves):
        bound = _delay(fleet, works, slots)
    loads: dict[Key, list[_Work]] = defaultdict(list)
    for work in works:
        for key in work.keys:
            loads[key].append(work)
    shared = {key: _least(slots.limit(key), load) for key, load in loads.items()}
    bound = max([bound, *shared.values()])
    full = (key for key, least in shared.items() if least >= NEAR * bound and len(loads[key]) <= MOST_PACKED)
    return round(max([bound, *(_packed(slots.limit(key), loads[key]) for key in full)]), 3)


def _work(step: MachineStep, drift: MachineDrift, hopping: set[str], slots: Limits) -> _Work:
    source, target = step.source.casefold(), (step.destination or step.source).casefold()
    flexible = drift.machine.placement is None or len(drift.machine.placement.hosts) > 1
    keys: Sequence[Key] = slots.of(step)
    if flexible or step.virtual_machine.id in hopping:
        unsure = {source} if step.virtual_machine.id in hopping else {target} - {source}
        keys = [key for key in keys if unsure.isdisjoint(key[1:])]
    mib = (drift.observed.memory_mib or 0) if step.action in LIVE and drift.observed else 0
    return _Work(step.estimated_seconds, keys, mib, source, None if flexible else target)


def _least(limit: int, load: list[_Work]) -> float:
    """The least time in which so many slots can do this work, each no earlier than it can begin."""
    longest = sorted((work.seconds for work in load), reverse=True)
    bound = longest[limit - 1] + longest[limit] if len(longest) > limit else 0.0
    rest = 0.0
    for work in sorted(load, key=lambda one: -one.earliest):
        rest += work.seconds
        bound = max(bound, work.earliest + rest / limit, work.earliest + work.seconds)
    return bound


def _packed(limit: int, load: list[_Work]) -> float:
    """The fullest slot takes whole steps, and no less than its share: the least sum of some steps that reaches it."""
    sums, milliseconds = 1, [round(work.seconds * 1000) for work in load]  # bit n is set where some take n milliseconds
    for taken in milliseconds:
        sums |= sums << taken
    share = -(-sum(milliseconds) // limit)
    enough = sums >> share
    return (share + (enough & -enough).bit_length() - 1) / 1000


def _delay(fleet: Fleet, works: list[_Work], slots: Limits) -> float:
    """Push arrivals back to when enough can have left their hosts; return the bound that rooms give by themselves."""
    hosts = _hosts(fleet, works, slots)
    for _ in range(SWEEPS):
        later = False
        for host in hosts:
            left = _Departures.of(host)
            for work in host.arriving:
                earliest = left.when(work.mib - host.free)
                later = later or earliest > work.earliest + 1e-6
                work.earliest = max(work.earliest, earliest)
        if not later:
            break
    return max((_turnover(host) for host in hosts), default=0.0)


def _hosts(fleet: Fleet, works: list[_Work], slots: Limits) -> list[_Host]:
    """Hosts that cannot take in all who come without letting others go first."""
    found: dict[str, _Host] = {}
    for work in works:
        if work.mib and work.target is not None and work.target not in found:
            room = fleet.memory_room(work.target)
            if room is not None:
                free = max(room, 0) + fleet.leaving_memory.get(work.target, 0)
                found[work.target] = _Host(free, slots.limit(("live", work.target)))
    for work in works:
        if work.mib and work.target in found:
            found[work.target].arriving.append(work)
        if work.mib and work.source in found:
            found[work.source].leaving.append(work)
    return [host for _, host in sorted(found.items()) if host.leaving and sum(work.mib for work in host.arriving) > host.free]


@dataclass(frozen=True, slots=True)
class _Departures:
    """How soon how much can have left a host: by when its machines can have gone, and by what its slots can carry."""

    gone: list[int]
    ends: list[float]
    carried: "_Cheapest"
    slots: int

    @classmethod
    def of(cls, host: _Host) -> "_Departures":
        ends = sorted((work.earliest + work.seconds, work.mib) for work in host.leaving)
        gone = list(accumulate(mib for _, mib in ends))
        return cls(gone, [end for end, _ in ends], _Cheapest.of(host.leaving), host.slots)

    def when(self, mib: int) -> float:
        """Return the earliest time at which so much can have left; that of the last departure where it never does."""
        if mib <= 0 or not self.ends:
            return 0.0
        end = self.ends[min(bisect_left(self.gone, mib), len(self.ends) - 1)]
        return max(end, self.carried.seconds(mib) / self.slots)


@dataclass(frozen=True, slots=True)
class _Cheapest:
    """The least work that moves so much memory: those that take least time for each MiB, the last of them in part."""

    mib: list[int]
    spent: list[float]

    @classmethod
    def of(cls, works: list[_Work]) -> "_Cheapest":
        ranked = sorted(works, key=lambda work: work.seconds / work.mib)
        return cls(list(accumulate(work.mib for work in ranked)), list(accumulate(work.seconds for work in ranked)))

    def seconds(self, mib: int) -> float:
        if mib <= 0 or not self.mib:
            return 0.0
        place = min(bisect_left(self.mib, mib), len(self.mib) - 1)
        before, spent = (self.mib[place - 1], self.spent[place - 1]) if place else (0, 0.0)
        share = min(1.0, (mib - before) / (self.mib[place] - before))
        return spent + share * (self.spent[place] - spent)


def _turnover(host: _Host) -> float:
    """Until more than ``gone`` has left, no more than that and the free room can have come: the rest comes afterwards."""
    left, comes = _Departures.of(host), _Cheapest.of(host.arriving)
    coming = sum(work.mib for work in host.arriving)
    rests = ((gone, coming - host.free - gone) for gone in (0, *left.gone[:-1]))
    return max(
        (
            left.when(gone + 1) + max(comes.seconds(rest) / host.slots, _longest_of(host.arriving, rest))
            for gone, rest in rests
            if rest > 0
        ),
        default=0.0,
    )


def _longest_of(works: list[_Work], mib: int) -> float:
    """Return how long the longest of machines with so much memory in all takes at the least: all the shorter ones have less."""
    ranked = sorted(works, key=lambda work: work.seconds)
    sums = accumulate(work.mib for work in ranked)
    return next((work.seconds for work, reached in zip(ranked, sums, strict=True) if reached >= mib), 0.0)

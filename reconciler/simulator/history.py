"""What happened in the simulated fleet, as immutable records, and questions that can be answered from the records alone.

The answers here share no code with the rules that enforce limits, so tests may use them as an independent witness. The
order of the records is the order of events: an end stands before a start of the same moment that needed its slot.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class EventKind(StrEnum):
    """What can happen."""

    MIGRATION_STARTED = "migrationStarted"
    MIGRATION_COMPLETED = "migrationCompleted"
    MIGRATION_FAILED = "migrationFailed"
    MIGRATION_CANCELLED = "migrationCancelled"
    MIGRATION_REFUSED = "migrationRefused"
    SETTING_CHANGED = "settingChanged"
    ROLE_REMOVED = "roleRemoved"
    ROLE_ADDED = "roleAdded"
    MACHINE_STARTED = "machineStarted"
    MACHINE_STOPPED = "machineStopped"


ENDS = (EventKind.MIGRATION_COMPLETED, EventKind.MIGRATION_FAILED, EventKind.MIGRATION_CANCELLED)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. ``vm`` is a VMId, ``host`` a computer's name (a cluster's for its settings).

    A migration's ``detail``: migration (id), kind, destination, performanceOption, by ("request" or "person"), live and storage
    (hosts to the limit in force, one entry for each slot taken), and for ends seconds. A setting's: field, from, to.
    """

    time: datetime
    kind: EventKind
    vm: str | None = None
    host: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Use:
    """Slots of one host in use at once."""

    live: int = 0
    storage: int = 0


@dataclass(frozen=True, slots=True)
class Interval:
    """From ``start`` until just before ``end``; None is not over yet."""

    start: datetime
    end: datetime | None


def use_over_time(events: Iterable[Event]) -> Iterator[tuple[Event, dict[str, Use]]]:
    """Yield each start and end of a migration with the slots in use right after it, by host."""
    running: dict[str, Event] = {}
    for event in events:
        if event.kind is EventKind.MIGRATION_STARTED:
            running[event.detail["migration"]] = event
        elif event.kind in ENDS:
            running.pop(event.detail["migration"], None)
        else:
            continue
        yield event, _use(running.values())


def _use(started: Iterable[Event]) -> dict[str, Use]:
    live: dict[str, int] = defaultdict(int)
    storage: dict[str, int] = defaultdict(int)
    for event in started:
        for host in event.detail["live"]:
            live[host] += 1
        for host in event.detail["storage"]:
            storage[host] += 1
    return {host: Use(live[host], storage[host]) for host in sorted({*live, *storage})}


def peak_use(events: Iterable[Event]) -> dict[str, Use]:
    """Return the most slots of each kind that each host ever had in use at once."""
    peak: dict[str, Use] = {}
    for _, use in use_over_time(events):
        for host, now in use.items():
            before = peak.get(host, Use())
            peak[host] = Use(max(before.live, now.live), max(before.storage, now.storage))
    return dict(sorted(peak.items()))


def over_limit(events: Iterable[Event]) -> list[str]:
    """Return a sentence for every start that took more slots than the limit in force on a host allowed."""
    found = []
    for event, use in use_over_time(events):
        if event.kind is not EventKind.MIGRATION_STARTED:
            continue
        for what in ("live", "storage"):
            for host, limit in event.detail[what].items():
                if getattr(use[host], what) > limit:
                    found.append(f"{event.time}: {getattr(use[host], what)} {what} migrations on {host}, limit {limit}")
    return found


def movers(events: Iterable[Event]) -> dict[str, int]:
    """Return how many migrations of each machine ever ran at once; more than one is a fault of the fleet."""
    running: dict[str, set[str]] = defaultdict(set)
    most: dict[str, int] = defaultdict(int)
    for event in events:
        if event.kind is EventKind.MIGRATION_STARTED and event.vm:
            running[event.vm].add(event.detail["migration"])
            most[event.vm] = max(most[event.vm], len(running[event.vm]))
        elif event.kind in ENDS and event.vm:
            running[event.vm].discard(event.detail["migration"])
    return dict(sorted(most.items()))


def unprotected(events: Iterable[Event]) -> dict[str, list[Interval]]:
    """Return, by VMId, when machines that had a cluster role had none."""
    open_since: dict[str, datetime] = {}
    intervals: dict[str, list[Interval]] = defaultdict(list)
    for event in events:
        if event.kind is EventKind.ROLE_REMOVED and event.vm:
            open_since[event.vm] = event.time
        elif event.kind is EventKind.ROLE_ADDED and event.vm in open_since:
            intervals[event.vm].append(Interval(open_since.pop(event.vm), event.time))
    for machine, since in open_since.items():
        intervals[machine].append(Interval(since, None))
    return dict(sorted(intervals.items()))

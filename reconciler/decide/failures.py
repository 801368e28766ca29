"""Failures beyond one machine: a host that fails repeatedly is left alone for a while, and too many failures stop all starts.

A host is suspected only where at least two machines failed there and nothing was done there since, for one machine alone
says more about itself. The budget counts every failure of the fleet and is whole again as they grow old.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.model.desired import FailureLimits
from reconciler.model.memory import FailedStep, Memory


@dataclass(frozen=True, slots=True)
class Quarantine:
    """A host (lower case) that nothing migrates from or to until then, with the failures that say so."""

    host: str
    until: datetime
    failures: tuple[FailedStep, ...]


def quarantines(memory: Memory, limits: FailureLimits, now: datetime) -> dict[str, Quarantine]:
    """Return the hosts that are left alone at ``now``, by name in lower case."""
    by_host: dict[str, list[FailedStep]] = defaultdict(list)
    for failure in recent(memory, limits, now):
        for host in failure.hosts:
            by_host[host].append(failure)
    pause = timedelta(minutes=limits.quarantine_minutes)
    found = {}
    for host, failures in sorted(by_host.items()):
        until = max(failure.at for failure in failures) + pause
        if len(failures) >= limits.per_host and len({one.key for one in failures}) > 1 and until > now:
            found[host] = Quarantine(host, until, tuple(failures))
    return found


def budget_spent_until(memory: Memory, limits: FailureLimits, now: datetime) -> datetime | None:
    """Return when so many failures will have grown old that something may start again; None while the budget lasts."""
    counted = sorted(failure.at for failure in recent(memory, limits, now))
    if len(counted) < limits.budget:
        return None
    return counted[len(counted) - limits.budget] + timedelta(minutes=limits.within_minutes)


def recent(memory: Memory, limits: FailureLimits, now: datetime) -> tuple[FailedStep, ...]:
    """Return the failures that count, oldest first."""
    since = now - timedelta(minutes=limits.within_minutes)
    return tuple(failure for failure in memory.failures if failure.at > since)

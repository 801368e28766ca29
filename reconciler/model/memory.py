"""What the controller remembers between passes: attempts, changes it made, protection it owes, steps it started.

All of it helps to wait or to restore; none of it is needed to know where machines run (hosts and Git say that), so losing
it costs patience and saved role settings, not correctness. Written by the passes, kept by the store, read by ``decide``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from reconciler.model.host_failures import Cause, Diagnosis
from reconciler.model.words import Action

V = TypeVar("V")

MOST_FAILURES = 1000


@dataclass(frozen=True, slots=True)
class Attempt:
    """What went wrong with a machine lately: failures in a row, when and why the last, and when to try again."""

    failures: int
    last_failed_at: datetime
    last_error: str
    next_try_at: datetime
    cause: Cause = Cause.UNKNOWN
    remedy: str = ""

    @property
    def needs_a_person(self) -> bool:
        """Whether trying again changes nothing before somebody has mended what the remedy names."""
        return Diagnosis(self.cause, self.remedy).needs_a_person


@dataclass(frozen=True, slots=True)
class FailedStep:
    """One failure, by the key its attempts are counted by; ``hosts`` are those that nothing was done at since (lower case)."""

    key: str
    at: datetime
    hosts: frozenset[str]
    detail: str


@dataclass(frozen=True, slots=True)
class SavedRole:
    """The cluster a role was taken from and what it had set, as plain JSON; needed to put it back as it was."""

    cluster: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StartedStep:
    """A step that was started and not yet seen done. ``targets`` are the paths (of files or folders) it writes to."""

    step_id: str
    action: Action
    source: str
    destination: str | None
    at: datetime
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered, by VMId in lower case; ``changed_at`` by host name: our last change there.

    ``attempts`` also holds those of settings, by the subject of their step in lower case ("host/h1"). ``failures`` are
    the newest of the whole fleet, oldest first.
    """

    attempts: Mapping[str, Attempt] = field(default_factory=dict)
    changed_at: Mapping[str, datetime] = field(default_factory=dict)
    unprotected_since: Mapping[str, datetime] = field(default_factory=dict)
    role_settings: Mapping[str, SavedRole] = field(default_factory=dict)
    started: Mapping[str, StartedStep] = field(default_factory=dict)
    failures: tuple[FailedStep, ...] = ()

    def last_change(self, host: str) -> datetime | None:
        """Return when we last changed something on that host (case does not matter), or None."""
        return max((at for name, at in self.changed_at.items() if name.casefold() == host.casefold()), default=None)

    def with_attempt(self, vm_id: str, attempt: Attempt) -> "Memory":
        """Return a memory in which this is what we know of the machine's failures."""
        return replace(self, attempts=_with(self.attempts, vm_id, attempt))

    def without_attempt(self, vm_id: str) -> "Memory":
        """Return a memory that holds no failure against the machine."""
        return replace(self, attempts=_without(self.attempts, vm_id))

    def with_failure(self, failure: FailedStep) -> "Memory":
        """Return a memory that knows of one more failure; only the newest are kept."""
        return replace(self, failures=(*self.failures, failure)[-MOST_FAILURES:])

    def with_trust_in(self, hosts: frozenset[str]) -> "Memory":
        """Return a memory in which earlier failures are not held against these hosts: something was done there."""
        return replace(self, failures=tuple(replace(one, hosts=one.hosts - hosts) for one in self.failures))

    def with_change(self, host: str, at: datetime) -> "Memory":
        """Return a memory in which we changed that host at ``at``, or later where a later change is known."""
        known = self.last_change(host)
        others = {name: when for name, when in self.changed_at.items() if name.casefold() != host.casefold()}
        return replace(self, changed_at=_with(others, host, at if known is None else max(at, known)))

    def with_unprotected(self, vm_id: str, since: datetime) -> "Memory":
        """Return a memory in which the machine lacks its high availability; the earliest known moment stays."""
        earliest = min(since, self.unprotected_since.get(vm_id, since))
        return replace(self, unprotected_since=_with(self.unprotected_since, vm_id, earliest))

    def without_unprotected(self, vm_id: str) -> "Memory":
        """Return a memory in which the machine is protected again."""
        return replace(self, unprotected_since=_without(self.unprotected_since, vm_id))

    def with_role(self, vm_id: str, role: SavedRole) -> "Memory":
        """Return a memory that keeps the settings of a role that was taken off."""
        return replace(self, role_settings=_with(self.role_settings, vm_id, role))

    def without_role(self, vm_id: str) -> "Memory":
        """Return a memory without saved role settings of the machine."""
        return replace(self, role_settings=_without(self.role_settings, vm_id))

    def with_started(self, vm_id: str, step: StartedStep) -> "Memory":
        """Return a memory in which the step was started for the machine."""
        return replace(self, started=_with(self.started, vm_id, step))

    def without_started(self, vm_id: str) -> "Memory":
        """Return a memory in which nothing is under way for the machine."""
        return replace(self, started=_without(self.started, vm_id))


def _with(known: Mapping[str, V], key: str, value: V) -> dict[str, V]:
    # Sorted, so that two memories of the same facts are written down as the same bytes.
    return dict(sorted({**known, key: value}.items()))


def _without(known: Mapping[str, V], key: str) -> dict[str, V]:
    return {name: value for name, value in known.items() if name != key}

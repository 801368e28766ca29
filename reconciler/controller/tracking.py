"""What a run keeps about the steps it started or adopted, and how that reads as progress and outcomes. Values only."""

from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.model.observation import Host, HostMigration, Migration, Observation
from reconciler.model.plan import MachineRef, MachineStep, SettingsStep, Step
from reconciler.model.progress import OutcomeState, PeakSlots, ProgressRow, StepOutcome
from reconciler.model.words import Action, MigrationKind

ACTIONS = {
    MigrationKind.LIVE: Action.LIVE_MIGRATION,
    MigrationKind.LIVE_WITH_STORAGE: Action.LIVE_MIGRATION_WITH_STORAGE,
    MigrationKind.STORAGE: Action.STORAGE_MIGRATION,
    MigrationKind.OFFLINE: Action.OFFLINE_MIGRATION,
}


@dataclass(frozen=True, slots=True)
class Ending:
    """Why we asked a host to cancel a migration, and what its outcome is then."""

    state: OutcomeState
    why: str


@dataclass(frozen=True, slots=True)
class Tracked:
    """A step on its way. ``unprotected_from`` and ``_until`` bound the time without high availability, as measured here.

    ``digest`` is that of the desired state it was started for; ``ours`` is false for what somebody else started.
    ``progress_at`` is when its percentage last grew, ``asked_to_end`` the reason why we asked its host to cancel it,
    ``untold_since`` since when nobody can tell what became of it.
    """

    step: Step
    started_at: datetime
    state_before: str | None = None
    migration_id: str | None = None
    adopted: bool = False
    percent: int | None = None
    arrived_at: datetime | None = None
    unprotected_from: datetime | None = None
    unprotected_until: datetime | None = None
    digest: str = ""
    ours: bool = True
    progress_at: datetime | None = None
    stalled: bool = False
    untold_since: datetime | None = None
    asked_to_end: Ending | None = None

    @property
    def is_migration(self) -> bool:
        """Whether a migration job is behind it."""
        return isinstance(self.step, MachineStep) and self.step.migration_kind is not None and self.arrived_at is None

    @property
    def is_unprotected(self) -> bool:
        """Whether the machine is without high availability because of this step."""
        return self.unprotected_from is not None and self.unprotected_until is None

    def seen(self, job: Migration, now: datetime) -> "Tracked":
        """Return this with what the host says of its job at ``now``."""
        grown = job.id != self.migration_id or (job.percent or 0) > (self.percent or 0) or self.progress_at is None
        known = replace(self, percent=job.percent, migration_id=job.id, progress_at=now if grown else self.progress_at)
        return replace(known, untold_since=None, stalled=known.stalled and not grown)


def key_of(step: Step) -> str:
    """What can have only one step at a time: a machine (by VMId), a host's or a cluster's settings."""
    return step.virtual_machine.id.casefold() if isinstance(step, MachineStep) else step.subject.casefold()


def adopted_step(host: str, job: Migration, name: str) -> MachineStep:
    """Return the step that somebody's running migration amounts to, so that it is followed like our own."""
    return MachineStep(
        id=f"adopted-{job.virtual_machine}",
        action=ACTIONS[job.kind],
        virtual_machine=MachineRef(id=job.virtual_machine, name=name),
        source=host,
        destination=job.destination,
        reason="adopted",
    )


def not_after(now: datetime, host_says: datetime | None) -> datetime:
    """Return when a migration began: as its host says, but never in our future, for clocks differ and no time is negative."""
    return min(now, host_says) if host_says else now


def row_of(tracked: Tracked, now: datetime) -> ProgressRow:
    """Return one line of progress. Time left is by percent once that means something, by the estimate before."""
    step = tracked.step
    if isinstance(step, SettingsStep):
        return ProgressRow(step.host or step.cluster or "", step.action, step.host or step.cluster or "", id=key_of(step))
    percent = 100 if tracked.arrived_at else tracked.percent
    return ProgressRow(
        name=step.virtual_machine.name,
        kind=step.migration_kind or step.action,
        source=step.source,
        destination=step.destination,
        percent=percent,
        bytes_done=step.bytes * percent // 100 if percent is not None and step.bytes else None,
        bytes_total=step.bytes or None,
        seconds_left=_seconds_left(tracked, now),
        id=key_of(step),
    )


def _seconds_left(tracked: Tracked, now: datetime) -> float | None:
    elapsed = (now - tracked.started_at).total_seconds()
    if tracked.percent is not None and tracked.percent >= 5 and elapsed > 0:
        return max(0.0, elapsed * (100 - tracked.percent) / tracked.percent)
    estimate = tracked.step.estimated_seconds
    return max(0.0, estimate - elapsed) if estimate else None


def outcome_of(tracked: Tracked, state: OutcomeState, detail: str, now: datetime | None) -> StepOutcome:
    """Return what came of a step that was started or adopted."""
    measured = None
    if tracked.unprotected_from and tracked.unprotected_until:
        measured = (tracked.unprotected_until - tracked.unprotected_from).total_seconds()
    return outcome(tracked.step, state, detail).model_copy(
        update={"started_at": tracked.started_at, "ended_at": now, "unprotected_seconds": measured}
    )


def outcome(step: Step, state: OutcomeState, detail: str) -> StepOutcome:
    """Return an outcome for a step that was not started."""
    machine = step if isinstance(step, MachineStep) else None
    return StepOutcome(
        step_id=step.id,
        subject=step.subject,
        id=machine.virtual_machine.id if machine else None,
        action=step.action,
        source=machine.source if machine else None,
        destination=machine.destination if machine else None,
        state=state,
        detail=detail,
        estimated_seconds=step.estimated_seconds,
    )


def peak_of(peaks: dict[str, PeakSlots], observation: Observation) -> dict[str, PeakSlots]:
    """Return the slot peaks with this observation taken in; migrations count at both their ends."""
    return peaks | {host.name: _peak(peaks.get(host.name), host) for host in observation.hosts}


def _peak(before: PeakSlots | None, host: Host) -> PeakSlots:
    facts: HostMigration = host.migration
    before = before or PeakSlots(host=host.name)
    return PeakSlots(
        host=host.name,
        live=max(before.live, facts.active_virtual_machine_migrations or 0),
        live_limit=facts.maximum_virtual_machine_migrations,
        storage=max(before.storage, facts.active_storage_migrations or 0),
        storage_limit=facts.maximum_storage_migrations,
    )

"""How long a migration may go without progress, and altogether, before we ask for its end. Pure; all grows with size.

Progress is what the host reports as percent, so a slow copy of a terabyte is not taken for a stalled one: a hundredth of it
takes long at any speed. Only a migration that makes no progress and is over its time is ever asked to end; one that crawls
is told of and left alone, because the machine runs on meanwhile and another try would begin at nothing.
"""

from datetime import datetime, timedelta
from typing import Final

from reconciler.controller.tracking import Ending, Tracked
from reconciler.model.drift import MachineDrift, MachineStatus
from reconciler.model.plan import MachineStep
from reconciler.model.progress import OutcomeState

SLOWEST: Final = 4 * 1024 * 1024  # bytes a second; a migration below that is not worth its slot
QUIET: Final = timedelta(minutes=10)  # preparing and handing over show no percent at all
LEAST: Final = timedelta(minutes=30)


def stall_after(size: int) -> timedelta:
    """Return how long so many bytes may show no progress: a hundredth of them at the slowest speed, and a pause."""
    return QUIET + timedelta(seconds=size / 100 / SLOWEST)


def time_limit(size: int, estimated_seconds: float) -> timedelta:
    """Return how long it may take altogether: four times the estimate or all of it at the slowest speed, and half an hour."""
    return LEAST + timedelta(seconds=max(4 * estimated_seconds, size / SLOWEST))


def is_stalled(tracked: Tracked, now: datetime) -> bool:
    """Tell whether a migration has made no progress for longer than its size explains."""
    since = tracked.progress_at
    return _is_under_way(tracked) and since is not None and now - since > stall_after(_size(tracked))


def why_end(tracked: Tracked, drift: MachineDrift | None, digest: str, now: datetime) -> Ending | None:
    """Return why we ask for the end of a migration of ours, or None. Its machine then stays, whole, at its source."""
    if not _is_under_way(tracked) or not tracked.ours or tracked.asked_to_end:
        return None
    if is_stalled(tracked, now) and now - tracked.started_at > time_limit(_size(tracked), tracked.step.estimated_seconds):
        return Ending(OutcomeState.FAILED, f"no progress at {tracked.percent or 0} % for too long, so it was cancelled")
    if _is_unwanted(tracked, drift, digest):
        return Ending(OutcomeState.SUPERSEDED, "the desired state no longer wants this move, so it was cancelled")
    return None


def _is_unwanted(tracked: Tracked, drift: MachineDrift | None, digest: str) -> bool:
    step = tracked.step
    # A hop leads to no place that anybody asks for, and a crossing is safer at its end than on its way back.
    if not isinstance(step, MachineStep) or step.bypass or step.is_crossing or tracked.digest == digest:
        return False
    return drift is not None and drift.status is MachineStatus.FOREIGN


def _is_under_way(tracked: Tracked) -> bool:
    return tracked.is_migration and tracked.migration_id is not None


def _size(tracked: Tracked) -> int:
    return tracked.step.bytes if isinstance(tracked.step, MachineStep) else 0

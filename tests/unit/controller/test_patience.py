"""When a migration under way is asked to end: never for being slow, always so that its machine stays whole at its source."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.controller.patience import is_stalled, stall_after, time_limit, why_end
from reconciler.controller.tracking import Tracked
from reconciler.model.drift import MachineDrift, MachineStatus
from reconciler.model.observation import Migration
from reconciler.model.plan import MachineRef, MachineStep
from reconciler.model.progress import OutcomeState
from reconciler.model.words import Action, MigrationKind
from tests.builders import desired_vm

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
GIB = 1024**3


def under_way(percent: int = 40, size: int = 8 * GIB, **facts: Any) -> Tracked:
    """A live migration of ours that began at NOW and showed its first percent then."""
    step = MachineStep(
        id="s1",
        action=Action.LIVE_MIGRATION,
        virtual_machine=MachineRef(id="v", name="web1"),
        source="A",
        destination="B",
        bytes=size,
        estimated_seconds=60,
        **facts,
    )
    return Tracked(step, NOW, digest="old").seen(a_job(percent), NOW)


def a_job(percent: int) -> Migration:
    return Migration(id="m", virtual_machine="v", kind=MigrationKind.LIVE, destination="B", percent=percent)


def standing(status: MachineStatus) -> MachineDrift:
    return MachineDrift(desired_vm("web1", "C"), status)


def test_progress_not_time_tells_a_stalled_migration() -> None:
    """One percent more, and it has all its patience again."""
    tracked, later = under_way(40), NOW + timedelta(hours=2)

    assert is_stalled(tracked, later)
    assert not is_stalled(tracked.seen(a_job(41), later - timedelta(minutes=1)), later)
    assert is_stalled(tracked.seen(a_job(40), later - timedelta(minutes=1)), later)


def test_patience_grows_with_size() -> None:
    """A hundredth of ten terabytes takes hours at the slowest speed; of a gibibyte, no time worth mentioning."""
    assert stall_after(10 * 1024 * GIB) > timedelta(hours=6)
    assert stall_after(GIB) < timedelta(minutes=11)
    assert time_limit(1024 * GIB, 60) > timedelta(days=2)
    assert time_limit(GIB, 3600) == timedelta(hours=4, minutes=30)


def test_a_migration_is_ended_only_when_it_is_stalled_and_over_its_time() -> None:
    """The crawling one goes on: its machine runs meanwhile, and another try would begin at nothing."""
    late = NOW + timedelta(hours=5)
    crawling = under_way(40).seen(a_job(41), late - timedelta(minutes=5))

    assert why_end(crawling, standing(MachineStatus.MOVING), "old", late) is None
    assert why_end(under_way(), standing(MachineStatus.MOVING), "old", NOW + timedelta(minutes=12)) is None
    ended = why_end(under_way(), standing(MachineStatus.MOVING), "old", late)
    assert ended is not None
    assert (ended.state, ended.why) == (OutcomeState.FAILED, "no progress at 40 % for too long, so it was cancelled")


@pytest.mark.parametrize(
    ("story", "tracked", "status", "digest", "ends"),
    [
        ("a new commit wants it elsewhere", under_way(), MachineStatus.FOREIGN, "new", True),
        ("a new commit still wants it there", under_way(), MachineStatus.MOVING, "new", False),
        ("the same commit: it is ours for a reason", under_way(), MachineStatus.FOREIGN, "old", False),
        ("a hop, which leads to no place asked for", under_way(bypass=True), MachineStatus.FOREIGN, "new", False),
        ("a crossing is safer at its end", under_way(leaves_cluster="C1"), MachineStatus.FOREIGN, "new", False),
        ("somebody else's is theirs", replace(under_way(), ours=False), MachineStatus.FOREIGN, "new", False),
        ("no longer managed", under_way(), None, "new", False),
    ],
)
def test_only_what_a_new_commit_does_not_want_and_what_stays_safe_is_ended(
    story: str, tracked: Tracked, status: MachineStatus | None, digest: str, ends: bool
) -> None:
    """And each is asked only once."""
    found = why_end(tracked, standing(status) if status else None, digest, NOW)

    assert (found is not None and found.state is OutcomeState.SUPERSEDED) is ends, story
    if found:
        assert why_end(replace(tracked, asked_to_end=found), standing(MachineStatus.FOREIGN), digest, NOW) is None

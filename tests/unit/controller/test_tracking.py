"""What is told of a migration while it is followed, where the clocks of host and controller differ."""

from datetime import UTC, datetime, timedelta

from reconciler.controller.tracking import Tracked, adopted_step, not_after, outcome_of, row_of
from reconciler.model.observation import Migration
from reconciler.model.progress import OutcomeState
from reconciler.model.words import MigrationKind

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def test_a_host_whose_clock_is_ahead_gives_no_negative_time_and_no_time_left() -> None:
    """A migration that "began" in our future began now; how long it still takes cannot be told from that."""
    job = Migration(id="m", virtual_machine="v", kind=MigrationKind.LIVE, destination="B", percent=40, state="Running")
    began = not_after(NOW, NOW + timedelta(seconds=31))
    tracked = Tracked(adopted_step("A", job, "web1"), began, adopted=True).seen(job, NOW)

    assert row_of(tracked, NOW).seconds_left is None
    assert outcome_of(tracked, OutcomeState.DONE, "", NOW).seconds == 0
    assert not_after(NOW, NOW - timedelta(seconds=5)) == NOW - timedelta(seconds=5)
    assert not_after(NOW, None) == NOW

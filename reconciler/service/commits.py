"""What becomes of the commit in force, look after look, and when that is worth telling its pull request. No network here."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from reconciler.controller import PassResult
from reconciler.model.commit_report import CommitReport, CommitState
from reconciler.model.progress import StepOutcome
from reconciler.model.status import ConditionType, FleetStatus, SourceStatus
from reconciler.store import Store
from reconciler.store.kinds import CARRIED_OUT, IN_FORCE, OUTCOME

PROGRESS_EVERY: Final = timedelta(minutes=2)


@dataclass
class Commits:
    """Keeps what ended while the commit in force was in force; a restart takes it up from the store."""

    store: Store
    _revision: str | None = None
    _outcomes: list[StepOutcome] = field(default_factory=list)
    _told: CommitReport | None = None
    _told_at: datetime | None = None
    _refused: str | None = None
    _is_carried_out: bool = False

    def after_pass(
        self, result: PassResult, status: FleetStatus, running: int, hold_back: str | None, now: datetime
    ) -> list[CommitReport]:
        """Return what is worth telling now."""
        revision = result.thought.desired.revision
        if revision is None:
            return []
        overtaken = self._turn_to(revision, result.ended)
        report = self._report(revision, result, status, running, hold_back)
        return [*overtaken, *self._news(report, now)]

    def refused(self, source: SourceStatus) -> list[CommitReport]:
        """Return the word on a newest revision that does not come into force, once."""
        if source.refused == self._refused:
            return []
        self._refused = source.refused
        if source.refused is None:
            return []
        return [CommitReport(source.refused, CommitState.REFUSED, "; ".join(source.problems[:3]))]

    def _turn_to(self, revision: str, ended: Sequence[StepOutcome]) -> list[CommitReport]:
        """Go over to another commit; where the one before was under way, that is its last word."""
        before = self._told
        if revision == self._revision:
            self._outcomes.extend(ended)
            return []
        self._revision, self._told, self._outcomes = revision, None, self._recalled(revision)
        carried_out = self.store.entries(kinds=[CARRIED_OUT], limit=1)
        self._is_carried_out = bool(carried_out) and carried_out[-1].data["revision"] == revision
        if before is None or before.state.is_last:
            return []
        return [replace(before, state=CommitState.OVERTAKEN, why=f"commit {revision[:12]} is in force now", running=0, left=0)]

    def _recalled(self, revision: str) -> list[StepOutcome]:
        since = [entry.number for entry in self.store.entries(kinds=[IN_FORCE]) if entry.data.get("revision") == revision]
        ended = self.store.entries(kinds=[OUTCOME], after=since[-1] if since else 0)
        return [StepOutcome.model_validate(entry.data) for entry in ended if entry.origin.revision == revision]

    def _report(
        self, revision: str, result: PassResult, status: FleetStatus, running: int, hold_back: str | None
    ) -> CommitReport:
        plan = result.thought.plan
        left = max(0, len(plan.steps) - running)
        report = CommitReport(
            revision, CommitState.UNDER_WAY, "", tuple(self._outcomes), running=running, left=left, blocked=plan.blocked
        )
        if all(one.is_true(ConditionType.READY) for one in (*status.hosts, *status.machines)):
            return replace(report, state=CommitState.DONE)
        if running == 0 and not plan.steps and plan.blocked:
            return replace(report, state=CommitState.STUCK, why=plan.blocked[0].finding)
        if not plan.steps and running == 0:
            return replace(report, why="not everything could be seen")
        waits = sorted({waiting.finding for waiting in result.decision.waiting if waiting.code != "depends-on"})
        return replace(report, why=hold_back or (waits[0] if waits and running == 0 else ""))

    def _news(self, report: CommitReport, now: datetime) -> list[CommitReport]:
        """A change of state at once, progress every two minutes, nothing twice.

        What differs after a commit was carried out is drift; it is told by conditions and notices, not on a pull request.
        """
        if self._is_carried_out and report.state is not CommitState.DONE:
            return []
        same_state = self._told is not None and self._told.state is report.state
        if report == self._told or (same_state and self._told_at and now - self._told_at < PROGRESS_EVERY):
            return []
        self._told, self._told_at = report, now
        if report.state is CommitState.DONE and not self._is_carried_out:
            self._is_carried_out = True
            self.store.append(CARRIED_OUT, {"revision": report.revision})
        return [report]

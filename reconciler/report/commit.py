"""The last word on a pull request: what became of its commit, as one comment and as a status of 140 characters."""

from datetime import datetime

from reconciler.model.commit_report import CommitReport, CommitState
from reconciler.model.progress import OutcomeState, StepOutcome
from reconciler.model.words import MIGRATION_KINDS
from reconciler.report.apply import outcome_table
from reconciler.report.escape import clean, code, prose
from reconciler.report.markdown import blocks, cut_to_fit
from reconciler.report.plan_markdown import blocked_items
from reconciler.report.units import count, human_seconds

LONGEST_STATUS = 140
MARKS = {
    CommitState.UNDER_WAY: "…",
    CommitState.DONE: "✓",
    CommitState.STUCK: "⚠",
    CommitState.REFUSED: "⚠",
    CommitState.OVERTAKEN: "↷",
}


def commit_marker(fleet: str = "") -> str:
    """Return the hidden first line of the comment."""
    return f"<!-- reconciler:commit{':' + fleet if fleet else ''} -->"


def commit_headline(report: CommitReport) -> str:
    """Return what became of the commit in one line of plain text."""
    moved = _moved(report)
    match report.state:
        case CommitState.DONE:
            return f"carried out: {moved}" if report.outcomes else "nothing had to be moved; everything is in its place"
        case CommitState.UNDER_WAY:
            return f"being carried out: {moved}, {report.running} running, {count(report.left, 'step')} left{_why(report)}"
        case CommitState.STUCK:
            return f"stuck: {moved}, {len(report.blocked)} blocked{_why(report)}"
        case CommitState.REFUSED:
            return f"not in force{_why(report)}"
        case CommitState.OVERTAKEN:
            return f"overtaken: {moved}{_why(report)}"


def commit_status(report: CommitReport) -> str:
    """Return the headline as short as a status may be."""
    text = clean(commit_headline(report))
    return text if len(text) <= LONGEST_STATUS else f"{text[: LONGEST_STATUS - 1]}…"


def commit_markdown(report: CommitReport, fleet: str = "", room: int = 60_000) -> str:
    """Return the comment, in at most ``room`` characters; the same report gives the same bytes."""
    return cut_to_fit(lambda most: _markdown(report, fleet, most), room)


def _markdown(report: CommitReport, fleet: str, most: int | None) -> str:
    where = f" ({fleet})" if fleet else ""
    blocked = blocked_items(report.blocked, most)
    return blocks(
        commit_marker(fleet),
        f"### {MARKS[report.state]} reconciler{where}: {prose(commit_headline(report))}",
        _measured(report),
        outcome_table(report.outcomes, most),
        "#### Needs attention\n\n" + blocked if blocked.strip() else "",
        f"Commit {code(report.revision[:12])}. Done means seen in its place.",
    )


def _moved(report: CommitReport) -> str:
    done = sum(one.state is OutcomeState.DONE and one.action in MIGRATION_KINDS for one in report.outcomes)
    failed = sum(one.state is OutcomeState.FAILED for one in report.outcomes)
    return f"{count(done, 'migration')} done and verified" + (f", {count(failed, 'attempt')} failed" if failed else "")


def _why(report: CommitReport) -> str:
    return f" ({report.why})" if report.why else ""


def _measured(report: CommitReport) -> str:
    """How long it took from the first start to the last end, and how long machines lacked their high availability."""
    span = _span(report.outcomes)
    unprotected = sum(one.unprotected_seconds or 0 for one in report.outcomes)
    parts = [f"from first start to last end {human_seconds(span)}" if span is not None else ""]
    parts.append(f"{human_seconds(unprotected)} without high availability, measured" if unprotected else "")
    text = " · ".join(part for part in parts if part)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _span(outcomes: tuple[StepOutcome, ...]) -> float | None:
    began: list[datetime] = [one.started_at for one in outcomes if one.started_at]
    ended: list[datetime] = [one.ended_at for one in outcomes if one.ended_at]
    return (max(ended) - min(began)).total_seconds() if began and ended else None

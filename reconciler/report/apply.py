"""The end of an apply: what was done, what was not and why, what still differs, and what the exit code means."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from reconciler.model.exit_codes import ExitCode
from reconciler.model.plan import PlanProblem
from reconciler.model.progress import ApplyReport, OutcomeState, PeakSlots, StepOutcome
from reconciler.report import words
from reconciler.report.console import Cell, columns, line, render, wrapped
from reconciler.report.escape import code, prose
from reconciler.report.markdown import blocks, cut_to_fit, table
from reconciler.report.plan_markdown import blocked_items, drift_table, problem_items
from reconciler.report.plan_text import blocked_lines, drift_lines, section
from reconciler.report.problems import plan_problem_lines
from reconciler.report.units import count, human_seconds

MARKER = "<!-- reconciler:apply -->"
STATE_STYLES = {OutcomeState.FAILED: "bold red", OutcomeState.RUNNING: "cyan"}
NOT_DONE = tuple(state for state in OutcomeState if state is not OutcomeState.DONE)


def apply_text(report: ApplyReport, width: int = 100, color: bool = False) -> str:
    """Return the final report for a terminal; seconds without high availability are the measured ones."""
    return render(_lines(report, width), color)


def apply_json(report: ApplyReport) -> dict[str, Any]:
    """Return the report as a document of kind ``ApplyReport``, ``exitCode`` and ``exitReason`` included."""
    return report.to_json()


def apply_markdown(report: ApplyReport) -> str:
    """Return the report as markdown."""
    return cut_to_fit(lambda most: _markdown(report, most))


def apply_headline(report: ApplyReport) -> str:
    """Return what came of it all in one line: steps done, in what time, and how many are in each other state."""
    if not report.outcomes:
        left = "the drift below is left alone" if report.drift else "everything is in its place"
        return "Nothing was started." if report.exit_code else f"Nothing to do: {left}."
    done = report.in_state(OutcomeState.DONE)
    counts = [(state.value, len(report.in_state(state))) for state in NOT_DONE]
    others = "".join(f" · {number} {word}" for word, number in counts if number)
    return f"{len(done)} of {count(len(report.outcomes), 'step')} done in {human_seconds(report.seconds)}{others}"


def exit_line(report: ApplyReport) -> str:
    """Return the exit code in words, with the reason of this run."""
    known = report.exit_code in set(ExitCode)
    meaning = ExitCode(report.exit_code).meaning if known else "unknown exit code"
    reason = report.exit_reason
    return f"Exit {report.exit_code}: {meaning}" + (f" ({reason})" if reason and reason != meaning else "") + "."


def interruption(report: ApplyReport) -> str:
    """Return what an interruption leaves behind, or an empty text."""
    if not report.interrupted:
        return ""
    running = len(report.in_state(OutcomeState.RUNNING))
    on = f"{count(running, 'migration goes', 'migrations go')} on where they run; " if running > 1 else ""
    on = "1 migration goes on where it runs; " if running == 1 else on
    return f"Interrupted: nothing more is started. {on}run reconciler apply again to follow and to finish."


def _lines(report: ApplyReport, width: int) -> Iterator[Text]:
    yield line((apply_headline(report), "bold"))
    if report.interrupted:
        yield from wrapped(interruption(report), width=width, indent=0)
    done = report.in_state(OutcomeState.DONE)
    yield from section("Done, and seen to be so", list(_outcome_lines(done, width)))
    yield from section("Not done", list(_outcome_lines(report.in_state(*NOT_DONE), width)))
    yield from section("Most slots seen in use at once", _peak_lines(report.peak_slots, width))
    yield from section(f"Blocked: {len(report.blocked)}", list(blocked_lines(report.blocked, width)))
    yield from section(f"Drift that is left: {len(report.drift)}", drift_lines(report.drift, width))
    problems = _distinct(report.problems)
    yield from section(f"Problems: {len(problems)}", list(plan_problem_lines(problems, width)))
    yield Text()
    yield line(exit_line(report))


def _outcome_lines(outcomes: Sequence[StepOutcome], width: int) -> Iterator[Text]:
    rows = [_outcome_row(outcome) for outcome in outcomes]
    heads = columns(rows, align="<" * len(rows[0]), width=width, shrink=(1, 2)) if rows else []
    for head, outcome in zip(heads, outcomes, strict=True):
        yield head
        if outcome.detail:
            yield from wrapped(outcome.detail, width=width, indent=5)
        if outcome.unprotected_seconds is not None:
            yield line(_unprotected(outcome), indent=5)


def _outcome_row(outcome: StepOutcome) -> tuple[Cell, ...]:
    sign = words.sign_of(outcome.action)
    return (
        Text(sign, style=words.STYLES[sign]),
        line((words.subject_name(outcome.subject), "bold")),
        words.route(outcome.source, outcome.destination) if outcome.source else "",
        words.LABELS[outcome.action],
        *_state(outcome),
        _took(outcome),
    )


def _state(outcome: StepOutcome) -> tuple[Cell, ...]:
    """What is done stands under a title that says so; the columns are worth more to the names."""
    if outcome.state is OutcomeState.DONE:
        return ()
    return (Text(outcome.state.value, style=STATE_STYLES.get(outcome.state, "yellow")),)


def _took(outcome: StepOutcome) -> str:
    if outcome.seconds is None:
        return ""
    estimated = f" (estimated {human_seconds(outcome.estimated_seconds)})" if outcome.estimated_seconds else ""
    return human_seconds(outcome.seconds) + estimated


def _unprotected(outcome: StepOutcome) -> str:
    return f"without high availability for {human_seconds(outcome.unprotected_seconds)}, measured"


def _peak_lines(peaks: Sequence[PeakSlots], width: int) -> list[Text]:
    used = [peak for peak in peaks if peak.live or peak.storage]
    rows: list[tuple[Cell, ...]] = [
        (peak.host, f"{peak.live} of {_limit(peak.live_limit)}", f"{peak.storage} of {_limit(peak.storage_limit)}")
        for peak in sorted(used, key=lambda peak: peak.host.casefold())
    ]
    head: tuple[Cell, ...] = tuple(Text(name, style="dim") for name in ("", "live", "storage"))
    return columns([head, *rows], align="<>>", width=width, gap=3, shrink=(0,)) if rows else []


def _markdown(report: ApplyReport, most: int | None) -> str:
    attention = blocked_items(report.blocked, most) + problem_items(_distinct(report.problems), most)
    return blocks(
        MARKER,
        f"**{'✓' if report.exit_code == ExitCode.DONE else '⚠'} {apply_headline(report)}**",
        prose(interruption(report)),
        outcome_table(report.outcomes, most),
        "### Needs attention\n\n" + attention if attention.strip() else "",
        "### Drift that is left\n\n" + drift_table(report.drift, most) if report.drift else "",
        prose(exit_line(report)),
    )


def outcome_table(outcomes: Sequence[StepOutcome], most: int | None) -> str:
    """Return what came of steps as a markdown table, or an empty text where there were none."""
    return table(("", "Machine", "From → to", "Kind", "State", "Time", "Detail"), [_cells(one) for one in outcomes], most)


def _cells(outcome: StepOutcome) -> tuple[str, ...]:
    measured = _unprotected(outcome) if outcome.unprotected_seconds is not None else ""
    return (
        code(words.sign_of(outcome.action)),
        code(words.subject_name(outcome.subject)),
        code(words.route(outcome.source, outcome.destination)) if outcome.source else "",
        words.LABELS[outcome.action],
        outcome.state.value,
        _took(outcome),
        prose("; ".join(text for text in (outcome.detail, measured) if text)),
    )


def _distinct(problems: Sequence[PlanProblem]) -> tuple[PlanProblem, ...]:
    """The same finding may reach a report from the plan and from the comparison; a person reads it once."""
    seen = {(item.code, item.subject, item.finding): item for item in reversed(problems)}
    return tuple(reversed(seen.values()))


def _limit(limit: int | None) -> str:
    return "?" if limit is None else str(limit)

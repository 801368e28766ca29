"""A preview on a screen or in a pipeline's log: the same parts as the comment, in the same order."""

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from reconciler.model.plan import PlanProblem, Step
from reconciler.model.preview import Change, Preview
from reconciler.report import preview_words as say
from reconciler.report import words
from reconciler.report.console import columns, line, render, wrapped
from reconciler.report.plan_rows import StepRow, rows_of
from reconciler.report.plan_text import blocked_lines, section
from reconciler.report.problems import plan_problem_lines

DETAIL = 8
NEW = (Change.ADDED, Change.UNKNOWN)


def preview_text(preview: Preview, width: int = 100, color: bool = False) -> str:
    """Return the preview for a terminal of ``width`` cells; ends with a newline."""
    return render(_lines(preview, width), color)


def preview_json(preview: Preview) -> dict[str, Any]:
    """Return the published document."""
    return preview.to_json()


def _lines(preview: Preview, width: int) -> Iterator[Text]:
    yield from wrapped(f"{say.mark(preview)} {say.verdict(preview)}", width=width, indent=0, style="bold")
    if not preview.head.is_valid:
        yield from section(f"Problems of the head: {len(preview.head.problems)}", list(_problems(preview.head.problems, width)))
        yield from _base(preview, width)
        return
    for label, text in _facts(preview):
        yield from wrapped(f"{label:<8}{text}", width=width, indent=0, hanging=8)
    yield from _attention(preview, width)
    yield from _steps("From this change", preview.steps_of(*NEW), width, in_full=True)
    yield from section(f"Changes of the desired state: {len(preview.changes)}", _changes(preview, width))
    yield from _steps("Already due without it", preview.steps_of(Change.KEPT), width, in_full=False)
    yield from _steps("No longer due", preview.steps_of(Change.REMOVED), width, in_full=False)
    yield from _base(preview, width)
    yield Text()
    seen = f"hosts seen {preview.observation.observed_at:%Y-%m-%d %H:%M:%SZ}"
    ends = f"{say.side_text(preview.base)} {words.ARROW} {say.side_text(preview.head)}"
    yield line((f"Plan {(preview.head.fingerprint or '')[:19]}, {ends}, {seen}", "dim"))


def _facts(preview: Preview) -> Iterator[tuple[str, str]]:
    if cost := say.cost(preview):
        yield "cost", cost
    yield "steps", say.origin(preview)
    yield "risk", say.risk_sentence(preview)
    yield "window", say.window_sentence(preview)


def _attention(preview: Preview, width: int) -> Iterator[Text]:
    new, kept, freed = (preview.blocked_of(*which) for which in (NEW, (Change.KEPT,), (Change.REMOVED,)))
    yield from section(f"Blocked by this change: {len(new)}", list(blocked_lines(new, width)))
    yield from section(f"Blocked before it already: {len(kept)}", list(blocked_lines(kept, width)))
    yield from section(f"No longer blocked: {len(freed)}", list(blocked_lines(freed, width)))
    yield from section(f"Problems: {len(preview.problems)}", list(plan_problem_lines(preview.problems, width)))


def _steps(title: str, steps: tuple[Step, ...], width: int, in_full: bool) -> Iterator[Text]:
    rows = rows_of(steps)
    heads = columns([_head(row) for row in rows], align="<<<<>>", width=width, shrink=(1, 2))
    body: list[Text] = []
    for head, row in zip(heads, rows, strict=True):
        body += [head, *(_details(row, width) if in_full else ())]
    yield from section(f"{title}: {len(steps)}", body)


def _head(row: StepRow) -> tuple[str | Text, ...]:
    sign = line((row.sign, words.STYLES[row.sign]))
    return (sign, line((row.name, "bold")), row.route, row.kind, row.size, row.time)


def _details(row: StepRow, width: int) -> Iterator[Text]:
    because = " · ".join(part for part in (row.option, row.why) if part)
    if because:
        yield line((because, "dim"), indent=DETAIL)
    for what, source, target in row.moves:
        text = f"~ {what}: {source} {words.ARROW} {target}"
        yield from wrapped(text, width=width, indent=DETAIL, hanging=DETAIL + 2, style="yellow")
    for note in row.notes:
        yield from wrapped(note, width=width, indent=DETAIL, hanging=DETAIL + 2)


def _changes(preview: Preview, width: int) -> list[Text]:
    rows = []
    for change in preview.changes:
        source, target = say.change_ends(change) if change.field else ("", change.change)
        values = f"{source} {words.ARROW} {target}" if change.field else target
        rows.append((words.subject_name(change.subject), change.field, values, change.place or ""))
    return columns(rows, align="<<<<", width=width, shrink=(0, 2)) if rows else []


def _base(preview: Preview, width: int) -> Iterator[Text]:
    if not preview.base.is_valid:
        problems = preview.base.problems
        yield from section(f"Problems of the base: {len(problems)}", list(_problems(problems, width)))


def _problems(problems: tuple[PlanProblem, ...], width: int) -> Iterator[Text]:
    for problem in say.errors_first(problems):
        tail = " (warning)" if problem.severity == "warning" else ""
        yield line("  ", (problem.place or problem.subject or "fleet", "bold"), f": {problem.code}: {problem.finding}{tail}")
        yield from wrapped(f"{words.ARROW} {problem.remedy}", width=width, indent=DETAIL, hanging=DETAIL + 2)

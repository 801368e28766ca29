"""A run while it goes on: bars for a terminal, and for a log one line per thing worth knowing.

Both are made from ``Progress`` values; a log line is the difference between two looks.
"""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from reconciler.model.progress import OutcomeState, Progress, ProgressRow
from reconciler.report import words
from reconciler.report.console import fit
from reconciler.report.escape import clean
from reconciler.report.units import human_bytes, human_seconds

MARKS = (25, 50, 75)
MOST_ROWS = 15
ENDINGS = {OutcomeState.DONE: "verified", OutcomeState.FAILED: "failed", OutcomeState.CANCELLED: "cancelled"}


def progress_lines(before: Progress | None, now: Progress) -> tuple[str, ...]:
    """Return one plain line for each change since the look ``before``: started, 25, 50 and 75 %, how it ended.

    ``before`` is None at the first look.
    """
    earlier = {row.key: row for row in before.rows} if before else {}
    lines = [*_endings(before, now), *(text for row in now.rows for text in _changes(earlier.get(row.key), row))]
    return tuple(f"{now.now:%H:%M:%S} {text} · {_tally(now)}" for text in lines)


def progress_table(progress: Progress) -> Table:
    """Return what runs now with bars, for ``rich.live``; the last row counts everything."""
    table = Table.grid(padding=(0, 2))
    for justify in ("left", "left", "left", "left", "right", "right"):
        table.add_column(justify="right" if justify == "right" else "left", no_wrap=True)
    for row in progress.rows[:MOST_ROWS]:
        table.add_row(*_cells(row))
    hidden = len(progress.rows) - MOST_ROWS
    table.add_row("", Text(_tally(progress) + (f" · {hidden} more running" if hidden > 0 else ""), style="dim"))
    return table


def _cells(row: ProgressRow) -> Iterator[RenderableType]:
    sign = words.sign_of(row.kind)
    yield Text(sign, style=words.STYLES[sign])
    yield Text(fit(clean(row.name), 28), style="bold")
    yield Text(fit(clean(words.route(row.source, row.destination)), 34))
    yield ProgressBar(total=100, completed=row.percent or 0, width=20)
    yield Text(_amount(row))
    yield Text("" if row.seconds_left is None else f"{human_seconds(row.seconds_left)} left")


def _endings(before: Progress | None, now: Progress) -> Iterator[str]:
    """A step that ended is gone from the rows; which way it went is told by the counts, where they leave no doubt."""
    if before is None:
        return
    present = {row.key for row in now.rows}
    gone = [row for row in before.rows if row.key not in present and row.state not in ENDINGS]
    done, failed = now.done - before.done, now.failed - before.failed
    word = "verified" if failed <= 0 and done >= len(gone) else "failed" if done <= 0 and failed >= len(gone) else "ended"
    for row in gone:
        yield f"{_name(row)}: {word}"


def _changes(before: ProgressRow | None, row: ProgressRow) -> Iterator[str]:
    if before is None and row.state is OutcomeState.RUNNING:
        yield f"{_name(row)}: started{_outlook(row)}"
    if row.state in ENDINGS and (before is None or before.state is not row.state):
        yield f"{_name(row)}: {ENDINGS[row.state]}"
        return
    reached = [mark for mark in MARKS if (before.percent or 0 if before else 0) < mark <= (row.percent or 0)]
    # Two marks passed between two looks are one line: the later says it all. The end is told by its own line.
    if reached and row.percent is not None and row.percent < 100:
        yield f"{_name(row)}: {row.percent} %{_outlook(row)}"


def _outlook(row: ProgressRow) -> str:
    parts = [_bytes(row)] if row.bytes_total else []
    parts += [f"about {human_seconds(row.seconds_left)} left"] if row.seconds_left is not None else []
    return f" ({', '.join(parts)})" if parts else ""


def _amount(row: ProgressRow) -> str:
    percent = "?" if row.percent is None else f"{row.percent} %"
    return f"{percent}  {_bytes(row)}" if row.bytes_total else percent


def _bytes(row: ProgressRow) -> str:
    return f"{human_bytes(row.bytes_done or 0)} of {human_bytes(row.bytes_total)}"


def _name(row: ProgressRow) -> str:
    sign = words.sign_of(row.kind)
    return clean(f"{sign} {row.name} {words.LABELS[row.kind]} {words.route(row.source, row.destination)}")


def _tally(progress: Progress) -> str:
    failed = f", {progress.failed} failed" if progress.failed else ""
    return f"{progress.done} of {progress.total} done, {len(progress.rows)} running, {progress.waiting} waiting{failed}"

"""A run while it goes on: bars for a terminal, and for a log one line per thing worth knowing.

Both are made from ``Progress`` values; a log line is the difference between two looks.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

from rich.console import Group, RenderableType
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
GAP = 2
SHORTEST_BAR, LONGEST_BAR = 5, 40
ROOM_FOR_BYTES = 100
ALIGNED: tuple[Literal["left", "right"], ...] = ("left", "left", "left", "left", "right", "right", "right")
ENDINGS = {OutcomeState.DONE: "verified", OutcomeState.FAILED: "failed", OutcomeState.CANCELLED: "cancelled"}


def progress_lines(before: Progress | None, now: Progress) -> tuple[str, ...]:
    """Return one plain line for each change since the look ``before``: started, 25, 50 and 75 %, how it ended.

    ``before`` is None at the first look.
    """
    earlier = {row.key: row for row in before.rows} if before else {}
    lines = [*_endings(before, now), *(text for row in now.rows for text in _changes(earlier.get(row.key), row))]
    return tuple(f"{now.now:%H:%M:%S} {text} · {_tally(now)}" for text in lines)


def ending_lines(before: Progress | None, now: Progress) -> tuple[str, ...]:
    """Return one plain line for each step that ended since the look ``before``: what bars do not keep on the screen."""
    earlier = {row.key: row for row in before.rows} if before else {}
    told = [
        f"{_name(row)}: {ENDINGS[row.state]}"
        for row in now.rows
        if row.state in ENDINGS and _is_news(earlier.get(row.key), row)
    ]
    return tuple(f"{now.now:%H:%M:%S} {text}" for text in (*_endings(before, now), *told))


def progress_table(progress: Progress, width: int = 140) -> Group:
    """Return what runs now with bars, for ``rich.live``, and below it a line that counts everything.

    Whoever has few columns sees shorter bars first, then no bytes; numbers are never cut.
    """
    running = [row for row in progress.rows if row.state is OutcomeState.RUNNING]
    table = Table.grid(padding=(0, 2, 0, 0))
    for justify in ALIGNED:
        table.add_column(justify=justify, no_wrap=True)
    shown = running[:MOST_ROWS]
    bar = _bar_width(shown, width)
    for row in shown:
        table.add_row(*_cells(row, width, bar))
    hidden = len(running) - MOST_ROWS
    count = Text(_tally(progress) + (f" · {hidden} more running" if hidden > 0 else ""), style="dim")
    count.truncate(width, overflow="ellipsis")
    return Group(table, count)


def _bar_width(rows: Sequence[ProgressRow], width: int) -> int:
    """The columns that all else leaves free."""
    lengths: list[list[int]] = [[text.cell_len for text in _texts(row, width)] for row in rows]
    taken = sum(max(int(length) for length in column) for column in zip(*lengths, strict=True)) + GAP * len(ALIGNED)
    return max(0, min(LONGEST_BAR, width - taken))


def _cells(row: ProgressRow, width: int, bar: int) -> Iterator[RenderableType]:
    sign, name, way, *numbers = _texts(row, width)
    yield from (sign, name, way)
    yield ProgressBar(total=100, completed=row.percent or 0, width=bar) if bar >= SHORTEST_BAR else ""
    yield from numbers


def _texts(row: ProgressRow, width: int) -> tuple[Text, ...]:
    """Return sign, name, way, percent, bytes and time left; names give way before the numbers do."""
    sign = words.sign_of(row.kind)
    return (
        Text(sign, style=words.STYLES[sign]),
        Text(fit(clean(row.name), width // 6), style="bold"),
        Text(fit(clean(words.route(row.source, row.destination)), min(34, width * 3 // 10))),
        Text("?" if row.percent is None else f"{row.percent} %"),
        Text(_bytes(row) if row.bytes_total and width >= ROOM_FOR_BYTES else ""),
        Text("" if row.seconds_left is None else f"{human_seconds(row.seconds_left)} left"),
    )


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
    if row.state in ENDINGS and _is_news(before, row):
        yield f"{_name(row)}: {ENDINGS[row.state]}"
        return
    reached = [mark for mark in MARKS if (before.percent or 0 if before else 0) < mark <= (row.percent or 0)]
    # Two marks passed between two looks are one line: the later says it all. The end is told by its own line.
    if reached and row.percent is not None and row.percent < 100:
        yield f"{_name(row)}: {row.percent} %{_outlook(row)}"


def _is_news(before: ProgressRow | None, row: ProgressRow) -> bool:
    return before is None or before.state is not row.state


def _outlook(row: ProgressRow) -> str:
    parts = [_bytes(row)] if row.bytes_total else []
    parts += [f"about {human_seconds(row.seconds_left)} left"] if row.seconds_left is not None else []
    return f" ({', '.join(parts)})" if parts else ""


def _bytes(row: ProgressRow) -> str:
    return f"{human_bytes(row.bytes_done or 0)} of {human_bytes(row.bytes_total)}"


def _name(row: ProgressRow) -> str:
    sign = words.sign_of(row.kind)
    return clean(f"{sign} {row.name} {words.LABELS[row.kind]} {words.route(row.source, row.destination)}")


def _tally(progress: Progress) -> str:
    failed = f", {progress.failed} failed" if progress.failed else ""
    running = sum(row.state is OutcomeState.RUNNING for row in progress.rows)
    return f"{progress.done} of {progress.total} done, {running} running, {progress.waiting} waiting{failed}"

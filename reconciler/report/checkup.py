"""The doctor's matrix: a table of hosts and one of ways, then every no and every *cannot tell* with what to do about it."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from reconciler.model.diagnosis import Cell, Checkup, Verdict
from reconciler.report.console import columns, line, render, wrapped
from reconciler.report.escape import code, prose
from reconciler.report.units import count
from reconciler.report.words import ARROW

SIGNS = {Verdict.YES: "✓", Verdict.NO: "✗", Verdict.UNKNOWN: "?"}
STYLES = {Verdict.YES: "green", Verdict.NO: "red", Verdict.UNKNOWN: "yellow"}
HEADINGS = {Verdict.NO: "No", Verdict.UNKNOWN: "Cannot tell"}
Row = tuple[str, tuple[Cell, ...]]


def checkup_text(checkup: Checkup, width: int = 100, color: bool = False) -> str:
    """Return both tables and the list of what is not a yes."""
    return render(_lines(checkup, width), color)


def checkup_markdown(checkup: Checkup) -> str:
    """Return the same as tables and lists of markdown."""
    parts = [f"**{_counted(checkup)}**\n"]
    for head, rows in _tables(checkup):
        names = [cell.check for cell in rows[0][1]]
        parts.append(f"\n| {head} | {' | '.join(names)} |\n| --- |{' :-: |' * len(names)}\n")
        parts += [f"| {prose(name)} | {' | '.join(SIGNS[cell.verdict] for cell in cells)} |\n" for name, cells in rows]
    for verdict, heading in HEADINGS.items():
        found = checkup.cells(verdict)
        parts.append(f"\n**{heading}**\n\n" if found else "")
        parts += [f"- {prose(name)}, {cell.check}: {prose(cell.finding)}. {code(cell.remedy)}\n" for name, cell in found]
    return "".join(parts)


def _lines(checkup: Checkup, width: int) -> Iterator[Text]:
    yield line((_counted(checkup), "bold"))
    for head, rows in _tables(checkup):
        yield Text()
        yield from _table(head, rows, width)
    yield from _limit_lines(checkup, width)
    for verdict, heading in HEADINGS.items():
        found = checkup.cells(verdict)
        if found:
            yield Text()
            yield line((f"{heading}: {len(found)}", "bold"))
        for name, cell in found:
            yield line("  ", (f"{SIGNS[verdict]} ", STYLES[verdict]), (name, "bold"), f"  {cell.check}")
            yield from wrapped(cell.finding, width=width, indent=6)
            yield from wrapped(f"{ARROW} {cell.remedy}", width=width, indent=6, hanging=8)


def _limit_lines(checkup: Checkup, width: int) -> Iterator[Text]:
    """How many migrations hosts may run at once, and whose setting that is: hosts with the same answer together."""
    hosts: dict[str, list[str]] = {}
    for row in checkup.hosts:
        for cell in row.cells:
            if cell.check == "limits" and cell.verdict is Verdict.YES:
                hosts.setdefault(cell.finding, []).append(row.host)
    if hosts:
        yield Text()
        yield line(("Migrations at once", "bold"))
    for finding, names in hosts.items():
        yield from wrapped(f"{finding}: {', '.join(names)}", width=width, indent=2, hanging=6)


def _tables(checkup: Checkup) -> list[tuple[str, list[Row]]]:
    hosts: list[Row] = [(row.host, row.cells) for row in checkup.hosts]
    pairs: list[Row] = [(f"{row.source} {ARROW} {row.destination}", row.cells) for row in checkup.pairs]
    return [(head, rows) for head, rows in (("Hosts", hosts), ("Ways", pairs)) if rows]


def _table(head: str, rows: Sequence[Row], width: int) -> list[Text]:
    """Column heads are words on top of signs one cell wide; they are stacked in two lines where they have two words."""
    names = [cell.check for cell in rows[0][1]]
    first = [name.partition(" ")[0] if " " in name else "" for name in names]
    second = [name.partition(" ")[2] or name for name in names]
    shown = [tuple(Text(text, style="dim") for text in (head if heads is second else "", *heads)) for heads in (first, second)]
    body: list[tuple[str | Text, ...]] = [
        (name, *(Text(SIGNS[cell.verdict], style=STYLES[cell.verdict]) for cell in cells)) for name, cells in rows
    ]
    return columns([*shown, *body], align="<" * (len(names) + 1), width=width, shrink=(0,))


def _counted(checkup: Checkup) -> str:
    wrong, unknown = (len(checkup.cells(verdict)) for verdict in (Verdict.NO, Verdict.UNKNOWN))
    parts = [count(len(checkup.hosts), "host"), count(len(checkup.pairs), "way")]
    return f"{', '.join(parts)} · {wrong} no · {unknown} cannot tell"

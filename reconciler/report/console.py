"""Lines, aligned columns and colour: the only module that knows how styled text becomes a string.

Views build ``rich.text.Text`` lines; ``render`` turns them into plain text, or into ANSI where colour is wanted. Widths are
terminal cells, so that wide characters align. The environment is never read: same values, same bytes.
"""

from collections.abc import Iterable, Sequence
from io import StringIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from reconciler.report.escape import clean

Cell = str | Text
ELLIPSIS = "…"
NARROWEST = 8


def line(*parts: str | tuple[str, str], indent: int = 0) -> Text:
    """Return one line of parts, each a text or (text, style); foreign characters are made harmless."""
    safe = [clean(part) if isinstance(part, str) else (clean(part[0]), part[1]) for part in parts]
    return Text.assemble(" " * indent, *safe)


def render(lines: Iterable[Text], color: bool = False) -> str:
    """Return the lines as one string with a final newline; ANSI only where ``color``."""
    if not color:
        return "".join(text.plain.rstrip() + "\n" for text in lines)
    out = StringIO()
    console = Console(
        file=out, force_terminal=True, color_system="standard", legacy_windows=False, width=80, height=25, _environ={}
    )
    for text in lines:
        text.rstrip()
        console.print(text, soft_wrap=True, highlight=False, markup=False, emoji=False)
    return out.getvalue()


def fit(text: str, width: int) -> str:
    """Return the text in at most ``width`` cells, its middle left out where it is too long: both ends tell names apart."""
    if cell_len(text) <= width:
        return text
    tail = (width - 1) // 2
    return _prefix(text, width - 1 - tail) + ELLIPSIS + _prefix(text[::-1], tail)[::-1]


def columns(
    rows: Sequence[Sequence[Cell]], *, align: str, width: int = 100, indent: int = 2, gap: int = 2, shrink: Sequence[int] = ()
) -> list[Text]:
    """Return the rows with aligned cells. ``align`` holds ``<`` or ``>`` for each column.

    Where a row would be wider than ``width``, the columns named by ``shrink`` give way, the widest first.
    """
    if not rows:
        return []
    cells = [[_as_text(cell) for cell in row] for row in rows]
    widths = [max(row[at].cell_len for row in cells) for at in range(len(align))]
    widths = _shrunk(widths, width - indent - gap * (len(widths) - 1), shrink)
    return [_row(row, widths, align, indent, gap) for row in cells]


def wrapped(text: str, *, width: int, indent: int, hanging: int | None = None, style: str = "") -> list[Text]:
    """Return a paragraph wrapped at spaces, later lines indented by ``hanging``; long words (paths) stay whole."""
    lead, rest = " " * indent, " " * (indent if hanging is None else hanging)
    lines, current = [], ""
    for word in clean(text).split(" "):
        if current and cell_len(lead + current + " " + word) > width:
            lines.append(Text(lead + current, style=style))
            lead, current = rest, word
        else:
            current = f"{current} {word}" if current else word
    return [*lines, Text(lead + current, style=style)]


def _as_text(cell: Cell) -> Text:
    return Text(clean(cell)) if isinstance(cell, str) else cell


def _prefix(text: str, width: int) -> str:
    used, end = 0, 0
    while end < len(text) and used + cell_len(text[end]) <= width:
        used, end = used + cell_len(text[end]), end + 1
    return text[:end]


def _shrunk(widths: list[int], room: int, shrink: Sequence[int]) -> list[int]:
    result = list(widths)
    while sum(result) > room and any(result[at] > NARROWEST for at in shrink):
        widest = max(shrink, key=lambda at: result[at])
        result[widest] -= 1
    return result


def _row(row: Sequence[Text], widths: Sequence[int], align: str, indent: int, gap: int) -> Text:
    result = Text(" " * indent)
    for at, (cell, width) in enumerate(zip(row, widths, strict=True)):
        shown = cell if cell.cell_len <= width else Text(fit(cell.plain, width), style=cell.style, spans=cell.spans)
        padding = " " * (width - shown.cell_len)
        result.append_text(Text.assemble(padding, shown) if align[at] == ">" else Text.assemble(shown, padding))
        if at < len(widths) - 1:
            result.append(" " * gap)
    return result

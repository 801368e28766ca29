"""Building blocks of markdown for pull requests: tables, folded details, and cutting to what a forge accepts.

Cells hold finished markdown; whoever makes a cell escapes its content through ``reconciler.report.escape``.
"""

from collections.abc import Callable, Sequence

MOST_CHARACTERS = 60_000


def table(head: Sequence[str], rows: Sequence[Sequence[str]], most: int | None = None) -> str:
    """Return a table, or an empty text without rows. Rows beyond ``most`` are counted instead of shown."""
    if not rows:
        return ""
    shown = rows if most is None else rows[:most]
    lines = [head, ["---"] * len(head), *shown]
    text = "".join("| " + " | ".join(cells) + " |\n" for cells in lines)
    return text if len(shown) == len(rows) else f"{text}\n… and {len(rows) - len(shown):,} more.\n"


def details(title: str, body: str) -> str:
    """Return a folded block, or an empty text where there is nothing to fold. The title is our own words, never a name."""
    return f"<details>\n<summary>{title}</summary>\n\n{body.rstrip()}\n\n</details>\n" if body.strip() else ""


def blocks(*parts: str) -> str:
    """Return the parts that are not empty, one empty line between them, and a final newline."""
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


def cut_to_fit(build: Callable[[int | None], str], limit: int = MOST_CHARACTERS) -> str:
    """Return ``build(None)``, or the text of the largest halving of rows per table that stays within ``limit`` characters."""
    text, most = build(None), 512
    while len(text) > limit and most:
        text, most = build(most), most // 2
    return text if len(text) <= limit else build(0)

"""The ledger of leftovers on a screen: what, where, since when, and under each the commands to look at it and to clean it."""

from collections.abc import Iterator

from rich.text import Text

from reconciler.model.leftover import Leftover, LeftoverKind, Leftovers
from reconciler.report.console import line, render, wrapped
from reconciler.report.units import count

WORDS = {
    LeftoverKind.FILES: "files",
    LeftoverKind.PLANNED: "planned machine",
    LeftoverKind.REGISTRATION: "second registration",
}


def leftovers_text(found: Leftovers, width: int = 100, color: bool = False) -> str:
    """Return the ledger for a terminal. Commands are not folded, so that they can be copied."""
    return render(_lines(found, width), color)


def _lines(found: Leftovers, width: int) -> Iterator[Text]:
    known = count(len(found.items), "leftover") if found.items else "Nothing is known to be left over"
    yield line((f"{known}.", "bold"))
    if found.unseen:
        unseen = f"{', '.join(found.unseen)} did not answer in full; what is left there is not all known"
        yield from wrapped(unseen, width=width, indent=0, style="yellow")
    for one in found.items:
        yield line("")
        yield from _one(one, width)
    if found.items:
        yield line("")
        note = "reconciler removes nothing. Look first; the commands that remove ask before each thing."
        yield from wrapped(note, width=width, indent=0, style="dim")


def _one(one: Leftover, width: int) -> Iterator[Text]:
    where = f"{one.host}: {one.path}" if one.path else one.host
    yield from wrapped(f"{WORDS[one.kind]} of {one.name} on {where}", width=width, indent=0, hanging=2, style="bold")
    since = f" (since {one.since:%Y-%m-%d %H:%MZ})" if one.since else ""
    yield from wrapped(f"{one.finding}{since}", width=width, indent=2, hanging=4)
    yield line(("look   ", "dim"), one.look, indent=2)
    if one.clean:
        yield line(("clean  ", "dim"), one.clean, indent=2)

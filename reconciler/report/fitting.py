"""Sections fitted into what a forge accepts: never cut in the middle, but whole, in a shorter form, or left out and named."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reconciler.report.markdown import blocks

Form = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a comment: our own name for it, and its forms, the fullest first. An empty form has nothing to say."""

    title: str
    forms: tuple[Form, ...]


def fitted(head: str, sections: Sequence[Section], foot: str, room: int, left_out: Callable[[Sequence[str]], str]) -> str:
    """Return head, sections and foot in at most ``room`` characters; sections come in the order of their importance.

    Head and foot always stand, and so does the line that ``left_out`` makes of the titles of what is missing.
    """
    reserve = left_out([section.title for section in sections])
    free = room - len(blocks(head, reserve, foot)) - 2
    shown, missing = [], []
    for section in sections:
        text = _longest(section, free)
        if text is None:
            missing.append(section.title)
        elif text:
            shown.append(text)
            free -= len(text.strip("\n")) + 2
    return blocks(head, *shown, left_out(missing) if missing else "", foot)


def _longest(section: Section, free: int) -> str | None:
    """Return the fullest form with room, "" where there is nothing to say, None where no form has room."""
    for form in section.forms:
        text = form()
        if len(text.strip("\n")) + 2 <= free or not text.strip():
            return text
    return None

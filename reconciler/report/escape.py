"""Names and sentences made harmless: for a terminal, and for markdown in a pull request.

Names of machines come from hosts that we do not own and may hold anything: escape sequences that repaint a terminal,
bidirectional overrides, table bars, mentions, closing tags. Every foreign text passes through this module on its way out.
"""

import re
import unicodedata

# Anywhere: what can begin markup. In front: what makes a list, a heading or a code block of the line.
MARKDOWN = re.compile(r"[\\`*_{}\[\]<>#|~!&\"]|^[-+=]|^\d+[.)]")
# What forges turn into links and notifications by themselves, even where the character is written as an entity.
REFERENCES = re.compile(r"(?<=[@#!~%$&])(?=\w)|(?<=:)(?=//)|(?<=www)(?=\.)|(?<=GH)(?=-)", re.IGNORECASE)
ZERO_WIDTH = "\u200b"


def clean(text: object) -> str:
    r"""Return one line: control, format and line-separating characters are spelled out, as in ``\x1b`` or ``\u202e``."""
    raw = str(text)
    if raw.isascii() and raw.isprintable():
        return raw
    return "".join(_spelled(char) if _is_hostile(char) else char for char in raw)


def code(text: object) -> str:
    """Return a markdown code span, safe inside a table cell: no bar, no way out, no links or mentions."""
    inner = clean(text).replace("|", "\\x7c") or "?"
    runs = [len(run) for run in re.findall(r"`+", inner)]
    fence = "`" * next(length for length in range(1, len(runs) + 2) if length not in runs)
    padding = " " if inner[0] in "` " or inner[-1] in "` " else ""
    return f"{fence}{padding}{inner}{padding}{fence}"


def prose(text: object) -> str:
    """Return a sentence as markdown text: nothing in it is markup, a link, a mention or a reference."""
    broken = REFERENCES.sub(ZERO_WIDTH, clean(text).strip())
    return MARKDOWN.sub(lambda match: f"{match[0][:-1]}&#{ord(match[0][-1])};", broken)


def _is_hostile(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def _spelled(char: str) -> str:
    value = ord(char)
    if value < 0x100:
        return f"\\x{value:02x}"
    return f"\\u{value:04x}" if value < 0x10000 else f"\\U{value:08x}"

"""What the agents of pipelines obey when they see it in a log, made harmless: names are somebody else's.

Azure Pipelines takes ``##vso[...]`` and ``##[...]`` wherever they stand, GitHub Actions ``::...`` at the head of a line.
"""

import re

ZERO_WIDTH = "\u200b"
LOG_COMMAND = re.compile(r"##(?=\[|vso\[)|^\s*:(?=:)", re.IGNORECASE | re.MULTILINE)


def unobeyed(text: str) -> str:
    """Return text for a log in which nothing is a command to an agent: a zero-width space takes each apart."""
    return LOG_COMMAND.sub(lambda match: match[0] + ZERO_WIDTH, text)


def unobeyed_json(text: str) -> str:
    r"""Return the same JSON, every second ``#`` of two spelled ``\u0023``: outside of texts there is none."""
    return text.replace("##", "#\\u0023")

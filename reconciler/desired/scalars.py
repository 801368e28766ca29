"""What a YAML scalar means under the 1.2 core rules, and nothing more: ``no``, ``on`` and ``12:30`` are text.

Editors read YAML 1.2 while PyYAML resolves by 1.1, where a MAC address becomes a number; so PyYAML's own resolver is
never asked. Numbers that JSON cannot hold are refused here.
"""

import math
import re
from typing import Final

Scalar = str | int | float | bool | None

CORE: Final = "tag:yaml.org,2002:"

# More digits than any quantity here needs; Python itself refuses very long ones with an exception.
_MAXIMUM_DIGITS: Final = 30

_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_LEADS = frozenset("+-.0123456789")


class UnusableScalar(ValueError):  # noqa: N818 -- named after what it is
    """The scalar has no value that the desired state can hold; the text says why."""


def resolve_plain(text: str) -> Scalar:
    """Return the value of an unquoted scalar; raise ``UnusableScalar`` for numbers that are not finite or too long."""
    if text in _WORDS:
        return _WORDS[text]
    return _number(text) if text[0] in _LEADS else text


def resolve_tagged(tag: str, text: str) -> Scalar:
    """Return the value of a scalar with a tag written out; raise ``UnusableScalar`` where tag and text disagree."""
    if tag in ("!", CORE + "str"):
        return text
    value = resolve_plain(text)
    if tag == CORE + _core_name(value) or (tag == CORE + "float" and _core_name(value) == "int"):
        return value
    raise UnusableScalar(f"'{text}' cannot be read with the tag {shown_tag(tag)}")


def shown_tag(tag: str) -> str:
    """Return a tag the way people write it: ``!!str``."""
    return tag.replace(CORE, "!!", 1)


def _number(text: str) -> Scalar:
    if _NOT_FINITE.fullmatch(text):
        raise UnusableScalar(f"{text} is not a finite number")
    if not (_INTEGER.fullmatch(text) or _OTHER_BASE.fullmatch(text) or _FLOAT.fullmatch(text)):
        return text
    if len(text) > _MAXIMUM_DIGITS:
        raise UnusableScalar(f"a number of {len(text)} characters is too long")
    return _converted(text)


def _converted(text: str) -> int | float:
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OTHER_BASE.fullmatch(text):
        return int(text[2:], 8 if text[1] == "o" else 16)
    value = float(text)
    if not math.isfinite(value):
        raise UnusableScalar(f"{text} is not a finite number")
    # 4096.0 and 4096 are one number in JSON Schema; keeping one spelling keeps the digest the same.
    return int(value) if value.is_integer() else value


def _core_name(value: Scalar) -> str:
    names = {bool: "bool", int: "int", float: "float", str: "str", type(None): "null"}
    return names[type(value)]

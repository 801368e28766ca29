"""The operators of the language: arithmetic, comparison, matching, format. Source: about_Operators and its pages, 5.1."""

import re
from collections.abc import Callable
from typing import Any

from reconciler.simulator.powershell.convert import equal, order_key, to_number, to_text
from reconciler.simulator.powershell.failures import NotInSubsetError, PowerShellError
from reconciler.simulator.powershell.values import Hashtable, items_of, plain

_FORMAT = re.compile(r"\{\{|\}\}|\{(\d+)(?::([^{}]*))?\}")


def add(left: Any, right: Any) -> Any:
    """``+``: arrays grow, texts are joined, hashtables are merged, numbers added; the left side says which."""
    left, right = plain(left), right
    if isinstance(left, list):
        return left + list(items_of(right))
    if isinstance(left, Hashtable) and isinstance(right, Hashtable):
        merged = Hashtable(dict(left.items()))
        for key, value in right.items():
            merged[key] = value
        return merged
    if isinstance(left, str):
        return left + to_text(right)
    if left is None:
        return plain(right)
    if isinstance(left, (bool, int, float)):
        return _number(left) + _number(right)
    raise NotInSubsetError(f"+ with {type(left).__name__} on the left")


def subtract(left: Any, right: Any) -> Any:
    """``-``: numbers only."""
    return _number(left) - _number(right)


def multiply(left: Any, right: Any) -> Any:
    """``*``: of numbers; a text on the left is repeated. Repeating arrays is not implemented."""
    if isinstance(left, list):
        raise NotInSubsetError("* with an array on the left")
    if isinstance(left, str):
        return left * int(_number(right))
    return _number(left) * _number(right)


def divide(left: Any, right: Any) -> Any:
    """``/``: whole where both are whole and nothing is left over, else a double."""
    over, under = _number(left), _number(right)
    if under == 0:
        raise PowerShellError("Attempted to divide by zero.", "RuntimeException")
    return over // under if isinstance(over, int) and isinstance(under, int) and over % under == 0 else over / under


def modulo(left: Any, right: Any) -> Any:
    """``%``: the rest, with the sign of the left side."""
    over, under = _number(left), _number(right)
    if under == 0:
        raise PowerShellError("Attempted to divide by zero.", "RuntimeException")
    return over - under * int(over / under)


def _number(value: Any) -> int | float:
    number = to_number(value)
    return int(number) if number.is_integer() and not isinstance(plain(value), float) else number  # type: ignore[union-attr]


def matches_wildcard(value: Any, pattern: Any) -> bool:
    """``-like``: ``*``, ``?`` and ``[abc]`` in a text of any case."""
    return re.fullmatch(_wildcard(to_text(pattern)), to_text(value), re.IGNORECASE | re.DOTALL) is not None


def _wildcard(pattern: str) -> str:
    if "[" in pattern or "`" in pattern:
        raise NotInSubsetError(f"wildcard {pattern}")
    return "".join(".*" if one == "*" else "." if one == "?" else re.escape(one) for one in pattern)


def match(value: Any, pattern: Any) -> Hashtable | None:
    """``-match``: return what ``$Matches`` becomes, or None where the regular expression does not match."""
    try:
        found = re.search(to_text(pattern), to_text(value), re.IGNORECASE)
    except re.error as error:
        raise NotInSubsetError(f"regular expression {pattern}: {error}") from None
    if found is None:
        return None
    groups = {0: found[0], **{number: text for number, text in enumerate(found.groups(), 1) if text is not None}}
    table = Hashtable()
    for number, text in groups.items():
        table[number] = text
    return table


def format_text(template: Any, values: list[Any]) -> str:
    """``-f``: ``{0}`` and ``{0:X8}``-like items (X, D, N0); other formats are not implemented."""

    def item(found: re.Match[str]) -> str:
        if found[0] in ("{{", "}}"):
            return found[0][0]
        if int(found[1]) >= len(values):
            raise PowerShellError("Index (zero based) must be less than the size of the argument list.", "FormatError")
        return _formatted(values[int(found[1])], found[2])

    return _FORMAT.sub(item, to_text(template))


def _formatted(value: Any, how: str | None) -> str:
    if how is None:
        return to_text(value)
    kind, digits = how[:1], int(how[1:] or 0)
    if kind not in "XxD" or not isinstance(plain(value), int):
        raise NotInSubsetError(f"format {how} of {to_text(value)}")
    if kind == "D":
        return f"{value:0{digits}d}"
    # A negative number is written as its two's complement, in 32 bits where it fits.
    number = value if value >= 0 else value + (2**32 if value >= -(2**31) else 2**64)
    return f"{number:0{digits}{kind}}"


def _compare(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Any]:
    """An operator that filters where an array stands on its left."""

    def apply(left: Any, right: Any) -> Any:
        return [one for one in left if test(one, right)] if isinstance(left, list) else test(left, right)

    return apply


def _before(left: Any, right: Any) -> bool:
    left, right = plain(left), plain(right)
    if isinstance(left, (bool, int, float)) and not isinstance(right, (bool, int, float)):
        right = to_number(right)
    if isinstance(left, str):
        right = to_text(right)
    return order_key(left) < order_key(right)


def _contains(left: Any, right: Any) -> bool:
    return any(equal(one, right) for one in items_of(left))


def split(value: Any, pattern: Any) -> list[str]:
    """``-split`` by a regular expression."""
    return [part for text in items_of(value) for part in re.split(to_text(pattern), to_text(text), flags=re.IGNORECASE)]


COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "-eq": _compare(equal),
    "-ne": _compare(lambda left, right: not equal(left, right)),
    "-lt": _compare(_before),
    "-le": _compare(lambda left, right: _before(left, right) or equal(left, right)),
    "-gt": _compare(lambda left, right: not _before(left, right) and not equal(left, right)),
    "-ge": _compare(lambda left, right: not _before(left, right)),
    "-like": _compare(matches_wildcard),
    "-notlike": _compare(lambda left, right: not matches_wildcard(left, right)),
    "-contains": _contains,
    "-notcontains": lambda left, right: not _contains(left, right),
    "-in": lambda left, right: _contains(right, left),
    "-notin": lambda left, right: not _contains(right, left),
    "-join": lambda left, right: to_text(right).join(map(to_text, items_of(left))),
    "-split": split,
}
ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {"+": add, "-": subtract, "*": multiply, "/": divide, "%": modulo}

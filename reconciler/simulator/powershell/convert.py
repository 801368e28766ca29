"""Conversions between types, as PowerShell makes them: casts, texts of values, truth, and what makes two values equal.

Source: about_Type_Conversion, about_Comparison_Operators and about_Booleans (learn.microsoft.com), Windows PowerShell 5.1.
"""

import re
import uuid
from datetime import datetime
from typing import Any

from reconciler.simulator.powershell.failures import NotInSubsetError, PowerShellError
from reconciler.simulator.powershell.values import (
    NOTHING,
    CustomObject,
    Enumeration,
    Guid,
    Hashtable,
    NetObject,
    ScriptBlock,
    StringCollection,
    TypeName,
    items_of,
    plain,
)

RANGES = {"int": 2**31, "int32": 2**31, "long": 2**63, "int64": 2**63}
UNSIGNED = {"uint16": 2**16, "uint32": 2**32, "uint64": 2**64}
_NUMBER = re.compile(r"\s*([+-]?\d+)\s*")
_REAL = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
_HYPHENATED = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_GUID = re.compile(rf"[0-9a-fA-F]{{32}}|{_HYPHENATED}|\{{{_HYPHENATED}\}}|\({_HYPHENATED}\)")  # formats N, D, B and P of .NET


def to_text(value: Any) -> str:
    """Return a value as text: arrays joined by blanks, ``$null`` empty, enumerations by name."""
    value = plain(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, (str, int, Enumeration, Guid)):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, list):
        return " ".join(map(to_text, value))
    if isinstance(value, NetObject):
        return value.type_name if value.text is None else value.text
    if isinstance(value, Hashtable):
        return "System.Collections.Hashtable"
    if isinstance(value, CustomObject):
        return "@{" + "; ".join(f"{key}={to_text(one)}" for key, one in value.properties.items()) + "}"
    if isinstance(value, ScriptBlock):
        return value.text
    raise NotInSubsetError(f"{type(value).__name__} as text")


def to_bool(value: Any) -> bool:
    """Return whether a value counts as true: no null, no zero, no empty text, no array that is empty or holds one such."""
    value = plain(value)
    if isinstance(value, list):
        return len(value) > 1 or (len(value) == 1 and to_bool(value[0]))
    if value is None or isinstance(value, (bool, int, float, str)):
        return bool(value)
    return value.number != 0 if isinstance(value, Enumeration) else True


def to_number(value: Any, type_name: str = "double") -> int | float:
    """Return a value as a number of a type (int, long, uint32, double ...); PowerShellError where it is none."""
    value = plain(value)
    if value is None:
        return 0
    if isinstance(value, Enumeration):
        value = value.number
    if isinstance(value, str):
        value = _parsed(value, type_name)
    if not isinstance(value, (bool, int, float)):
        raise _no_conversion(value, type_name)
    return float(value) if type_name in ("double", "real") else _whole(value, type_name)


def _parsed(text: str, type_name: str) -> int | float:
    if not text.strip():
        return 0
    if match := _NUMBER.fullmatch(text):
        return int(match[1])
    if re.fullmatch(r"\s*0[xX][0-9a-fA-F]+\s*", text):
        return int(text, 16)
    if _REAL.fullmatch(text):
        return float(text)
    raise _no_conversion(text, type_name)


def _whole(value: float, type_name: str) -> int:
    number = round(value)  # to the nearest, halves to the even one, as .NET does
    low, high = (-RANGES[type_name], RANGES[type_name]) if type_name in RANGES else (0, UNSIGNED.get(type_name, 0))
    if type_name not in RANGES and type_name not in UNSIGNED:
        raise NotInSubsetError(f"numbers of type {type_name}")
    if not low <= number < high:  # PowerShell converts, it never reinterprets: what does not fit is an error
        raise _no_conversion(value, type_name, "InvalidCastIConvertible")
    return number


def _no_conversion(value: Any, type_name: str, error_id: str = "InvalidCastFromStringToInteger") -> PowerShellError:
    text = f'Cannot convert value "{to_text(value)}" to type "{type_name}".'
    return PowerShellError(text, error_id, category="InvalidArgument")


def cast(value: Any, target: TypeName) -> Any:
    """Return a value as another type of the language; NotInSubsetError for types that are not known here."""
    if target.array:
        one = TypeName(target.name)
        return [cast(item, one) for item in items_of(plain(value))] if plain(value) is not None else None
    name = target.name.casefold().removeprefix("system.")
    if name == "string":
        return to_text(value)
    if name in ("bool", "boolean"):
        return to_bool(value)
    if name in RANGES or name in UNSIGNED or name == "double":
        return to_number(value, name)
    if name == "guid":
        return to_guid(value)
    if name in ("array", "object[]"):
        return list(items_of(value))
    raise NotInSubsetError(f"cast to [{target.name}]")


def to_guid(value: Any) -> Guid:
    """Return a GUID; PowerShellError for a text that is none."""
    if isinstance(value, Guid):
        return value
    if match := _GUID.fullmatch(to_text(value)):
        return Guid(str(uuid.UUID(match[0].strip("(){}"))))
    raise PowerShellError(
        f'Cannot convert value "{to_text(value)}" to type "System.Guid".',
        "InvalidCastParseTargetInvocation",
        category="InvalidArgument",
    )


def equal(left: Any, right: Any) -> bool:
    """Return whether two single values are equal by ``-eq``: the right one is converted to the type of the left one."""
    left, right = plain(left), plain(right)
    if left is None or right is None:
        return left is None and right is None
    if isinstance(left, str):
        return left.casefold() == to_text(right).casefold()
    if isinstance(left, bool):
        return left == to_bool(right)
    try:
        return _equal_as(left, right)
    except PowerShellError:
        return False


def _equal_as(left: Any, right: Any) -> bool:
    if isinstance(left, (int, float)):
        return left == to_number(right)
    if isinstance(left, Enumeration):
        return left.name.casefold() == right.casefold() if isinstance(right, str) else left.number == to_number(right)
    if isinstance(left, Guid):
        return left == to_guid(right)
    if isinstance(left, (Hashtable, CustomObject, NetObject, StringCollection, datetime, ScriptBlock)):
        return left is right or (isinstance(left, datetime) and left == right)
    raise NotInSubsetError(f"comparing {type(left).__name__}")


def order_key(value: Any) -> tuple[int, Any]:
    """Return a key to sort by: nulls first, numbers by size, texts in any case."""
    value = plain(value)
    if value is None:
        return (0, 0)
    if isinstance(value, (bool, int, float)):
        return (1, value)
    if isinstance(value, Enumeration):
        return (1, value.number)
    if isinstance(value, datetime):
        return (1, value.timestamp())
    return (2, to_text(value).casefold())


def count_of(value: Any) -> int:
    """Return ``.Count`` of anything: of null none, of one value one."""
    if value is NOTHING or value is None:
        return 0
    if isinstance(value, (list, Hashtable)):
        return len(value)
    return len(value.items) if isinstance(value, StringCollection) else 1

"""ConvertTo-Json and ConvertFrom-Json as Windows PowerShell 5.1 has them, with the traps that scripts have to know.

What lies deeper than ``-Depth`` becomes text, enumerations become numbers, dates become ``/Date(ms)/``, and characters that
HTML gives a meaning are escaped. Source: ConvertTo-Json (learn.microsoft.com, 5.1) and what 5.1 was measured to write.
"""

import json
from datetime import datetime
from typing import Any

from reconciler.simulator.powershell.convert import to_text
from reconciler.simulator.powershell.failures import NotInSubsetError, PowerShellError
from reconciler.simulator.powershell.values import CustomObject, Enumeration, Guid, Hashtable, StringCollection, plain

ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "'": "\\u0027"}


def to_json(value: Any, depth: int) -> str:
    """Return compressed JSON; objects of Windows are not written whole, for what they hold is no contract."""
    text = json.dumps(_simple(plain(value), depth), ensure_ascii=False, separators=(",", ":"))
    return "".join(ESCAPED.get(one, one) for one in text)


def _simple(value: Any, depth: int) -> Any:
    value = plain(value)
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, Enumeration):
        return value.number
    if isinstance(value, Guid):
        return str(value)
    if isinstance(value, datetime):
        return f"/Date({int(value.timestamp() * 1000)})/"
    return _compound(value, depth)


def _compound(value: Any, depth: int) -> Any:
    if not isinstance(value, (list, Hashtable, CustomObject, StringCollection)):
        raise NotInSubsetError(f"ConvertTo-Json of {to_text(value)}")
    if depth < 0:
        return to_text(value)
    if isinstance(value, (list, StringCollection)):
        items = value if isinstance(value, list) else value.items
        return [_simple(item, depth - 1) for item in items]
    table = value if isinstance(value, Hashtable) else value.properties
    return {to_text(key): _simple(item, depth - 1) for key, item in table.items()}


def from_json(text: str) -> Any:
    """Return objects, arrays and simple values; PowerShellError where the text is no JSON."""
    try:
        return _value(json.loads(text))
    except (ValueError, RecursionError):
        raise PowerShellError(
            "Invalid JSON primitive.", "System.ArgumentException,Microsoft.PowerShell.Commands.ConvertFromJsonCommand"
        ) from None


def _value(data: Any) -> Any:
    if isinstance(data, dict):
        return CustomObject({key: _value(one) for key, one in data.items()})
    return [_value(one) for one in data] if isinstance(data, list) else data

"""Reading and setting properties, calling methods, and indexing, on every kind of value.

What an array lacks is read of its items (member enumeration); what ``$null`` is asked for is ``$null``; what an object of
Windows lacks stops the run, for here nothing may pass that nobody implemented.
"""

from datetime import UTC, datetime
from typing import Any

from reconciler.simulator.powershell.convert import count_of, to_number, to_text
from reconciler.simulator.powershell.failures import NotInSubsetError, PowerShellError
from reconciler.simulator.powershell.values import (
    CustomObject,
    Enumeration,
    Hashtable,
    NetObject,
    StringCollection,
    net_object,
    plain,
)


def read_property(value: Any, name: str) -> Any:
    """Return a property of a value, by its name in any case."""
    value, folded = plain(value), name.casefold()
    if isinstance(value, Hashtable):
        return _of_hashtable(value, name, folded)
    if isinstance(value, NetObject):
        return count_of(value) if folded == "count" and "count" not in value.readers else value.read(name)
    if folded in ("count", "length") and not isinstance(value, str):
        return count_of(value)
    if value is None:
        return None
    if isinstance(value, list):
        return [one for one in (plain(read_property(item, name)) for item in value) if one is not None] or None
    if isinstance(value, CustomObject):
        return _properties(value) if folded == "psobject" else value.properties[name]
    return _of_simple(value, name, folded)


def _of_hashtable(value: Hashtable, name: str, folded: str) -> Any:
    if name in value:
        return value[name]
    if folded == "count":
        return len(value)
    if folded in ("keys", "values"):
        return [key if folded == "keys" else one for key, one in value.items()]
    return None


def _of_simple(value: Any, name: str, folded: str) -> Any:
    if isinstance(value, str) and folded == "length":
        return len(value.encode("utf-16-le", "surrogatepass")) // 2  # .NET counts UTF-16 units
    if isinstance(value, str) and folded == "count":
        return 1
    if isinstance(value, Enumeration) and folded == "value__":
        return value.number
    raise NotInSubsetError(f"property {name} of {type(value).__name__}")


def _properties(value: CustomObject) -> NetObject:
    members = [net_object("PSNoteProperty", {"Name": key, "Value": one}) for key, one in value.properties.items()]
    return net_object("PSObject", {"Properties": members})


def write_property(value: Any, name: str, new: Any) -> None:
    """Set a property; PowerShellError on ``$null`` and on objects that have no such property."""
    value, new = plain(value), plain(new)
    if isinstance(value, Hashtable):
        value[name] = new
    elif isinstance(value, NetObject):
        value.write(name, new)
    elif isinstance(value, CustomObject) and name in value.properties:
        value.properties[name] = new
    else:
        text = f"The property '{name}' cannot be found on this object. Verify that the property exists and can be set."
        raise PowerShellError(text, "PropertyNotFound", category="InvalidOperation")


def read_index(value: Any, index: Any) -> Any:
    """Return an item: of an array by position (negative from its end), of a hashtable by key. Beyond the end: ``$null``."""
    value = plain(value)
    if value is None:
        raise PowerShellError("Cannot index into a null array.", "NullArray", category="InvalidOperation")
    if isinstance(value, Hashtable):
        return value[plain(index) if isinstance(plain(index), int) else to_text(index)]
    if isinstance(value, StringCollection):
        value = value.items
    if isinstance(value, NetObject) or not isinstance(value, (list, str)):
        # A lone object takes the index 0 and -1 as an array of one would.
        value = [value]
    position = int(to_number(index, "int"))
    return value[position] if -len(value) <= position < len(value) else None


def write_index(value: Any, index: Any, new: Any) -> None:
    """Set an item of a hashtable; arrays are not changed in place here."""
    if not isinstance(plain(value), Hashtable):
        raise NotInSubsetError("setting an item of anything but a hashtable")
    value[to_text(index)] = plain(new)


def call_method(value: Any, name: str, arguments: list[Any]) -> Any:
    """Call a method; PowerShellError on ``$null``, NotInSubsetError where it is not implemented."""
    value, folded = plain(value), name.casefold()
    if value is None:
        text = "You cannot call a method on a null-valued expression."
        raise PowerShellError(text, "InvokeMethodOnNull", category="InvalidOperation")
    if isinstance(value, NetObject):
        return value.call(name, arguments)
    if folded == "tostring" and not arguments:
        return to_text(value)
    if isinstance(value, str):
        return _of_text(value, folded, [to_text(one) for one in arguments])
    if isinstance(value, datetime):
        return _of_time(value, folded, arguments)
    if isinstance(value, Hashtable) and folded in ("containskey", "contains"):
        return plain(arguments[0]) in value
    if isinstance(value, StringCollection) and folded == "add":
        value.items.append(to_text(arguments[0]))
        return len(value.items) - 1
    raise NotInSubsetError(f"method {name} of {type(value).__name__}")


def _of_text(text: str, name: str, arguments: list[str]) -> Any:
    if name in ("tolower", "tolowerinvariant") and not arguments:
        return text.lower()
    if name in ("toupper", "toupperinvariant") and not arguments:
        return text.upper()
    if name == "trim" and not arguments:
        return text.strip()
    if name == "trimend":
        return text.rstrip("".join(arguments) or None)
    if name == "trimstart":
        return text.lstrip("".join(arguments) or None)
    return _part_of_text(text, name, arguments)


def _part_of_text(text: str, name: str, arguments: list[str]) -> Any:
    if name == "substring":
        start = int(arguments[0])
        length = int(arguments[1]) if len(arguments) > 1 else len(text) - start
        if not 0 <= start <= start + length <= len(text):
            raise PowerShellError("Index and length must refer to a location within the string.", "ArgumentOutOfRangeException")
        return text[start : start + length]
    if name == "replace":
        return text.replace(arguments[0], arguments[1])
    if name in ("startswith", "endswith", "contains", "indexof", "split"):
        return _search_text(text, name, arguments)
    raise NotInSubsetError(f"method {name} of a text")


def _search_text(text: str, name: str, arguments: list[str]) -> Any:
    sought = arguments[0]
    if name == "startswith":
        return text.startswith(sought)
    if name == "endswith":
        return text.endswith(sought)
    if name == "contains":
        return sought in text
    return text.find(sought) if name == "indexof" else text.split(sought)


def _of_time(value: datetime, name: str, arguments: list[Any]) -> Any:
    if name == "touniversaltime" and not arguments:
        return value.astimezone(UTC)
    if name == "tostring" and [to_text(one) for one in arguments] == ["o"]:
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"
    raise NotInSubsetError(f"method {name} of a date")

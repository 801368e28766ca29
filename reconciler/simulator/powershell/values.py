"""The values that scripts work with, where Python's own do not serve: hashtables, objects, enumerations, nothing at all.

Numbers, texts, booleans and lists are Python's; ``None`` is ``$null``; a list is an array, never changed in place.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.simulator.powershell.failures import NotInSubsetError


class _Nothing:
    """What a command gives that writes no output: ``$null`` in an expression, no item at all in a pipeline."""

    def __repr__(self) -> str:
        return "NOTHING"

    def __bool__(self) -> bool:
        return False


NOTHING = _Nothing()


class Hashtable:
    """A hashtable: keys of text in any case, in the order of insertion (the real one has none: rely on no order)."""

    def __init__(self, items: Mapping[str, Any] | None = None) -> None:
        self._items: dict[Any, tuple[Any, Any]] = {}
        for key, value in (items or {}).items():
            self[key] = value

    def __setitem__(self, key: Any, value: Any) -> None:
        self._items[_folded(key)] = (self._items.get(_folded(key), (key,))[0], value)

    def __getitem__(self, key: Any) -> Any:
        return self._items.get(_folded(key), (None, None))[1]

    def __contains__(self, key: Any) -> bool:
        return _folded(key) in self._items

    def __len__(self) -> int:
        return len(self._items)

    def items(self) -> Iterator[tuple[Any, Any]]:
        """Yield keys as they were first written, with their values."""
        yield from self._items.values()


def _folded(key: Any) -> Any:
    return key.casefold() if isinstance(key, str) else key


class CustomObject:
    """A ``PSCustomObject``, as ConvertFrom-Json and Select-Object make them. A property it lacks reads as ``$null``."""

    def __init__(self, properties: Mapping[str, Any]) -> None:
        self.properties = Hashtable(properties)


@dataclass(frozen=True, slots=True)
class Enumeration:
    """A value of an enumeration: written as its name, cast and serialised as its number."""

    type_name: str
    name: str
    number: int

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Guid:
    """A GUID, in lower case as .NET writes it."""

    text: str

    def __str__(self) -> str:
        return self.text


Reader = Callable[[], Any]
Writer = Callable[[Any], None]
Method = Callable[[list[Any]], Any]


@dataclass(slots=True)
class NetObject:
    """An object of Windows or .NET. It has the properties and methods named here; any other stops the run loudly.

    ``readers`` and ``writers`` map property names (any case) to functions; ``methods`` take the list of arguments.
    """

    type_name: str
    readers: dict[str, Reader] = field(default_factory=dict)
    writers: dict[str, Writer] = field(default_factory=dict)
    methods: dict[str, Method] = field(default_factory=dict)
    text: str | None = None

    def __post_init__(self) -> None:
        self.readers = {name.casefold(): reader for name, reader in self.readers.items()}
        self.writers = {name.casefold(): writer for name, writer in self.writers.items()}
        self.methods = {name.casefold(): method for name, method in self.methods.items()}

    def read(self, name: str) -> Any:
        """Return a property; NotInSubsetError where it is not implemented."""
        if (reader := self.readers.get(name.casefold())) is None:
            raise NotInSubsetError(f"property {name} of {self.type_name}")
        return reader()

    def write(self, name: str, value: Any) -> None:
        """Set a property; NotInSubsetError where it is not implemented or cannot be set."""
        if (writer := self.writers.get(name.casefold())) is None:
            raise NotInSubsetError(f"setting property {name} of {self.type_name}")
        writer(value)

    def call(self, name: str, arguments: list[Any]) -> Any:
        """Call a method; NotInSubsetError where it is not implemented."""
        if (method := self.methods.get(name.casefold())) is None:
            raise NotInSubsetError(f"method {name} of {self.type_name}")
        return method(arguments)

    def names(self) -> list[str]:
        """Return the property names, folded, in the order they were given."""
        return list(self.readers)


def net_object(type_name: str, properties: Mapping[str, Any], *, text: str | None = None) -> NetObject:
    """Return an object with plain values as read-only properties."""
    readers: dict[str, Reader] = {name: (lambda value=value: value) for name, value in properties.items()}  # type: ignore[misc]
    return NetObject(type_name, readers, text=text)


class StringCollection:
    """``System.Collections.Specialized.StringCollection``: what cluster properties of several texts want."""

    def __init__(self) -> None:
        self.items: list[str] = []


@dataclass(frozen=True, slots=True)
class TypeName:
    """A type as a value, ``[some.type]``; ``array``: an array of it."""

    name: str
    array: bool = False


@dataclass(frozen=True, slots=True)
class ScriptBlock:
    """Code as a value: its parameters, what runs it, and its text. ``run`` takes a scope and the list it writes to."""

    parameters: tuple[str, ...]
    run: Callable[[Any, list[Any]], None]
    text: str


def items_of(value: Any) -> list[Any]:
    """Return what a value becomes in a pipeline: arrays and collections item by item, nothing as no item, else itself."""
    if value is NOTHING:
        return []
    if isinstance(value, list):
        return value
    if isinstance(value, StringCollection):
        return list(value.items)
    return [value]


def collapsed(outputs: list[Any]) -> Any:
    """Return what a variable holds after a command wrote these outputs: nothing, the one, or an array of all."""
    if not outputs:
        return NOTHING
    return outputs[0] if len(outputs) == 1 else list(outputs)


def plain(value: Any) -> Any:
    """Return a value as expressions see it: nothing is ``$null`` there."""
    return None if value is NOTHING else value

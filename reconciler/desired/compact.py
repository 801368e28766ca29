"""Frozen values as compact JSON and back, driven by their type hints: a new field of the model needs no line here.

A dataclass becomes a list of its fields. Equal small values (placements, settings) are written once, in a pool. Places of
fields, most of what there is, become plain numbers that nobody looks at until a place is asked for. Never pickle: what
stands in an entry can be wrong, but it cannot run.
"""

import base64
import dataclasses
import json
import sys
import types
import typing
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from functools import cache, partial
from itertools import repeat
from typing import Any, Final, TypeVar

from reconciler.desired.documents import FieldPlaces
from reconciler.model.desired import Source
from reconciler.model.problem import Place

Convert = Callable[[Any], Any]
_Value = TypeVar("_Value")
_PLAIN_TABLES: Final = ("files", "names")  # the others hold values of one type each, field by field


class Unreadable(ValueError):  # noqa: N818 -- named after what it is
    """The text is not what this module wrote."""


class Writer:
    """Takes values apart; what they have in common gathers in tables, to be written once at the end."""

    def __init__(self) -> None:
        self._places: dict[str, dict[Any, int]] = {}
        self._tables: dict[str, list[Any]] = {}
        self._numbers: list[int] = []
        self._converts: dict[Any, Convert] = {}

    def written(self, hint: Any, value: Any) -> str:
        """Return the text of a value of a type."""
        body = self._of(hint)(value)
        numbers = array("I", self._numbers)
        if sys.byteorder == "big":
            numbers.byteswap()
        tables = {name: rows if name in _PLAIN_TABLES else list(zip(*rows, strict=True)) for name, rows in self._tables.items()}
        text = {"numbers": base64.b64encode(numbers.tobytes()).decode(), "tables": tables, "body": body}
        return json.dumps(text, separators=(",", ":"))

    def _of(self, hint: Any) -> Convert:
        if hint not in self._converts:
            self._converts[hint] = self._made(hint)
        return self._converts[hint]

    def _made(self, hint: Any) -> Convert:
        kind, inner = _kind(hint)
        if kind == "optional":
            convert = self._of(inner)
            return lambda value: None if value is None else convert(value)
        if kind == "list":
            if _kind(inner)[0] == "object" and not _is_pooled(inner):
                return partial(self._many, inner)
            convert = self._of(inner)
            return lambda value: value if isinstance(value, str) else [convert(one) for one in value]
        if kind == "set":
            return lambda value: sorted(one.value for one in value)
        if kind == "mapping":
            return lambda value: {key.value: number for key, number in value.items()}
        if kind == "enum":
            return lambda value: value.value
        if kind == "moment":
            return datetime.isoformat
        if kind == "source":
            return self._source
        return self._dataclass(hint) if kind == "object" else _same

    def _many(self, hint: type, values: Sequence[Any]) -> list[Any]:
        """Take many values of one type apart, a column for each field: tens of thousands of small lists take their time."""
        return [self._column(inner, [getattr(value, name) for value in values]) for name, inner in _fields(hint)]

    def _column(self, hint: Any, values: list[Any]) -> list[Any]:
        column = list(map(self._of(hint), values))
        return list(zip(*column, strict=True)) if _kind(hint)[0] == "source" else column

    def _dataclass(self, hint: type) -> Convert:
        fields = [(name, self._of(inner)) for name, inner in _fields(hint)]

        def row_of(value: Any) -> list[Any]:
            return [take(getattr(value, name)) for name, take in fields]

        return partial(self._pooled, hint.__name__, row_of) if _is_pooled(hint) else row_of

    def _pooled(self, table: str, row_of: Convert, value: Any) -> int:
        """Return where a value stands in its table; equal values stand there once."""
        known = self._places.setdefault(table, {})
        at = known.get(value)
        if at is None:
            row = row_of(value)
            at = known[value] = len(known)
            self._tables.setdefault(table, []).append(row)
        return at

    def _source(self, source: Source) -> list[Any]:
        place, places = source.place, list(source.fields.values())
        start = len(self._numbers)
        self._numbers += [number for one in places for number in (one.line, one.column)]
        files = {one.file for one in places} or {place.file}
        # Fields of a host may come from the files of its groups; usually all stand in one file.
        several = [self._pooled("files", _same, one.file) for one in places if len(files) > 1]
        file = self._pooled("files", _same, min(files))
        names = self._pooled("names", list, tuple(source.fields))
        return [self._pooled("files", _same, place.file), place.line, place.column, file, names, start, several]


def read(hint: Any, text: str | bytes) -> Any:
    """Return the value of a type that a Writer wrote; raise Unreadable for anything else."""
    try:
        data = json.loads(text)
        numbers = array("I", base64.b64decode(data["numbers"], validate=True))
        if sys.byteorder == "big":
            numbers.byteswap()
        return _Reader(data["tables"], numbers).of(hint)(data["body"])
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise Unreadable("this is no value of ours") from error


class _Reader:
    """Puts values together again; each pooled value is made once, when the first field asks for its table."""

    def __init__(self, tables: dict[str, list[Any]], numbers: "array[int]") -> None:
        self._tables, self._numbers = tables, numbers
        self._converts: dict[Any, Convert] = {}
        self._files: list[str] = tables.get("files", [])
        self._names = [{name: 2 * at for at, name in enumerate(names)} for names in tables.get("names", [])]

    def of(self, hint: Any) -> Convert:
        if hint not in self._converts:
            self._converts[hint] = self._made(hint)
        return self._converts[hint]

    def _made(self, hint: Any) -> Convert:
        kind, inner = _kind(hint)
        if kind == "optional":
            convert = self.of(inner)
            return _same if convert is _same else lambda value: None if value is None else convert(value)
        if kind == "list":
            if _kind(inner)[0] == "object" and not _is_pooled(inner):
                return partial(self._many, inner)
            convert = self.of(inner)
            return lambda value: value if isinstance(value, str) else tuple(map(convert, value))
        if kind == "set":
            convert = self.of(inner)
            return lambda value: frozenset(map(convert, value))
        if kind == "enum":
            return {one.value: one for one in hint}.__getitem__
        if kind == "mapping":
            convert = self.of(inner)
            return lambda value: {convert(key): number for key, number in value.items()}
        if kind == "moment":
            return datetime.fromisoformat
        if kind == "source":
            return self._source
        return self._dataclass(hint) if kind == "object" else _same

    def _dataclass(self, hint: type) -> Convert:
        hints = _fields(hint)
        converts = [(at, convert) for at, (_, inner) in enumerate(hints) if (convert := self.of(inner)) is not _same]
        make = partial(_put_together, hint, len(hints), converts)
        return self._many(hint, self._tables.get(hint.__name__, [[]] * len(hints))).__getitem__ if _is_pooled(hint) else make

    def _many(self, hint: type, columns: list[list[Any]]) -> tuple[Any, ...]:
        """Put many values of one type together again, field by field."""
        hints = _fields(hint)
        if len(columns) != len(hints):
            raise Unreadable("this has other fields")
        return _filled(hint, *(self._column(inner, column) for (_, inner), column in zip(hints, columns, strict=True)))

    def _column(self, hint: Any, column: Sequence[Any]) -> Iterable[Any]:
        kind, inner = _kind(hint)
        if kind == "source":
            return self._sources(*column) if column else ()
        if kind == "optional":
            convert = self.of(inner)
            return column if convert is _same else [None if value is None else convert(value) for value in column]
        return map(self.of(hint), column)

    def _source(self, row: list[Any]) -> Source:
        return self._sources(*([value] for value in row))[0]

    def _sources(
        self,
        files: list[int],
        lines: list[int],
        columns: list[int],
        fields_files: list[int],
        names: list[int],
        starts: list[int],
        several: list[list[int]],
    ) -> tuple[Source, ...]:
        file_of = self._files.__getitem__
        places = _filled(Place, map(file_of, files), lines, columns)
        fields: Sequence[Mapping[str, Place]] = list(
            map(FieldPlaces, map(file_of, fields_files), map(self._names.__getitem__, names), repeat(self._numbers), starts)
        )
        if any(several):
            fields = [self._of_several(many, one) if many else one for many, one in zip(several, fields, strict=True)]
        return _filled(Source, places, fields)

    def _of_several(self, numbers: list[int], places: Mapping[str, Place]) -> dict[str, Place]:
        """Return the places of fields that stand in files of their own, as fields of groups do."""
        files = [self._files[number] for number in numbers]
        return {name: Place(one, at.line, at.column) for one, (name, at) in zip(files, places.items(), strict=True)}


def _put_together(make: Callable[..., Any], size: int, converts: list[tuple[int, Convert]], row: list[Any]) -> Any:
    if len(row) != size:
        raise Unreadable("this has other fields")
    for at, convert in converts:
        row[at] = convert(row[at])
    return make(*row)


def _filled(kind: type[_Value], *columns: Iterable[Any]) -> tuple[_Value, ...]:
    """Return so many values of a frozen dataclass with slots, filled field by field.

    Its own ``__init__`` asks ``object.__setattr__`` for each field of each value, which takes four times as long.
    """
    whole = [column if isinstance(column, list | tuple) else list(column) for column in columns]
    if len({len(column) for column in whole}) != 1:
        raise Unreadable("some fields are missing")
    made = tuple(map(object.__new__, repeat(kind, len(whole[0]))))
    for field, column in zip(dataclasses.fields(kind), whole, strict=True):  # type: ignore[arg-type]
        deque(map(getattr(kind, field.name).__set__, made, column), maxlen=0)
    return made


def _same(value: Any) -> Any:
    return value


def _fields(hint: type) -> list[tuple[str, Any]]:
    hints = typing.get_type_hints(hint)
    return [(field.name, hints[field.name]) for field in dataclasses.fields(hint)]


@cache
def _is_pooled(hint: Any) -> bool:
    """Tell whether equal values of a type may be one: those that hold no mapping anywhere, so no places of their own."""
    kind, inner = _kind(hint)
    if kind == "object":
        return all(_is_pooled(one) for _, one in _fields(hint))
    if kind in ("mapping", "source") or typing.get_origin(hint) is dict:
        return False
    return inner is None or _is_pooled(inner)


def _kind(hint: Any) -> tuple[str, Any]:
    """Return how values of a type are written, and the type inside it."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        left = [one for one in arguments if one is not type(None)]
        # Text or a list of text (networks) is told apart by looking at the value.
        inner = left[0] if len(left) == 1 else next(one for one in left if typing.get_origin(one) is tuple)
        return ("optional", inner) if len(left) < len(arguments) else _kind(inner)
    if origin in (tuple, frozenset):
        return "list" if origin is tuple else "set", arguments[0]
    if hint is Source:
        return "source", None
    if origin is Mapping:  # of numbers, by members of an enumeration
        return "mapping", arguments[0]
    if isinstance(hint, type) and origin is None:
        return _kind_of_class(hint), None
    return "plain", None


def _kind_of_class(hint: type) -> str:
    if issubclass(hint, Enum):
        return "enum"
    if issubclass(hint, datetime):
        return "moment"
    return "object" if dataclasses.is_dataclass(hint) else "plain"

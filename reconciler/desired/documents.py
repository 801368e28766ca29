"""One YAML document as a value: plain data, and where everything in it stands.

Documents of a fleet look alike, so what follows from the keys alone (paths, dotted names of fields) is worked out once per
layout and shared; a document itself keeps only its numbers. How documents are read is not known here.
"""

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Final

from reconciler.model.problem import Place

Path = tuple[str | int, ...]
Position = tuple[int, int]
Token = str | int

# What a layout is spelled with, in the order of the text: keys as themselves, and these.
SCALAR, MAPPING, LIST, END = range(4)
# Numbers per field: line and column of its key (for items of lists and the document: of the value), then of its value.
NUMBERS: Final = 4


@dataclass(frozen=True, slots=True)
class Marks:
    """Where a field stands: its key (for items of lists and the document: the value), and its value; both from 1."""

    key: Position
    value: Position


@dataclass(frozen=True, eq=False)
class Layout:
    """The paths of all fields, in the order of the text; the document itself is the empty path.

    Compared as an object: two documents that are laid out alike usually share one.
    """

    paths: tuple[Path, ...]
    _fields: dict[Path, dict[str, int]] = field(default_factory=dict, repr=False)

    @cached_property
    def index(self) -> dict[Path, int]:
        """The place of each path in ``paths``."""
        return {path: number for number, path in enumerate(self.paths)}

    def fields(self, below: Path) -> dict[str, int]:
        """Return dotted names of the fields below a path, each with where its numbers begin."""
        found = self._fields.get(below)
        if found is None:
            size = len(below)
            found = {
                ".".join(map(str, path[size:])): number * NUMBERS
                for path, number in self.index.items()
                if len(path) > size and path[:size] == below
            }
            self._fields[below] = found
        return found


@lru_cache(maxsize=4096)
def layout_of(tokens: tuple[Token, ...]) -> Layout:
    """Return the layout that tokens spell; equal tokens give the same object."""
    return Layout(tuple(_paths(iter(tokens), ())))


def _paths(tokens: Iterator[Token], path: Path) -> Iterator[Path]:
    yield path
    kind = next(tokens)
    if kind == MAPPING:
        while (key := next(tokens)) != END:
            yield from _paths(tokens, (*path, key))
    elif kind == LIST:
        for number in range(_items(tokens)):
            yield from _paths(tokens, (*path, number))


def _items(tokens: Iterator[Token]) -> int:
    """Return how many items the list has, which is told ahead of them."""
    return int(next(tokens))


class FieldPlaces(Mapping[str, Place]):
    """Places of fields by dotted name, each made when it is asked for: most never are."""

    __slots__ = ("_file", "_names", "_numbers", "_start")

    def __init__(self, file: str, names: dict[str, int], numbers: "array[int]", start: int = 0) -> None:
        """``names`` lead to a line and the column after it in ``numbers``, counted from ``start``."""
        self._file, self._names, self._numbers, self._start = file, names, numbers, start

    def __getitem__(self, name: str) -> Place:
        at = self._start + self._names[name]
        return Place(self._file, self._numbers[at], self._numbers[at + 1])

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return repr(dict(self))


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """One document: plain data, and the position of everything in it by path from the top.

    ``numbers`` has four numbers per path of the layout. ``is_printable``: surely no text in it holds a control character.
    """

    file: str
    data: Any
    layout: Layout
    numbers: "array[int]"
    is_printable: bool = False

    @classmethod
    def of(cls, file: str, data: Any, marks: dict[Path, Marks]) -> "YamlDocument":
        """Return a document from the marks of everything in it, in the order of the text."""
        numbers = array("I", (number for mark in marks.values() for number in (*mark.key, *mark.value)))
        return cls(file, data, Layout(tuple(marks)), numbers)

    def key_place(self, path: Path) -> Place:
        """Return where the key of a field stands, or its nearest parent's."""
        return self._place(path, 0)

    def value_place(self, path: Path) -> Place:
        """Return where the value of a field stands, or its nearest parent's."""
        return self._place(path, 2)

    def field_places(self, below: Path) -> FieldPlaces:
        """Return the places of the keys of all fields below a path, by dotted name."""
        return FieldPlaces(self.file, self.layout.fields(below), self.numbers)

    def _place(self, path: Path, offset: int) -> Place:
        index = self.layout.index
        while path not in index:
            path = path[:-1]
        at = index[path] * NUMBERS + offset
        return Place(self.file, self.numbers[at], self.numbers[at + 1])

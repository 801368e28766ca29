"""The short way through YAML that is as usual: no anchors, tags, duplicate keys, great depth or syntax errors.

It never reports a problem. Whatever is not as usual is left to the careful reader, which reads the file again from its
beginning; so both must agree on everything that this one accepts, and a law says so.
"""

from array import array
from typing import Any, Final

import yaml

from reconciler.desired.documents import END, LIST, MAPPING, SCALAR, Token, YamlDocument, layout_of
from reconciler.desired.scalars import UnusableScalar, resolve_plain

# Each level costs frames of this reader; desired states are about six levels deep.
_USUAL_DEPTH: Final = 20
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SCALAR, _MAPPING, _LIST = yaml.ScalarEvent, yaml.MappingStartEvent, yaml.SequenceStartEvent


# Field names seen so far, each read and kept once: all documents have the same few, and they are half of all scalars.
_NAMES: Final[dict[str, str]] = {}
_MOST_NAMES: Final = 1000


class _Unusual(Exception):  # noqa: N818 -- no error: another reader takes over
    """Something here is for the careful reader."""


def read_usual(name: str, text: str, maximum_documents: int) -> list[YamlDocument] | None:
    """Return the documents of a text, empty ones skipped; None where anything is unusual."""
    loader = _LOADER(text)
    try:
        return _Reading(name, loader).documents(maximum_documents)
    except (yaml.MarkedYAMLError, UnusableScalar, _Unusual):
        return None
    finally:
        loader.dispose()


class _Reading:
    """One pass over the events of a text, by recursive descent; layout and positions gather for one document at a time."""

    def __init__(self, name: str, loader: Any) -> None:
        self._name, self._next = name, loader.get_event
        self._tokens: list[Token] = []
        self._numbers: list[int] = []
        self._is_printable = True

    def documents(self, maximum: int) -> list[YamlDocument]:
        found: list[YamlDocument] = []
        count = 0
        self._next()
        while type(self._next()) is yaml.DocumentStartEvent:
            count += 1
            if count > maximum:
                raise _Unusual
            document = self._document()
            if document.data is not None:
                found.append(document)
            self._next()
        return found

    def _document(self) -> YamlDocument:
        self._tokens, self._numbers, self._is_printable = [], [], True
        event = self._next()
        mark = event.start_mark
        line, column = mark.line + 1, mark.column + 1
        self._numbers += (line, column, line, column)
        data = self._value(event, 0)
        return YamlDocument(self._name, data, layout_of(tuple(self._tokens)), array("I", self._numbers), self._is_printable)

    def _value(self, event: Any, depth: int) -> Any:
        if event.anchor is not None or event.tag is not None or depth > _USUAL_DEPTH:
            raise _Unusual
        kind = type(event)
        if kind is _SCALAR:
            self._tokens.append(SCALAR)
            return self._scalar(event)
        return self._mapping(depth + 1) if kind is _MAPPING else self._list(depth + 1)

    def _scalar(self, event: Any) -> Any:
        text = event.value
        if not text.isprintable():
            self._is_printable = False
        return resolve_plain(text) if event.implicit[0] else text

    def _mapping(self, depth: int) -> dict[str, Any]:
        data: dict[str, Any] = {}
        tokens, numbers, after, names = self._tokens, self._numbers, self._next, _NAMES
        tokens.append(MAPPING)
        while type(key_event := after()) is _SCALAR:
            key = names.get(key_event.value)
            if key is None or key_event.anchor is not None or key_event.tag is not None or key in data:
                key = self._key(key_event, data)
            event = after()
            mark: Any = key_event.start_mark
            value_mark = event.start_mark
            numbers += (mark.line + 1, mark.column + 1, value_mark.line + 1, value_mark.column + 1)
            tokens.append(key)
            data[key] = self._value(event, depth)
        if type(key_event) is not yaml.MappingEndEvent:
            raise _Unusual
        tokens.append(END)
        return data

    def _key(self, event: Any, data: dict[str, Any]) -> str:
        key = self._scalar(event)
        if event.anchor is not None or event.tag is not None or not isinstance(key, str) or key in data:
            raise _Unusual
        if event.implicit[0] and len(_NAMES) < _MOST_NAMES and key.isidentifier():
            _NAMES[key] = key  # not one in quotes: "true" is a name, and true is none
        return key

    def _list(self, depth: int) -> list[Any]:
        data: list[Any] = []
        tokens, numbers = self._tokens, self._numbers
        tokens.append(LIST)
        at = len(tokens)
        tokens.append(0)
        while type(event := self._next()) is not yaml.SequenceEndEvent:
            mark: Any = event.start_mark
            line, column = mark.line + 1, mark.column + 1
            numbers += (line, column, line, column)
            data.append(self._value(event, depth))
        tokens[at] = len(data)
        return data

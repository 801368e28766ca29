"""How documents (observation, plan) become values and back: camelCase in JSON, snake_case in code, frozen in both.

Unknown fields are ignored, so that an older reader understands a newer writer; an unknown ``apiVersion`` or ``kind`` is
refused. Absent facts are None, which means unknown everywhere.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, Self, get_args

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

API_VERSION: Final = "reconciler/v1"


class Document(BaseModel):
    """Base of every value that is also JSON."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="ignore")

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with these fields changed; it remembers nothing that was worked out from the old ones."""
        if deep:
            return super().model_copy(update=update, deep=deep)
        # As ``BaseModel.__copy__`` does it, at a third of the time; which fields were given is shared, as ``slim`` does.
        known, copy = self.__dict__, type(self).__new__(type(self))
        values = {name: known[name] for name in type(self).__pydantic_fields__} | dict(update or {})
        object.__setattr__(copy, "__dict__", values)
        for name in ("__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__"):
            object.__setattr__(copy, name, getattr(self, name))
        return copy

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form as plain Python data with camelCase names."""
        return self.model_dump(mode="json", by_alias=True)


_FIELD_NAMES: Final[dict[frozenset[str], set[str]]] = {}


def slim(document: Document) -> None:
    """Let equal documents below share what pydantic notes for each of them: which fields were given. Nobody asks for that here.

    A set of twenty names takes more memory than the twenty values, and a survey makes thousands of them.
    """
    names = document.__pydantic_fields_set__
    shared = _FIELD_NAMES.setdefault(frozenset(names), names)
    object.__setattr__(document, "__pydantic_fields_set__", shared)
    values = document.__dict__
    for name in _fields_with_documents(type(document)):
        value = values[name]
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Document):
                slim(part)


@cache
def _fields_with_documents(kind: type[Document]) -> tuple[str, ...]:
    """Return the fields that can hold documents, by what they are declared to hold: most hold texts and numbers."""
    return tuple(name for name, field in kind.__pydantic_fields__.items() if _names_a_document(field.annotation))


def _names_a_document(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, Document):
        return True
    return any(_names_a_document(part) for part in get_args(annotation))


def spelled(document: Document) -> bytes:
    """Return the JSON of what a document knows, fields in the order of the model: canonical too, and many times as quick."""
    return type(document).__pydantic_serializer__.to_json(document, by_alias=True, exclude_none=True)


def canonical_json(data: Any) -> str:
    """Return one fixed spelling of plain data: sorted keys, no spaces, ASCII only."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def digest_of(data: Any) -> str:
    """Return ``sha256:<hex>`` of plain data in its canonical spelling."""
    return "sha256:" + hashlib.sha256(canonical_json(data).encode("ascii")).hexdigest()

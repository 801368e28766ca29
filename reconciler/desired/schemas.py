"""The published JSON Schemas as validators, and their errors as problems at places, with remedies people can act on.

The files in ``schemas/`` are what editors and this loader both use; no rule about the shape of a document stands in code.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Final

from reconciler.desired.documents import YamlDocument
from reconciler.desired.hints import Path, did_you_mean, listed, shown_path, shown_value
from reconciler.desired.shapes import Question, compiled
from reconciler.model.problem import Problem

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

KINDS: Final = {
    "Host": "host",
    "HostGroup": "host-group",
    "Cluster": "cluster",
    "StorageLocation": "storage-location",
    "VirtualMachine": "virtual-machine",
    "PlacementRule": "placement-rule",
    "Policy": "policy",
}

_TYPES: Final = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "empty",
}
# What YAML 1.1 took for booleans.
_OLD_BOOLEANS: Final = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
# Free text for people: line breaks are fine there.
_FREE_TEXT: Final = (("metadata", "annotations"), ("spec", "hold", "reason"))
# What double quotes make of Windows paths: the character, and the escape that stood in the file.
_ESCAPES: Final = {
    "\0": "\\0",
    "\a": "\\a",
    "\b": "\\b",
    "\t": "\\t",
    "\n": "\\n",
    "\v": "\\v",
    "\f": "\\f",
    "\r": "\\r",
    "\x1b": "\\e",
    "\x85": "\\N",
    "\xa0": "\\_",
    "\u2028": "\\L",
    "\u2029": "\\P",
}
_CONTROL = re.compile("[\x00-\x1f\x7f-\xa0\u2028\u2029]")


def schema_names() -> tuple[str, ...]:
    """Return the short names of all published schemas: each kind's, the documents', and "reconciler" for all kinds at once."""
    return (*KINDS.values(), "observation", "plan", "preview", "reconciler")


def schema_text(name: str) -> str:
    """Return the published schema of a short name ("host", "reconciler", "observation", ...) as text.

    Raises FileNotFoundError for an unknown name. An installed package carries the files; a checkout has them beside it.
    """
    file = f"{name}.schema.json"
    packaged = resources.files("reconciler") / "schemas" / file
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return (FilePath(__file__).parents[2] / "schemas" / file).read_text(encoding="utf-8")


def shape_problems(document: YamlDocument) -> list[Problem]:
    """Return what is wrong with one document by its kind's schema; an unknown kind or version is the only finding then."""
    data = document.data
    found = list(_envelope_problems(document))
    if found:
        return found
    if document.is_printable and quickly_sound(data["kind"], data):
        return []
    broken = dict(_control_characters(document, data, ()))
    for error in schema_errors(data["kind"], data):
        if tuple(error.absolute_path) not in broken:
            found += _problems_of(document, _violation(error))
    return [*broken.values(), *found]


def quickly_sound(kind: str, data: Any) -> bool:
    """Tell whether data is surely a sound document of a kind; no means only that ``schema_errors`` must say."""
    return _quick_question(kind)(data)


def schema_errors(kind: str, data: Any) -> "Iterator[ValidationError]":
    """Give what jsonschema finds wrong with a document of a kind."""
    return _validator(kind).iter_errors(data)


@cache
def _validator(kind: str) -> "Draft202012Validator":
    from jsonschema import Draft202012Validator  # a quarter of the time to validate a folder, and needed for bad documents only

    return Draft202012Validator(_schema(kind))


@cache
def _quick_question(kind: str) -> Question:
    return compiled(_schema(kind))


def _schema(kind: str) -> dict[str, Any]:
    schema = json.loads(schema_text(KINDS[kind]))
    inlined: dict[str, Any] = _inlined(schema, schema["$defs"])
    return inlined


def _inlined(node: Any, definitions: dict[str, Any]) -> Any:
    """Return a schema without references: looking one up costs more than all the checks behind it."""
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    rest = {key: _inlined(value, definitions) for key, value in node.items() if key not in ("$ref", "$defs")}
    if "$ref" in node:
        rest = _inlined(definitions[node["$ref"].rpartition("/")[2]], definitions) | rest
    return rest


def _envelope_problems(document: YamlDocument) -> Iterator[Problem]:
    data = document.data
    if not isinstance(data, dict):
        finding = f"the document is {_described(data)}, not a mapping"
        yield _problem(document, "wrong-type", (), finding, "begin it with apiVersion, kind, metadata and spec")
        return
    kind, version = data.get("kind"), data.get("apiVersion")
    if not isinstance(kind, str) or kind not in KINDS:
        said = f"the kind {shown_value(kind)} is not known" if "kind" in data else "the document has no kind"
        remedy = did_you_mean(kind, KINDS, f"use one of {listed(KINDS)}")
        yield _problem(document, "unknown-kind", ("kind",), said, remedy)
    elif version != "reconciler/v1":
        said = f"apiVersion is {shown_value(version)}" if "apiVersion" in data else "the document has no apiVersion"
        yield _problem(document, "unknown-version", ("apiVersion",), said, "write apiVersion: reconciler/v1")


def has_control_characters(text: str) -> bool:
    """Tell whether a text holds what no name or path may: control characters, odd spaces and separators."""
    return _CONTROL.search(text) is not None


def _control_characters(document: YamlDocument, value: Any, path: Path) -> Iterator[tuple[Path, Problem]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _control_characters(document, item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _control_characters(document, item, (*path, index))
    elif isinstance(value, str) and has_control_characters(value) and not any(path[: len(free)] == free for free in _FREE_TEXT):
        yield path, _control_character(document, value, path)


def _control_character(document: YamlDocument, value: str, path: Path) -> Problem:
    first = _CONTROL.findall(value)[0]
    meant = "".join(_ESCAPES.get(character, character) for character in value)
    name = {"\t": "a tab", "\n": "a line break", "\r": "a carriage return"}.get(first, f"the character U+{ord(first):04X}")
    finding = f"{shown_path(path)} holds {name}: in double quotes YAML reads a backslash as the start of an escape"
    remedy = f"use single quotes: '{_CONTROL.sub('?', meant)}'"
    return _problem(document, "control-character", path, finding, remedy)


@dataclass(frozen=True, slots=True)
class _Violation:
    """One error of jsonschema: the keyword and its argument, the schema around it, the value and the field."""

    keyword: str
    argument: Any
    schema: dict[str, Any]
    value: Any
    path: Path
    message: str


def _violation(error: "ValidationError") -> _Violation:
    """Return an error; of alternatives, the error of the one that was meant: whose type the value has."""
    alternatives = [inner for inner in error.context or () if inner.validator not in ("type", "const")]
    if error.validator == "anyOf" and alternatives:
        error = alternatives[0]
    schema: Any = error.schema
    argument: Any = error.validator_value
    return _Violation(str(error.validator), argument, schema, error.instance, tuple(error.absolute_path), error.message)


def _problems_of(document: YamlDocument, error: _Violation) -> list[Problem]:
    path = error.path
    match error.keyword:
        case "required":
            return [_missing(document, error, path)]
        case "additionalProperties":
            return list(_unknown_fields(document, error, path))
        case "type":
            return [_wrong_type(document, error, path)]
        case _:
            return [_wrong_value(document, error, path)]


def _missing(document: YamlDocument, error: _Violation, path: Path) -> Problem:
    # jsonschema reports each missing field as an error of its own and names it only in the message.
    name = next(name for name in error.argument if error.message.startswith(f"'{name}'"))
    described = error.schema["properties"][name].get("description", "")
    finding = f"{shown_path(path)} has no {name}"
    return _problem(document, "missing-field", path, finding, f"add {name}: {_lower_first(described)}", at_key=True)


def _unknown_fields(document: YamlDocument, error: _Violation, path: Path) -> Iterator[Problem]:
    known = error.schema["properties"]
    for name in sorted(set(error.value) - set(known)):
        finding = f"{shown_path(path)} has no field {name}" if path else f"a document has no field {name}"
        remedy = did_you_mean(name, known, f"remove it; the fields here are {listed(known)}")
        if name == "<<":
            remedy = "YAML 1.2 has no merge keys: put shared host settings into a HostGroup's defaults"
        yield _problem(document, "unknown-field", (*path, name), finding, remedy, at_key=True)


def _wrong_type(document: YamlDocument, error: _Violation, path: Path) -> Problem:
    wanted = error.argument if isinstance(error.argument, str) else error.argument[0]
    finding = f"{shown_path(path)} is {_described(error.value)}, not {_TYPES[wanted]}"
    return _problem(document, "wrong-type", path, finding, _type_remedy(error, wanted))


def _type_remedy(error: _Violation, wanted: str) -> str:
    value = error.value
    if value is None:
        return "give a value, or remove the line: a field that is not given is not managed"
    if wanted == "boolean" and str(value).lower() in _OLD_BOOLEANS:
        return f"write {_OLD_BOOLEANS[value.lower()]}: in YAML 1.2 {value} is text"
    if wanted == "string" and not isinstance(value, (list, dict)):
        return str(error.schema.get("patternErrorMessage", "put it in quotes"))
    return f"give {_TYPES[wanted]}: {_lower_first(error.schema.get('description', ''))}"


def _wrong_value(document: YamlDocument, error: _Violation, path: Path) -> Problem:
    finding = f"{shown_path(path)} is {_described(error.value)}"
    if error.keyword == "enum":
        allowed = [str(value) for value in error.argument]
        return _problem(document, "wrong-value", path, finding, _enum_remedy(error.value, allowed))
    remedy = error.schema.get("patternErrorMessage") if error.keyword == "pattern" else None
    if remedy is None:
        finding, remedy = _limit(error, shown_path(path), finding)
    return _problem(document, "wrong-value", path, finding, remedy)


def _enum_remedy(value: object, allowed: list[str]) -> str:
    hint = did_you_mean(value, allowed, "")
    return f"{hint} Allowed are {listed(allowed)}" if hint else f"allowed are {listed(allowed)}"


def _limit(error: _Violation, field: str, finding: str) -> tuple[str, str]:
    """Return finding and remedy of the plain limits of JSON Schema."""
    bound = error.argument
    table = {
        "minimum": (finding, f"give {bound} or more"),
        "maximum": (finding, f"give {bound} or less"),
        "exclusiveMinimum": (finding, f"give more than {bound}"),
        "minLength": (f"{field} is empty", "give text, or remove the line"),
        "maxLength": (f"{field} is longer than {bound} characters", "make it shorter"),
        "minItems": (f"{field} is an empty list", "list at least one, or remove the line"),
        "minProperties": (
            f"{field} is an empty mapping",
            f"give one of {listed(error.schema.get('properties', ['app: shop']))}",
        ),
        "maxProperties": (f"{field} has more than one field", "keep one of them"),
        "uniqueItems": (f"{field} lists an item twice", "keep one of them"),
    }
    description = error.schema.get("description", "")
    return table.get(error.keyword, (finding, f"give this: {_lower_first(description)}"))


def _described(value: object) -> str:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return f"the number {value}" if is_number else shown_value(value)


def _lower_first(text: str) -> str:
    first = text.split(". ")[0].rstrip(".")
    rest_of_word = first.split(" ")[0][1:]
    return first if rest_of_word and not rest_of_word.islower() else first[:1].lower() + first[1:]


def _problem(document: YamlDocument, code: str, path: Path, finding: str, remedy: str, at_key: bool = False) -> Problem:
    place = document.key_place(path) if at_key else document.value_place(path)
    return Problem(code, finding, remedy, subject=subject_of(document), place=place)


def subject_of(document: YamlDocument) -> str:
    """Return ``host/StandAlone1`` for a document whose kind and name can be read, else nothing."""
    data = document.data if isinstance(document.data, dict) else {}
    metadata = data.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    kind = data.get("kind")
    if not isinstance(name, str) or not isinstance(kind, str) or kind not in KINDS:
        return ""
    return f"{kind[0].lower()}{kind[1:]}/{name}"

"""A JSON Schema as one quick yes-or-no question; jsonschema is asked only where the answer is no, for its messages.

May be stricter than jsonschema, never laxer: a no costs time, a wrong yes would let a mistake through. A keyword that is not
known here makes the answer no.
"""

import re
from collections.abc import Callable
from typing import Any, Final

Question = Callable[[Any], bool]
Schema = dict[str, Any]

# Keywords that say nothing about what is valid.
_SILENT: Final = frozenset(("$schema", "$id", "title", "description", "patternErrorMessage"))
_ENDLESS: Final = 10**9


def compiled(schema: Schema) -> Question:
    """Return the question whether data is surely valid by a schema without references."""
    kind = schema.get("type", "")
    if kind == ["string", "null"]:
        # What is said about the length or pattern of text does not concern null.
        return _any([_null, compiled(schema | {"type": "string"})])
    known, make = _MAKERS.get(str(kind), _NOT_KNOWN)
    return _never if set(schema) - known - _SILENT - {"type"} else make(schema)


def _any(questions: list[Question]) -> Question:
    return lambda value: any(question(value) for question in questions)


def _never(_value: Any) -> bool:
    return False


def _always(_value: Any) -> bool:
    return True


def _null(value: Any) -> bool:
    return value is None


def _boolean(value: Any) -> bool:
    return value is True or value is False


def _object(schema: Schema) -> Question:
    required = tuple(schema.get("required", ()))
    known = {name: compiled(inner) for name, inner in schema.get("properties", {}).items()}
    least, most = schema.get("minProperties", 0), schema.get("maxProperties", _ENDLESS)
    other = _additional(schema.get("additionalProperties", True))

    def ask(value: Any) -> bool:
        if type(value) is not dict or not least <= len(value) <= most:
            return False
        if not all(name in value for name in required):
            return False
        return all(known.get(name, other)(item) for name, item in value.items())

    return ask


def _additional(given: bool | Schema) -> Question:
    if isinstance(given, bool):
        return _always if given else _never
    return compiled(given)


def _array(schema: Schema) -> Question:
    least, item = schema.get("minItems", 0), compiled(schema["items"])
    is_unique = schema.get("uniqueItems", False)

    def ask(value: Any) -> bool:
        if type(value) is not list or len(value) < least or not all(map(item, value)):
            return False
        # Lists that must not repeat hold text here; anything else is left to jsonschema.
        return not is_unique or (all(type(one) is str for one in value) and len(set(value)) == len(value))

    return ask


def _string(schema: Schema) -> Question:
    least, most = schema.get("minLength", 0), schema.get("maxLength", _ENDLESS)
    search = re.compile(schema.get("pattern", "")).search
    return lambda value: type(value) is str and least <= len(value) <= most and search(value) is not None


def _number(schema: Schema) -> Question:
    types = (int,) if schema["type"] == "integer" else (int, float)
    least, most, above = schema.get("minimum"), schema.get("maximum"), schema.get("exclusiveMinimum")

    def ask(value: Any) -> bool:
        if type(value) not in types or (least is not None and value < least) or (most is not None and value > most):
            return False
        return above is None or value > above

    return ask


def _untyped(schema: Schema) -> Question:
    if len(set(schema) - _SILENT) != 1:
        return _never
    if "anyOf" in schema:
        return _any([compiled(inner) for inner in schema["anyOf"]])
    allowed = schema.get("enum", [schema.get("const")])
    if not all(type(value) is str for value in allowed):
        return _never
    words = frozenset(allowed)
    return lambda value: type(value) is str and value in words


# The keywords each kind of schema may have, and what makes the question of it.
_MAKERS: Final[dict[str, tuple[frozenset[str], Callable[[Schema], Question]]]] = {
    "object": (frozenset(("required", "properties", "additionalProperties", "minProperties", "maxProperties")), _object),
    "array": (frozenset(("items", "minItems", "uniqueItems")), _array),
    "string": (frozenset(("pattern", "minLength", "maxLength")), _string),
    "integer": (frozenset(("minimum", "maximum", "exclusiveMinimum")), _number),
    "number": (frozenset(("minimum", "maximum", "exclusiveMinimum")), _number),
    "boolean": (frozenset(), lambda _: _boolean),
    "": (frozenset(("enum", "const", "anyOf")), _untyped),
}
_NOT_KNOWN: Final = (frozenset[str](), lambda _: _never)

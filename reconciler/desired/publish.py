"""The schemas that are made and not written: the documents (from their models) and the bundle of all kinds.

Pure; a test keeps the committed files up to date and writes them anew when asked.
"""

import json
from typing import Any, Final

from reconciler.desired.document_fields import COMMON, DESCRIPTIONS
from reconciler.desired.schemas import KINDS, schema_text
from reconciler.model.document import Document
from reconciler.model.observation import Observation
from reconciler.model.plan import Plan
from reconciler.model.preview import Preview

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_BASE: Final = "https://reconciler.dev/schemas/v1/"


def published_schemas() -> dict[str, str]:
    """Return file names to the text of every generated schema."""
    models: dict[str, type[Document]] = {"observation": Observation, "plan": Plan, "preview": Preview}
    made = {name: _of_model(model) for name, model in models.items()} | {"reconciler": _bundle()}
    return {f"{name}.schema.json": json.dumps(schema, indent=2) + "\n" for name, schema in made.items()}


def _of_model(model: type[Document]) -> dict[str, Any]:
    schema = model.model_json_schema(by_alias=True, mode="serialization")
    for name, part in {model.__name__: schema, **schema.get("$defs", {})}.items():
        _describe(name, part)
    head = {"$schema": _DIALECT, "$id": f"{_BASE}{model.__name__.lower()}.schema.json"}
    return head | schema


def _describe(name: str, part: dict[str, Any]) -> None:
    """Give every field its description; docstrings speak to programmers, so only their first paragraph is kept."""
    if "description" in part:
        part["description"] = " ".join(part["description"].split("\n\n")[0].split()).replace("``", "")
    for field, schema in part.get("properties", {}).items():
        schema.pop("title", None)
        schema["description"] = DESCRIPTIONS.get(f"{name}.{field}") or COMMON.get(field, "")
    # Only what the models require is required: a document may leave out what its writer does not know.
    required = [field for field in part.get("required", []) if "default" not in part["properties"][field]]
    part.pop("required", None)
    if required:
        part["required"] = required


def _bundle() -> dict[str, Any]:
    """Return one schema that takes a document of any kind, chosen by its ``kind``."""
    kinds = {kind: json.loads(schema_text(name)) for kind, name in KINDS.items()}
    definitions: dict[str, Any] = {}
    for kind, schema in kinds.items():
        definitions |= schema.pop("$defs")
        definitions[kind] = {key: value for key, value in schema.items() if key not in ("$schema", "$id")}
    return {
        "$schema": _DIALECT,
        "$id": f"{_BASE}reconciler.schema.json",
        "title": "Reconciler",
        "description": "Any document of the desired state.",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {"kind": {"enum": list(KINDS), "description": "The kind of this document."}},
        "allOf": [_choice(kind) for kind in KINDS],
        "$defs": {name: definitions[name] for name in sorted(definitions)},
    }


def _choice(kind: str) -> dict[str, Any]:
    condition = {"properties": {"kind": {"const": kind}}, "required": ["kind"]}
    return {"if": condition, "then": {"$ref": f"#/$defs/{kind}"}}

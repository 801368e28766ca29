"""The published schemas: up to date, self-contained, described, and of one mind with each other and the examples.

``python tests/unit/desired/test_schemas.py`` writes the generated ones anew.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.desired.documents import YamlDocument
from reconciler.desired.publish import published_schemas
from reconciler.desired.schemas import KINDS
from reconciler.desired.yaml_reader import read_yaml

ROOT = Path(__file__).parents[3]
SCHEMAS = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "schemas").glob("*.json"))}
EXAMPLES = sorted((ROOT / "desired-state").rglob("*.yaml"))


def test_generated_schemas_are_up_to_date() -> None:
    """The committed bundle and document schemas are what the models and the kinds' schemas give today."""
    for name, text in published_schemas().items():
        committed = (ROOT / "schemas" / name).read_text(encoding="utf-8")
        assert committed == text, f"run: python {Path(__file__).relative_to(ROOT)}"


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_valid_versioned_and_self_contained(name: str) -> None:
    """Each is a 2020-12 schema with a versioned id, and refers to nothing outside itself."""
    schema = SCHEMAS[name]

    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"https://reconciler.dev/schemas/v1/{name}"
    references = [node["$ref"] for _, node in _nodes(schema) if isinstance(node.get("$ref"), str)]
    assert [reference for reference in references if not reference.startswith("#/$defs/")] == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_field_is_described_and_no_other_is_allowed(name: str) -> None:
    """An editor has a word for every field, and a typing slip in YAML never passes."""
    fields = [
        (path, field, child)
        for path, node in _nodes(SCHEMAS[name])
        if isinstance(node.get("properties"), dict) and ".if" not in path
        for field, child in node["properties"].items()
    ]

    undescribed = [f"{path}.{field}" for path, field, child in fields if not _description(SCHEMAS[name], child)]
    assert undescribed == []
    if name.removesuffix(".schema.json") in KINDS.values():
        objects = [path for path, node in _nodes(SCHEMAS[name]) if "properties" in node and node.get("type") == "object"]
        closed = [path for path, node in _nodes(SCHEMAS[name]) if node.get("additionalProperties") is False]
        assert set(objects) - set(closed) == set()


def test_shared_definitions_are_the_same_everywhere() -> None:
    """The copies that make each schema self-contained never drift apart."""
    seen: dict[str, Any] = {}
    for kind in KINDS.values():
        for name, definition in SCHEMAS[f"{kind}.schema.json"]["$defs"].items():
            assert seen.setdefault(name, definition) == definition, f"{name} in {kind}"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_is_valid_and_names_its_schema(path: Path) -> None:
    """The first line of each example leads an editor to the schema that accepts each of its documents."""
    first = path.read_text(encoding="utf-8").splitlines()[0]
    named = (path.parent / first.removeprefix("# yaml-language-server: $schema=")).resolve()

    schema = SCHEMAS[named.relative_to(ROOT / "schemas").name]
    assert [error.message for document in _documents(path) for error in _errors(schema, document.data)] == []


def test_the_bundle_and_the_kinds_schemas_agree() -> None:
    """What one kind's schema refuses the bundle refuses too, and no document passes as another kind."""
    bundle = SCHEMAS["reconciler.schema.json"]
    host = {"apiVersion": "reconciler/v1", "kind": "Host", "metadata": {"name": "a"}, "spec": {"cordoned": True}}

    assert _errors(bundle, host) == []
    assert len(_errors(bundle, host | {"kind": "Cluster"})) == 1
    assert len(_errors(bundle, host | {"kind": "Unheard"})) == 1


def _description(schema: dict[str, Any], field: dict[str, Any]) -> str:
    target = schema["$defs"][field["$ref"].rpartition("/")[2]] if "$ref" in field else {}
    return str(field.get("description") or target.get("description", ""))


def _documents(path: Path) -> list[YamlDocument]:
    documents, problems = read_yaml(path.name, path.read_bytes())
    assert problems == []
    return documents


def _errors(schema: dict[str, Any], data: Any) -> list[Any]:
    return list(Draft202012Validator(schema).iter_errors(data))


def _nodes(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        yield path, node
        for key, value in node.items():
            yield from _nodes(value, f"{path}.{key}")
    elif isinstance(node, list):
        for value in node:
            yield from _nodes(value, path)


if __name__ == "__main__":
    for file, content in published_schemas().items():
        (ROOT / "schemas" / file).write_text(content, encoding="utf-8", newline="\n")

"""The OpenAPI document, made from the table of routes and the documents' own models."""

from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

import reconciler
from reconciler.api.routes import ROUTES, Route

ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
        }
    },
}


@cache
def openapi_document() -> dict[str, Any]:
    """Return the document (OpenAPI 3.1)."""
    models = sorted(set(_models()), key=lambda model: model.__name__)
    pairs = [(model, "validation" if model.__module__.endswith("bodies") else "serialization") for model in models]
    _, definitions = models_json_schema(pairs, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "reconciler",
            "version": reconciler.__version__,
            "description": "What a running service knows, and what operators may order. Errors are `{error: {code, message}}`.",
        },
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {**definitions.get("$defs", {}), "Error": ERROR},
        },
    }


def _models() -> list[type[BaseModel]]:
    given = [part for route in ROUTES for part in (route.gives, route.body)]
    return [part for part in given if isinstance(part, type) and issubclass(part, BaseModel)]


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": route.method.lower() + "".join("_" if sign in "/." else sign for sign in route.path if sign not in "{}"),
        "responses": {
            str(route.success): _success(route),
            **{str(code): _error(text) for code, text in _errors(route).items()},
        },
    }
    parameters = [*_path_parameters(route), *_query_parameters(route)]
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        operation["requestBody"] = _request_body(route)
    if route.role is not None:
        operation["security"] = [{"token": []}]
        operation["description"] = f"Needs the role {route.role.name.lower()}."
    return operation


def _success(route: Route) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if isinstance(route.gives, type):
        schema = {"$ref": f"#/components/schemas/{route.gives.__name__}"}
    elif route.gives is not None:
        schema = dict(route.gives)
    return {"description": "What was asked for", "content": {route.content: {"schema": schema}}}


def _errors(route: Route) -> dict[int, str]:
    usual = {429: "Too many requests"}
    if route.role is not None:
        usual |= {401: "No token, or not a known one", 403: "The token's role does not do"}
    if route.body is not None:
        usual |= {400: "The body does not say what it must", 413: "The body is too large"}
    if route.query:
        usual |= {400: "A parameter does not say what it must"}
    return dict(sorted((usual | dict(route.statuses)).items()))


def _error(text: str) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in route.path.split("/") if part.startswith("{")]
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}} for name in names]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    return [{"name": name, "in": "query", "required": False, "schema": dict(schema)} for name, schema in route.query.items()]


def _request_body(route: Route) -> dict[str, Any]:
    if isinstance(route.body, type):
        content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{route.body.__name__}"}}}
    else:
        content = {
            str(route.body): {
                "schema": {"type": "string", "contentMediaType": str(route.body)} if route.body != "application/json" else {}
            }
        }
    return {"required": True, "content": content}

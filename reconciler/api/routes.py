"""The table of routes: method, path, role, what it is for, what it takes and gives. Router and OpenAPI are made from it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from reconciler.api import handlers
from reconciler.api.bodies import ApproveBody, HoldBody, PauseBody, RevisionBody
from reconciler.api.tokens import Role
from reconciler.model.document import Document
from reconciler.model.observation import Observation
from reconciler.model.plan import Plan
from reconciler.model.preview import Preview
from reconciler.model.status import FleetStatus, ObjectStatus

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

JSON = "application/json"
STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Route:
    """One route. ``role`` None is open to everybody; ``body`` is what a POST takes as JSON, ``gives`` what a 200 holds.

    ``statuses`` are the answers beside 200 and those that every route may give (401, 403, 429).
    """

    method: str
    path: str
    role: Role | None
    summary: str
    handler: Handler
    gives: type[Document] | Mapping[str, Any] | None = None
    content: str = JSON
    body: type[Document] | str | None = None
    query: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    statuses: Mapping[int, str] = field(default_factory=dict)
    success: int = 200


NOT_YET = {503: "No look at the fleet has been taken yet"}
NOT_FOUND = {404: "No such object"}
ORDERED = {409: "The order was refused; the body says why", 503: "The service did not answer in time"}
AFTER = {"after": {"type": "integer", "minimum": 0, "maximum": 10**15 - 1}}
LISTED: Mapping[str, Any] = {"type": "object"}
DONE: Mapping[str, Any] = {"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}}
V = "/api/v1"

ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/healthz",
        None,
        "Whether the service's loop goes round",
        handlers.healthz,
        LISTED,
        statuses={503: "It stands still"},
    ),
    Route("GET", "/readyz", None, "Whether store and source can be used", handlers.readyz, LISTED, statuses={503: "Not ready"}),
    Route("GET", "/metrics", Role.VIEWER, "Metrics for Prometheus", handlers.metrics, content="text/plain"),
    Route("GET", f"{V}/openapi.json", None, "This description", handlers.openapi, LISTED),
    Route(
        "GET",
        f"{V}/status",
        Role.VIEWER,
        "Conditions of fleet, hosts and machines",
        handlers.status,
        FleetStatus,
        statuses=NOT_YET,
    ),
    Route("GET", f"{V}/hosts", Role.VIEWER, "Conditions and slots of every host", handlers.hosts, LISTED, statuses=NOT_YET),
    Route(
        "GET",
        f"{V}/machines/{{name}}",
        Role.VIEWER,
        "Conditions of one machine",
        handlers.machine,
        ObjectStatus,
        statuses=NOT_YET | NOT_FOUND,
    ),
    Route("GET", f"{V}/plan", Role.VIEWER, "What would be done now", handlers.plan, Plan, statuses=NOT_YET),
    Route("GET", f"{V}/drift", Role.VIEWER, "What differs from the desired state", handlers.drift, LISTED, statuses=NOT_YET),
    Route(
        "GET", f"{V}/migrations", Role.VIEWER, "What is under way and what waits", handlers.migrations, LISTED, statuses=NOT_YET
    ),
    Route(
        "GET",
        f"{V}/migrations/stream",
        Role.VIEWER,
        "Progress of migrations as it is made",
        handlers.migrations_stream,
        content=STREAM,
    ),
    Route("GET", f"{V}/events", Role.VIEWER, "What happened lately", handlers.events, LISTED, query=AFTER),
    Route(
        "GET",
        f"{V}/events/stream",
        Role.VIEWER,
        "What happens, as it happens",
        handlers.events_stream,
        content=STREAM,
        query=AFTER,
    ),
    Route(
        "GET",
        f"{V}/history",
        Role.VIEWER,
        "What was planned, started and came of it",
        handlers.history,
        LISTED,
        query={"about": {"type": "string"}, "limit": {"type": "integer", "minimum": 1, "maximum": 1000}},
        statuses={503: "The store cannot be read"},
    ),
    Route("GET", f"{V}/observation", Role.VIEWER, "What was seen last", handlers.observation, Observation, statuses=NOT_YET),
    Route(
        "GET",
        f"{V}/observation/signed",
        None,
        "What was seen last, redacted as configured and signed (DSSE), for previews without credentials",
        handlers.observation_signed,
        LISTED,
        statuses=NOT_YET | {404: "Nothing is published"},
    ),
    Route(
        "POST",
        f"{V}/preview",
        Role.VIEWER,
        "What a desired state (a tar.gz of its folder) would do, compared with the one in force",
        handlers.preview,
        Preview,
        body="application/gzip",
        statuses=NOT_YET | {400: "Not an archive that is taken", 413: "Too large", 504: "It took too long"},
    ),
    Route(
        "POST",
        f"{V}/machines/{{name}}/hold",
        Role.OPERATOR,
        "Hands off one machine",
        handlers.hold,
        DONE,
        body=HoldBody,
        statuses=ORDERED,
    ),
    Route(
        "POST", f"{V}/machines/{{name}}/release", Role.OPERATOR, "Take back a hold", handlers.release, DONE, statuses=ORDERED
    ),
    Route(
        "POST", f"{V}/machines/{{name}}/cancel", Role.OPERATOR, "Cancel its migration", handlers.cancel, DONE, statuses=ORDERED
    ),
    Route("POST", f"{V}/pause", Role.OPERATOR, "Start nothing more", handlers.pause, DONE, body=PauseBody, statuses=ORDERED),
    Route("POST", f"{V}/resume", Role.OPERATOR, "Start again what may start", handlers.resume, DONE, statuses=ORDERED),
    Route(
        "POST",
        f"{V}/approve",
        Role.OPERATOR,
        "Let one plan start, by its fingerprint",
        handlers.approve,
        DONE,
        body=ApproveBody,
        statuses=ORDERED,
    ),
    Route(
        "POST",
        f"{V}/accept",
        Role.ADMIN,
        "Follow a revision that was refused",
        handlers.accept,
        DONE,
        body=RevisionBody,
        statuses=ORDERED,
    ),
    Route(
        "POST",
        "/hooks/git",
        None,
        "A forge's webhook: look at Git now",
        handlers.git_hook,
        DONE,
        body="application/json",
        statuses={401: "Not signed with the secret", 404: "No webhook is configured", 409: "Delivered before"},
        success=202,
    ),
)

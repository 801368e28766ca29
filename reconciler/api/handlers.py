"""One handler for each route: read the latest snapshot, or hand an order to the loop. Nothing is decided here."""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from reconciler.api.archive import ArchiveError, read_archive
from reconciler.api.bodies import ApproveBody, B, BadBody, HoldBody, PauseBody, RevisionBody, body_of
from reconciler.api.context import answer, caller_of, context_of, problem
from reconciler.api.previews import PreviewBusy, PreviewFailed, PreviewTimeout
from reconciler.api.streams import stream_events, stream_progress
from reconciler.api.views import drift_view, events_view, hosts_view, migrations_view
from reconciler.api.webhooks import delivery_of, is_genuine
from reconciler.model.status import FleetStatus
from reconciler.service.orders import (
    AcceptRevision,
    ApprovePlan,
    CancelMigration,
    HoldMachine,
    Order,
    Pause,
    ReleaseMachine,
    Resume,
)

HISTORY_LIMIT = 100


def _not_yet() -> web.Response:
    return problem(503, "not-yet", "no look at the fleet has been taken yet", Retry_After="5")


# -- the service itself


async def healthz(request: web.Request) -> web.StreamResponse:
    """The loop's own pulse: a process that answers but does not go round is not healthy."""
    context = context_of(request)
    age = (context.now() - context.board.latest.pulse).total_seconds()
    alive = age <= context.stalled_seconds
    return answer({"alive": alive, "pulseAgeSeconds": round(max(0.0, age), 3)}, 200 if alive else 503)


async def readyz(request: web.Request) -> web.StreamResponse:
    """Store and source; a host that is down is no reason to restart the service."""
    why_not = context_of(request).board.latest.ready
    return answer({"ready": why_not is None, "reason": why_not or ""}, 503 if why_not else 200)


async def metrics(request: web.Request) -> web.StreamResponse:
    """The text that Prometheus scrapes."""
    body = context_of(request).metrics()
    return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


async def openapi(request: web.Request) -> web.StreamResponse:
    """The OpenAPI document, made from the table of routes."""
    return answer(context_of(request).describe())


# -- reading


async def status(request: web.Request) -> web.StreamResponse:
    """The Status document."""
    shown = _status(request)
    return answer(shown.to_json()) if shown else _not_yet()


async def hosts(request: web.Request) -> web.StreamResponse:
    """Hosts with their conditions and slots."""
    latest = context_of(request).board.latest
    if latest.status is None or latest.observation is None:
        return _not_yet()
    return answer(hosts_view(latest.status, latest.observation))


async def machine(request: web.Request) -> web.StreamResponse:
    """One machine, by the name in the desired state."""
    shown = _status(request)
    if shown is None:
        return _not_yet()
    found = shown.of(f"virtualMachine/{request.match_info['name']}")
    return answer(found.to_json()) if found else problem(404, "no-such-machine", "the desired state names no such machine")


async def plan(request: web.Request) -> web.StreamResponse:
    """The Plan document."""
    made = context_of(request).board.latest.plan
    return answer(made.to_json()) if made else _not_yet()


async def drift(request: web.Request) -> web.StreamResponse:
    """The differences, each with its cause and age where it is a machine's."""
    latest = context_of(request).board.latest
    return answer(drift_view(latest.plan, latest.status)) if latest.plan and latest.status else _not_yet()


async def migrations(request: web.Request) -> web.StreamResponse:
    """What is under way, and for everything else why it has not started."""
    latest = context_of(request).board.latest
    return answer(migrations_view(latest)) if latest.plan else _not_yet()


async def migrations_stream(request: web.Request) -> web.StreamResponse:
    """Server-sent events: one message for each look at what is under way."""
    return await stream_progress(request)


async def events(request: web.Request) -> web.StreamResponse:
    """The events kept in memory; ``after`` goes on where a reader left."""
    after = _number(request.query, "after", 0)
    if after is None:
        return problem(400, "bad-query", "after: a whole number, 0 or more")
    return answer(events_view(context_of(request).board.events(after)))


async def events_stream(request: web.Request) -> web.StreamResponse:
    """Server-sent events; ``Last-Event-ID`` or ``after`` goes on where a reader left."""
    given = request.headers.get("Last-Event-ID")
    after = _number({"after": given} if given else request.query, "after", 0)
    if after is None:
        return problem(400, "bad-query", "after: a whole number, 0 or more")
    return await stream_events(request, after)


async def history(request: web.Request) -> web.StreamResponse:
    """Entries of the store, newest last."""
    limit = _number(request.query, "limit", HISTORY_LIMIT)
    if limit is None or not 1 <= limit <= 1000:
        return problem(400, "bad-query", "limit: a whole number from 1 to 1000")
    read = context_of(request).history
    entries = await asyncio.to_thread(read, request.query.get("about"), limit)
    return answer({"entries": entries})


async def observation(request: web.Request) -> web.StreamResponse:
    """The Observation document."""
    seen = context_of(request).board.latest.observation
    return answer(seen.to_json()) if seen else _not_yet()


async def observation_signed(request: web.Request) -> web.StreamResponse:
    """What ``preview --observation URL --verify-key KEY`` takes. Signing a large fleet takes a while, so not on this thread."""
    context = context_of(request)
    seen = context.board.latest.observation
    if context.signed is None:
        return problem(404, "not-published", "this service publishes no observation (publish: in its configuration)")
    if seen is None:
        return _not_yet()
    content = await asyncio.get_running_loop().run_in_executor(None, context.signed, seen)
    return web.Response(body=content, content_type="application/json")


async def preview(request: web.Request) -> web.StreamResponse:
    """A preview of the archive in the body against what was seen last. Nothing is written, no link is followed."""
    context = context_of(request)
    if context.board.latest.observation is None:
        return _not_yet()
    try:
        files = await asyncio.to_thread(read_archive, await request.read())
        return answer(await asyncio.to_thread(context.preview, files))
    except ArchiveError as error:
        return problem(400, "bad-archive", str(error))
    except PreviewTimeout as error:
        return problem(504, "preview-timeout", str(error))
    except PreviewBusy as error:
        return problem(503, "busy", str(error), Retry_After="10")
    except PreviewFailed as error:
        return problem(500, "preview-failed", str(error))


# -- orders


async def hold(request: web.Request) -> web.StreamResponse:
    """Hands off one machine."""
    body = await _body(request, HoldBody)
    if isinstance(body, web.Response):
        return body
    return await _order(request, HoldMachine(request.match_info["name"], body.reason, body.until))


async def release(request: web.Request) -> web.StreamResponse:
    """Take back a hold."""
    return await _order(request, ReleaseMachine(request.match_info["name"]))


async def cancel(request: web.Request) -> web.StreamResponse:
    """Cancel the migration of one machine."""
    return await _order(request, CancelMigration(request.match_info["name"]))


async def pause(request: web.Request) -> web.StreamResponse:
    """Start nothing more."""
    body = await _body(request, PauseBody)
    return body if isinstance(body, web.Response) else await _order(request, Pause(body.reason))


async def resume(request: web.Request) -> web.StreamResponse:
    """Start again."""
    return await _order(request, Resume())


async def approve(request: web.Request) -> web.StreamResponse:
    """Let one plan start."""
    body = await _body(request, ApproveBody)
    return body if isinstance(body, web.Response) else await _order(request, ApprovePlan(body.fingerprint))


async def accept(request: web.Request) -> web.StreamResponse:
    """Follow a revision that was refused."""
    body = await _body(request, RevisionBody)
    return body if isinstance(body, web.Response) else await _order(request, AcceptRevision(body.revision))


async def git_hook(request: web.Request) -> web.StreamResponse:
    """Look at Git now. What the webhook says is not read."""
    context = context_of(request)
    if context.webhook_secret is None:
        return problem(404, "no-webhook", "no webhook secret is configured (api.webhookSecret)")
    body = await request.read()
    if not is_genuine(request.headers, body, context.webhook_secret):
        return problem(401, "bad-signature", "the webhook is not signed with the secret", WWW_Authenticate="Basic")
    if not context.deliveries.is_new(delivery_of(request.headers, body)):
        return problem(409, "delivered-before", "this delivery was taken before")
    context.hasten()
    return answer({"message": "the source is looked at now"}, 202)


async def _order(request: web.Request, order: Order) -> web.StreamResponse:
    result = await context_of(request).order(order, caller_of(request))
    if result.done:
        return answer({"message": result.message})
    return problem(503 if result.code in ("timeout", "busy") else 409, result.code, result.message)


async def _body(request: web.Request, kind: type[B]) -> B | web.Response:
    try:
        return body_of(kind, await request.read())
    except BadBody as error:
        return problem(400, "bad-body", str(error))


def _status(request: web.Request) -> FleetStatus | None:
    return context_of(request).board.latest.status


def _number(query: Mapping[str, Any], name: str, usual: int) -> int | None:
    given = query.get(name)
    if given is None:
        return usual
    text = str(given)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else None

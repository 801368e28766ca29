"""The server: one aiohttp application on an event loop in a thread of its own, beside the service's loop.

Before a handler sees a request it has an id, a caller with a role, and a place under the rate limit; what a handler raises by
mistake becomes a 500 with that id and nothing else.
"""

import asyncio
import logging
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from aiohttp import web

from reconciler.api.context import CALLER, CONTEXT, REQUEST_ID, Context, problem
from reconciler.api.routes import ROUTES, Route
from reconciler.api.tokens import ANONYMOUS, Caller, caller_of

_log = logging.getLogger("reconciler.api")

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost", "[::1]"})
MAXIMUM_ID: Final = 64
MAXIMUM_BODY: Final = 256 * 1024
SECURITY: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_application(context: Context, *, maximum_archive_bytes: int) -> web.Application:
    """Return the application with every route of the table."""
    app = web.Application(middlewares=[_outermost, _admit], client_max_size=maximum_archive_bytes)
    app[CONTEXT] = context
    for route in ROUTES:
        app.router.add_route(route.method, route.path, route.handler, name=None)
    return app


@web.middleware
async def _outermost(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Ids, headers, and the one place where exceptions become answers."""
    request[REQUEST_ID] = _request_id(request, request.app[CONTEXT].new_id)
    try:
        response = await handler(request)
    except web.HTTPException as raised:
        response = _as_problem(raised)
    except Exception:
        _log.exception("request %s failed", request[REQUEST_ID])
        response = problem(500, "internal-error", f"an error of ours; the log has it under request {request[REQUEST_ID]}")
    if not response.prepared:
        response.headers.update(SECURITY | {"X-Request-Id": request[REQUEST_ID]})
    return response


def _request_id(request: web.Request, new_id: Callable[[], str]) -> str:
    given = request.headers.get("X-Request-Id", "")
    usable = 0 < len(given) <= MAXIMUM_ID and all(sign.isascii() and (sign.isalnum() or sign in "-_.") for sign in given)
    return given if usable else new_id()


def _as_problem(raised: web.HTTPException) -> web.Response:
    codes = {404: "no-such-path", 405: "wrong-method", 413: "too-large"}
    response = problem(raised.status, codes.get(raised.status, "refused"), raised.reason)
    if "Allow" in raised.headers:
        response.headers["Allow"] = raised.headers["Allow"]
    return response


@web.middleware
async def _admit(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Nobody reaches a handler without the role that its route asks for."""
    context, route = request.app[CONTEXT], _route_of(request)
    if route is None:
        return await handler(request)  # no such path or method: the router's own answer
    caller = _caller(request, context)
    who = caller.name if caller and caller is not ANONYMOUS else request.remote or "nobody"
    wait = context.rate.wait(who, context.monotonic())
    if wait:
        return problem(429, "too-many-requests", f"try again in {wait:.0f} s", Retry_After=str(max(1, round(wait))))
    if route.role is not None:
        if caller is None:
            return problem(401, "no-token", "send a token: Authorization: Bearer ...", WWW_Authenticate="Bearer")
        if caller.role < route.role:
            return problem(403, "role", f"this needs the role {route.role.name.lower()}; yours is {caller.role.name.lower()}")
    if int(request.headers.get("Content-Length") or 0) > _most(route, request):
        return problem(413, "too-large", "the body is larger than this route takes")
    if caller is not None:
        request[CALLER] = caller
    return await handler(request)


def _most(route: Route, request: web.Request) -> int:
    return request.app._client_max_size if route.body == "application/gzip" else MAXIMUM_BODY


def _route_of(request: web.Request) -> Route | None:
    resource = request.match_info.route.resource
    canonical = resource.canonical if resource else None
    return next(
        (
            route
            for route in ROUTES
            if route.path == canonical and route.method in (request.method, "GET" * (request.method == "HEAD"))
        ),
        None,
    )


def _caller(request: web.Request, context: Context) -> Caller | None:
    """Without a file of tokens, whoever asks this machine by its loopback name may look, and nothing more."""
    if context.tokens is not None:
        return caller_of(request.headers.get("Authorization"), context.tokens(), context.now())
    host = request.headers.get("Host", "").rpartition(":")[0] or request.headers.get("Host", "")
    return ANONYMOUS if host in LOOPBACK else None


class ApiServer:
    """Serves an application from a thread; use as a context manager. ``port`` is the real one once started."""

    def __init__(self, application: web.Application, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._application, self._host, self._tls, self.port = application, host, tls, port
        self._loop = asyncio.new_event_loop()
        self._runner: web.AppRunner | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="api", daemon=True)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"{'https' if self._tls else 'http'}://{self._host}:{self.port}"

    def __enter__(self) -> "ApiServer":
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        except BaseException:
            self._stop_loop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._stop_loop()

    async def _start(self) -> None:
        self._runner = web.AppRunner(self._application, access_log=None, shutdown_timeout=1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self.port, ssl_context=self._tls)
        await site.start()
        self.port = _bound_port(self._runner.addresses)

    async def _stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    def _stop_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _bound_port(addresses: Iterable[object]) -> int:
    for address in addresses:
        if isinstance(address, tuple):
            return int(address[1])
    raise OSError("the API has no address")


def tls_context(certificate: str, key: str) -> ssl.SSLContext:
    """Return the TLS settings for a certificate (PEM, with its chain) and its key. Raises OSError or ssl.SSLError."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context

"""Listeners on loopback: one per simulated host, all on one event loop in one background thread.

aiohttp's low-level server reads HTTP and shows the connection, to which an NTLM logon belongs; what a request means is said
in ``auth`` and ``wsman``. A host that the fleet calls unreachable closes every connection without a word.
"""

import asyncio
import contextlib
import logging
import ssl
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from reconciler.clock import Clock, SystemClock
from reconciler.simulator.endpoint import auth, soap
from reconciler.simulator.endpoint.faults import NONE, Faults, FaultSwitch
from reconciler.simulator.endpoint.programs import LostReplyError, Program, RunCommand, as_program
from reconciler.simulator.endpoint.wsman import Limits, Service

_log = logging.getLogger(__name__)

PATH = "/wsman"
_SOAP_TYPE = "application/soap+xml;charset=UTF-8"
_OS_VERSION = "10.0.20348"
_STOP_PATIENCE_SECONDS = 0.2


class Endpoint:
    """One simulated host's WinRM listener.

    Counters for tests and reports: ``failed_logons`` (wrong account or password), ``logons``, ``requests``. ``faults`` may be
    set from any thread at any time. The clock measures idle time of shells and is the network's, not the simulated fleet's.
    """

    def __init__(
        self,
        host_name: str,
        run: RunCommand | Program,
        credentials: auth.Credentials,
        *,
        clock: Clock | None = None,
        limits: Limits | None = None,
        bind: str = "127.0.0.1",
        port: int = 0,
        allow_basic: bool = False,
        allow_unencrypted: bool = False,
        allow_credssp: bool = False,
        allow_kerberos: bool = False,
        faults: Faults = NONE,
        tls: ssl.SSLContext | None = None,
        is_reachable: Callable[[], bool] = lambda: True,
    ) -> None:
        self._tls = tls
        self.host_name, self.bind, self.port = host_name, bind, port
        self.faults = FaultSwitch(faults)
        self.failed_logons = self.logons = self.requests = 0
        self._limits = limits or Limits()
        clear = {"allow_basic": allow_basic, "allow_unencrypted": allow_unencrypted, "tls": tls is not None}
        more = {"allow_credssp": allow_credssp, "allow_kerberos": allow_kerberos}
        self._admission = auth.Admission(credentials, **clear, **more)
        self._is_reachable = is_reachable
        self._service = Service(host_name, as_program(run), clock or SystemClock(), self._limits, self.faults)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listener: asyncio.Server | None = None
        self._connections: _Connections | None = None

    @property
    def url(self) -> str:
        """Where the service is, once started."""
        return f"{'https' if self._tls else 'http'}://{self.bind}:{self.port}{PATH}"

    @property
    def shell_count(self) -> int:
        """How many shells exist now."""
        return self._service.shell_count

    async def start(self, executor: Executor) -> None:
        """Listen; commands run on the executor. Raises ``OSError`` where the address is taken."""
        auth.ACCOUNTS.open()
        try:
            self._loop = asyncio.get_running_loop()
            self._service.executor = executor
            self._connections = _Connections(self._serve, self._admission, self._is_reachable)
            self._listener = await self._loop.create_server(self._connections, self.bind, self.port, ssl=self._tls)
            self.port = self._listener.sockets[0].getsockname()[1]
        except BaseException:
            auth.ACCOUNTS.close()
            raise

    async def stop(self) -> None:
        """Close the listener and every connection; wake whoever waits."""
        if self._listener is None or self._connections is None:
            return
        self._listener.close()
        await self._service.close()
        await self._connections.shutdown(_STOP_PATIENCE_SECONDS)
        await self._listener.wait_closed()
        self._listener = None
        auth.ACCOUNTS.close()

    def reboot(self) -> None:
        """Forget all shells and drop all connections, from any thread; new connections are taken at once."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._reboot)

    def _reboot(self) -> None:
        self._service.forget_shells()
        if self._connections is not None:
            self._connections.drop_all()

    async def _serve(self, http: web.BaseRequest) -> web.StreamResponse:
        self.requests += 1
        assert self._connections is not None, "requests come only from a started endpoint"
        if not self._is_reachable():
            return _drop(http)
        try:
            response = await self._answer(http, self._connections.of(http))
            if self._is_reachable():  # still
                return response
        except LostReplyError:
            pass
        except auth.UnauthorizedError as refusal:
            self.failed_logons += refusal.failed_logon
            return _empty(401, refusal.offers)
        except web.HTTPException as problem:  # aiohttp's own: a body over its limit
            return _empty(problem.status)
        except Exception:
            _log.exception("the endpoint of %s failed", self.host_name)
            return _empty(500)
        return _drop(http)

    async def _answer(self, http: web.BaseRequest, connection: auth.Connection) -> web.StreamResponse:
        if http.path != PATH:
            return _empty(404)
        if http.method != "POST":
            return _empty(405)
        body = await http.read()
        if http.headers.get("WSMANIDENTIFY", "").lower() == "unauthenticated":
            return self._identify(body, "0.0.0")
        authorization = http.headers.get("Authorization")
        sealed = auth.is_sealed(http.headers.get("Content-Type", ""))
        if authorization or connection.user is None or not body:
            return await self._authenticate(connection, authorization, body, sealed)
        return await self._open(connection, connection.user, body, sealed)

    async def _authenticate(
        self, connection: auth.Connection, authorization: str | None, body: bytes, sealed: bool
    ) -> web.StreamResponse:
        """A request that brings a logon, needs one, or has no envelope; after the last step the body, if any, is served."""
        struck = self.faults.for_request("Authenticate")
        if instead := await self._before(struck):
            return instead
        last_token = None
        if authorization:
            last_token = connection.log_on(authorization)
            self.logons += 1
        if connection.user is None:
            raise connection.refusal()
        if struck.drop_after:
            raise LostReplyError
        response = await self._open(connection, connection.user, body, sealed) if body else _empty(200)
        if last_token:
            response.headers["WWW-Authenticate"] = last_token
        return response

    async def _open(self, connection: auth.Connection, user: str, body: bytes, sealed: bool) -> web.StreamResponse:
        """Serve an envelope, sealed or clear; the reply goes back the way the request came."""
        if not sealed and not connection.takes_clear_bodies:
            raise connection.refusal()
        try:
            envelope = connection.unseal(body) if sealed else body
        except auth.SealError:
            return _empty(400)
        status, reply = await self._execute(envelope, user)
        if not reply:
            return _empty(status)
        if sealed:
            return _response(status, *connection.seal(reply))
        return _response(status, reply, _SOAP_TYPE)

    async def _execute(self, envelope: bytes, user: str) -> tuple[int, bytes]:
        try:
            if len(envelope) > self._limits.envelope_bytes:
                text = "The size of the request exceeds the maximum envelope size that this service is configured for."
                raise soap.FaultError(soap.ENVELOPE_TOO_LARGE, "w:EncodingLimit", text)
            request = soap.parse(envelope)
        except soap.FaultError as fault:
            return 500, self._service.fault(fault)
        struck = self.faults.for_request(request.action)
        if instead := await self._before(struck):
            return instead.status, b""
        if request.action == "Identify":
            status, reply = 200, soap.identify_reply(_OS_VERSION)
        else:
            status, reply = await self._service.answer(request, user, struck)
        if struck.drop_after:
            raise LostReplyError
        return status, reply

    async def _before(self, struck: Faults) -> web.Response | None:
        """What faults do before a request is looked at; a response where it never will be."""
        if struck.delay_seconds:
            await asyncio.sleep(struck.delay_seconds)
        if struck.shells_gone:
            self._service.forget_shells()
        if struck.drop_before:
            raise LostReplyError
        return _empty(struck.http_status) if struck.http_status else None

    def _identify(self, body: bytes, os_version: str) -> web.Response:
        """Identify without a logon: Windows answers it, and keeps its version to itself."""
        try:
            if soap.parse(body[: self._limits.envelope_bytes]).action == "Identify":
                return _response(200, soap.identify_reply(os_version), _SOAP_TYPE)
        except soap.FaultError:
            pass
        return _empty(401, ("Negotiate",))


class _Connections(web.Server):
    """aiohttp's server, keeping the logon of each connection for as long as the connection lives."""

    def __init__(
        self,
        serve: Callable[[web.BaseRequest], "asyncio.Future[web.StreamResponse]"] | object,
        admission: auth.Admission,
        is_reachable: Callable[[], bool],
    ) -> None:
        super().__init__(serve, access_log=None)  # type: ignore[arg-type]
        self._admission, self._is_reachable = admission, is_reachable
        self._logons: dict[RequestHandler, auth.Connection] = {}

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Take a connection, or close it at once where the host is not to be reached."""
        super().connection_made(handler, transport)
        certified = lambda: bool(transport.get_extra_info("peercert"))  # noqa: E731
        self._logons[handler] = auth.Connection(self._admission, certified)
        if not self._is_reachable():
            # Not at once: aiohttp's task for the connection has to begin before it can end without complaint.
            asyncio.get_running_loop().call_soon(transport.abort)

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """Forget the connection's logon."""
        super().connection_lost(handler, exc)
        self._logons.pop(handler, None)

    def of(self, http: web.BaseRequest) -> auth.Connection:
        """The logon of the connection that a request came by; of one just closed, a fresh one that nobody will see."""
        return self._logons.get(http.protocol) or auth.Connection(self._admission)

    def drop_all(self) -> None:
        """Close every connection without a word."""
        for handler in list(self._logons):
            if handler.transport is not None:
                handler.transport.abort()


class EndpointFleet:
    """The endpoints of all hosts, served from one background thread between ``with`` and its end.

    ``endpoints`` and ``urls`` go by host name, in the order of names. Leaving closes every socket, thread and file.
    """

    def __init__(self, endpoints: Mapping[str, Endpoint], *, workers: int = 4) -> None:
        self.endpoints = dict(sorted(endpoints.items()))
        self._workers = workers
        self._thread = threading.Thread(target=self._run, name="simulated-endpoints", daemon=True)
        self._ready = threading.Event()
        self._problem: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave: asyncio.Event | None = None

    @property
    def urls(self) -> dict[str, str]:
        """The address of each host's service."""
        return {name: endpoint.url for name, endpoint in self.endpoints.items()}

    def set_faults(self, host_name: str, faults: Faults) -> None:
        """Put faults in force at a host, from any thread."""
        self.endpoints[host_name].faults.set(faults)

    def __enter__(self) -> Self:
        """Start all; raises ``OSError`` where an address is taken."""
        self._thread.start()
        self._ready.wait()
        if self._problem is not None:
            self._thread.join()
            raise self._problem
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        """Stop all and wait for the thread."""
        if self._loop is not None and self._leave is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._leave.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._live())
        except BaseException as problem:
            self._problem = problem
        finally:
            self._ready.set()

    async def _live(self) -> None:
        self._loop, self._leave = asyncio.get_running_loop(), asyncio.Event()
        with ThreadPoolExecutor(self._workers, thread_name_prefix="simulated-host") as executor:
            try:
                for endpoint in self.endpoints.values():
                    await endpoint.start(executor)
                self._ready.set()
                await self._leave.wait()
            finally:
                for endpoint in self.endpoints.values():
                    await endpoint.stop()


def serve_fleet(
    runs: Mapping[str, RunCommand | Program],
    credentials: auth.Credentials,
    *,
    bind: str = "127.0.0.1",
    first_port: int | None = None,
    clock: Clock | None = None,
    limits: Limits | None = None,
    allow_basic: bool = False,
    allow_unencrypted: bool = False,
    allow_credssp: bool = False,
    allow_kerberos: bool = False,
    tls: ssl.SSLContext | None = None,
    is_reachable: Callable[[str], bool] = lambda _host_name: True,
) -> EndpointFleet:
    """Make the endpoints of these hosts; use it with ``with``. Ports count up from ``first_port`` by name, or are free ones.

    ``is_reachable`` is asked for each connection and request, on the event loop: it must answer at once.
    """

    def endpoint(index: int, name: str) -> Endpoint:
        return Endpoint(
            name,
            runs[name],
            credentials,
            clock=clock,
            limits=limits,
            bind=bind,
            port=0 if first_port is None else first_port + index,
            allow_basic=allow_basic,
            allow_unencrypted=allow_unencrypted,
            allow_credssp=allow_credssp,
            allow_kerberos=allow_kerberos,
            tls=tls,
            is_reachable=lambda: is_reachable(name),
        )

    return EndpointFleet({name: endpoint(index, name) for index, name in enumerate(sorted(runs))})


def _empty(status: int, offers: tuple[str, ...] = ()) -> web.Response:
    return web.Response(status=status, headers=[_SERVER, *(("WWW-Authenticate", offer) for offer in offers)])


def _response(status: int, body: bytes, content_type: str) -> web.Response:
    return web.Response(status=status, body=body, headers=[_SERVER, ("Content-Type", content_type)])


def _drop(http: web.BaseRequest) -> web.Response:
    """Close the connection with nothing said; the response returned is never written."""
    if http.transport is not None:
        http.transport.abort()
    return _empty(500)


_SERVER = ("Server", "Microsoft-HTTPAPI/2.0")

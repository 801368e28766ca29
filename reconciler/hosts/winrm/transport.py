"""pywinrm's Protocol and Transport, hardened: what we need of them as a small interface, and the known traps closed.

The environment is never consulted (proxies, ~/.netrc and certificate bundles of whoever starts the program are not for
domain credentials; it also is a quarter of the client's time). A dropped wire is never used again: with the encryption
context of a dead connection, every later request would be refused. A request has a time limit of its own, because a read
time-out counts between two bytes: a host that sends one now and then would be listened to for ever.
"""

import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Literal, Protocol, cast
from urllib.parse import urlsplit

import requests
import winrm.transport
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from winrm.protocol import Protocol as WsmanProtocol
from winrm.transport import Transport

from reconciler.hosts.winrm.config import PORTS, WinRmConfig
from reconciler.hosts.winrm.envelopes import read_output, receive_envelope, send_envelope
from reconciler.hosts.winrm.failures import refusal_of_logon
from reconciler.hosts.winrm.line import SealedLine
from reconciler.hosts.winrm.watch import WATCH

OPERATION_SECONDS = 20  # how long a host may hold one request; Windows allows 60
READ_MARGIN_SECONDS = 10
SHELL_IDLE = "PT300S"  # a crashed controller's shells count against its quota until they have been idle this long
CODEPAGE_UTF8 = 65001

Method = Literal["ntlm", "kerberos", "credssp", "certificate", "ssl", "basic"]

# Said once per process about proxies that the environment defines; ours are never used.
winrm.transport.DISPLAYED_PROXY_WARNING = True
# It logs what it raises, traceback and all, for each host; we report it as a finding.
logging.getLogger("winrm.vendor.requests_kerberos").setLevel(logging.CRITICAL)


class Wire(Protocol):
    """What a channel needs of a connection to one host. Times out per request; raises whatever the layers below raise."""

    def limit(self, seconds: float) -> None:
        """Let the next request take at most that long, as far as whole seconds allow."""
        ...

    def open_shell(self) -> str:
        """Open a shell and return its id."""
        ...

    def run(self, shell: str, command_line: str) -> str:
        """Start a command line and return the id of the command."""
        ...

    def send(self, shell: str, command: str, data: bytes, *, last: bool) -> None:
        """Send a piece of standard input."""
        ...

    def receive(self, shell: str, command: str) -> tuple[bytes, bool]:
        """Return the next piece of standard output and whether the command has ended."""
        ...

    def end(self, shell: str, command: str) -> None:
        """Tell the host that the command is of no more interest."""
        ...

    def close_shell(self, shell: str) -> None:
        """Close the shell."""
        ...

    def drop(self) -> None:
        """Drop the connection; the wire is not used afterwards."""
        ...


Hold = Callable[[socket.socket, HTTPConnection], None]


class HardenedTransport(Transport):
    """A Transport that asks the environment nothing, and whose requests end in time: after ``patience`` seconds."""

    patience: float = OPERATION_SECONDS + READ_MARGIN_SECONDS
    _socket: socket.socket | None = None
    _last: HTTPConnection | None = None
    _line: SealedLine | None = None
    _is_cut = False

    def setup_encryption(self, session: requests.Session) -> None:
        """Harden the session before the first request goes out, which is sent here."""
        self._harden(session)
        super().setup_encryption(session)

    def build_session(self) -> requests.Session:
        """Return the session, hardened also where there is no encryption."""
        session = super().build_session()
        self._harden(session)
        return session

    def send_message(self, message: str | bytes) -> bytes:
        """Send a request and return the answer; requests.Timeout where it takes longer than ``patience``, logon included."""
        self._is_cut, answer = False, b""
        try:
            with WATCH.limit(self.patience, self._cut):
                answer = self._exchange(message)
        except Exception as problem:
            if not self._is_cut:
                raise refusal_of_logon(problem) or problem from None
        if self._is_cut:
            raise requests.exceptions.ReadTimeout
        return answer

    def _exchange(self, message: str | bytes) -> bytes:
        """Take the short way once there is one; before that this logs on."""
        line = self._line = self._line or self._line_after_logon()
        if line is None:
            return super().send_message(message)
        return line.exchange(message.encode() if isinstance(message, str) else message, self.patience)

    def _line_after_logon(self) -> SealedLine | None:
        """Log on, and return the short way over the connection; None for other ways in than NTLM with encryption."""
        session = self.build_session()
        seal = getattr(session.auth, "session_security", None)
        if self.auth_method != "ntlm" or not self.encryption or seal is None:
            return None
        place = urlsplit(self.endpoint)
        manager = cast("requests.adapters.HTTPAdapter", session.get_adapter(self.endpoint)).poolmanager
        pools = [manager.pools[key] for key in manager.pools.keys()]  # noqa: SIM118 - the container cannot be iterated
        return SealedLine(pools[0], place.path or "/", seal) if len(pools) == 1 else None

    def close_session(self) -> None:
        """Close the connection, and what was kept to cut it."""
        super().close_session()
        self._line = None
        if self._last:
            self._last.close()  # a logon that broke off has not given it back to its pool, which would close it
        self._hold(None, None)

    def _harden(self, session: requests.Session) -> None:
        session.trust_env = False
        session.proxies = {}
        for adapter in session.adapters.values():
            cast("requests.adapters.HTTPAdapter", adapter).poolmanager.pool_classes_by_scheme = _pools(self._hold)  # type: ignore[assignment]

    def _hold(self, line: socket.socket | None, connection: HTTPConnection | None) -> None:
        before, self._socket, self._last = self._socket, line, connection
        if before:
            before.close()

    def _cut(self) -> None:
        self._is_cut, line = True, self._socket
        if line:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)


class _Http(HTTPConnection):
    """A connection that hands a duplicate of its socket to ``hold``."""

    def __init__(self, *arguments: Any, hold: Hold, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._hand_over = hold

    def _new_conn(self) -> socket.socket:
        line = super()._new_conn()
        self._hand_over(line.dup(), self)
        return line


class _Https(HTTPSConnection):
    """The same, before TLS begins."""

    def __init__(self, *arguments: Any, hold: Hold, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._hand_over = hold

    def _new_conn(self) -> socket.socket:
        line = super()._new_conn()
        self._hand_over(line.dup(), self)
        return line


def _pools(hold: Hold) -> dict[str, Callable[..., HTTPConnectionPool]]:
    """Return what makes urllib3's pools by scheme, their connections handing a duplicate of their socket to ``hold``."""

    def http(host: str, port: int, **options: Any) -> HTTPConnectionPool:
        pool = HTTPConnectionPool(host, port, **options)
        pool.ConnectionCls = partial(_Http, hold=hold)  # type: ignore[assignment]
        return pool

    def https(host: str, port: int, **options: Any) -> HTTPConnectionPool:
        pool = HTTPSConnectionPool(host, port, **options)
        pool.ConnectionCls = partial(_Https, hold=hold)  # type: ignore[assignment]
        return pool

    return {"http": http, "https": https}


class PywinrmWire:
    """A ``Wire`` over pywinrm."""

    def __init__(self, url: str, config: WinRmConfig) -> None:
        arguments, method = _arguments(url, config), cast("Method", config.transport)
        read = OPERATION_SECONDS + READ_MARGIN_SECONDS
        self._protocol = WsmanProtocol(
            transport=method, read_timeout_sec=read, operation_timeout_sec=OPERATION_SECONDS, **arguments
        )
        self._transport = HardenedTransport(auth_method=method, read_timeout_sec=read, **arguments)
        self._protocol.transport = self._transport

    def limit(self, seconds: float) -> None:
        """Let the next request take at most that long."""
        operation = max(1, min(OPERATION_SECONDS, int(seconds)))
        self._protocol.operation_timeout_sec = operation
        self._transport.read_timeout_sec = operation + min(READ_MARGIN_SECONDS, max(1, int(seconds) - operation + 1))
        self._transport.patience = self._transport.read_timeout_sec

    def open_shell(self) -> str:
        """Open a shell and return its id."""
        return str(self._protocol.open_shell(codepage=CODEPAGE_UTF8, idle_timeout=SHELL_IDLE))

    def run(self, shell: str, command_line: str) -> str:
        """Start a command line, without a console on its standard input, and return the id of the command."""
        return str(self._protocol.run_command(shell, command_line, console_mode_stdin=False))

    def send(self, shell: str, command: str, data: bytes, *, last: bool) -> None:
        """Send a piece of standard input."""
        self._protocol.send_message(send_envelope(shell, command, data, self._protocol.operation_timeout_sec, last=last))

    def receive(self, shell: str, command: str) -> tuple[bytes, bool]:
        """Return the next piece of standard output and whether the command has ended."""
        return read_output(self._protocol.send_message(receive_envelope(shell, command, self._protocol.operation_timeout_sec)))

    def end(self, shell: str, command: str) -> None:
        """Signal the end of the command."""
        self._protocol.cleanup_command(shell, command)

    def close_shell(self, shell: str) -> None:
        """Close the shell; the connection stays."""
        self._protocol.close_shell(shell, close_session=False)

    def drop(self) -> None:
        """Drop the connection."""
        self._protocol.transport.close_session()


def _arguments(url: str, config: WinRmConfig) -> dict[str, Any]:
    encrypted = url.startswith("https") or config.transport in ("basic", "ssl", "certificate")
    return {
        "endpoint": url,
        "service": "HTTP",  # of the service principal; Transport alone, unlike Protocol, has no default for it
        "username": config.username,
        "password": config.password.reveal(),
        "ca_trust_path": config.ca_path,
        "cert_pem": config.certificate_path,
        "cert_key_pem": config.certificate_key_path,
        "server_cert_validation": config.server_cert_validation,
        "kerberos_delegation": config.kerberos_delegation,
        "message_encryption": "never" if encrypted else "always",
    }


def knock(url: str, seconds: float) -> None:
    """Open and close a TCP connection to where the URL points; raise OSError where nobody answers.

    Tells a host that is down apart from one that is slow, before any credential is on its way.
    """
    parts = urlsplit(url)
    port = parts.port or PORTS[parts.scheme]
    socket.create_connection((parts.hostname or "", port), timeout=seconds).close()

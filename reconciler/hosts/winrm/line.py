"""The short way over a connection that has logged on by NTLM: sealed, posted, unsealed, without ``requests`` in between.

``requests`` makes every request anew out of a session, headers, hooks and cookies, which was a third of the client's time.
The logon is still its own; from then on the connection belongs to one account, and what goes over it needs none of that.
An answer that is not sealed is refused: on a sealed connection only somebody else can have sent it.
"""

import re
import struct
from typing import Any, Final, Protocol

import requests
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import HTTPError, ProtocolError, ReadTimeoutError
from urllib3.response import BaseHTTPResponse
from urllib3.util import Timeout
from winrm.exceptions import WinRMTransportError

from reconciler.hosts.winrm.frame import FrameError

UNAUTHORIZED, OK = 401, 200
SEALED_TYPE: Final = 'multipart/encrypted;protocol="application/HTTP-SPNEGO-session-encrypted";boundary="Encrypted Boundary"'
_HEADERS: Final = {"Content-Type": SEALED_TYPE, "User-Agent": "Python WinRM client"}
_HEAD: Final = (
    b"--Encrypted Boundary\r\n\tContent-Type: application/HTTP-SPNEGO-session-encrypted\r\n"
    b"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=%d\r\n"
    b"--Encrypted Boundary\r\n\tContent-Type: application/octet-stream\r\n"
)
_END: Final = b"--Encrypted Boundary--\r\n"
_SEALED: Final = re.compile(
    rb"--Encrypted Boundary\r\n\s*Content-Type: application/HTTP-SPNEGO-session-encrypted\r\n"
    rb"\s*OriginalContent: [^\r\n]*;Length=(\d{1,9})\r\n--Encrypted Boundary\r\n\s*Content-Type: application/octet-stream\r\n"
)


class Seal(Protocol):
    """What seals and opens messages of one logon (``requests_ntlm`` calls it session security)."""

    def wrap(self, message: bytes) -> tuple[bytes, bytes]:
        """Return the sealed message and its signature."""
        ...

    def unwrap(self, message: bytes, signature: bytes) -> bytes:
        """Return the message; raises where the signature is not its own."""
        ...


class SealedLine:
    """One connection after its logon. Not for two threads at once."""

    def __init__(self, pool: HTTPConnectionPool, path: str, seal: Seal) -> None:
        self._pool, self._path, self._seal = pool, path, seal

    def exchange(self, message: bytes, seconds: float) -> bytes:
        """Send a message and return the answer to it.

        Raises as pywinrm does: WinRMTransportError for any other status than 200, ``requests``' ReadTimeout and
        ConnectionError, the latter also where the connection turns out to be a new one that has not logged on.
        """
        answer = self._post(sealed(message, self._seal), seconds)
        if answer.status == UNAUTHORIZED:
            raise requests.exceptions.ConnectionError("the connection is not logged on any more")
        is_sealed = "encrypted" in answer.headers.get("Content-Type", "")
        text = unsealed(answer.data, self._seal) if is_sealed else b""
        if answer.status != OK:
            raise WinRMTransportError("http", answer.status, text.decode("utf-8", "replace"))
        if not is_sealed:
            raise FrameError("the answer is not sealed")
        return text

    def _post(self, body: bytes, seconds: float) -> BaseHTTPResponse:
        options: dict[str, Any] = {"redirect": False, "retries": False, "assert_same_host": False}
        try:
            return self._pool.urlopen(
                "POST", self._path, body, _HEADERS, timeout=Timeout(connect=seconds, read=seconds), **options
            )
        except ReadTimeoutError as problem:
            raise requests.exceptions.ReadTimeout(problem) from None
        except (ProtocolError, HTTPError, OSError) as problem:
            raise requests.exceptions.ConnectionError(problem) from None


def sealed(message: bytes, seal: Seal) -> bytes:
    """Return the body that carries a message. Source: MS-WSMV 2.2.9.1, encrypted message types."""
    data, signature = seal.wrap(message)
    return b"".join((_HEAD % len(message), struct.pack("<i", len(signature)), signature, data, _END))


def unsealed(body: bytes, seal: Seal) -> bytes:
    """Return the message in a body; FrameError where it is none, and what the seal raises where it was altered."""
    head = _SEALED.match(body)
    if head is None or not body.endswith(_END) or len(body) < head.end() + len(_END) + 4:
        raise FrameError("the answer is not sealed as it says")
    payload = body[head.end() : -len(_END)]
    split = 4 + int(struct.unpack("<i", payload[:4])[0])
    message = seal.unwrap(payload[split:], payload[4:split])
    if len(message) != int(head[1]):
        raise FrameError("the sealed answer has not the length that it says")
    return message

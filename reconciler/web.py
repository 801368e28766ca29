"""The rim that speaks HTTPS to others: one bounded request, no redirects, no other scheme, credentials in no error.

TLS everywhere; plain http only to this very machine. Proxies are taken from the environment, as pipelines set them.
"""

import http.client
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from reconciler.clock import Clock

SILENCE_SECONDS: Final = 20
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_READ_AT_ONCE: Final = 1024 * 1024


class WebError(Exception):
    """A request that got no usable answer; the text never holds credentials, nor the query of an address."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer of any status. ``headers`` are by lower-case name."""

    status: int
    content: bytes = field(repr=False)
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class WebBounds:
    """How much of an answer is taken, and how long it may take in all."""

    bytes: int
    seconds: float


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> None:
        """A redirect could lead anywhere, and would take the credentials along; it is an answer like any other."""
        del req, fp, code, msg, headers, newurl


def request(method: str, url: str, headers: Mapping[str, str], body: bytes | None, bounds: WebBounds, clock: Clock) -> Response:
    """Return the answer to one request, whatever its status; raise ``WebError`` where there is none within the bounds."""
    check_address(url)
    asked = urllib.request.Request(url, data=body, headers=dict(headers), method=method)
    until = clock.now() + timedelta(seconds=bounds.seconds)
    try:
        with _opener().open(asked, timeout=min(SILENCE_SECONDS, bounds.seconds)) as answer:
            return _taken(answer, answer.status, url, bounds, clock, until)
    except urllib.error.HTTPError as error:
        with error:
            return _taken(error, error.code, url, bounds, clock, until)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise WebError(f"{shown(url)} cannot be reached: {_said(error)}") from None


def check_address(url: str) -> None:
    """Raise ``WebError`` unless the address is https, or http to this machine, without credentials in it."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        raise WebError("the address cannot be read") from None
    if parts.username or parts.password:
        raise WebError(f"{shown(url)} holds credentials; leave them out of the address")
    if parts.scheme == "https" and host:
        return
    if parts.scheme == "http" and host in _LOOPBACK:
        return
    raise WebError(f"{shown(url)} is not https")


def shown(url: str) -> str:
    """Return an address as errors may show it: no credentials, no query."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "the address"
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


def _opener() -> urllib.request.OpenerDirector:
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        _NoRedirects(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _taken(answer: Any, status: int, url: str, bounds: WebBounds, clock: Clock, until: datetime) -> Response:
    parts, size = list[bytes](), 0
    while part := answer.read1(_READ_AT_ONCE):
        parts.append(part)
        size += len(part)
        if size > bounds.bytes:
            raise WebError(f"{shown(url)} answers with more than {bounds.bytes:,} bytes")
        if clock.now() > until:
            raise WebError(f"{shown(url)} took longer than {bounds.seconds:.0f} s")
    return Response(status, b"".join(parts), {name.lower(): value for name, value in answer.headers.items()})


def _said(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    return str(getattr(reason, "strerror", None) or reason) or type(error).__name__

"""One bounded request: what is too large, too slow, elsewhere or in the clear is refused, and no error shows a secret."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from reconciler.clock import ManualClock, SystemClock
from reconciler.published.envelope import SignatureProblem
from reconciler.published.fetch import fetched
from reconciler.web import WebBounds, WebError, request

BOUNDS = WebBounds(1000, 60)
CLOCK = ManualClock(datetime(2026, 11, 24, 12, 0, tzinfo=UTC))


class Handler(BaseHTTPRequestHandler):
    """``/N`` answers with N bytes, ``/to?URL`` with a redirect, ``/status/N`` with that status."""

    def do_GET(self) -> None:
        kind, _, rest = self.path[1:].partition("?")
        if kind == "to":
            self.send_response(302)
            self.send_header("Location", rest)
            self.end_headers()
        elif kind.startswith("status/"):
            self.send_response(int(kind.partition("/")[2]))
            self.end_headers()
        else:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"x" * int(kind))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


class Quiet(ThreadingHTTPServer):
    """A client that has heard enough hangs up; that is what these tests are about, and no error of the server's."""

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with Quiet(("127.0.0.1", 0), Handler) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()


def get(url: str, bounds: WebBounds = BOUNDS) -> bytes:
    return request("GET", url, {}, None, bounds, CLOCK).content


def test_an_answer_within_the_bounds_is_taken_whole(server: str) -> None:
    """To the last byte allowed."""
    assert len(get(f"{server}/1000")) == 1000


def test_an_answer_that_is_too_large_is_not_taken(server: str) -> None:
    """However much more there is."""
    with pytest.raises(WebError, match="more than 1,000 bytes"):
        get(f"{server}/50000000")


def test_an_answer_that_takes_too_long_is_not_waited_for(server: str) -> None:
    """The bound is on the whole, not on a pause between two pieces."""

    class Late(SystemClock):
        calls = 0

        def now(self) -> datetime:
            self.calls += 1
            return datetime(2026, 11, 24, 12, 0, tzinfo=UTC) + timedelta(seconds=100 * self.calls)

    with pytest.raises(WebError, match="longer than 60 s"):
        request("GET", f"{server}/10", {}, None, BOUNDS, Late())


@pytest.mark.parametrize("target", ["file:///etc/passwd", "https://example.org/", "/10"])
def test_a_redirect_is_an_answer_and_leads_nowhere(server: str, target: str) -> None:
    """Neither to files, nor elsewhere, nor on the same machine."""
    answer = request("GET", f"{server}/to?{target}", {}, None, BOUNDS, CLOCK)

    assert (answer.status, answer.content) == (302, b"")
    with pytest.raises(SignatureProblem, match="302, a redirect; redirects are not followed"):
        fetched(f"{server}/to?{target}", CLOCK)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/x?token=s3cret",
        "ftp://example.org/s",
        "file:///etc/passwd",
        "https://ann:s3cret@example.org/",
        "https:///x",
        "https://[::1",
        "http://127.0.0.1.example.org/",
    ],
)
def test_only_https_is_spoken_and_no_error_shows_a_secret(url: str) -> None:
    """Plain http to this very machine is for tests and for a tunnel that somebody has set up."""
    with pytest.raises(WebError) as error:
        get(url)

    assert "s3cret" not in str(error.value)


def test_nobody_there_and_bad_answers_are_errors_with_a_reason(server: str) -> None:
    """No traceback."""
    with pytest.raises(WebError, match="cannot be reached: Connection refused"):
        get("http://127.0.0.1:9/")
    with pytest.raises(SignatureProblem, match="answers 404"):
        fetched(f"{server}/status/404", CLOCK)

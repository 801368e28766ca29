"""Plain REST for the forges: JSON in and out, patience where a forge asks for it, and errors that say what to do.

What is safe to repeat is repeated: questions and edits after a server's error, anything after 429. A new comment after a
server's error is not: it may have been written.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.clock import Clock
from reconciler.forges.port import ForgeError, Trouble
from reconciler.web import Response, WebBounds, WebError, request, shown

ATTEMPTS: Final = 4
FIRST_PAUSE: Final = 2.0
LONGEST_PAUSE: Final = 120.0  # a forge that wants more patience than this would outlast the job
MOST_PAGES: Final = 50
BOUNDS: Final = WebBounds(16 * 1024 * 1024, 60)
TOO_LONG = re.compile(r"too long|maximum|exceed|too large", re.IGNORECASE)
NEXT = re.compile(r'<([^>]+)>\s*;\s*rel="?next"?')


class Rest:
    """A forge's API below one address, with one token in one header."""

    def __init__(self, root: str, header: str, secret: str, clock: Clock, *, forge: str) -> None:
        """``secret`` is the header's whole value ("Bearer ..."); it is sent to this address only, and shown nowhere."""
        self._root, self._clock, self._forge = root.rstrip("/"), clock, forge
        self._headers = {header: secret, "Accept": "application/json", "User-Agent": "reconciler"}
        self._secrets = [part for part in {secret, secret.rpartition(" ")[2]} if part]

    def get(self, path: str) -> Any:
        """Return the answer to a question."""
        return self._call("GET", self._root + path, None)[0]

    def pages(self, path: str) -> Iterator[Any]:
        """Give the items of a list, page after page."""
        url = self._root + path
        for _ in range(MOST_PAGES):
            items, response = self._call("GET", url, None)
            yield from items
            following = NEXT.search(response.headers.get("link", ""))
            if not following:
                return
            if not following[1].startswith(self._root + "/"):
                raise ForgeError(
                    Trouble.WRONG, f"{self._forge} says that its list goes on at another place, {shown(following[1])}"
                )
            url = following[1]

    def send(self, method: str, path: str, data: Mapping[str, Any]) -> Any:
        """Return the answer to POST, PUT or PATCH."""
        return self._call(method, self._root + path, json.dumps(data).encode("utf-8"))[0]

    def _call(self, method: str, url: str, body: bytes | None) -> tuple[Any, Response]:
        for attempt in range(1, ATTEMPTS + 1):
            response = self._asked(method, url, body, attempt)
            pause = self._pause(method, response, attempt)
            if pause is None:
                return self._understood(method, url, response), response
            self._clock.sleep(pause)
        raise AssertionError

    def _asked(self, method: str, url: str, body: bytes | None, attempt: int) -> Response:
        headers = self._headers | ({"Content-Type": "application/json"} if body is not None else {})
        try:
            return request(method, url, headers, body, BOUNDS, self._clock)
        except WebError as error:
            if method == "POST":
                raise ForgeError(Trouble.UNCLEAR, self._clean(str(error))) from None
            if attempt == ATTEMPTS:
                raise ForgeError(Trouble.UNAVAILABLE, self._clean(str(error))) from None
            return Response(503, b"", {})

    def _pause(self, method: str, response: Response, attempt: int) -> float | None:
        """Return how long to wait before asking again, or None where asking again is of no use."""
        if attempt == ATTEMPTS:
            return None
        wished = response.headers.get("retry-after", "")
        is_limit = response.status == 429 or (response.status == 403 and wished != "")
        if not is_limit and (response.status < 500 or method == "POST"):
            return None
        pause = float(wished) if wished.isdigit() else FIRST_PAUSE * 2 ** (attempt - 1)
        return pause if pause <= LONGEST_PAUSE else None

    def _understood(self, method: str, url: str, response: Response) -> Any:
        if 200 <= response.status < 300:
            try:
                return json.loads(response.content) if response.content else None
            except (ValueError, RecursionError):
                raise ForgeError(Trouble.WRONG, f"{shown(url)} answers with something that is not JSON") from None
        said = self._said(response)
        raise ForgeError(
            _trouble(method, response.status, said), f"{self._forge} answers {response.status}{said}: {shown(url)}"
        )

    def _said(self, response: Response) -> str:
        """Return the forge's own message in brackets, short and without the token; it is somebody else's text."""
        try:
            data = json.loads(response.content[:100_000])
            text = str(data.get("message") or data.get("error") or "") if isinstance(data, dict) else ""
            text += " " + json.dumps(data["errors"]) if isinstance(data, dict) and data.get("errors") else ""
        except (ValueError, RecursionError):
            text = ""
        return f" ({self._clean(text.strip())[:300]})" if text.strip() else ""

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def _trouble(method: str, status: int, said: str) -> Trouble:
    if status in (401, 403):
        return Trouble.REFUSED
    if status in (404, 410):
        return Trouble.GONE
    if status == 413 or (status in (400, 422) and TOO_LONG.search(said)):
        return Trouble.TOO_LONG
    if status >= 500:
        return Trouble.UNCLEAR if method == "POST" else Trouble.UNAVAILABLE
    return Trouble.UNAVAILABLE if status == 429 else Trouble.WRONG

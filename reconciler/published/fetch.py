"""Where a published observation comes from: a file, or an https address that is asked once, within bounds."""

from pathlib import Path
from typing import Final

from reconciler.clock import Clock
from reconciler.files import MAXIMUM_DOCUMENT_BYTES, read_document
from reconciler.published.envelope import SignatureProblem
from reconciler.web import WebBounds, WebError, request

# Base64 makes four characters of three bytes.
BOUNDS: Final = WebBounds(MAXIMUM_DOCUMENT_BYTES // 3 * 4 + 4096, 120)


def is_address(given: str) -> bool:
    """Tell whether an observation is named by an address, not by a file."""
    return "://" in given


def fetched(given: str, clock: Clock, bounds: WebBounds = BOUNDS) -> bytes:
    """Return the bytes of a file (``FileProblem`` where it cannot be read) or of an address (``SignatureProblem``)."""
    if not is_address(given):
        return read_document(Path(given), bounds.bytes)
    try:
        answer = request("GET", given, {"Accept": "application/json"}, None, bounds, clock)
    except WebError as error:
        remedy = "check the address, and that this machine may reach it"
        raise SignatureProblem("cannot-fetch", str(error), remedy) from None
    if answer.status != 200:
        raise SignatureProblem("cannot-fetch", _refused(answer.status), "give the address of the observation itself")
    return answer.content


def _refused(status: int) -> str:
    what = ", a redirect; redirects are not followed" if 300 <= status < 400 else ""
    return f"the address answers {status}{what}"

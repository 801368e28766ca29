"""The two pieces of text of a call: the request on standard input, the frame on standard output. Pure.

The controller builds requests and parses frames; the simulated host does the other two, so both live here. A frame counts
only when it is whole: anything missing, cut, doubled or altered is a ``FrameError``, and what the call did is then unknown.
"""

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, Final

VERSION: Final = "reconciler:1"
_HEAD = re.compile(rb"#<reconciler:1 (?P<op>[0-9a-f]{32}) (?P<length>[0-9]{1,10}) (?P<sha>[0-9a-f]{64})")


class FrameError(Exception):
    """What came back is not a whole answer; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a host is asked: ``op`` (32 hex digits) names this one call, ``name`` the script, ``params`` its input."""

    op: str
    name: str
    script: str
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RemoteError:
    """An error that the script reported. ``id`` is never localised; ``message`` may be, and is only ever shown."""

    id: str = ""
    message: str = ""
    category: str = ""
    code: str | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The payload of a whole frame: a result, or the script's error in its place."""

    result: Any = None
    error: RemoteError | None = None


def build_request(request: Request) -> bytes:
    """Return the request as ASCII base64 of UTF-8 JSON, the form that standard input carries."""
    body = {"op": request.op, "name": request.name, "script": request.script, "params": request.params}
    return base64.b64encode(json.dumps(body, ensure_ascii=True, separators=(",", ":")).encode("utf-8"))


def parse_request(stdin: bytes) -> Request:
    """Return the one request in what a host read from standard input; FrameError where it is none."""
    body = _json_object(_decode_base64(b"".join(stdin.split())))
    try:
        request = Request(body["op"], body["name"], body["script"], body["params"])
    except KeyError as missing:
        raise FrameError(f"the request has no {missing}") from None
    if not all(isinstance(text, str) for text in (request.op, request.name, request.script)):
        raise FrameError("the request is not made of texts")
    return request


def build_frame(op: str, payload: dict[str, Any]) -> bytes:
    """Return the frame around a payload, with a line break before it, as the bootstrap writes it."""
    raw = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    text, digest = base64.b64encode(raw), hashlib.sha256(raw).hexdigest()
    lines = (b"", f"#<{VERSION} {op} {len(text)} {digest}".encode(), text, f"#>{VERSION} {op}".encode(), b"")
    return b"\r\n".join(lines)


def parse_frame(stdout: bytes, op: str) -> Reply:
    """Return what the frame of call ``op`` holds; FrameError where it is not there exactly once, whole and unaltered."""
    lines = [line.strip() for line in stdout.split(b"\n")]
    heads = [(number, head) for number, line in enumerate(lines) if (head := _HEAD.fullmatch(line)) and _is_for(head, op)]
    if len(heads) != 1:
        raise FrameError("the answer has no frame" if not heads else "the answer has more than one frame")
    start, head = heads[0]
    end = end_of_frame(op)
    if end not in lines[start:]:
        raise FrameError("the answer breaks off before the end of its frame")
    body = b"".join(lines[start + 1 : lines.index(end, start)])
    return _reply(_verified(body, int(head["length"]), head["sha"].decode()))


def end_of_frame(op: str) -> bytes:
    """Return the beginning of the line that ends the frame of call ``op``, unlike any other piece of output."""
    return f"#>{VERSION} {op}".encode()


def _is_for(head: re.Match[bytes], op: str) -> bool:
    return head["op"].decode() == op


def _verified(body: bytes, length: int, digest: str) -> bytes:
    if len(body) != length:
        raise FrameError(f"the frame promises {length} characters and holds {len(body)}")
    raw = _decode_base64(body)
    if hashlib.sha256(raw).hexdigest() != digest:
        raise FrameError("the frame does not match its digest")
    return raw


def _decode_base64(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise FrameError("the text is not base64") from None


def _json_object(raw: bytes) -> dict[str, Any]:
    try:
        data = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        raise FrameError("the payload is not JSON") from None
    if not isinstance(data, dict):
        raise FrameError("the payload is not an object")
    return data


def _reply(raw: bytes) -> Reply:
    payload = _json_object(raw)
    if payload.get("ok") is True:
        return Reply(result=payload.get("result"))
    error = payload.get("error")
    if payload.get("ok") is not False or not isinstance(error, dict):
        raise FrameError("the payload is neither a result nor an error")
    texts = {key: str(error[key]) for key in ("id", "message", "category", "code", "target") if error.get(key) is not None}
    return Reply(error=RemoteError(**texts))

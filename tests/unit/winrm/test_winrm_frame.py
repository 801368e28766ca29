"""Laws of the frame: what was built is read back, and nothing that was cut or altered is ever taken for an answer."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.hosts.winrm.bootstrap import command_line
from reconciler.hosts.winrm.frame import FrameError, Reply, Request, build_frame, build_request, parse_frame, parse_request

OP, OTHER = "0" * 31 + "a", "f" * 32
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3),
    max_leaves=8,
)
noise = st.binary(max_size=60).filter(lambda data: b"#" not in data)


@given(values, noise, noise)
def test_a_result_survives_the_way_whatever_surrounds_it(result: Any, before: bytes, after: bytes) -> None:
    """Profiles, progress records and byte order marks around a frame do not matter."""
    output = before + build_frame(OP, {"ok": True, "result": result}) + after

    assert parse_frame(output, OP) == Reply(result=result)


@given(st.text(st.characters(codec="utf-8"), max_size=40), st.data())
def test_a_cut_frame_is_never_an_answer(text: str, data: st.DataObject) -> None:
    """Wherever the output breaks off before its last line is whole, there is no answer."""
    output = build_frame(OP, {"ok": True, "result": text}).rstrip()
    cut = data.draw(st.integers(0, len(output) - 1))

    with pytest.raises(FrameError):
        parse_frame(output[:cut], OP)


@given(st.text(st.characters(codec="utf-8"), max_size=40), st.data())
def test_an_altered_frame_never_changes_the_answer(text: str, data: st.DataObject) -> None:
    """One flipped bit anywhere gives either no answer or the very same one, never another."""
    output = bytearray(build_frame(OP, {"ok": True, "result": text}))
    place = data.draw(st.integers(0, len(output) - 1))
    output[place] ^= 1 << data.draw(st.integers(0, 7))

    try:
        reply = parse_frame(bytes(output), OP)
    except FrameError:
        return
    assert reply == Reply(result=text)


def test_line_breaks_inside_the_payload_do_not_count() -> None:
    """Consoles may fold long lines; the promised length is of characters alone."""
    first, head, body, end, last = build_frame(OP, {"ok": True, "result": "x" * 200}).split(b"\r\n")
    folded = [body[at : at + 76] for at in range(0, len(body), 76)]

    assert parse_frame(b"\n".join([first, head, *folded, end, last]), OP).result == "x" * 200


def test_the_frame_of_another_call_and_a_doubled_one_are_refused() -> None:
    """An answer belongs to exactly one call, and is given exactly once."""
    frame = build_frame(OP, {"ok": True, "result": 1})

    with pytest.raises(FrameError, match="no frame"):
        parse_frame(frame, OTHER)
    with pytest.raises(FrameError, match="more than one"):
        parse_frame(frame + frame, OP)


def test_an_error_keeps_its_id_and_its_code() -> None:
    """The id decides, so it must arrive; a missing field is no reason to lose the rest."""
    error = {"id": "reconciler.busy", "code": "0x00008006", "message": "besch\u00e4ftigt", "target": None}

    reply = parse_frame(build_frame(OP, {"ok": False, "error": error}), OP)

    assert reply.error is not None
    assert (reply.error.id, reply.error.code, reply.error.message) == ("reconciler.busy", "0x00008006", "besch\u00e4ftigt")


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), values, max_size=4), st.text(st.characters(codec="utf-8")))
def test_a_request_is_ascii_and_is_read_back(params: dict[str, Any], script: str) -> None:
    """Parameters travel as data, in a form that no code page can spoil, also when the console breaks its lines."""
    request = Request(OP, "Get-Survey", script, params)
    sent = build_request(request)
    folded = b"\r\n".join(sent[at : at + 50] for at in range(0, len(sent), 50))

    assert sent.isascii()
    assert parse_request(folded) == request


def test_the_command_line_is_always_the_same_and_short_enough() -> None:
    """cmd.exe cuts at 8191 characters, on some hosts silently; half of that must do."""
    line = command_line()

    assert line.isascii()
    assert len(line) < 4000
    assert line.startswith("powershell.exe -NoLogo -NoProfile -NonInteractive -EncodedCommand ")

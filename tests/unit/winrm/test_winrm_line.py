"""The short way over a logged-on connection says what pywinrm says, and takes nothing that is not sealed."""

from typing import Any, cast

import pytest
import requests
from urllib3 import HTTPResponse
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import ProtocolError, ReadTimeoutError
from winrm.encryption import Encryption
from winrm.exceptions import WinRMTransportError

from reconciler.hosts.winrm.frame import FrameError
from reconciler.hosts.winrm.line import SEALED_TYPE, SealedLine, sealed, unsealed

END = b"--Encrypted Boundary--\r\n"
TEXT = "<s:Envelope>zw\u00f6lf</s:Envelope>".encode()


class Mirror:
    """A seal that turns bytes around and signs with their number."""

    def wrap(self, message: bytes) -> tuple[bytes, bytes]:
        return message[::-1], b"%016d" % len(message)

    def unwrap(self, message: bytes, signature: bytes) -> bytes:
        if int(signature) != len(message):
            raise ValueError("the signature is another message's")
        return message[::-1]


def pywinrm() -> tuple[requests.Session, Encryption]:
    """pywinrm's own way, with the same seal."""
    session = requests.Session()
    session.auth = requests.auth.HTTPBasicAuth("u", "p")
    session.auth.session_security = Mirror()  # type: ignore[attr-defined]
    return session, Encryption(session, "ntlm")


@pytest.mark.parametrize("text", [TEXT, b"x" * 40_000, b"--Encrypted Boundary\r\n"])
def test_a_message_is_sealed_as_pywinrm_seals_it_and_can_be_opened(text: bytes) -> None:
    """Body and type are the same; the boundary may occur in what is sealed."""
    session, encryption = pywinrm()
    theirs = encryption.prepare_encrypted_request(session, "http://host:5985/wsman", text)

    assert theirs.body == sealed(text, Mirror())
    assert theirs.headers["Content-Type"] == SEALED_TYPE
    assert unsealed(sealed(text, Mirror()), Mirror()) == text


def test_windows_writes_the_inner_headers_without_tabs() -> None:
    """Both spellings are read."""
    assert unsealed(sealed(TEXT, Mirror()).replace(b"\t", b""), Mirror()) == TEXT


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: body[: -len(END)],
        lambda body: body.replace(b"octet-stream", b"octets"),
        lambda body: body.replace(b"Length=%d" % len(TEXT), b"Length=%d" % (len(TEXT) + 1)),
        lambda body: body[: body.index(b"octet-stream\r\n") + len(b"octet-stream\r\n")] + END,
        lambda body: TEXT,
    ],
)
def test_a_body_that_is_not_whole_is_no_answer(spoil: Any) -> None:
    """Cut, with other headers, of another length, without any content, or not sealed at all."""
    with pytest.raises(FrameError):
        unsealed(spoil(sealed(TEXT, Mirror())), Mirror())


class Pool:
    """A connection that gives one answer, or breaks."""

    def __init__(self, answer: HTTPResponse | Exception) -> None:
        self._answer = answer
        self.paths: list[str] = []

    def urlopen(self, method: str, path: str, *_: object, **__: object) -> HTTPResponse:
        assert method == "POST"
        self.paths.append(path)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def exchanged(answer: HTTPResponse | Exception) -> bytes:
    """What a request comes to that is answered so."""
    return SealedLine(cast("HTTPConnectionPool", Pool(answer)), "/wsman", Mirror()).exchange(TEXT, 5)


def http(status: int, text: bytes, *, is_sealed: bool = True) -> HTTPResponse:
    """An answer."""
    kind = SEALED_TYPE if is_sealed else "application/soap+xml;charset=UTF-8"
    return HTTPResponse(body=sealed(text, Mirror()) if is_sealed else text, status=status, headers={"Content-Type": kind})


def test_a_sealed_answer_is_opened() -> None:
    """The good case."""
    assert exchanged(http(200, TEXT)) == TEXT


def test_an_answer_in_clear_is_refused() -> None:
    """Who can write into the connection must not be able to answer for the host."""
    with pytest.raises(FrameError, match="not sealed"):
        exchanged(http(200, TEXT, is_sealed=False))


def test_a_fault_comes_out_as_pywinrm_gives_it() -> None:
    """With the status and the sealed text; of a text in clear nothing is believed."""
    with pytest.raises(WinRMTransportError) as sealed_fault:
        exchanged(http(500, TEXT))
    with pytest.raises(WinRMTransportError) as clear_fault:
        exchanged(http(503, TEXT, is_sealed=False))

    assert (sealed_fault.value.code, sealed_fault.value.response_text) == (500, TEXT.decode())
    assert (clear_fault.value.code, clear_fault.value.response_text) == (503, "")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (http(401, b"", is_sealed=False), requests.exceptions.ConnectionError),
        (ProtocolError("Connection aborted."), requests.exceptions.ConnectionError),
        (OSError("gone"), requests.exceptions.ConnectionError),
        (ReadTimeoutError(cast("HTTPConnectionPool", None), "/", "slow"), requests.exceptions.ReadTimeout),
    ],
)
def test_a_connection_that_is_gone_wants_a_fresh_start(answer: Any, kind: type[Exception]) -> None:
    """A 401 means that the connection is another one by now, not that the password is wrong: the next logon tells that."""
    with pytest.raises(kind):
        exchanged(answer)

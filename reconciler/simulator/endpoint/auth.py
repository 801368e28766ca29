"""Logon and message encryption, as a WinRM listener over HTTP demands them: NTLM, Kerberos, CredSSP, and sealed bodies.

State belongs to the TCP connection, so there is one ``Connection`` for each. The cryptography is pyspnego's; here is only
what a listener decides: which scheme is offered, which account is good, and what may pass unencrypted.
"""

import base64
import binascii
import hmac
import os
import re
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import spnego
from spnego._ntlm_raw.crypto import ntowfv1  # the only MD4 at hand; OpenSSL 3 has none
from spnego.exceptions import NegotiateOptions, SpnegoError

_TYPE = '{form};protocol="application/HTTP-{protocol}-session-encrypted";boundary="Encrypted Boundary"'
SEALED_TYPE = _TYPE.format(form="multipart/encrypted", protocol="SPNEGO")
CREDSSP_TYPE = _TYPE.format(form="multipart/encrypted", protocol="CredSSP")
CREDSSP_PARTS_TYPE = _TYPE.format(form="multipart/x-multi-encrypted", protocol="CredSSP")
TLS_RECORD_BYTES = 16384  # CredSSP seals by TLS, whose records hold so much; a longer body goes in parts (MS-WSMV 2.2.9.1.3)
MUTUAL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
_BOUNDARY = b"--Encrypted Boundary"
_HEAD = re.compile(
    rb"\s*--\s*Encrypted Boundary\r\n[^\0]*?Length=(\d+)\r\n--\s*Encrypted Boundary\r\n"
    rb"\s*Content-Type: application/octet-stream\r\n",
    re.IGNORECASE,
)
_TAIL = re.compile(rb"--\s*Encrypted Boundary(?=\r\n|--(?:\r\n)?\Z)", re.IGNORECASE)
_END = re.compile(rb"--\s*Encrypted Boundary--(?:\r\n)?", re.IGNORECASE)
_SIGNATURE = b"NTLMSSP\x00"
_KERBEROS = bytes.fromhex("06092a864886f712010202")  # the mechanism's name, 1.2.840.113554.1.2.2, as a token begins with it
_AUTHENTICATE = 3
_UNICODE = 0x1


@dataclass(frozen=True, slots=True)
class Credentials:
    """The account that may log on. A domain before the user is accepted and ignored, as a host does for its local accounts."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Admission:
    """What a listener lets in. Windows allows neither of the two unless told to.

    ``allow_basic`` also takes Basic, whose bodies are clear; ``allow_unencrypted`` takes clear bodies on NTLM connections too.
    ``tls``: the connection is encrypted by itself, so bodies may be clear, and a client certificate that the listener trusts is
    a logon of its own. ``allow_credssp``: CredSSP is offered too. ``allow_kerberos``: tickets for the key in the keytab that
    ``KRB5_KTNAME`` names are taken; it needs the library ``gssapi``.
    """

    credentials: Credentials
    allow_basic: bool = False
    allow_unencrypted: bool = False
    tls: bool = False
    allow_credssp: bool = False
    allow_kerberos: bool = False


class UnauthorizedError(Exception):
    """Answer 401 with these WWW-Authenticate values. ``failed_logon`` when an account or password was wrong."""

    def __init__(self, offers: tuple[str, ...], *, failed_logon: bool = False) -> None:
        super().__init__("unauthorized")
        self.offers, self.failed_logon = offers, failed_logon


class SealError(Exception):
    """An encrypted body that this connection's keys do not open. Windows answers 400."""


class Connection:
    """One TCP connection: who is logged on, with which keys."""

    def __init__(self, admission: Admission, has_certificate: Callable[[], bool] = lambda: False) -> None:
        self._admission, self._has_certificate = admission, has_certificate
        self._context: spnego.ContextProxy | None = None
        self._by_basic = self._by_tls = False
        self.user: str | None = None

    def log_on(self, authorization: str) -> str | None:
        """Take a step of a logon. Returns a last token for the client, if any; raises ``UnauthorizedError`` until complete."""
        scheme, _, token = authorization.partition(" ")
        self.user = None
        if scheme == MUTUAL:
            self._by_certificate()
            return None
        try:
            data = base64.b64decode(token, validate=True)
        except binascii.Error:
            raise self.refusal() from None
        if scheme.lower() == "negotiate":
            return self._negotiate(data)
        if scheme.lower() == "credssp" and self._admission.allow_credssp:
            self._by_credssp(data)
            return None
        if scheme.lower() == "basic" and self._admission.allow_basic:
            self._basic(data)
            return None
        raise self.refusal()

    def refusal(self, *, failed_logon: bool = False) -> UnauthorizedError:
        """The 401 that offers what this listener takes."""
        basic = ('Basic realm="WSMAN"',) if self._admission.allow_basic else ()
        credssp = ("CredSSP",) if self._admission.allow_credssp else ()
        return UnauthorizedError(("Negotiate", *credssp, *basic), failed_logon=failed_logon)

    @property
    def takes_clear_bodies(self) -> bool:
        """Whether an unencrypted body may pass on this connection."""
        return self._by_basic or self._admission.tls or self._admission.allow_unencrypted

    def unseal(self, body: bytes) -> bytes:
        """Decrypt a multipart/encrypted body. Raises ``SealError``; the keys are then out of step for good, as on Windows."""
        parts, at = [], 0
        while (head := _HEAD.match(body, at)) and (tail := _TAIL.search(body, head.end())):
            parts.append(self._unsealed(body[head.end() : tail.start()], int(head[1])))
            at = tail.start()
        if not parts or not _END.fullmatch(body, at):
            raise SealError
        return b"".join(parts)

    def _unsealed(self, sealed: bytes, length: int) -> bytes:
        if self._context is None or len(sealed) < 4:
            raise SealError
        (size,) = struct.unpack("<i", sealed[:4])
        try:
            clear: bytes = self._context.unwrap_winrm(sealed[4 : 4 + size], sealed[4 + size :])
        except SpnegoError:
            raise SealError from None
        if len(clear) != length:
            raise SealError
        return clear

    def seal(self, envelope: bytes) -> tuple[bytes, str]:
        """Encrypt a reply, in the layout of MS-WSMV 2.2.9.1, and return it with its content type."""
        if not self._by_tls:
            return self._sealed(envelope, b"SPNEGO") + _BOUNDARY + b"--\r\n", SEALED_TYPE
        pieces = [envelope[at : at + TLS_RECORD_BYTES] for at in range(0, len(envelope), TLS_RECORD_BYTES)]
        body = b"".join(self._sealed(piece, b"CredSSP") for piece in pieces) + _BOUNDARY + b"--\r\n"
        return body, CREDSSP_PARTS_TYPE if len(pieces) > 1 else CREDSSP_TYPE

    def _sealed(self, text: bytes, protocol: bytes) -> bytes:
        assert self._context is not None, "only a connection with keys is asked to seal"
        wrapped = self._context.wrap_winrm(text)
        length = str(len(text) + wrapped.padding_length).encode()
        return b"".join(
            (
                _BOUNDARY + b"\r\n\tContent-Type: application/HTTP-" + protocol + b"-session-encrypted\r\n",
                b"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=" + length + b"\r\n",
                _BOUNDARY + b"\r\n\tContent-Type: application/octet-stream\r\n",
                struct.pack("<i", len(wrapped.header)) + wrapped.header + wrapped.data,
            )
        )

    def _negotiate(self, token: bytes) -> str | None:
        if _begins_logon(token):
            self._context, self._by_tls = None, False
        if self._admission.allow_kerberos and token[:1] == b"\x60" and _KERBEROS in token[:20]:
            return self._by_ticket(token)
        proof = _proof_of(token)
        domain, user = proof or ("", self._admission.credentials.user)
        if proof and _bare(user) != _bare(self._admission.credentials.user):
            raise self.refusal(failed_logon=True)
        answer = self._step(token, domain, user, is_proof=proof is not None)
        assert self._context is not None, "a step leaves a context behind"
        if not self._context.complete:
            raise UnauthorizedError((f"Negotiate {base64.b64encode(answer or b'').decode()}",))
        self.user, self._by_basic = _bare(self._admission.credentials.user), False
        return f"Negotiate {base64.b64encode(answer).decode()}" if answer else None

    def _step(self, token: bytes, domain: str, user: str, *, is_proof: bool) -> bytes | None:
        try:
            with ACCOUNTS.knowing(domain, user, self._admission.credentials.password):
                self._context = self._context or _new_context(token)
                return self._context.step(token)
        except (SpnegoError, ValueError, struct.error, IndexError):
            self._context = None
            raise self.refusal(failed_logon=is_proof) from None

    def _by_ticket(self, token: bytes) -> str | None:
        """Accept a bare Kerberos token (RFC 4121 4.1), which is what pykerberos sends; one token, one answer."""
        try:
            context = spnego.server(protocol="kerberos", options=NegotiateOptions.use_gssapi)
            answer = context.step(token)
        except SpnegoError:
            raise self.refusal(failed_logon=True) from None
        if not context.complete or _bare(context.client_principal or "") != _bare(self._admission.credentials.user):
            raise self.refusal(failed_logon=True)
        self._context, self.user, self._by_basic = context, _bare(self._admission.credentials.user), False
        return f"Negotiate {base64.b64encode(answer).decode()}" if answer else None

    def _by_credssp(self, token: bytes) -> None:
        """Take a step of CredSSP: TLS in tokens, in it SPNEGO, in it the account's password. It begins with a TLS handshake."""
        good = self._admission.credentials
        if not self._by_tls or self._context is None or self._context.complete:
            inner = spnego.server(protocol="negotiate", options=NegotiateOptions.use_negotiate)
            self._context, self._by_tls = spnego.server(protocol="credssp", credssp_negotiate_context=inner), True
        try:
            with ACCOUNTS.knowing("", good.user, good.password):
                answer = self._context.step(token)
        except (SpnegoError, ValueError, struct.error, IndexError):
            self._context = None
            raise self.refusal(failed_logon=True) from None
        if not self._context.complete:
            is_refused = self._context.get_extra_info("auth_stage") == "Authentication failure"
            raise UnauthorizedError((f"CredSSP {base64.b64encode(answer or b'').decode()}",), failed_logon=is_refused)
        self.user, self._by_basic = _bare(good.user), False

    def _by_certificate(self) -> None:
        if not self._admission.tls or not self._has_certificate():
            raise self.refusal(failed_logon=True)
        self.user, self._context = _bare(self._admission.credentials.user), None

    def _basic(self, data: bytes) -> None:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            text = data.decode("latin-1")  # what older clients send; the standard leaves it open
        user, _, password = text.partition(":")
        good = self._admission.credentials
        if _bare(user) != _bare(good.user) or not hmac.compare_digest(password.encode(), good.password.encode()):
            raise self.refusal(failed_logon=True)
        self.user, self._by_basic, self._context = _bare(user), True, None


class _Accounts:
    """The file through which pyspnego's acceptor learns accounts, named by ``NTLM_USER_FILE``.

    It wants the domain as the client sent it. So the file holds just the account of the logon at hand, as an NT hash, and only
    while that step is taken.

    The variable belongs to the whole process. It is set while any listener is open and then left as it was found, rather than
    around each step: other threads may be walking the environment, and a key that comes and goes makes them fail.
    """

    def __init__(self) -> None:
        self._lock, self._users, self._path = threading.Lock(), 0, Path()
        self._before: str | None = None

    def open(self) -> None:
        """Make the file, unless another listener has."""
        with self._lock:
            self._users += 1
            if self._users == 1:
                handle, name = tempfile.mkstemp(prefix="simulated-accounts-")  # created readable by its owner alone
                os.close(handle)
                self._path, self._before = Path(name), os.environ.get("NTLM_USER_FILE")
                os.environ["NTLM_USER_FILE"] = name

    def close(self) -> None:
        """Remove the file when the last listener closes."""
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._path.unlink(missing_ok=True)
                if self._before is None:
                    os.environ.pop("NTLM_USER_FILE", None)
                else:
                    os.environ["NTLM_USER_FILE"] = self._before

    @contextmanager
    def knowing(self, domain: str, user: str, password: str) -> Iterator[None]:
        """Let the acceptor find this account for the time of the block. Raises ``ValueError`` for names no account can have."""
        if re.search(r"[:\r\n]", domain + user):
            raise ValueError("a name with a colon or a line break")
        account = f"{domain}\\{user}" if domain else user
        line = f"{account}:0:{'0' * 32}:{ntowfv1(password).hex()}:[U]:LCT-0\n"
        with self._lock:
            self._path.write_text(line, encoding="utf-8")
            try:
                yield
            finally:
                self._path.write_bytes(b"")


ACCOUNTS = _Accounts()


def is_sealed(content_type: str) -> bool:
    """Whether a body of this content type is an encrypted envelope."""
    return content_type.lower().replace(" ", "").startswith(("multipart/encrypted", "multipart/x-multi-encrypted"))


def _new_context(token: bytes) -> spnego.ContextProxy:
    """An acceptor for a bare NTLM token, or for one inside SPNEGO; always pyspnego's own code, whatever the machine has."""
    if token.startswith(_SIGNATURE):
        return spnego.server(protocol="ntlm", options=NegotiateOptions.use_ntlm)
    return spnego.server(protocol="negotiate", options=NegotiateOptions.use_negotiate)


def _begins_logon(token: bytes) -> bool:
    """Whether a token opens a logon: an NTLM message of type 1, or a SPNEGO initial token."""
    return token[:1] == b"\x60" or token.startswith(_SIGNATURE + b"\x01")


def _proof_of(token: bytes) -> tuple[str, str] | None:
    """Domain and user as an NTLM message of type 3 names them, None for other tokens (MS-NLMP 2.2.1.3)."""
    start = token.find(_SIGNATURE)
    message = token[start:] if start >= 0 else b""
    if len(message) < 64 or struct.unpack_from("<I", message, 8)[0] != _AUTHENTICATE:
        return None
    encoding = "utf-16-le" if struct.unpack_from("<I", message, 60)[0] & _UNICODE else "cp437"
    domain, user = (_text_at(message, field_offset, encoding) for field_offset in (28, 36))
    return domain, user


def _text_at(message: bytes, field_offset: int, encoding: str) -> str:
    length, _, offset = struct.unpack_from("<HHI", message, field_offset)
    return message[offset : offset + length].decode(encoding, "replace")


def _bare(user: str) -> str:
    """The account's own name: without domain, host or dot before it, or domain after it; without case."""
    return user.rpartition("\\")[2].partition("@")[0].casefold()

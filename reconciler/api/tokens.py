"""Who may ask what: bearer tokens with a role, of which only hashes are kept. Pure but for reading the file.

A token is 32 random bytes, so one SHA-256 is a safe hash of it (there is no dictionary to try). Comparison takes the same time
whichever token is tried, and every token is tried.
"""

import base64
import hashlib
import hmac
import logging
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import Any

import yaml

from reconciler.model.problem import Problem

_log = logging.getLogger("reconciler.api")

PREFIX = "rcl_"


class Role(IntEnum):
    """What a token may do; each role may do what those below it may."""

    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is kept."""

    name: str
    role: Role
    digest: str
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever asks, as the audit trail names them."""

    name: str
    role: Role


ANONYMOUS = Caller("anonymous", Role.VIEWER)


class TokensError(Exception):
    """The file of tokens cannot be used; the message never shows a hash."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def new_token(random_bytes: Callable[[int], bytes]) -> str:
    """Return a fresh token, to be shown once."""
    return PREFIX + base64.urlsafe_b64encode(random_bytes(32)).rstrip(b"=").decode("ascii")


def digest_of_token(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def caller_of(authorization: str | None, tokens: Sequence[Token], now: datetime) -> Caller | None:
    """Return who presents this header (``Bearer ...``), or None where nobody we know does."""
    scheme, _, presented = (authorization or "").partition(" ")
    digest = digest_of_token(presented.strip() if scheme.casefold() == "bearer" else "")
    found: Token | None = None
    for token in tokens:  # to the end in any case: how long it takes must not tell which token it was
        if hmac.compare_digest(token.digest, digest):
            found = token
    if found is None or (found.expires is not None and found.expires <= now):
        return None
    return Caller(found.name, found.role)


def read_tokens(file: Path) -> tuple[Token, ...]:
    """Return the tokens in a YAML file: ``tokens: [{name, role, hash, expires?}]``. Raises TokensError."""
    _check_mode(file)
    try:
        data = yaml.safe_load(file.read_text("utf-8"))
        return tuple(_token(entry) for entry in (data or {}).get("tokens", ()))
    except OSError as error:
        raise TokensError(_bad(file, f"cannot be read: {error.strerror}")) from error
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise TokensError(_bad(file, "holds no list of tokens with name, role and hash")) from error


class TokenFile:
    """The tokens of a file, read again when it changes, so that one is given or taken back without a restart.

    A file that cannot be read any more changes nothing: the tokens that were good stay, and the log says why.
    """

    def __init__(self, file: Path) -> None:
        self._file, self._stamp, self._tokens = file, _stamp(file), read_tokens(file)

    def __call__(self) -> tuple[Token, ...]:
        """Return the tokens that count now."""
        stamp = _stamp(self._file)
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._tokens = read_tokens(self._file)
            except TokensError as error:
                _log.warning("%s; the tokens read before stay", error)
        return self._tokens


def _stamp(file: Path) -> tuple[int, ...]:
    try:
        found = file.stat()
    except OSError:
        return ()
    return (found.st_mtime_ns, found.st_size, found.st_ino)


def _token(entry: dict[str, Any]) -> Token:
    kind, _, digest = str(entry["hash"]).partition(":")
    if kind != "sha256" or len(digest) != 64:
        raise ValueError("not a SHA-256")
    expires = entry.get("expires")
    if isinstance(expires, str):
        expires = datetime.fromisoformat(expires)
    if expires is not None and expires.tzinfo is None:
        raise ValueError("a time without a zone")
    return Token(str(entry["name"]), Role[str(entry["role"]).upper()], digest.lower(), expires)


def token_entry(token: Token) -> str:
    """Return the lines that stand for a token in the file."""
    lines = [f"  - name: {token.name}", f"    role: {token.role.name.lower()}", f"    hash: sha256:{token.digest}"]
    return "\n".join(lines + ([f"    expires: '{token.expires.isoformat()}'"] if token.expires else [])) + "\n"


def _check_mode(file: Path) -> None:
    """Whoever may write this file may give themselves a role."""
    try:
        mode = file.stat().st_mode
    except OSError as error:
        raise TokensError(_bad(file, f"cannot be read: {error.strerror}")) from error
    if os.name == "posix" and mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise TokensError(_bad(file, "may be written by others than its owner", f"chmod 600 {file}"))


def _bad(file: Path, finding: str, remedy: str = "make it with: reconciler token NAME --role viewer --file FILE") -> Problem:
    return Problem("bad-tokens", f"the file of tokens {finding}", remedy, subject=str(file))

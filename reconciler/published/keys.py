"""Ed25519 keys in files: made once, the private one readable by its owner only, the public one short enough for a variable."""

import base64
import hashlib
import os
import stat
import sys
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from reconciler.files import FileProblem
from reconciler.model.problem import Problem

PREFIX: Final = "ed25519:"
_MOST_BYTES: Final = 16 * 1024


def make_keys(private_file: Path) -> tuple[Path, str]:
    """Write a new pair (the public one beside it with ``.pub``) and return the public file and its one-line text.

    Never overwrites: a lost private key is lost. Raises ``FileProblem`` where a file exists or cannot be written.
    """
    key, public_file = Ed25519PrivateKey.generate(), private_file.with_name(private_file.name + ".pub")
    text = public_text(key.public_key())
    if public_file.exists():
        raise FileProblem(_problem(public_file, "file-exists", "there is a public key already", "name another file"))
    _write_new(private_file, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
    _write_new(public_file, f"{text}\n".encode("ascii"), 0o644)
    return public_file, text


def read_private_key(file: Path) -> Ed25519PrivateKey:
    """Return the key of a PEM file; raise ``FileProblem`` where it is none, or others may read it."""
    content = _content(file)
    if sys.platform != "win32" and stat.S_IMODE(file.stat().st_mode) & 0o077:
        finding = "others than its owner may read this private key"
        raise FileProblem(
            _problem(file, "key-too-open", finding, f"chmod 600 {file}; if others could read it, make a new pair")
        )
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        finding = "this is no Ed25519 private key without a passphrase"
        raise FileProblem(_problem(file, "bad-key", finding, "make one with: reconciler keys FILE"))
    return key


def read_public_key(given: str) -> Ed25519PublicKey:
    """Return a public key from its one-line text (``ed25519:...``) or from a file that holds it."""
    text = given if given.startswith(PREFIX) else _content(Path(given)).decode("utf-8", "replace")
    try:
        if not text.strip().startswith(PREFIX):
            raise ValueError
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(text.strip().removeprefix(PREFIX), validate=True))
    except ValueError:
        shown = Path("--verify-key") if given.startswith(PREFIX) else Path(given)
        finding = f"this is no public key of the form {PREFIX}..."
        remedy = "give the .pub file that reconciler keys made, or the line in it"
        raise FileProblem(_problem(shown, "bad-key", finding, remedy)) from None


def public_text(key: Ed25519PublicKey) -> str:
    """Return the one-line form."""
    return PREFIX + base64.b64encode(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode("ascii")


def key_id(key: Ed25519PublicKey) -> str:
    """Return a short name for a key: the head of the SHA-256 of its raw bytes."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def _write_new(file: Path, content: bytes, mode: int) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise FileProblem(_problem(file, "file-exists", "there is a key already", "name another file")) from None
    except OSError as error:
        raise FileProblem(_problem(file, "cannot-write", error.strerror or str(error), "name another file")) from None
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(_MOST_BYTES)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise FileProblem(_problem(file, "unreadable-file", f"the key cannot be read: {said}", "check the path")) from None


def _problem(file: Path, code: str, finding: str, remedy: str) -> Problem:
    return Problem(code, finding, remedy, subject=str(file))

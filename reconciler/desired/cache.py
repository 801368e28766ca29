"""Answers kept from one load to the next, found by the content of every file: what was read is what was kept, or nothing is.

Where entries are kept is handed in. An entry that is missing, cut, altered or of another make is as good as none: the files
are read, and the entry is written anew.
"""

import hashlib
from collections.abc import Iterable
from typing import Final, Protocol, TypeVar

from reconciler.desired import compact

# Raise it when what an entry means changes; what the code of one version makes of files is for the cache's owner to keep apart.
_FORMAT: Final = "reconciler-desired 2"
_Answer = TypeVar("_Answer")


class Cache(Protocol):
    """A place for entries by key (64 hexadecimal digits). Neither method raises; an entry may be forgotten at any time."""

    def read(self, key: str) -> bytes | None:
        """Return the entry, or None."""
        ...

    def write(self, key: str, entry: bytes) -> None:
        """Keep the entry, if possible."""
        ...


def key_of(files: Iterable[tuple[str, bytes]]) -> str:
    """Return the key of an answer about files, each a name and its bytes: another name, byte or order is another key."""
    digest = hashlib.sha256(_FORMAT.encode())
    for name, content in files:
        spelled = name.encode("utf-8", "surrogatepass")
        digest.update(b"%d %d " % (len(spelled), len(content)))
        digest.update(spelled)
        digest.update(content)
    return digest.hexdigest()


def recall(cache: Cache, key: str, kind: type[_Answer]) -> _Answer | None:
    """Return the answer kept under a key, or None where there is none that is whole."""
    entry = cache.read(key)
    head, _, body = (entry or b"").partition(b"\n")
    if entry is None or head != _head(key, body):
        return None
    try:
        answer: _Answer = compact.read(kind, body)
    except compact.Unreadable:
        return None
    return answer


def keep(cache: Cache, key: str, answer: object) -> None:
    """Keep an answer under a key."""
    body = compact.Writer().written(type(answer), answer).encode("ascii")
    cache.write(key, _head(key, body) + b"\n" + body)


def _head(key: str, body: bytes) -> bytes:
    return f"{_FORMAT} {key} {hashlib.sha256(body).hexdigest()}".encode()

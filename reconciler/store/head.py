"""The mark beside a store: number and seal of the newest entry, in a small file of its own, written after each durable append.

SQLite drops a damaged end of its write-ahead log without a word, and a backup put back looks as sound as the original. The mark
tells: it never runs ahead of what was durable, so a store that ends before its mark has lost entries.
"""

import os
from contextlib import suppress
from pathlib import Path

from reconciler.store.port import Entry

Mark = tuple[int, str]


def mark_file(store: Path) -> Path:
    """Return where the mark of a store is."""
    return store.with_name(store.name + ".head")


def read_mark(store: Path) -> Mark | None:
    """Return number and seal of the newest entry that was seen durable; None where there is no mark, or an unreadable one."""
    try:
        number, seal = mark_file(store).read_text(encoding="ascii").split()
        return int(number), seal
    except (OSError, ValueError):
        return None


class Marker:
    """Writes the mark in place; not synced, for it may lag behind the store but never lead."""

    def __init__(self, store: Path) -> None:
        self._file = os.open(mark_file(store), os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)

    def write(self, entry: Entry) -> None:
        """Mark this entry as the newest. A mark that cannot be written takes nothing from the entry, which is durable."""
        with suppress(OSError):
            os.lseek(self._file, 0, os.SEEK_SET)
            os.write(self._file, f"{entry.number:020} {entry.seal}\n".encode("ascii"))

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

"""What the controller writes down before and after it acts: intents, attempts, roles taken off, plans applied.

Truth is on the hosts and in Git; the journal is memory. Losing it costs history and saved role settings, not correctness.
An entry is durable when ``append`` returns, and an intent is appended before its first effect on a host.
"""

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from reconciler.clock import Clock

SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL
) STRICT
"""


class JournalError(Exception):
    """The journal cannot be opened or written; nothing may be started without it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was written down; ``data`` is plain JSON."""

    at: datetime
    kind: str
    data: dict[str, Any]


class Journal(Protocol):
    """An append-only record."""

    def append(self, kind: str, data: dict[str, Any]) -> None:
        """Write one entry, durably; raise JournalError if that fails."""
        ...

    def entries(self) -> list[Entry]:
        """Return all entries, oldest first."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


class MemoryJournal:
    """A journal that forgets at the end of the process; for demos and simulation."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._entries = clock, list[Entry]()

    def append(self, kind: str, data: dict[str, Any]) -> None:
        """Keep one entry."""
        self._entries.append(Entry(self._clock.now(), kind, json.loads(json.dumps(data))))

    def entries(self) -> list[Entry]:
        """Return all entries, oldest first."""
        return list(self._entries)

    def close(self) -> None:
        """Nothing is held."""


class SqliteJournal:
    """A journal in one SQLite file, write-ahead log and full sync, so that an entry survives a crash."""

    def __init__(self, path: Path, clock: Clock, *, busy_seconds: float = 5) -> None:
        self._path, self._clock = path, clock
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise JournalError(f"cannot open the journal {path}: {error}") from error
        try:
            for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", SCHEMA):
                self._database.execute(statement)
        except sqlite3.Error as error:
            self._database.close()
            raise JournalError(f"cannot open the journal {path}: {error}") from error

    def append(self, kind: str, data: dict[str, Any]) -> None:
        """Write one entry and wait until it is on disk."""
        row = (self._clock.now().isoformat(), kind, json.dumps(data, sort_keys=True))
        try:
            self._database.execute("INSERT INTO entries (at, kind, data) VALUES (?, ?, ?)", row)
        except sqlite3.Error as error:
            raise JournalError(f"cannot write to the journal {self._path}: {error}") from error

    def entries(self) -> list[Entry]:
        """Return all entries, oldest first."""
        try:
            rows = self._database.execute("SELECT at, kind, data FROM entries ORDER BY number").fetchall()
        except sqlite3.Error as error:
            raise JournalError(f"cannot read the journal {self._path}: {error}") from error
        return [Entry(datetime.fromisoformat(at), kind, json.loads(data)) for at, kind, data in rows]

    def close(self) -> None:
        """Close the file."""
        self._database.close()

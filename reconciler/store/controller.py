"""One controller a store: a lock that the system takes back from a process that dies, and a row that says who holds it.

The lock is SQLite's own, on an empty file beside the store, so it works the same on every system. Only whoever starts
migrations takes it; a hold, a release or a look at the history passes beside it.
"""

import os
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from reconciler.store.faults import from_sqlite, from_system, store_error
from reconciler.store.port import StoreError


@dataclass(frozen=True, slots=True)
class Holder:
    """Who controls a store: process, machine, on whose behalf, since when."""

    pid: int
    host: str
    actor: str
    since: datetime

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} ({self.actor or 'unknown'}), since {self.since:%Y-%m-%d %H:%M:%SZ}"


class ControllerLock:
    """Held from creation until ``close``, or the end of the process."""

    def __init__(self, store: Path) -> None:
        self._file = store.with_name(store.name + ".lock")
        try:
            os.close(os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600))
            self._connection = sqlite3.connect(self._file, timeout=0, isolation_level=None)
        except OSError as error:
            raise from_system(self._file, error, "opened") from error
        except sqlite3.Error as error:
            raise from_sqlite(self._file, error, "opened") from error
        try:
            self._connection.execute("PRAGMA journal_mode = MEMORY")  # nothing is ever written: no second file beside it
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            self._connection.close()
            raise self._refused(store, error) from error

    def _refused(self, store: Path, error: sqlite3.Error) -> StoreError:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
            return in_use(store, None)
        return from_sqlite(self._file, error, "locked")

    def close(self) -> None:
        """Let others control the store."""
        self._connection.close()


def in_use(store: Path, holder: Holder | None) -> StoreError:
    """Return what to tell the second controller."""
    who = str(holder) if holder else "another process"
    remedy = (
        "let it end, or stop it there (Ctrl-C: what runs on hosts goes on); "
        "'reconciler hold', 'release', 'history' and 'status' work meanwhile"
    )
    return store_error(store, "store-in-use", f"in use by {who}: two of them would start the same machine twice", remedy)


def holder_of(database: sqlite3.Connection) -> Holder | None:
    """Return who took the store last and did not give it back; None after an orderly end."""
    row = database.execute("SELECT pid, host, actor, since FROM controller").fetchone()
    return Holder(row[0], row[1], row[2], datetime.fromisoformat(row[3])) if row else None


def take(database: sqlite3.Connection, holder: Holder) -> None:
    """Write down who controls the store; only with the lock in hand."""
    values = (holder.pid, holder.host, holder.actor, holder.since.isoformat())
    database.execute("INSERT OR REPLACE INTO controller (only, pid, host, actor, since) VALUES (1, ?, ?, ?, ?)", values)


def give_back(database: sqlite3.Connection) -> None:
    """Write down that nobody does any more."""
    database.execute("DELETE FROM controller")

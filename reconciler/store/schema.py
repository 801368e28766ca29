"""The tables of the SQLite store and how older ones become the newest. The version stands in the file (``user_version``).

Migrations run in one transaction: a crash leaves the old schema or the new one. A version that is newer than ours is refused.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from reconciler.model.document import canonical_json
from reconciler.store.chain import next_entry
from reconciler.store.faults import store_error
from reconciler.store.port import Entry, Origin
from reconciler.store.rows import INSERT, row_of

APPLICATION: Final = 0x52434E53  # "RCNS", so that `file` and we tell a store from any other SQLite file

ENTRIES: Final = """
CREATE TABLE entries (
    number INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    name TEXT NOT NULL,
    actor TEXT NOT NULL,
    command TEXT NOT NULL,
    revision TEXT,
    digest TEXT,
    data ANY NOT NULL,
    previous TEXT NOT NULL,
    seal TEXT NOT NULL
) STRICT
"""
INDEXES: Final = (
    "CREATE INDEX entries_by_kind ON entries (kind, subject, number)",
    "CREATE INDEX entries_by_subject ON entries (subject, number)",
    "CREATE INDEX entries_by_name ON entries (name, subject, number)",
)
CONTROLLER: Final = """
CREATE TABLE controller (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    pid INTEGER NOT NULL,
    host TEXT NOT NULL,
    actor TEXT NOT NULL,
    since TEXT NOT NULL
) STRICT
"""


def _create(database: sqlite3.Connection) -> None:
    for statement in (ENTRIES, *INDEXES, CONTROLLER):
        database.execute(statement)
    database.execute(f"PRAGMA application_id = {APPLICATION}")


def _from_journal(database: sqlite3.Connection) -> None:
    """The first schema was a journal: number, time, kind and data. Its entries are sealed now, in their order."""
    database.execute("ALTER TABLE entries RENAME TO journal")
    _create(database)
    for entry in _journal_entries(database):
        database.execute(INSERT, row_of(entry))
    database.execute("DROP TABLE journal")


def _journal_entries(database: sqlite3.Connection) -> Iterator[Entry]:
    last: Entry | None = None
    for at, kind, data in database.execute("SELECT at, kind, data FROM journal ORDER BY number").fetchall():
        plain = json.loads(canonical_json(json.loads(data)))
        last = next_entry(last, datetime.fromisoformat(at), kind, plain, Origin())
        yield last


VERSION: Final = 2
# The step that leads from each older version to the next.
STEPS: Final[Mapping[int, Callable[[sqlite3.Connection], None]]] = {1: _from_journal}


def version_of(database: sqlite3.Connection, path: Path) -> int:
    """Return the schema version: 0 for an empty file, 1 for a journal of old.

    Raise StoreError for a newer one, or for somebody else's database.
    """
    version = int(database.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        finding = f"its schema has version {version}, and this program knows up to {VERSION}"
        raise store_error(
            path, "store-too-new", finding, "use the newer reconciler that wrote it, or another file with --state"
        )
    application = int(database.execute("PRAGMA application_id").fetchone()[0])
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if version == VERSION and application == APPLICATION:
        return version
    if version == 0 and application == 0 and tables <= {"entries", "sqlite_sequence"}:
        return 1 if tables else 0
    finding = f"this is a database of something else (tables: {', '.join(sorted(tables)) or 'none'})"
    raise store_error(path, "store-foreign", finding, "name the store, or a file that does not exist yet, with --state")


def migrate(database: sqlite3.Connection, version: int) -> None:
    """Bring the tables to our version, all at once or not at all; the caller holds the transaction."""
    if version == 0:
        _create(database)
    else:
        for older in range(version, VERSION):
            STEPS[older](database)
    database.execute(f"PRAGMA user_version = {VERSION}")

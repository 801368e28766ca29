"""A look at a store before anything is written to it: its schema, its pages, the end of its chain, its mark.

The look is read-only, so a damaged file keeps every byte, its write-ahead log included: a connection that may write would fold
the log into the file as far as it is sound, and drop the rest.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from reconciler.store.chain import breaches
from reconciler.store.faults import ASIDE, KEEP, UNREADABLE, from_sqlite, from_system, store_error
from reconciler.store.head import mark_file, read_mark
from reconciler.store.port import Entry
from reconciler.store.rows import SELECT, entry_of
from reconciler.store.schema import VERSION, version_of

TAIL: Final = 200  # entries at the end whose seals are checked at every opening; all of them: reconciler history --verify


@contextmanager
def reading(path: Path, busy_seconds: float) -> Iterator[sqlite3.Connection]:
    """Open an existing file for reading alone, and close it."""
    database = open_for_reading(path, busy_seconds)
    try:
        yield database
    finally:
        database.close()


def open_for_reading(path: Path, busy_seconds: float) -> sqlite3.Connection:
    """Return a connection that cannot write, also where the whole folder is read-only; raise StoreError."""
    try:
        quiet = not path.with_name(path.name + "-wal").exists()
    except OSError as error:
        raise from_system(path, error, "read") from error
    for options in ("mode=ro", "mode=ro&immutable=1") if quiet else ("mode=ro",):
        database: sqlite3.Connection | None = None
        try:
            database = sqlite3.connect(f"{path.as_uri()}?{options}", uri=True, timeout=busy_seconds, isolation_level=None)
            database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            return database
        except UNREADABLE as error:
            if database is not None:
                database.close()
            failed = from_sqlite(path, error, "read")
    raise failed


def inspect(path: Path, busy_seconds: float) -> None:
    """Raise StoreError where an existing file is no store of ours, a newer one, or damaged."""
    with reading(path, busy_seconds) as database:
        try:
            version = version_of(database, path)
            said = [str(row[0]) for row in database.execute("PRAGMA quick_check(3)")]
        except UNREADABLE as error:
            raise from_sqlite(path, error, "read") from error
        if said != ["ok"]:
            raise store_error(path, "store-damaged", f"{'; '.join(said)}; {KEEP}", ASIDE)
        # A file whose log is damaged from the start looks as if nothing had ever been written to it.
        tail = _sound_tail(database, path) if version == VERSION else []
        _check_mark(path, tail)


def _sound_tail(database: sqlite3.Connection, path: Path) -> list[Entry]:
    tail = read_entries(database, path, f"{SELECT} ORDER BY number DESC LIMIT {TAIL}")[::-1]
    broken = next(breaches(tail, [(1, tail[0].number - 1)] if tail else []), None)
    if broken:
        raise store_error(path, "store-damaged", f"{broken}; {KEEP}", ASIDE)
    return tail


def _check_mark(path: Path, tail: list[Entry]) -> None:
    mark = read_mark(path)
    newest = tail[-1].number if tail else 0
    if mark is None or any((entry.number, entry.seal) == mark for entry in tail):
        return
    known = {entry.number for entry in tail}
    if mark[0] in known or mark[0] > newest:
        finding = f"it ends with entry {newest}, but entry {mark[0]} was written and is gone or another"
        raise store_error(path, "store-entries-missing", f"{finding} (an old backup, or a damaged log); {KEEP}", _remedy(path))


def _remedy(path: Path) -> str:
    return (
        f"put back the newest copy there is, with its -wal file; or, to go on with this one, remove {mark_file(path)}: "
        "look at 'reconciler history' first, and hold again what must stay held"
    )


def read_entries(database: sqlite3.Connection, path: Path, select: str, values: Sequence[object] = ()) -> list[Entry]:
    """Return the entries that a query finds; raise StoreError."""
    try:
        return [entry_of(row) for row in database.execute(select, values)]
    except UNREADABLE as error:
        raise from_sqlite(path, error, "read") from error

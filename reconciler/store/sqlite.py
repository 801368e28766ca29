"""The store in one SQLite file: write-ahead log and full sync, so that an entry survives a crash once ``append`` returned."""

import json
import os
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from reconciler.clock import Clock
from reconciler.model.document import canonical_json
from reconciler.store.chain import let_go_by, next_entry
from reconciler.store.controller import ControllerLock, Holder, give_back, holder_of, in_use, take
from reconciler.store.faults import PASSING, UNREADABLE, from_sqlite, from_system, store_error
from reconciler.store.head import Marker
from reconciler.store.inspection import inspect, open_for_reading, read_entries, reading
from reconciler.store.kinds import TRIMMED
from reconciler.store.port import Entry, Origin, Retention, StoreError
from reconciler.store.retention import expendable, joined
from reconciler.store.rows import INSERT, SELECT, row_of
from reconciler.store.schema import VERSION, migrate, version_of
from reconciler.store.volume import network_type

BUSY_SECONDS: Final = 5.0
WAL_BYTES_KEPT: Final = 16 * 1024 * 1024
ABOUT: Final = "(name = ? OR subject = ? OR subject IN (SELECT subject FROM entries WHERE name = ? AND subject <> ''))"


class Access(StrEnum):
    """What a store is opened for."""

    CONTROL = "control"  # to start migrations; one at a time
    RECORD = "record"  # to write a word beside whoever controls it: a hold, a release
    READ = "read"


class SqliteStore:
    """A store in a file, which is made where it does not exist (but not for reading)."""

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        access: Access = Access.CONTROL,
        origin: Origin = Origin(),  # noqa: B008 - frozen
        machine: str = "",
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        """``machine`` is the name of this computer, for whoever is refused; raise StoreError."""
        self._path, self._clock, self._origin, self._access = path.absolute(), clock, origin, access
        self._busy_seconds = busy_seconds
        self._lock: ControllerLock | None = None
        self._marker: Marker | None = None
        self._spoilt: StoreError | None = None
        self._newest = 0
        self._database = self._read_only() if access is Access.READ else self._writable(machine)

    # -- opening

    def _read_only(self) -> sqlite3.Connection:
        database = open_for_reading(self._path, self._busy_seconds)
        try:
            if version_of(database, self._path) == VERSION:
                return database
            return _carried_over(database, self._path)
        except UNREADABLE as error:
            database.close()
            raise from_sqlite(self._path, error, "read") from error
        except StoreError:
            database.close()
            raise

    def _writable(self, machine: str) -> sqlite3.Connection:
        self._prepare_file()
        try:
            if self._access is Access.CONTROL:
                self._lock = self._locked()
            inspect(self._path, self._busy_seconds)
            database = self._connect()
            self._identity = self._file_identity()
            self._marker = Marker(self._path)
            if self._access is Access.CONTROL:
                take(database, Holder(os.getpid(), machine, self._origin.actor, self._clock.now()))
        except (sqlite3.Error, OSError) as error:
            self._let_go()
            raise self._translated(error, "opened") from error
        except StoreError:
            self._let_go()
            raise
        return database

    def _prepare_file(self) -> None:
        """Make folder and file for this user alone; a file that is there stays as it is."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            remote = network_type(self._path.parent)
            if remote:
                finding = f"its folder is on a network file system ({remote}), where entries are not safe"
                raise store_error(self._path, "store-on-network", finding, "name a file on a local volume with --state")
            self._path = self._path.resolve()
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise from_system(self._path, error, "opened") from error

    def _locked(self) -> ControllerLock:
        try:
            return ControllerLock(self._path)
        except StoreError as error:
            if error.problem.code == "store-in-use":
                raise in_use(self._path, self._holder()) from error
            raise

    def _holder(self) -> Holder | None:
        """Who has it; for the sentence only, so whatever goes wrong here says just less."""
        with suppress(StoreError, sqlite3.Error, ValueError), reading(self._path, self._busy_seconds) as database:
            return holder_of(database)
        return None

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=self._busy_seconds, isolation_level=None)
        try:
            for pragma in ("journal_mode = WAL", "synchronous = FULL", f"journal_size_limit = {WAL_BYTES_KEPT}"):
                database.execute(f"PRAGMA {pragma}")
            with _transaction(database):
                version = version_of(database, self._path)
                if version < VERSION:
                    migrate(database, version)
                    self._path.chmod(0o600)
            self._newest = _newest_number(database)
        except (sqlite3.Error, StoreError):
            database.close()
            raise
        return database

    # -- writing

    def acting(self, origin: Origin) -> None:
        """Say on whose behalf all that follows is appended."""
        self._origin = origin

    def append(self, kind: str, data: dict[str, Any]) -> Entry:
        """Write one entry and wait until it is on disk."""
        with self._writing() as database:
            entry = self._insert(database, kind, data)
        return self._written(entry)

    def trim(self, retention: Retention) -> int:
        """Let go of what need not be kept, in the same transaction as the entry that says so."""
        gone = expendable(self.entries(), retention, self._clock.now()) if self._is_large(retention) else []
        if not gone:
            return 0
        with self._writing() as database:
            trims = read_entries(database, self._path, f"{SELECT} WHERE kind = ?", (TRIMMED,))
            entry = self._insert(database, TRIMMED, {"entries": len(gone), "ranges": joined(let_go_by(trims), gone)})
            database.executemany("DELETE FROM entries WHERE number = ?", ((number,) for number in gone))
        self._written(entry)
        return len(gone)

    def _is_large(self, retention: Retention) -> bool:
        """Tell cheaply whether more than the slack might go: by the count, and by the age of the entry beyond the slack."""
        oldest = read_entries(self._database, self._path, f"{SELECT} ORDER BY number LIMIT 1 OFFSET ?", (retention.slack,))
        count = int(self._database.execute("SELECT count(*) FROM entries").fetchone()[0])
        too_old = bool(oldest) and oldest[0].at < self._clock.now() - retention.age
        return too_old or count - retention.entries > retention.slack

    def _insert(self, database: sqlite3.Connection, kind: str, data: dict[str, Any]) -> Entry:
        last = read_entries(database, self._path, f"{SELECT} ORDER BY number DESC LIMIT 1")
        if (last[0].number if last else 0) < self._newest:
            finding = f"entry {self._newest} was written and is gone: the file was replaced under a running process"
            raise store_error(self._path, "store-entries-missing", finding, "stop, put the right file back, and start again")
        plain = _plain(data)
        entry = next_entry(last[0] if last else None, self._clock.now(), kind, plain, self._origin)
        database.execute(INSERT, row_of(entry))
        return entry

    def _written(self, entry: Entry) -> Entry:
        self._newest = entry.number
        if self._marker:
            self._marker.write(entry)
        return entry

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        self._refuse_if_unfit()
        try:
            with _transaction(self._database):
                yield self._database
        except sqlite3.Error as error:
            failed = self._translated(error, "written")
            # What a failed sync left on disk nobody knows: whoever asks again must not be told that all is well.
            self._spoilt = None if failed.problem.code in PASSING else failed
            raise failed from error

    def _refuse_if_unfit(self) -> None:
        if self._access is Access.READ:
            raise store_error(self._path, "store-read-only", "it was opened for reading", "open it for writing")
        if self._spoilt:
            raise self._spoilt
        if self._file_identity() != self._identity:
            finding = "the file was removed or replaced under a running process; nothing is written to what nobody can find"
            raise store_error(self._path, "store-replaced", finding, "stop, put the right file in its place, and start again")

    def _file_identity(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return (found.st_dev, found.st_ino)

    # -- reading

    def entries(
        self, *, kinds: Collection[str] = (), about: str | None = None, after: int = 0, limit: int | None = None
    ) -> list[Entry]:
        """Return entries, oldest first; see the port."""
        where = ["number > ?"]
        values: list[object] = [after, *sorted(kinds)]
        if kinds:
            where.append(f"kind IN ({_marks(kinds)})")
        if about is not None:
            where.append(ABOUT)
            values += [about.casefold()] * ABOUT.count("?")
        query = f"{SELECT} WHERE {' AND '.join(where)} ORDER BY number DESC LIMIT ?"
        return read_entries(self._database, self._path, query, [*values, -1 if limit is None else limit])[::-1]

    def latest(self, kinds: Collection[str]) -> list[Entry]:
        """Return for each subject the newest of its entries of these kinds, oldest first."""
        newest = f"SELECT max(number) FROM entries WHERE kind IN ({_marks(kinds)}) GROUP BY subject"
        return read_entries(self._database, self._path, f"{SELECT} WHERE number IN ({newest}) ORDER BY number", sorted(kinds))

    # -- the end

    def close(self) -> None:
        """Close the file and let others control it."""
        if self._lock and not self._spoilt:
            with suppress(sqlite3.Error):
                give_back(self._database)
        self._database.close()
        self._let_go()

    def _let_go(self) -> None:
        if self._marker:
            self._marker.close()
        if self._lock:
            self._lock.close()
        self._marker = self._lock = None

    def _translated(self, error: sqlite3.Error | OSError, doing: str) -> StoreError:
        if isinstance(error, sqlite3.Error):
            return from_sqlite(self._path, error, doing)
        return from_system(self._path, error, doing)


def _carried_over(database: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    """A reader changes no file: it looks at an older schema through a copy in memory."""
    copy = sqlite3.connect(":memory:", isolation_level=None)
    database.backup(copy)
    database.close()
    with _transaction(copy):
        migrate(copy, version_of(copy, path))
    return copy


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            with suppress(sqlite3.Error):
                database.execute("ROLLBACK")
        raise


def _newest_number(database: sqlite3.Connection) -> int:
    return int(database.execute("SELECT coalesce(max(number), 0) FROM entries").fetchone()[0])


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(canonical_json(data))
    return plain


def _marks(values: Collection[str]) -> str:
    return ", ".join("?" * len(values))

"""The store on disk under everything that disks, people and crashes do: nothing lost without a word, nothing pretended."""

import os
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler.clock import ManualClock
from reconciler.store import Access, Entry, Origin, SqliteStore, StoreError
from reconciler.store.chain import breaches
from reconciler.store.volume import network_type_by

START = datetime(2026, 11, 22, 10, tzinfo=UTC)
COLUMNS = "number INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL"
JOURNAL = f"CREATE TABLE entries ({COLUMNS}) STRICT"
IMPORTS = (
    "import os, signal; from pathlib import Path; from reconciler.clock import SystemClock; from reconciler.store import *"
)


def opened(file: Path, access: Access = Access.CONTROL, actor: str = "alice@ws1") -> SqliteStore:
    """Return a store that waits for nobody."""
    origin = Origin(actor, "apply")
    return SqliteStore(file, ManualClock(START), access=access, origin=origin, machine="ws1", busy_seconds=0)


def filled(file: Path, number: int = 30) -> list[Entry]:
    """Make a store with that many entries, closed in order, and return them."""
    store = opened(file)
    written = [
        store.append("intent", {"step": {"id": f"s{one}", "virtualMachine": {"id": f"id{one}"}}}) for one in range(number)
    ]
    store.close()
    return written


def as_after_a_crash(file: Path, copy: Path) -> Path:
    """Copy what lies on disk of a store that is open: its process may die at any moment."""
    copy.mkdir()
    for part in file.parent.glob(f"{file.name}*"):
        if not part.name.endswith("-shm"):
            shutil.copy(part, copy / part.name)
    return copy / file.name


def bytes_of(file: Path) -> dict[str, bytes]:
    """Return the bytes of a store and of its log where that holds any."""
    parts = (file, file.with_name(f"{file.name}-wal"))
    return {part.name: part.read_bytes() for part in parts if part.exists() and part.stat().st_size}


def refusal(file: Path, access: Access = Access.CONTROL) -> StoreError:
    """Return why a store is not opened."""
    with pytest.raises(StoreError) as caught:
        opened(file, access)
    return caught.value


# -- durable, and seen by others


def test_an_entry_is_durable_when_append_returns(tmp_path: Path) -> None:
    """Nobody has to close anything: the process may be killed in the next moment."""
    file = tmp_path / "store.sqlite3"
    program = (
        f"{IMPORTS}\n"
        f"store = SqliteStore(Path({str(file)!r}), SystemClock())\n"
        "for one in range(20): store.append('intent', {'step': {'id': one}})\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program], check=False, timeout=60)

    store = opened(file)
    assert [entry.data["step"]["id"] for entry in store.entries()] == list(range(20))
    store.close()


def test_file_and_folder_are_for_this_user_alone(tmp_path: Path) -> None:
    """What a fleet does is nobody else's to read."""
    file = tmp_path / "state" / "store.sqlite3"
    store = opened(file)
    store.append("intent", {})

    modes = {part.name: stat.S_IMODE(part.stat().st_mode) for part in file.parent.iterdir() if not part.name.endswith(".lock")}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    store.close()


def test_readers_read_and_holds_are_recorded_while_somebody_controls(tmp_path: Path) -> None:
    """One controller; a look at the history and a word from an operator pass beside it, and the chain stays one."""
    file = tmp_path / "store.sqlite3"
    controller = opened(file)
    controller.append("intent", {})
    beside = opened(file, Access.RECORD, "bob@ws2")
    beside.append("hold", {"name": "web1", "owner": "bob"})
    controller.append("outcome", {})
    reader = opened(file, Access.READ)

    entries = reader.entries()
    assert [entry.origin.actor for entry in entries] == ["alice@ws1", "bob@ws2", "alice@ws1"]
    assert list(breaches(entries, [])) == []
    for store in (beside, reader, controller):
        store.close()


def test_a_second_controller_is_told_who_the_first_is_and_what_to_do(tmp_path: Path) -> None:
    """By process, machine and user; and nothing of the first is disturbed."""
    file = tmp_path / "store.sqlite3"
    first = opened(file)

    problem = refusal(file).problem

    assert problem.code == "store-in-use"
    assert f"process {os.getpid()} on ws1 (alice@ws1), since 2026-11-22 10:00:00Z" in problem.finding
    assert "let it end" in problem.remedy
    first.append("intent", {})
    first.close()
    opened(file).close()


def test_a_link_to_the_store_is_the_same_store(tmp_path: Path) -> None:
    """Two names for one file do not make two controllers."""
    file, link = tmp_path / "store.sqlite3", tmp_path / "link.sqlite3"
    first = opened(file)
    link.symlink_to(file)

    assert refusal(link).problem.code == "store-in-use"
    first.close()


# -- what cannot be written


def test_a_full_disk_is_said_and_nothing_before_it_is_lost(tmp_path: Path) -> None:
    """The entry that did not fit is not there; when there is room again, the same store goes on."""
    file = tmp_path / "store.sqlite3"
    filled(file, 3)
    store = opened(file)
    pages = store._database.execute("PRAGMA page_count").fetchone()[0]
    store._database.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(StoreError, match="store-full: not written: there is no room") as caught:
        store.append("applied", {"machines": [os.urandom(40).hex() for _ in range(1000)]})
    assert "make room" in caught.value.problem.remedy

    store._database.execute("PRAGMA max_page_count = 100000")
    assert store.append("intent", {}).number == 4
    store.close()


def test_a_sync_that_failed_is_never_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What such a failure left on disk nobody knows, so the same connection is not asked again."""

    class Failing(sqlite3.Connection):
        fails = False

        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            if self.fails and sql == "COMMIT":
                error = sqlite3.OperationalError("disk I/O error")
                error.sqlite_errorname, error.sqlite_errorcode = "SQLITE_IOERR_FSYNC", sqlite3.SQLITE_IOERR_FSYNC
                raise error
            return super().execute(sql, *values)

    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **options: real(*args, **options, factory=Failing))
    store = opened(tmp_path / "store.sqlite3")
    store.append("intent", {})
    monkeypatch.setattr(Failing, "fails", True)
    with pytest.raises(StoreError, match="store-io"):
        store.append("intent", {})
    monkeypatch.setattr(Failing, "fails", False)

    with pytest.raises(StoreError, match="store-io"):
        store.append("intent", {})
    assert len(store.entries()) == 1
    store.close()


def test_a_lock_that_is_not_given_up_is_said(tmp_path: Path) -> None:
    """While another process writes, nothing is pretended to be written; afterwards the same store goes on."""
    file = tmp_path / "store.sqlite3"
    store = opened(file)
    rival = sqlite3.connect(file, isolation_level=None)
    rival.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreError, match="store-locked: not written: another process holds it for writing"):
        store.append("intent", {})

    rival.close()
    assert store.append("intent", {}).number == 1
    store.close()


def test_a_store_opened_for_reading_takes_no_entry(tmp_path: Path) -> None:
    """Nor is anything started on the strength of one."""
    filled(tmp_path / "store.sqlite3", 1)
    reader = opened(tmp_path / "store.sqlite3", Access.READ)

    with pytest.raises(StoreError, match="store-read-only"):
        reader.append("intent", {})
    reader.close()


def test_a_folder_where_nothing_can_be_made_is_said(tmp_path: Path) -> None:
    """With the path and what to do; a file stands in place of the folder, which stops every user, root among them."""
    (tmp_path / "state").write_text("a file", encoding="utf-8")

    problem = refusal(tmp_path / "state" / "store.sqlite3").problem

    assert (problem.code, problem.subject) == ("store-cannot-open", f"store {tmp_path / 'state' / 'store.sqlite3'}")
    assert "--state" in problem.remedy


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root may write everywhere")
@pytest.mark.parametrize("mode", [0o400, 0o600])
def test_a_file_or_folder_that_may_not_be_written_is_refused(mode: int) -> None:
    """By file mode as ordinary users meet it; a reader is served all the same."""
    with tempfile.TemporaryDirectory() as reachable:  # by that user, which pytest's folders are not
        file = Path(reachable) / "state" / "store.sqlite3"
        filled(file, 3)
        os.chmod(reachable, 0o755)
        prefix: list[str] = []
        if os.geteuid() == 0:
            prefix = ["setpriv", "--reuid=65534", "--clear-groups"]
            for part in (file, file.parent):
                os.chown(part, 65534, -1)
        file.chmod(mode)
        file.parent.chmod(0o500)
        program = (
            f"{IMPORTS}\n"
            f"file = Path({str(file)!r})\n"
            "try: SqliteStore(file, SystemClock())\n"
            "except StoreError as error: print(error.problem.code)\n"
            "print(len(SqliteStore(file, SystemClock(), access=Access.READ).entries()))\n"
        )
        done = subprocess.run([*prefix, sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
        file.parent.chmod(0o700)

    assert done.stdout.split() in (["store-cannot-open", "3"], ["store-read-only", "3"]), done.stderr


def test_a_file_removed_under_a_running_process_is_noticed(tmp_path: Path) -> None:
    """An entry in a file that nobody can find again would not be durable."""
    file = tmp_path / "store.sqlite3"
    store = opened(file)
    store.append("intent", {})
    file.rename(tmp_path / "elsewhere.sqlite3")

    with pytest.raises(StoreError, match="store-replaced"):
        store.append("intent", {})
    store.close()


def test_a_network_file_system_is_refused_by_its_type() -> None:
    """The mount point nearest to the folder counts, and a name that merely begins alike does not."""
    mounts = "/dev/sda1 / ext4 rw\nnas:/vol /nas nfs4 rw\n//f/s /mnt/a\\040b cifs rw\ntmpfs /nas/local tmpfs rw\n"
    expected = {"/var": None, "/nas/x": "nfs4", "/nas2": None, "/mnt/a b": "cifs", "/nas/local": None}

    assert {folder: network_type_by(mounts, folder) for folder in expected} == expected


# -- what is damaged, old, or too new


def test_no_flipped_byte_loses_an_entry_without_a_word(tmp_path: Path) -> None:
    """In the file or in its log, of an open store or a closed one: every entry is there, or the store is refused untouched."""
    file = tmp_path / "store.sqlite3"
    store = opened(file)
    written = [store.append("intent", {"step": {"id": f"s{one}"}}) for one in range(30)]
    crashed = as_after_a_crash(file, tmp_path / "crashed")
    store.close()
    closed = as_after_a_crash(file, tmp_path / "closed")
    draw = random.Random(7)
    refused = 0
    for number in range(120):
        origin = draw.choice([crashed, closed])
        parts = [part for part in origin.parent.iterdir() if part.name.endswith(("sqlite3", "-wal")) and part.stat().st_size]
        victim = as_after_a_crash(origin, tmp_path / f"flip{number}")
        part = victim.with_name(draw.choice(parts).name)
        content = bytearray(part.read_bytes())
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        part.write_bytes(content)
        refused += _refused_or_whole(victim, written)
    assert refused > 20


def _refused_or_whole(file: Path, written: list[Entry]) -> bool:
    before = bytes_of(file)
    try:
        store = opened(file)
    except StoreError as error:
        code, after = error.problem.code, bytes_of(file)
    else:
        assert store.entries() == written
        store.close()
        return False
    assert code in ("store-damaged", "store-entries-missing", "store-foreign", "store-too-new")
    assert after == before
    return True


def test_a_torn_tail_that_nobody_was_promised_is_dropped(tmp_path: Path) -> None:
    """A process that dies while it writes leaves half an entry; those before it are all there."""
    file = tmp_path / "store.sqlite3"
    store = opened(file)
    written = [store.append("intent", {"step": {"id": f"s{one}"}}) for one in range(5)]
    promised = as_after_a_crash(file, tmp_path / "before")
    store.append("intent", {"step": {"id": "the last"}})
    log = as_after_a_crash(file, tmp_path / "after").with_name("store.sqlite3-wal").read_bytes()
    before = promised.with_name("store.sqlite3-wal").read_bytes()
    promised.with_name("store.sqlite3-wal").write_bytes(before + log[len(before) : len(before) + 3000])

    found = opened(promised)

    assert found.entries() == written
    found.close()
    store.close()


def test_an_old_backup_in_place_of_the_store_is_noticed(tmp_path: Path) -> None:
    """The mark beside it knows better; whoever wants to go on with the backup takes the mark away."""
    file = tmp_path / "store.sqlite3"
    filled(file, 3)
    backup = file.read_bytes()
    store = opened(file)
    store.append("hold", {"name": "web1", "owner": "bob"})
    store.close()
    file.write_bytes(backup)

    problem = refusal(file).problem

    assert problem.code == "store-entries-missing"
    assert "ends with entry 3, but entry 4 was written" in problem.finding
    assert f"remove {file}.head" in problem.remedy
    assert file.read_bytes() == backup
    file.with_name("store.sqlite3.head").unlink()
    opened(file).close()


def test_an_entry_that_somebody_edited_is_seen(tmp_path: Path) -> None:
    """What was done to whom, and why, is not rewritten quietly."""
    file = tmp_path / "store.sqlite3"
    filled(file, 5)
    with sqlite3.connect(file) as database:
        database.execute("UPDATE entries SET actor = 'mallory@ws9' WHERE number = 3")
    database.close()

    assert "entry 3 is not as it was written" in refusal(file).problem.finding


@pytest.mark.parametrize(
    ("sql", "code"),
    [("PRAGMA user_version = 99", "store-too-new"), ("CREATE TABLE other (x)", "store-foreign")],
    ids=["newer schema", "somebody else's database"],
)
def test_a_file_that_is_not_ours_to_write_is_refused_untouched(tmp_path: Path, sql: str, code: str) -> None:
    """For writing as for reading."""
    file = tmp_path / "store.sqlite3"
    with sqlite3.connect(file) as database:
        database.execute(sql)
    database.close()
    before = file.read_bytes()

    assert {refusal(file, access).problem.code for access in Access} == {code}
    assert file.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    """Its bytes stay for whoever can read them, and the remedy says how to put it aside."""
    file = tmp_path / "store.sqlite3"
    file.write_bytes(b"this is not a database, but somebody's notes" * 100)
    before = file.read_bytes()

    problem = refusal(file).problem

    assert problem.code == "store-damaged"
    assert "put the file aside" in problem.remedy
    assert file.read_bytes() == before


def journal_of_old(file: Path) -> None:
    """Make a journal as the first version wrote it."""
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute(JOURNAL)
    rows = [("2026-11-01T10:00:00+00:00", "role-removed", '{"machine": "id1", "owed": true, "settings": {"a": 1}}')]
    rows += [("2026-11-02T10:00:00+00:00", "outcome", '{"id": "ID2", "subject": "virtualMachine/Web2", "state": "done"}')]
    database.executemany("INSERT INTO entries (at, kind, data) VALUES (?, ?, ?)", rows)
    database.close()


@pytest.mark.parametrize("access", [Access.CONTROL, Access.READ])
def test_a_journal_of_the_first_version_is_carried_over(tmp_path: Path, access: Access) -> None:
    """Every entry, in order, sealed; a reader sees the same without changing the file."""
    file = tmp_path / "journal.sqlite3"
    journal_of_old(file)
    before = file.read_bytes()

    store = opened(file, access)

    entries = store.entries()
    assert [(entry.at.day, entry.kind, entry.subject, entry.name) for entry in entries] == [
        (1, "role-removed", "id1", ""),
        (2, "outcome", "id2", "web2"),
    ]
    assert entries[0].data == {"machine": "id1", "owed": True, "settings": {"a": 1}}
    assert list(breaches(entries, [])) == []
    store.close()
    assert (file.read_bytes() == before) == (access is Access.READ)


def test_a_crash_in_a_migration_leaves_the_old_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All or nothing; the next start carries over."""
    file = tmp_path / "journal.sqlite3"
    journal_of_old(file)
    stop: Callable[..., object] = lambda *_: (_ for _ in ()).throw(sqlite3.OperationalError("stopped"))  # noqa: E731
    with monkeypatch.context() as patched:
        patched.setattr("reconciler.store.schema.row_of", stop)
        assert refusal(file).problem.code == "store-failed"

    store = opened(file)
    assert len(store.entries()) == 2
    store.close()

"""The journal: what was written is there after a restart, and a journal that cannot be written stops everything."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.clock import ManualClock
from reconciler.journal import Journal, JournalError, MemoryJournal, SqliteJournal

START = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.fixture(params=["memory", "sqlite"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    clock = ManualClock(START)
    made: Journal = MemoryJournal(clock) if request.param == "memory" else SqliteJournal(tmp_path / "j.sqlite3", clock)
    yield made
    made.close()


def test_entries_come_back_in_the_order_they_were_written(journal: Journal) -> None:
    """Order, time, kind and data survive."""
    journal.append("intent", {"step": {"id": "s1"}})
    journal.append("outcome", {"state": "done"})

    assert [(entry.at, entry.kind, entry.data) for entry in journal.entries()] == [
        (START, "intent", {"step": {"id": "s1"}}),
        (START, "outcome", {"state": "done"}),
    ]


def test_a_second_process_reads_what_the_first_wrote(tmp_path: Path) -> None:
    """An entry is durable when append returns, also if nobody closes the file."""
    file = tmp_path / "state" / "journal.sqlite3"
    first = SqliteJournal(file, ManualClock(START))
    first.append("role-removed", {"machine": "11"})

    second = SqliteJournal(file, ManualClock(START))

    assert [entry.kind for entry in second.entries()] == ["role-removed"]
    first.close()
    second.close()


def test_a_file_that_is_no_journal_is_refused_and_kept(tmp_path: Path) -> None:
    """A damaged file is a clear error, and its bytes stay for whoever can read them."""
    file = tmp_path / "journal.sqlite3"
    file.write_bytes(b"this is not a database, but somebody's notes" * 100)
    before = file.read_bytes()

    with pytest.raises(JournalError, match=r"cannot open the journal .*journal\.sqlite3"):
        SqliteJournal(file, ManualClock(START))

    assert file.read_bytes() == before


def test_a_write_that_fails_is_an_error_of_its_own(tmp_path: Path) -> None:
    """While another process holds the file for writing, nothing is pretended to be written."""
    file = tmp_path / "journal.sqlite3"
    journal = SqliteJournal(file, ManualClock(START), busy_seconds=0)
    rival = sqlite3.connect(file, isolation_level=None)
    rival.execute("BEGIN EXCLUSIVE")

    with pytest.raises(JournalError, match="cannot write"):
        journal.append("intent", {})

    rival.close()
    journal.close()

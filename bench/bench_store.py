"""What the store costs: an entry, an opening, a check of the whole chain, and its size when it is as full as it gets.

Run: python -m bench.bench_store [entries]
"""

import os
import sqlite3
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reconciler.clock import ManualClock, SystemClock
from reconciler.store import Access, Entry, Origin, Retention, SqliteStore
from reconciler.store.chain import breaches, next_entry
from reconciler.store.kinds import INTENT, OUTCOME
from reconciler.store.rows import INSERT, row_of

START = datetime(2026, 1, 1, tzinfo=UTC)
ORIGIN = Origin("alice@ws1", "apply", "4be1c9d0" * 5, "sha256:" + "3f" * 32)


def fill(file: Path, number: int) -> None:
    """Write intents and outcomes as a real run does, in one transaction, for here nobody waits for the disk."""
    SqliteStore(file, ManualClock(START)).close()
    database, last = sqlite3.connect(file), None
    for one in range(number):
        kind, data = (INTENT, intent(one // 2)) if one % 2 == 0 else (OUTCOME, outcome(one // 2))
        last = next_entry(last, START + timedelta(seconds=one * 100), kind, data, ORIGIN)
        database.execute(INSERT, row_of(last))
    database.commit()
    database.close()


def intent(one: int) -> dict[str, object]:
    """Return the data of an intent with one disk."""
    machine = {"id": f"0a0b0c0d-0000-0000-0000-{one % 25000:012}", "name": f"machine-{one % 25000}"}
    disk = {"file": "disk.vhdx", "from": r"C:\ClusterStorage\Volume1\m\disk.vhdx", "to": r"D:\VMs\m\disk.vhdx", "bytes": 10**11}
    step = {"id": f"s{one}", "action": "liveMigrationWithStorage", "source": "Host1", "destination": "Host2", "storage": [disk]}
    return {"step": step | {"virtualMachine": machine, "because": "desired-state/vms/web.yaml:12", "estimatedSeconds": 312.5}}


def outcome(one: int) -> dict[str, object]:
    """Return the data of what came of it."""
    name = f"machine-{one % 25000}"
    times = {"startedAt": "2026-01-01T00:00:00Z", "endedAt": "2026-01-01T00:05:00Z", "estimatedSeconds": 312.5}
    return {"id": f"0a0b0c0d-0000-0000-0000-{one % 25000:012}", "subject": f"virtualMachine/{name}", "state": "done"} | times


def say(text: str) -> None:
    """Print one line."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def timed(what: str, work: object) -> object:
    """Run, print the seconds, return the answer."""
    began = time.perf_counter()
    answer = work()  # type: ignore[operator]
    say(f"{what}: {time.perf_counter() - began:.3f} s")
    return answer


def main() -> None:
    """Measure, each answer checked first."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        file = Path(folder) / "store.sqlite3"
        fill(file, number)
        say(f"{number:,} entries, {file.stat().st_size / number:.0f} bytes each, {file.stat().st_size >> 20} MiB")
        store = timed("open (quick_check, tail, lock)", lambda: SqliteStore(file, SystemClock(), access=Access.CONTROL))
        assert isinstance(store, SqliteStore)
        many: list[Entry] = []
        timed("200 appends, each synced", lambda: many.extend(store.append(INTENT, intent(one)) for one in range(200)))
        assert [entry.number for entry in store.entries(limit=200)] == [entry.number for entry in many]
        found = timed("all of one machine", lambda: store.entries(about="machine-7"))
        assert found
        timed("the latest of each machine", lambda: store.latest((INTENT, OUTCOME)))
        broken = timed("verify the whole chain", lambda: list(breaches(store.entries(), [])))
        assert broken == []
        gone = timed("trim to half", lambda: store.trim(Retention(age=timedelta(days=10**5), entries=number // 2, slack=0)))
        say(f"let go: {gone}")
        store.close()
        timed("open once more", lambda: SqliteStore(file, SystemClock()).close())
        say(f"size: {file.stat().st_size >> 20} MiB; load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()

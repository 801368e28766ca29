"""Runtime holds: who holds what, and until when, as the entries of a store amount to it."""

from datetime import UTC, datetime, timedelta

from reconciler.clock import ManualClock
from reconciler.model.hold import MachineHold
from reconciler.store import MemoryStore, Origin
from reconciler.store.holds import active_holds, hold_data, release_data
from reconciler.store.kinds import HOLD, RELEASE

START = datetime(2026, 11, 22, 10, tzinfo=UTC)
DAY = timedelta(days=1)


def hold(name: str = "web1", owner: str = "ops", until: datetime | None = None, reason: str = "vendor") -> MachineHold:
    return MachineHold(name, owner, reason, START, None, until, "alice@ws1")


def store_with(*holds: MachineHold) -> MemoryStore:
    store = MemoryStore(ManualClock(START))
    store.acting(Origin("alice@ws1", "hold"))
    for one in holds:
        store.append(HOLD, hold_data(one))
    return store


def test_a_hold_comes_back_as_it_was_placed() -> None:
    """Owner, reason and end as given; by whom and when as the entry says."""
    placed = hold(until=START + DAY)

    assert active_holds(store_with(placed).entries(), START) == (placed,)


def test_a_hold_lapses_by_the_clock_that_is_handed_in() -> None:
    """At its end, not a moment before, and without anybody writing anything."""
    entries = store_with(hold(until=START + DAY)).entries()

    assert len(active_holds(entries, START + DAY - timedelta(microseconds=1))) == 1
    assert active_holds(entries, START + DAY) == ()


def test_owners_hold_independently_of_each_other() -> None:
    """Nobody shortens or lifts what another asked for; the same owner's later word counts."""
    store = store_with(hold(owner="ops"), hold(owner="dba"), hold(owner="OPS", until=START + DAY))
    assert [(one.owner, one.until) for one in active_holds(store.entries(), START)] == [("dba", None), ("OPS", START + DAY)]

    store.append(RELEASE, release_data(hold(owner="Ops")))
    assert [one.owner for one in active_holds(store.entries(), START)] == ["dba"]

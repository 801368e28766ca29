"""What every store keeps to, whatever it is made of; the passes rely on nothing else."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.clock import ManualClock
from reconciler.store import MemoryStore, Origin, Retention, SqliteStore, Store
from reconciler.store.chain import breaches, let_go_by
from reconciler.store.kinds import (
    APPLIED,
    HOLD,
    IN_FORCE,
    INTENT,
    OUTCOME,
    PAUSED,
    PLAN_APPROVED,
    RELEASE,
    ROLE_REMOVED,
    ROLE_RESTORED,
    TRIMMED,
)
from reconciler.store.plans import approval_data

START = datetime(2026, 11, 22, 10, tzinfo=UTC)
ID = "0A0B0C0D-0000-0000-0000-00000000000"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    made: Store = MemoryStore(clock) if request.param == "memory" else SqliteStore(tmp_path / "store.sqlite3", clock)
    yield made
    made.close()


def intent(number: int, name: str) -> dict[str, Any]:
    """Return the data of an intent to move a machine."""
    return {"step": {"id": f"s{number}", "virtualMachine": {"id": f"{ID}{number}", "name": name}}}


def outcome(number: int, name: str, state: str = "done") -> dict[str, Any]:
    """Return the data of what came of it."""
    return {"id": f"{ID}{number}", "subject": f"virtualMachine/{name}", "state": state}


def numbers(store: Store, **filters: Any) -> list[int]:
    """Return the numbers of the entries that a store finds."""
    return [entry.number for entry in store.entries(**filters)]


def chain_of(store: Store) -> list[str]:
    """Return what is wrong with a store's chain."""
    return list(breaches(store.entries(), let_go_by(store.entries(kinds=(TRIMMED,)))))


def test_entries_come_back_in_the_order_they_were_written(store: Store, clock: ManualClock) -> None:
    """Order, time, kind and data survive, and what the caller does to its data later changes nothing."""
    data = {"step": {"id": "s1"}, "names": ["größe", "\u202e"]}
    store.append("intent", data)
    clock.sleep(1.5)
    store.append("outcome", {"state": "done", "seconds": 0.1})
    data["step"] = "something else"

    assert [(entry.at, entry.kind, entry.data) for entry in store.entries()] == [
        (START, "intent", {"step": {"id": "s1"}, "names": ["größe", "\u202e"]}),
        (START + timedelta(seconds=1.5), "outcome", {"state": "done", "seconds": 0.1}),
    ]


def test_append_returns_what_entries_will_show(store: Store) -> None:
    """Numbers count from 1; nothing is added to an entry later."""
    written = [store.append("intent", intent(1, "web1")), store.append("outcome", outcome(1, "web1"))]

    assert store.entries() == written
    assert [entry.number for entry in written] == [1, 2]


def test_long_data_comes_back_unaltered(store: Store) -> None:
    """A plan of thousands of machines is an entry like any other."""
    data = {"machines": [f"machine-{number}" for number in range(5000)]}
    store.append(APPLIED, data)

    assert store.entries()[0].data == data
    assert chain_of(store) == []


def test_entries_say_on_whose_behalf_they_were_written(store: Store) -> None:
    """Who, by which command, for which commit: of each entry by itself, also when a service changes to the next commit."""
    first, second = (Origin("alice@ws1", "apply", commit, f"sha256:{commit}") for commit in ("c1", "c2"))
    store.acting(first)
    store.append("intent", {})
    store.acting(second)
    store.append("intent", {})

    assert [entry.origin for entry in store.entries()] == [first, second]


def test_entries_are_found_by_kind_and_number_and_limit(store: Store) -> None:
    """The newest are returned where there are too many, and still oldest first."""
    for kind in ("a", "b", "a", "c", "a"):
        store.append(kind, {})

    assert numbers(store, kinds=("a",)) == [1, 3, 5]
    assert numbers(store, kinds=("b", "c")) == [2, 4]
    assert numbers(store, limit=2) == [4, 5]
    assert numbers(store, kinds=("a",), limit=1) == [5]
    assert numbers(store, limit=0) == []
    assert numbers(store, after=3) == [4, 5]
    assert numbers(store, kinds=("none",)) == []


def test_all_that_concerns_a_machine_is_found_by_its_name_or_its_id(store: Store) -> None:
    """Entries that know only the VMId belong to the name as well; case does not matter, and no other machine's slip in."""
    store.append(INTENT, intent(1, "Web1"))
    store.append(INTENT, intent(2, "web2"))
    store.append(ROLE_REMOVED, {"machine": f"{ID}1", "settings": {}})
    store.append("attempt-failed", {"key": f"role/{ID}1", "detail": "no"})
    store.append(HOLD, {"machine": None, "name": "WEB1", "owner": "bob", "reason": "", "until": None})
    store.append(INTENT, {"step": {"host": "H1", "action": "configureHost"}})

    assert numbers(store, about="wEB1") == [1, 3, 4, 5]
    assert numbers(store, about=f"{ID}1".lower()) == [1, 3, 4]
    assert numbers(store, about="web2") == [2]
    assert numbers(store, about="host/h1") == numbers(store, about="H1") == [6]
    assert numbers(store, about="web") == []
    assert numbers(store, about="web1", kinds=(ROLE_REMOVED,)) == [3]


def test_the_latest_of_each_subject_tells_what_is_still_open(store: Store) -> None:
    """One entry a machine, the newest of the kinds asked for."""
    store.append(INTENT, intent(1, "web1"))
    store.append(INTENT, intent(2, "web2"))
    store.append(OUTCOME, outcome(1, "web1"))
    store.append(ROLE_REMOVED, {"machine": f"{ID}2"})

    assert [(entry.number, entry.kind) for entry in store.latest((INTENT, OUTCOME))] == [(2, INTENT), (3, OUTCOME)]
    assert store.latest(()) == []


def test_every_entry_is_chained_to_the_one_before(store: Store) -> None:
    """The chain of what was written is sound, and its first link stands alone."""
    for number in range(3):
        store.append(INTENT, intent(number, f"web{number}"))

    first, second, third = store.entries()
    assert (first.previous, second.previous, third.previous) == ("", first.seal, second.seal)
    assert chain_of(store) == []


KEPT: list[tuple[str, Callable[[Store], object]]] = [
    ("an intent nobody knows the end of", lambda store: store.append(INTENT, intent(9, "open"))),
    ("a role that is owed", lambda store: store.append(ROLE_REMOVED, {"machine": f"{ID}9", "owed": True})),
    ("a hold without end", lambda store: store.append(HOLD, hold("held", "bob"))),
    ("an approval that nobody used", lambda store: store.append(PLAN_APPROVED, approval_data("sha256:" + "a" * 64))),
    ("the revision in force", lambda store: store.append(IN_FORCE, {"revision": "c1"})),
    ("a pause", lambda store: store.append(PAUSED, {"reason": "audit"})),
    ("the machines last applied", lambda store: store.append(APPLIED, {"machines": ["web1"]})),
]


def hold(name: str, owner: str, until: datetime | None = None) -> dict[str, Any]:
    """Return the data of a hold."""
    return {
        "machine": None,
        "name": name,
        "owner": owner,
        "reason": "vendor",
        "until": until.isoformat() if until else None,
    }


@pytest.mark.parametrize(("what", "write"), KEPT, ids=[what for what, _ in KEPT])
def test_what_is_still_open_outlives_every_retention(
    store: Store, clock: ManualClock, what: str, write: Callable[[Store], object]
) -> None:
    """However old it is; and the gap around it is written down, so that the chain still counts as whole."""
    for number in range(5):
        store.append(INTENT, intent(number, "web"))
        store.append(OUTCOME, outcome(number, "web"))
    write(store)
    clock.sleep(timedelta(days=500).total_seconds())
    store.append("late", {})

    assert store.trim(Retention(slack=0)) == 10
    assert numbers(store) == [11, 12, 13]
    assert store.entries(kinds=(TRIMMED,))[0].data == {"entries": 10, "ranges": [[1, 10]]}
    assert chain_of(store) == []


def test_what_is_ended_ages_out(store: Store, clock: ManualClock) -> None:
    """A debt that was paid, a hold that lapsed or was released, an earlier list of machines: the newest entry alone stays."""
    store.append(ROLE_REMOVED, {"machine": f"{ID}1", "owed": True})
    store.append(ROLE_RESTORED, {"machine": f"{ID}1"})
    store.append(HOLD, hold("a", "bob", START + timedelta(days=1)))
    store.append(HOLD, hold("b", "bob"))
    store.append(RELEASE, hold("b", "bob"))
    store.append(HOLD, hold("c", "bob"))
    store.append(HOLD, hold("c", "alice"))
    store.append(RELEASE, hold("c", "bob"))
    store.append(APPLIED, {"machines": ["one"]})
    store.append(APPLIED, {"machines": ["two"]})
    clock.sleep(timedelta(days=500).total_seconds())
    store.append("late", {})

    store.trim(Retention(slack=0))

    assert numbers(store) == [7, 10, 11, 12]


def test_a_store_stays_bounded_however_long_it_is_used(store: Store, clock: ManualClock) -> None:
    """Trimming again and again keeps the newest record of all the gaps, and a chain that counts as whole."""
    for number in range(60):
        store.append(INTENT, intent(number % 7, "web"))
        store.append(OUTCOME, outcome(number % 7, "web"))
        clock.sleep(3600)
        if number % 10 == 9:
            store.trim(Retention(entries=15, slack=0))

    assert len(store.entries()) <= 17
    assert len(store.entries(kinds=(TRIMMED,))) <= 2
    assert chain_of(store) == []


def test_nothing_is_let_go_for_less_than_the_slack(store: Store, clock: ManualClock) -> None:
    """Letting go reads everything, so it is done rarely."""
    for _ in range(20):
        store.append("a", {})
    clock.sleep(timedelta(days=500).total_seconds())

    assert store.trim(Retention(slack=19)) == 0
    assert store.trim(Retention(slack=18)) == 19

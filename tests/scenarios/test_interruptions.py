"""Interrupted at any point: the next run ends what was begun, and no machine stays without its high availability.

The controller is killed before and after every single call to a host, with its store kept and with its store lost.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from reconciler.clock import ManualClock
from reconciler.controller import Options, Run
from reconciler.hosts.port import Answer, Call, CancelMigration
from reconciler.model.problem import Problem
from reconciler.model.progress import ApplyReport, OutcomeState, Progress
from reconciler.simulator.fleet import SimulatedHosts
from reconciler.simulator.history import EventKind, movers
from reconciler.simulator.world import World
from reconciler.store import Entry, MemoryStore, StoreError
from reconciler.store.kinds import INTENT
from tests.scenarios.staging import Scenario, Watcher

CROSSING = Scenario("two-clusters")


class Killed(BaseException):
    """The controller is no more; nothing in the program may catch this."""


class MortalHosts:
    """Hosts on which the controller dies at its n-th call, before or after the effect."""

    def __init__(self, hosts: SimulatedHosts, dies_at: int, *, after_effect: bool) -> None:
        self._hosts, self._dies_at, self._after = hosts, dies_at, after_effect
        self.calls = 0

    def ask(self, calls: Sequence[Call]) -> list[Answer]:
        """Ask, or die."""
        self.calls += 1
        if self.calls == self._dies_at and not self._after:
            raise Killed
        answers = self._hosts.ask(calls)
        if self.calls == self._dies_at:
            raise Killed
        return answers

    def close(self) -> None:
        """Nothing is held."""


class Fleet:
    """A world with one clock and one store, and runs against it one after another."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.clock = ManualClock(scenario.observation.observed_at + timedelta(minutes=1))
        self.world = World(scenario.observation, self.clock)
        self.store = MemoryStore(self.clock)
        self.watcher = Watcher()

    def run(self, *, dies_at: int = 0, after_effect: bool = False, options: Options | None = None) -> ApplyReport | None:
        """Apply; None where the controller was killed."""
        hosts = MortalHosts(SimulatedHosts(self.world), dies_at, after_effect=after_effect)
        run = Run(self.scenario.desired, hosts, self.store, self.clock, self.watcher, options or Options())
        try:
            return run.execute()
        except Killed:
            return None
        finally:
            self.calls = hosts.calls

    def machine(self) -> tuple[str, str | None, bool | None]:
        """Host, state and high availability of the one machine."""
        ((host, vm),) = self.world.observation().machines()
        return host.name, vm.state, vm.highly_available


def _calls_of_a_clean_run() -> int:
    fleet = Fleet(CROSSING)
    fleet.run()
    return fleet.calls


@pytest.mark.parametrize("after_effect", [False, True], ids=["before the effect", "after the effect"])
@pytest.mark.parametrize("store_lost", [False, True], ids=["store kept", "store lost"])
def test_a_move_between_clusters_survives_death_at_every_call(after_effect: bool, store_lost: bool) -> None:
    """Wherever the controller dies, the next run brings machine and role to the destination, with one mover at a time."""
    for dies_at in range(1, _calls_of_a_clean_run() + 1):
        fleet = Fleet(CROSSING)
        assert fleet.run(dies_at=dies_at, after_effect=after_effect) is None
        if store_lost:
            fleet.store = MemoryStore(fleet.clock)

        _the_next_run_ends_it(fleet, dies_at)


def _the_next_run_ends_it(fleet: Fleet, interrupted_at: int) -> None:
    fleet.clock.sleep(30)

    report = fleet.run()

    assert report is not None
    assert report.exit_code == 0, (interrupted_at, report)
    assert fleet.machine() == ("Cluster2Node1", "Running", True), interrupted_at
    assert set(movers(fleet.world.events).values()) <= {1}
    assert fleet.world.check() == []


class FullStore(MemoryStore):
    """A store whose n-th write finds no room; once there is room again it goes on from there."""

    def __init__(self, clock: ManualClock, full_at: int) -> None:
        super().__init__(clock)
        self._full_at, self.writes = full_at, 0

    def append(self, kind: str, data: dict[str, Any]) -> Entry:
        """Write, or find the disk full."""
        self.writes += 1
        if self.writes == self._full_at:
            raise StoreError(Problem("store-full", "not written: there is no room", "free space", subject="store"))
        return super().append(kind, data)


def test_a_store_that_is_full_at_any_write_stops_the_run_and_nothing_starts_that_was_not_written_down() -> None:
    """The error is the store's own; every change the fleet has seen was intended; with room again, the next run ends it."""
    for full_at in range(1, _writes_of_a_clean_run() + 1):
        fleet = Fleet(CROSSING)
        fleet.store = FullStore(fleet.clock, full_at)

        with pytest.raises(StoreError, match="store-full"):
            fleet.run()

        intended = [entry.data["step"]["action"] for entry in fleet.store.entries(kinds=(INTENT,))]
        happened = [event.kind for event in fleet.world.events]
        assert not happened or "liveMigration" in intended, full_at
        assert EventKind.ROLE_ADDED not in happened or "addClusterRole" in intended, full_at
        _the_next_run_ends_it(fleet, full_at)


def _writes_of_a_clean_run() -> int:
    fleet = Fleet(CROSSING)
    fleet.store = store = FullStore(fleet.clock, 0)
    fleet.run()
    return store.writes


@pytest.mark.parametrize("store_lost", [False, True], ids=["store kept", "store lost"])
def test_where_the_machine_cannot_go_on_its_role_is_restored_at_the_source(store_lost: bool) -> None:
    """Killed between role off and migration, and then the destination is gone: protection comes back where the machine is."""
    fleet = Fleet(CROSSING)
    removed_at = _call_that_removes_the_role()
    assert fleet.run(dies_at=removed_at, after_effect=True) is None
    assert fleet.machine() == ("Cluster1Node1", "Running", False)
    fleet.world.set_unreachable("Cluster2Node1", True)
    if store_lost:
        fleet.store = MemoryStore(fleet.clock)

    report = fleet.run()

    assert report is not None
    assert report.exit_code == 4
    assert fleet.machine() == ("Cluster1Node1", "Running", True)


def _call_that_removes_the_role() -> int:
    for dies_at in range(1, _calls_of_a_clean_run() + 1):
        fleet = Fleet(CROSSING)
        fleet.run(dies_at=dies_at, after_effect=True)
        if fleet.machine()[2] is False:
            return dies_at
    raise AssertionError("the role was never off")


def test_a_migration_that_the_host_refuses_costs_no_protection() -> None:
    """The role is off, the migration ends in an error: the role is back at the source, and the report says what happened."""
    fleet = Fleet(CROSSING)
    (machine,) = [vm for _, vm in fleet.world.observation().machines()]
    for _ in range(3):
        fleet.world.fail_next_migration(machine.id, 0x8007274C, "connection timed out")

    report = fleet.run(options=Options(attempts=1))

    assert report is not None
    assert report.exit_code == 6
    assert fleet.machine() == ("Cluster1Node1", "Running", True)
    assert "0x8007274C" in " ".join(row.detail for row in report.in_state(OutcomeState.FAILED))


def test_a_failed_migration_is_tried_again_after_a_pause() -> None:
    """One failure is not the end: the machine waits and then moves."""
    fleet = Fleet(Scenario("stand-alone"))
    (machine,) = [vm for _, vm in fleet.world.observation().machines()]
    fleet.world.fail_next_migration(machine.id, 0x800705AA, "out of memory")

    report = fleet.run()

    assert report is not None
    assert [(row.action, row.state) for row in report.outcomes] == [
        ("liveMigration", OutcomeState.FAILED),
        ("liveMigration", OutcomeState.DONE),
    ]
    assert fleet.machine()[0] == "StandAlone2"


def test_ctrl_c_stops_starting_lets_running_migrations_finish_and_the_next_run_adopts_them() -> None:
    """Nothing new starts, what runs is named, and running again follows it to its end."""
    fleet = Fleet(Scenario("concurrent"))
    run = Run(fleet.scenario.desired, SimulatedHosts(fleet.world), fleet.store, fleet.clock, fleet.watcher)

    def interrupt(progress: Progress) -> None:
        if progress.rows:
            run.stop()

    fleet.watcher.on_look = interrupt
    report = run.execute()
    running = len(report.in_state(OutcomeState.RUNNING))

    assert (report.exit_code, report.interrupted) == (130, True)
    assert running >= 3
    assert len(fleet.world.events) == running, "nothing started after the interruption, nothing ended before it"

    fleet.watcher = Watcher()
    again = fleet.run()

    assert again is not None
    assert again.exit_code == 0
    assert len([said for said in fleet.watcher.said if "following it" in said]) == running
    assert set(movers(fleet.world.events).values()) <= {1}


def test_ctrl_c_in_the_middle_of_a_crossing_waits_until_the_role_is_back() -> None:
    """Leaving then would leave the machine unprotected, so the run ends only when it is not."""
    fleet = Fleet(CROSSING)
    run = Run(CROSSING.desired, SimulatedHosts(fleet.world), fleet.store, fleet.clock, fleet.watcher)
    fleet.watcher.on_look = lambda progress: run.stop() if progress.rows else None

    report = run.execute()

    assert report.exit_code == 130
    assert fleet.machine() == ("Cluster2Node1", "Running", True)


def test_a_machine_that_somebody_cancels_is_left_alone() -> None:
    """A person cancelled its migration on the host: that is respected for the rest of the run, and said."""
    fleet = Fleet(Scenario("stand-alone"))

    def cancel(progress: Progress) -> None:
        jobs = fleet.world.observation().host("StandAlone1").running_migrations  # type: ignore[union-attr]
        if jobs and (jobs[0].percent or 0) > 20:
            fleet.world.execute("StandAlone1", CancelMigration(jobs[0].id))

    fleet.watcher.on_look = cancel
    report = fleet.run()

    assert report is not None
    assert [row.state for row in report.outcomes] == [OutcomeState.CANCELLED, OutcomeState.SKIPPED]
    assert report.exit_code == 6
    assert fleet.machine()[0] == "StandAlone1"

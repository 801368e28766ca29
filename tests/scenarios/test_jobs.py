"""What becomes of migrations under way: superseded by a commit, standing still, cancelled, failed with a reason."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler.clock import ManualClock
from reconciler.controller import Controller, Options, Run
from reconciler.controller.cancel import Cancelled, cancel_migration
from reconciler.hosts.port import Answer, Call, ConfigureCluster, Failure, FailureKind, Survey
from reconciler.model import desired as wanted
from reconciler.model import observation as seen
from reconciler.model.desired import Desired, Placement
from reconciler.model.hold import MachineHold
from reconciler.model.problem import Problem
from reconciler.model.progress import OutcomeState
from reconciler.simulator.fleet import SimulatedHosts
from reconciler.simulator.history import over_limit
from reconciler.simulator.world import World
from reconciler.store import MemoryStore
from reconciler.store.holds import hold_data, release_data
from reconciler.store.kinds import HOLD, RELEASE
from tests.builders import a_fleet, a_host, a_vm, desired, desired_vm, source
from tests.scenarios.staging import Scenario, Watcher, on_stage


class Engine:
    """A controller on a simulated fleet, driven pass by pass, and everything that ended on the way."""

    def __init__(self, scenario: str, options: Options | None = None) -> None:
        self.scenario = Scenario(scenario)
        observation = self.scenario.observation
        self.desired = self.scenario.desired
        self.clock = ManualClock(observation.observed_at + timedelta(minutes=1))
        self.world, self.watcher, self.store = World(observation, self.clock), Watcher(), MemoryStore(self.clock)
        self.hosts = SimulatedHosts(self.world)
        self.controller = Controller(self.hosts, self.store, self.clock, self.watcher, options or Options())

    def one_pass(self, desired: Desired | None = None, after: float = 0) -> list[tuple[str, OutcomeState]]:
        """Wait so many seconds, pass once; return what ended."""
        self.clock.sleep(after)
        result = self.controller.pass_once(desired or self.desired)
        return [(row.action, row.state) for row in result.ended]

    def host(self) -> str:
        """Where the one machine is."""
        ((host, _),) = self.world.observation().machines()
        return host.name


def elsewhere(desired: Desired, **placement: Any) -> Desired:
    """Another commit: the machine is wanted where it is."""
    (machine,) = desired.virtual_machines
    at = Placement(field="host", hosts=(placement["host"],))
    return replace(desired, digest="another commit", virtual_machines=(replace(machine, placement=at),))


def test_a_move_that_a_new_commit_no_longer_wants_is_cancelled_and_superseded() -> None:
    """The machine stays whole at its source, nothing is held against it, and it can be asked to move again later."""
    engine = Engine("stand-alone")
    engine.one_pass()
    assert engine.one_pass(elsewhere(engine.desired, host="StandAlone1"), after=5) == []
    assert engine.one_pass(elsewhere(engine.desired, host="StandAlone1"), after=5) == [
        ("liveMigration", OutcomeState.SUPERSEDED)
    ]
    assert engine.host() == "StandAlone1"
    assert "no longer wants this move" in engine.watcher.said[-1]
    assert not engine.controller.starter.memory.attempts

    engine.one_pass()
    assert engine.one_pass(after=3600) == [("liveMigration", OutcomeState.DONE)]


def test_the_same_move_under_another_commit_goes_on() -> None:
    """A commit about something else disturbs nothing."""
    engine = Engine("stand-alone")
    engine.one_pass()

    assert engine.one_pass(replace(engine.desired, digest="another commit"), after=5) == []
    assert engine.one_pass(replace(engine.desired, digest="another commit"), after=3600) == [
        ("liveMigration", OutcomeState.DONE)
    ]


def test_what_only_a_person_can_mend_is_tried_once_and_reported_blocked_with_the_words_of_the_host() -> None:
    """Delegation is missing: no second try, the remedy, and the event that Windows wrote; over WinRM, scripts and all."""
    with on_stage("stand-alone") as theatre:
        ((_, machine),) = theatre.stage.world.observation().machines()
        theatre.stage.world.fail_next_migration(machine.id, 0x8009030E - 2**32, "No credentials are available.")
        report = theatre.apply()

    failed, left = report.outcomes
    assert (failed.state, left.state) == (OutcomeState.FAILED, OutcomeState.BLOCKED)
    assert "delegation missing: set up Kerberos constrained delegation" in failed.detail
    assert "delegation missing" in left.detail
    assert len(failed.events) == 2  # one host each
    assert all("event 21502" in event and "No credentials are available." in event for event in failed.events)
    assert report.exit_code == 6
    kept = [entry.data["events"] for entry in theatre.store.entries() if entry.kind == "attempt-failed"]
    assert kept == [list(failed.events)]


def test_a_migration_that_stands_still_is_told_of_then_cancelled_and_tried_again() -> None:
    """Ten quiet minutes are worth a sentence; beyond its time the host is asked to end it, and the machine stays whole."""
    engine = Engine("stand-alone")
    ((_, machine),) = engine.world.observation().machines()
    engine.world.slow_next_migration(machine.id, 1_000_000)
    engine.one_pass()
    engine.one_pass(after=5)

    assert engine.one_pass(after=14 * 60) == []
    assert "has made no progress for 1" in engine.watcher.said[-1]
    assert engine.one_pass(after=60 * 60) == []
    assert engine.one_pass(after=5) == [("liveMigration", OutcomeState.FAILED)]
    assert engine.host() == "StandAlone1"
    assert [event.kind for event in engine.world.events][-1] == "migrationCancelled"

    engine.one_pass(after=60)
    assert engine.one_pass(after=3600) == [("liveMigration", OutcomeState.DONE)]


def test_a_person_cancels_a_migration_by_the_machines_name() -> None:
    """In any case of letters; the answer is what was seen afterwards."""
    engine = Engine("stand-alone")
    (wanted,) = engine.desired.virtual_machines
    engine.one_pass()
    engine.clock.sleep(5)

    found = cancel_migration(wanted.name.upper(), engine.desired, engine.hosts, engine.clock)

    assert found == Cancelled(True, f"{wanted.name.upper()}: cancelled; it is on StandAlone1, where it was")
    assert engine.one_pass() == [("liveMigration", OutcomeState.CANCELLED)]


@pytest.mark.parametrize("name", ["nobody", "StandAlone1"])
def test_where_nothing_runs_there_is_nothing_to_cancel(name: str) -> None:
    """A problem with a remedy, and no host was asked to change anything."""
    engine = Engine("stand-alone")
    found = cancel_migration(name, engine.desired, engine.hosts, engine.clock)

    assert isinstance(found, Problem)
    assert found.code == "no-such-migration"
    assert not engine.world.events


class Counting(SimulatedHosts):
    """Hosts that count how often one is surveyed, and remember how many the last survey asked."""

    surveys, last = 0, 0

    def ask(self, calls: Sequence[Call]) -> list[Answer]:
        """Count and ask."""
        asked = sum(isinstance(call.operation, Survey) for call in calls)
        self.surveys, self.last = self.surveys + asked, asked or self.last
        return super().ask(calls)


def test_surveys_of_only_the_hosts_concerned_lead_to_the_same_end_with_fewer_questions() -> None:
    """Five machines leave one of twelve hosts: all in place, every limit kept, and the last look is at the whole fleet."""
    machines = [a_vm(f"vm{number}") for number in range(5)]
    observation = a_fleet(a_host("Host1", *machines), *(a_host(f"Host{number}") for number in range(2, 13)))
    wanted = desired(*(desired_vm(vm.name, "Host2") for vm in machines), hosts=12)
    asked: dict[float | None, int] = {}
    for interval in (None, 3600.0):
        clock = ManualClock(observation.observed_at + timedelta(minutes=1))
        world = World(observation, clock)
        hosts, options = Counting(world), Options(full_survey_seconds=interval)
        report = Run(wanted, hosts, MemoryStore(clock), clock, Watcher(), options).execute()

        assert report.exit_code == 0, report.exit_reason
        assert {host.name for host, _ in world.observation().machines()} == {"Host2"}
        assert over_limit(world.events) == []
        assert hosts.last == 12
        asked[interval] = hosts.surveys

    assert asked[3600.0] < asked[None] * 2 / 3


class NobodyHears(SimulatedHosts):
    """Hosts of which the one that is to change its cluster's limit cannot be reached; what each was asked is remembered."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.asked: list[tuple[str, str]] = []

    def ask(self, calls: Sequence[Call]) -> list[Answer]:
        """Remember, and ask; a change of a cluster comes to nobody."""
        self.asked += [(type(call.operation).__name__, call.target.name) for call in calls]
        lost = Failure(FailureKind.UNREACHABLE, "connection refused", "look again")
        told = super().ask([call for call in calls if not isinstance(call.operation, ConfigureCluster)])
        answers = iter(told)
        return [Answer(call, failure=lost) if isinstance(call.operation, ConfigureCluster) else next(answers) for call in calls]


def test_after_a_change_of_its_cluster_a_node_is_looked_at_again_before_anything_starts_there() -> None:
    """Any node carries the change out, and it concerns all of them: who knows what became of it."""
    nodes = (a_host("Host1", cluster="C1"), a_host("Host2", a_vm("vm1"), cluster="C1"), a_host("Host3"))
    observation = a_fleet(*nodes, clusters=(seen.Cluster(name="C1", maximum_parallel_migrations=2),))
    limit = wanted.Cluster("C1", source("C1"), "c1.contoso.com", maximum_parallel_migrations=1)
    clock = ManualClock(observation.observed_at + timedelta(minutes=1))
    hosts = NobodyHears(World(observation, clock))
    engine = Controller(hosts, MemoryStore(clock), clock, Watcher(), Options(full_survey_seconds=3600.0))

    for _ in range(3):
        engine.pass_once(desired(limit, desired_vm("vm1", "Host3"), hosts=3))
        clock.sleep(5)

    change = hosts.asked.index(("ConfigureCluster", "Host1"))
    start = hosts.asked.index(("StartMigration", "Host2"))
    assert ("Survey", "Host2") in hosts.asked[change:start]


def test_a_migration_that_nobody_can_tell_of_for_a_moment_is_not_given_up_however_long_it_ran() -> None:
    """Patience begins when nothing can be seen of it any more, not when it began; and it ends."""
    engine = Engine("stand-alone", Options(patience_seconds=600))
    ((_, machine),) = engine.world.observation().machines()
    engine.world.slow_next_migration(machine.id, 5000)
    engine.one_pass()
    engine.one_pass(after=3600)

    for name in engine.world.host_names:
        engine.world.set_unreachable(name, True)
    assert engine.one_pass(after=60) == []
    assert engine.one_pass(after=60) == []

    assert engine.one_pass(after=7200) == [("liveMigration", OutcomeState.FAILED)]


@pytest.mark.parametrize("wants_a_role", [True, False])
def test_a_machine_that_is_held_when_its_crossing_has_failed_gets_its_role_back_and_stays(wants_a_role: bool) -> None:
    """A hold keeps no role from coming back, where one is wanted, but whoever lacks one is not moved; it goes on afterwards."""
    engine = Engine("two-clusters")
    (wish,) = engine.desired.virtual_machines
    engine.desired = replace(engine.desired, virtual_machines=(replace(wish, high_availability=wants_a_role),))
    ((_, machine),) = engine.world.observation().machines()
    before = engine.host()
    placed = MachineHold(machine.name, "ann", "an audit", engine.clock.now(), id=machine.id)
    engine.world.fail_next_migration(machine.id, 0x80070005 - 2**32, "Access is denied.")
    engine.one_pass()
    engine.store.append(HOLD, hold_data(placed))

    for _ in range(5):
        engine.one_pass(after=1800)

    ((_, machine),) = engine.world.observation().machines()
    assert sum(event.kind == "migrationStarted" for event in engine.world.events) == 1
    assert (engine.host(), machine.highly_available) == (before, wants_a_role)

    engine.store.append(RELEASE, release_data(placed))
    for _ in range(5):
        engine.one_pass(after=1800)
    ((_, machine),) = engine.world.observation().machines()
    assert (engine.host() == before, machine.highly_available) == (False, wants_a_role)

"""The procedures of the VMM guide, each planned from files and carried out over WinRM on a simulated fleet."""

import os
from datetime import timedelta

import pytest

from reconciler.cycle import think
from reconciler.desired import SourceFile, load_desired
from reconciler.model.progress import OutcomeState
from reconciler.model.words import Action
from reconciler.report import plan_markdown, plan_text
from reconciler.simulator.history import EventKind, movers, over_limit, peak_use, use_over_time
from tests.scenarios.staging import Scenario, all_scenarios, on_stage, telling


@pytest.mark.parametrize("name", all_scenarios())
def test_the_plan_is_the_expected_one(name: str) -> None:
    """Planned from files alone: these steps, no more, and as many migrations as are needed."""
    plan = Scenario(name).plan()

    assert sorted(telling(plan)) == sorted(Scenario(name).story)
    assert plan.summary.needed_migrations == plan.summary.migrations
    assert plan.blocked == ()


@pytest.mark.parametrize("name", all_scenarios())
@pytest.mark.parametrize(("view", "file"), [(plan_text, "plan.txt"), (plan_markdown, "plan.md")])
def test_the_plan_reads_as_reviewed(name: str, view: object, file: str) -> None:
    """What people see of it is reviewed like code; UPDATE_GOLDEN=1 rewrites the files."""
    scenario = Scenario(name)
    assert callable(view)
    text = view(scenario.plan(), scenario.desired, scenario.observation).replace(str(scenario.folder), name).rstrip() + "\n"
    golden = scenario.folder / file
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", all_scenarios())
def test_carried_out_over_winrm_it_ends_in_place_and_nothing_is_left(name: str) -> None:
    """Every step is verified, every machine is in the state it was in, no limit was exceeded, and a second plan is empty."""
    with on_stage(name) as theatre:
        before = theatre.plan()
        assert sorted(telling(before)) == sorted(theatre.scenario.story)
        expected = len(before.steps)
        states = _states_after(theatre.scenario)

        report = theatre.apply()

        assert report.exit_code == 0, report
        assert len(report.in_state(OutcomeState.DONE)) >= expected
        again = theatre.plan()
        assert (again.steps, again.blocked, again.drift) == ((), (), ())
        truth = theatre.stage.world.observation()
        assert {vm.name: vm.state for _, vm in truth.machines()} == states
        events = theatre.stage.world.events
        assert over_limit(events) == []
        assert set(movers(events).values()) <= {1}
        assert theatre.stage.world.check() == []


def _states_after(scenario: Scenario) -> dict[str, str | None]:
    started = {s.virtual_machine.name for s in scenario.plan().steps if s.action is Action.START_VIRTUAL_MACHINE}
    return {vm.name: "Running" if vm.name in started else vm.state for _, vm in scenario.observation.machines()}


def test_concurrent_two_live_and_two_storage_at_once_but_never_more() -> None:
    """VMM guide: two of each per host by default, incoming and outgoing together, the kinds independent."""
    with on_stage("concurrent") as theatre:
        theatre.apply()
        peak = peak_use(theatre.stage.world.events)

        assert (peak["StandAlone1"].live, peak["StandAlone2"].live) == (2, 2)
        assert peak["StandAlone3"].storage == 2
        both = [use for _, use in use_over_time(theatre.stage.world.events) if use.get("StandAlone3")]
        assert any(use["StandAlone1"].live == 2 and use["StandAlone3"].storage == 2 for use in both if "StandAlone1" in use)


def test_concurrent_a_combined_move_takes_one_slot_of_each_kind_on_both_hosts() -> None:
    """VMM guide: a live migration with storage counts as one of each."""
    with on_stage("concurrent") as theatre:
        theatre.apply()
        starts = [e for e in theatre.stage.world.events if e.kind is EventKind.MIGRATION_STARTED]
        (combined,) = [event for event in starts if event.detail["kind"] == "liveWithStorage"]

        assert set(combined.detail["live"]) == set(combined.detail["storage"]) == {"StandAlone3", "StandAlone1"}


def test_concurrent_a_host_limited_to_one_is_respected_while_others_use_two() -> None:
    """Limits are per host."""
    with on_stage("concurrent-limit-of-one") as theatre:
        report = theatre.apply()
        peak = peak_use(theatre.stage.world.events)

        assert report.exit_code == 0
        assert peak["StandAlone2"].live == 1
        assert peak["StandAlone1"].live == 2


def test_concurrent_a_migration_started_by_somebody_else_takes_its_slot() -> None:
    """A person moves a machine by hand: it is adopted where it leads to the desired place, and its slot counts."""
    with on_stage("concurrent") as theatre:
        world = theatre.stage.world
        by_name = {vm.name: vm.id for _, vm in world.observation().machines()}
        world.person_moves(by_name["VM1"], "StandAlone2")

        report = theatre.apply()

        assert report.exit_code == 0
        starts = [e for e in world.events if e.kind is EventKind.MIGRATION_STARTED and e.vm == by_name["VM1"]]
        assert [event.detail["by"] for event in starts] == ["person"]
        assert any("VM1 is already on its way" in said for said in theatre.watcher.said)
        assert over_limit(world.events) == []


def test_two_clusters_unprotected_time_is_estimated_measured_and_within_its_cap() -> None:
    """High availability is missing for as short a time as can be, and people see how long it was."""
    with on_stage("two-clusters") as theatre:
        (step,) = Scenario("two-clusters").plan().steps
        report = theatre.apply()
        (crossing,) = [row for row in report.outcomes if row.action is Action.LIVE_MIGRATION]
        events = theatre.stage.world.events
        off = next(event.time for event in events if event.kind is EventKind.ROLE_REMOVED)
        on = next(event.time for event in events if event.kind is EventKind.ROLE_ADDED)

        assert 0 < step.unprotected_seconds <= 300  # type: ignore[union-attr]
        assert crossing.unprotected_seconds == (on - off).total_seconds()
        assert on - off < timedelta(seconds=300)
        (machine,) = [vm for _, vm in theatre.stage.world.observation().machines()]
        assert machine.highly_available


def test_faster_a_host_setting_is_one_step_and_waits_for_migrations_that_use_it() -> None:
    """A host's option is not changed under a running migration."""
    with on_stage("faster-per-host") as theatre:
        world = theatre.stage.world
        (machine,) = [vm for _, vm in world.observation().machines()]
        world.person_moves(machine.id, "StandAlone2")

        theatre.apply()

        kinds = [e.kind for e in world.events if e.kind in (EventKind.MIGRATION_COMPLETED, EventKind.SETTING_CHANGED)]
        assert kinds == [EventKind.MIGRATION_COMPLETED, EventKind.SETTING_CHANGED, EventKind.SETTING_CHANGED]


@pytest.mark.parametrize(
    ("scenario", "option"), [("faster-per-host", "SMB"), ("faster-per-migration", "SMB"), ("stand-alone", "Compression")]
)
def test_faster_the_migration_runs_with_the_option_asked_for(scenario: str, option: str) -> None:
    """Per host or per migration; compression is the default."""
    with on_stage(scenario) as theatre:
        theatre.apply()
        (start,) = [e for e in theatre.stage.world.events if e.kind is EventKind.MIGRATION_STARTED]

        assert start.detail["performanceOption"] == option


def test_planning_again_with_the_same_files_gives_the_same_bytes() -> None:
    """The plan is a function of its inputs."""
    for name in all_scenarios():
        scenario = Scenario(name)
        first, second = (think(scenario.desired, scenario.observation).plan.model_dump_json() for _ in range(2))
        assert first == second


def test_a_plan_has_one_fingerprint_wherever_its_desired_state_is_checked_out() -> None:
    """Planned in CI, applied elsewhere: folder, comments and line numbers are not what would be done."""
    for name in all_scenarios():
        scenario = Scenario(name)
        text = (scenario.folder / "desired" / "fleet.yaml").read_bytes()
        moved = load_desired([SourceFile("elsewhere/fleet.yaml", b"# one more comment\n\n" + text)]).desired
        assert moved is not None

        assert think(moved, scenario.observation).plan.fingerprint == scenario.plan().fingerprint

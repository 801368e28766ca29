"""Bad input and faults over WinRM, each with the message that a person would read."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.controller import Options, Run
from reconciler.cycle import think
from reconciler.desired import SourceFile, load_desired
from reconciler.files import FileProblem, read_observation
from reconciler.hosts.winrm.adapter import WinRmHosts
from reconciler.hosts.winrm.breaker import Breakers
from reconciler.hosts.winrm.config import Secret, WinRmConfig
from reconciler.model.observation import Observation
from reconciler.model.plan import Plan
from reconciler.model.progress import OutcomeState
from reconciler.observe import survey, targets_of
from reconciler.simulator.endpoint import Faults
from tests.scenarios.staging import Scenario, on_stage


def plan_of(scenario: Scenario, observation: Observation) -> Plan:
    return think(scenario.desired, observation).plan


def changed(observation: Observation, **hosts: dict[str, object]) -> Observation:
    seen = tuple(host.model_copy(update=hosts.get(host.name, {})) for host in observation.hosts)
    return observation.model_copy(update={"hosts": seen})


def test_a_wrong_password_is_tried_once_in_the_whole_fleet() -> None:
    """Accounts lock; after the first refusal no other host is even asked."""
    with on_stage("concurrent") as theatre:
        config = theatre.stage.config
        wrong = WinRmConfig(username=config.username, password=Secret("not it"), endpoints=config.endpoints)
        hosts = WinRmHosts(wrong, breakers=Breakers())

        seen = survey(hosts, targets_of(theatre.scenario.desired), theatre.clock)
        hosts.close()

        assert sum(endpoint.failed_logons for endpoint in theatre.stage.endpoints.endpoints.values()) == 1
        assert [host.status for host in seen.hosts] == ["unreachable"] * 3
        told = sorted(str(host.problem).split(" ", 1)[1].partition(":")[0] for host in seen.hosts)
        assert told[0].startswith("refused the user name or password (HTTP 401); ")
        assert "lock" in told[0]
        assert told[1:] == ["was not asked"] * 2
        assert all("not it" not in str(host.problem) for host in seen.hosts)
        plan = plan_of(theatre.scenario, seen)
        assert (plan.complete, plan.steps, plan.summary.unknown) == (False, (), 8)


def test_an_unreachable_host_makes_its_machines_unknown_and_nothing_touching_it_starts() -> None:
    """The rest goes on; the end is exit 4, and the report says which host did not answer."""
    with on_stage("concurrent") as theatre:
        theatre.stage.world.set_unreachable("StandAlone2", True)

        report = theatre.apply()

        assert report.exit_code == 4
        assert {row.subject for row in report.in_state(OutcomeState.DONE)} == {
            "virtualMachine/VM6",
            "virtualMachine/VM7",
            "virtualMachine/VM8",
        }
        assert all("StandAlone2" not in json.dumps(event.detail) for event in theatre.stage.world.events)
        (told,) = [problem for problem in report.problems if problem.subject == "host/StandAlone2"]
        assert told.finding.startswith("unreachable: 127.0.0.1:")
        assert "until then nothing that touches it is planned" in told.remedy


@pytest.mark.parametrize("faults", [Faults(garbage=True), Faults(half_frame=True)], ids=["garbage", "half a frame"])
def test_a_host_that_answers_garbage_is_a_host_that_did_not_answer(faults: Faults) -> None:
    """A frame that is not whole says nothing; what the host would have told is unknown."""
    with on_stage("stand-alone") as theatre:
        theatre.stage.endpoints.set_faults("StandAlone1", faults)

        seen = survey(theatre.hosts, targets_of(theatre.scenario.desired), theatre.clock)
        broken = seen.host("StandAlone1")

        assert broken is not None
        assert broken.status == "unreachable"
        assert "gave no whole answer" in str(broken.problem)
        plan = plan_of(theatre.scenario, seen)
        assert (plan.complete, plan.steps) == (False, ())


def test_a_service_that_is_overloaded_is_a_host_that_did_not_answer_until_it_does() -> None:
    """HTTP 503: what it would have told is unknown, the others are seen, and the next look finds it as if nothing had been."""
    with on_stage("stand-alone") as theatre:
        targets = targets_of(theatre.scenario.desired)
        before = survey(theatre.hosts, targets, theatre.clock)
        theatre.stage.endpoints.set_faults("StandAlone1", Faults(http_status=503))
        meanwhile = survey(theatre.hosts, targets, theatre.clock)
        theatre.stage.endpoints.set_faults("StandAlone1", Faults())
        after = survey(theatre.hosts, targets, theatre.clock)

    statuses = [[host.status.value for host in seen.hosts] for seen in (before, meanwhile, after)]
    assert statuses == [["ok", "ok"], ["unreachable", "ok"], ["ok", "ok"]]
    told = meanwhile.host("StandAlone1")
    assert told is not None
    assert "HTTP status 503" in str(told.problem)
    assert sum(endpoint.failed_logons for endpoint in theatre.stage.endpoints.endpoints.values()) == 0


@pytest.mark.parametrize("code_page", ["cp437", "cp850", "cp932"])
def test_names_come_through_whatever_code_page_the_console_has(code_page: str) -> None:
    """A console that writes in an OEM code page, and noise in it, change no letter: what matters is ASCII on its way."""
    name = "B\u00fccher-\u042f-\u6e2c\u8a66 \U0001d11e 'x'"
    with on_stage("stand-alone", lambda seen: renamed(seen, name)) as theatre:
        theatre.stage.endpoints.set_faults("StandAlone1", Faults(code_page=code_page, noise_bytes=300))
        seen = survey(theatre.hosts, targets_of(theatre.scenario.desired), theatre.clock)

    assert [machine.name for _, machine in seen.machines()] == [name]


def renamed(seen: Observation, name: str) -> Observation:
    """The same fleet, its machines of that name."""
    for host in seen.hosts:
        machines: dict[str, object] = {
            "virtual_machines": tuple(vm.model_copy(update={"name": name}) for vm in host.virtual_machines)
        }
        seen = changed(seen, **{host.name: machines})
    return seen


def test_a_start_whose_reply_is_lost_is_not_started_twice() -> None:
    """The host began the migration and its answer never came: the next look finds it running, and it is followed."""
    with on_stage("stand-alone") as theatre:
        run = theatre.run()
        surveys = 2  # the first look's, and the start is the next command on that host
        theatre.stage.endpoints.set_faults("StandAlone1", Faults(lose_output_of=surveys))

        report = run.execute()

        assert report.exit_code == 0
        starts = [event for event in theatre.stage.world.events if event.kind == "migrationStarted"]
        assert len(starts) == 1
        assert [row.state for row in report.outcomes] == [OutcomeState.DONE]


def test_a_name_that_exists_twice_asks_for_the_id() -> None:
    """Names are not unique in Hyper-V; without an id nobody can tell which one is meant, so neither moves."""
    scenario = Scenario("stand-alone")
    (machine,) = [vm for _, vm in scenario.observation.machines()]
    twin = machine.model_copy(update={"id": "00000009-0000-4000-8000-000000000001"})

    plan = plan_of(scenario, changed(scenario.observation, StandAlone2={"virtual_machines": (twin,)}))

    assert plan.steps == ()
    assert [(entry.subject, entry.code) for entry in plan.blocked] == [("virtualMachine/StandAloneVM1", "ambiguous-name")]
    assert plan.blocked[0].remedy == "give spec.id, the VMId of the machine that is meant"


def test_one_vmid_on_two_hosts_moves_nothing() -> None:
    """Two machines with one identity are a restore gone wrong or a split brain, and no case for automation."""
    scenario = Scenario("stand-alone")
    (machine,) = [vm for _, vm in scenario.observation.machines()]

    plan = plan_of(scenario, changed(scenario.observation, StandAlone2={"virtual_machines": (machine,)}))

    assert (plan.steps, [entry.code for entry in plan.blocked]) == ((), ["duplicate-id"])
    assert plan.blocked[0].remedy == "find out which copy is the real one and remove the other by hand"


def test_an_empty_desired_state_is_held_back_by_a_guard_rail_and_the_plan_is_still_there() -> None:
    """An empty folder is more likely a broken checkout than a wish."""
    loaded = load_desired([])
    assert loaded.desired is not None

    plan = think(loaded.desired, Scenario("stand-alone").observation).plan

    assert not plan.applicable
    (told,) = plan.problems
    assert (told.code, told.remedy) == ("guardrail-empty-desired-state", "check the folder and the revision that were read")
    assert told.finding == "the desired state names no virtual machine, and the fleet has 1"


def test_a_plan_that_moves_too_many_is_held_back_and_still_printed() -> None:
    """Ten machines, four of them to move: over 30 %, so nothing starts until somebody overrides that very guard rail."""
    scenario = Scenario("concurrent")
    text = (scenario.folder / "desired" / "fleet.yaml").read_bytes()
    more = b"".join(
        b"---\napiVersion: reconciler/v1\nkind: VirtualMachine\nmetadata: {name: Extra%d}\nspec: {}\n" % n for n in range(4)
    )
    loaded = load_desired([SourceFile("fleet.yaml", text + more)])
    assert loaded.desired is not None

    plan = think(loaded.desired, scenario.observation).plan

    assert len(plan.steps) == 8
    assert not plan.applicable
    assert any(problem.code.startswith("guardrail-") for problem in plan.problems)
    with on_stage("concurrent") as theatre:
        run = Run(loaded.desired, theatre.hosts, theatre.store, theatre.clock, theatre.watcher, Options())
        report = run.execute()
        assert report.exit_code == 3
        assert theatre.stage.world.events == []


def test_a_yaml_bomb_is_refused_at_once() -> None:
    """Nested aliases that would unfold into billions of nodes are a problem with a place, not a hanging process."""
    levels = "".join(f"b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 9)}]\n" for n in range(1, 12))
    loaded = load_desired([SourceFile("bomb.yaml", f"b0: &b0 x\n{levels}".encode())])

    assert loaded.desired is None
    assert [str(problem) for problem in loaded.problems] == [
        "bomb.yaml:2:50: alias-limit: aliases of this file unfold to more than 10,000 values"
        " — write the values out; host groups share defaults"
    ]


def test_an_observation_file_that_is_no_observation_says_what_is_wrong(tmp_path: Path) -> None:
    """A broken file names itself, the field and the remedy."""
    file = tmp_path / "seen.json"
    file.write_text('{"apiVersion": "reconciler/v1", "kind": "Observation", "observedAt": "yesterday"}')

    with pytest.raises(FileProblem) as caught:
        read_observation(file)

    assert "observedAt" in str(caught.value.problem)
    assert "seen.json" in str(caught.value.problem)


def test_a_saved_plan_goes_stale_when_the_fleet_moves_on() -> None:
    """Somebody moved the machine meanwhile: what was reviewed is not what would be done, so nothing is done."""
    with on_stage("stand-alone") as theatre:
        saved = theatre.plan()
        (machine,) = [vm for _, vm in theatre.stage.world.observation().machines()]
        theatre.stage.world.person_moves(machine.id, "StandAlone2")
        theatre.clock.sleep(timedelta(minutes=5).total_seconds())

        report = theatre.apply(Options(approved=saved))

        assert report.exit_code == 5
        assert "stale plan" in report.exit_reason

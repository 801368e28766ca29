"""The self-test of a simulated host over WinRM, its report, and the recorded host that answers from it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from reconciler.cli.main import main
from reconciler.cli.selftest import self_test
from reconciler.clock import ScaledClock
from reconciler.hosts.port import Call, CheckMigration, Diagnose, FailureKind, HostReport, ListMigrations, Survey, Target
from reconciler.hosts.winrm.adapter import WinRmHosts
from reconciler.hosts.winrm.breaker import Breakers
from reconciler.hosts.winrm.config import Secret
from reconciler.hosts.winrm.recorded import RecordedHosts, Recorder
from reconciler.model.selftest import SelfTest
from reconciler.model.words import MigrationKind
from reconciler.observe import survey
from reconciler.simulator.fleets import demo_observation
from reconciler.simulator.stage import Stage, staged

TARGET = Target("Cluster1Node1", "cluster1node1.contoso.com")
CLOCK = ScaledClock(datetime.now(UTC), 1)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged(demo_observation(), CLOCK) as stage:
        yield stage


@pytest.fixture(scope="module")
def report(stage: Stage) -> SelfTest:
    recorder = Recorder(CLOCK)
    hosts = WinRmHosts(stage.config, breakers=Breakers(), make_channel=recorder.channel)
    try:
        made = self_test(hosts, recorder, TARGET, (TARGET.address, stage.config.username))
    finally:
        hosts.close()
    return SelfTest.model_validate_json(json.dumps(made.to_json()))


def test_every_exercise_passes_on_a_sound_host(report: SelfTest, stage: Stage) -> None:
    """Bootstrap, every reading script, every odd text both ways, a megabyte, many calls; and nothing was changed."""
    assert [exercise for exercise in report.exercises if not exercise.passed] == []
    assert {exchange.script for exchange in report.exchanges} == {
        "Get-Echo",
        "Get-Survey",
        "Get-Migrations",
        "Get-Events",
        "Get-Diagnosis",
        "Test-Migration",
    }
    assert stage.world.events == []


def test_the_report_holds_no_name_of_the_fleet(report: SelfTest, stage: Stage) -> None:
    """Hosts, machines, ids, addresses, shares, the account and its password."""
    text = json.dumps(report.to_json(), ensure_ascii=False).casefold()
    fleet = demo_observation()
    names = {"contoso", "fileserver1", "smbshare", "orders.vhdx", stage.config.password.reveal().casefold(), "loopback"}
    names |= {host.name.casefold() for host in fleet.hosts} | {cluster.name.casefold() for cluster in fleet.clusters}
    names |= {text.casefold() for _, machine in fleet.machines() for text in (machine.name, machine.id)}

    assert [name for name in sorted(names) if name in text] == []


def test_a_recorded_host_answers_as_the_host_did(report: SelfTest, stage: Stage) -> None:
    """The same numbers, states and relations under other names, through the decoding that real answers run through."""
    live = WinRmHosts(stage.config, breakers=Breakers())
    [real] = [answer.value for answer in live.ask([Call(TARGET, Survey())])]
    live.close()
    recorded = RecordedHosts(report)
    [played, jobs, told] = recorded.ask([Call(TARGET, question) for question in (Survey(), ListMigrations(), Diagnose())])

    assert isinstance(real, HostReport)
    assert isinstance(played.value, HostReport)
    assert jobs.value == ()
    assert told.failure is None
    here, there = real.host, played.value.host
    assert there.migration == here.migration
    assert (there.memory_mib, there.status, there.supported_configuration_versions) == (
        here.memory_mib,
        here.status,
        here.supported_configuration_versions,
    )
    assert [shape(machine) for machine in there.virtual_machines] == [shape(machine) for machine in here.virtual_machines]
    assert survey(recorded, [TARGET], CLOCK).host("Cluster1Node1") is not None


def shape(machine: object) -> dict[str, object]:
    """A machine without its names."""
    data = machine.to_json()  # type: ignore[attr-defined]
    named = {"id", "name", "switches", "configurationPath", "checkpointPath", "smartPagingPath"}
    disks = [{key: value for key, value in disk.items() if not key.lower().endswith("path")} for disk in data["disks"]]
    return {key: value for key, value in data.items() if key not in named} | {"disks": disks}


def test_a_recorded_host_makes_no_answer_up(report: SelfTest) -> None:
    """A question that was not asked then has no answer now."""
    check = CheckMigration("00000000-0000-4000-8000-999999999999", MigrationKind.STORAGE)

    [answer] = RecordedHosts(report).ask([Call(TARGET, check)])

    assert answer.failure is not None
    assert (answer.failure.kind, answer.failure.code) == (FailureKind.REFUSED, "not-recorded")


def test_a_host_that_lets_nobody_in_gives_a_report_too(stage: Stage) -> None:
    """What failed is recorded as it failed, and replayed so: that is what such a report is for."""
    recorder = Recorder(CLOCK)
    wrong = replace(stage.config, password=Secret("wrong"))
    hosts = WinRmHosts(wrong, breakers=Breakers(), make_channel=recorder.channel)
    report = self_test(hosts, recorder, TARGET, (TARGET.address,))
    hosts.close()

    [answer] = RecordedHosts(report).ask([Call(TARGET, Survey())])
    assert not report.passed
    assert answer.failure is not None
    assert answer.failure.kind is FailureKind.AUTHENTICATION
    assert "wrong" not in json.dumps(report.to_json())


def test_the_command_writes_a_report_as_the_reader_and_never_over_another(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, stage: Stage
) -> None:
    config, out = tmp_path / "winrm.yaml", tmp_path / "report.json"
    config.touch(0o600)
    login = {"username": stage.config.username, "password": stage.config.password.reveal()}
    wrong = {"username": "CONTOSO\\writer", "password": "wrong"}
    config.write_text(
        yaml.safe_dump({"read": login, "write": wrong, "endpoints": {"standalone1": stage.config.endpoints["StandAlone1"]}})
    )
    command = ["selftest", "standalone1.contoso.com", "--out", str(out), "--config", str(config)]

    code, text = main(command), capsys.readouterr().out

    assert (code, "18 of 18 exercises passed" in text) == (0, True)
    saved = out.read_bytes()
    assert main(command) == 1
    assert "name a file that does not exist yet" in capsys.readouterr().err
    assert out.read_bytes() == saved

"""``reconciler doctor`` as a person uses it: the demo fleet over WinRM, with something in the way and without."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from reconciler.cli.main import main
from reconciler.clock import ScaledClock
from reconciler.model.diagnosis import Checkup, Quotas, Verdict
from reconciler.simulator.fleets import demo_observation
from reconciler.simulator.stage import Stage, staged

ROOT = Path(__file__).parents[2]


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Stage, Path]]:
    monkeypatch.chdir(ROOT)
    with staged(demo_observation(), ScaledClock(datetime.now(UTC), 1)) as stage:
        config = tmp_path / "winrm.yaml"
        config.touch(0o600)
        login = {"username": stage.config.username, "password": stage.config.password.reveal()}
        wrong = {"username": "CONTOSO\\writer", "password": "wrong"}
        config.write_text(yaml.safe_dump({"read": login, "write": wrong, "endpoints": dict(stage.config.endpoints)}))
        yield stage, config


def run(capsys: pytest.CaptureFixture[str], config: Path, *arguments: str) -> tuple[int, str]:
    code = main(["doctor", "desired-state", "--config", str(config), *arguments])
    return code, capsys.readouterr().out


def test_what_is_in_the_way_is_found_on_the_hosts_themselves(
    capsys: pytest.CaptureFixture[str], fleet: tuple[Stage, Path]
) -> None:
    """The shipped script finds each fault of the simulated fleet, with the reading identity; every form says the same."""
    stage, config = fleet
    around = stage.world.surroundings
    around.closed.add(("standalone1", "standalone2"))
    around.undelegated.add(("standalone2", "standalone1"))
    around.domains["standalone3"] = "fabrikam.com"
    around.quotas["cluster1node1"] = Quotas(
        shells_per_user=2, processes_per_shell=25, memory_per_shell_mb=0, operations_per_user=1500
    )

    code, out = run(capsys, config, "-o", "json")
    checkup = Checkup.model_validate(json.loads(out))
    _, text = run(capsys, config)
    _, markdown = run(capsys, config, "-o", "markdown")

    assert code == 6
    assert [(name, cell.check) for name, cell in checkup.cells(Verdict.NO)] == [
        ("Cluster1Node1", "WinRM quotas"),
        ("StandAlone1 → StandAlone2", "port 6600"),
        ("StandAlone2 → StandAlone1", "delegation"),
    ]
    assert [(name, cell.check) for name, cell in checkup.cells(Verdict.UNKNOWN)] == [("StandAlone3 → StandAlone1", "domain")]
    for cell in (cell for verdict in (Verdict.NO, Verdict.UNKNOWN) for _, cell in checkup.cells(verdict)):
        assert cell.remedy in markdown
        assert cell.remedy.split()[0] in text
    assert stage.world.events == []


def test_a_directory_that_does_not_answer_leaves_delegation_open(
    capsys: pytest.CaptureFixture[str], fleet: tuple[Stage, Path]
) -> None:
    """Cannot tell is no error: the reason and the command are there, and nothing is blocked for it."""
    stage, config = fleet
    stage.world.surroundings.directory_answers = False

    code, out = run(capsys, config)

    assert (code, out.count("The server is not operational.")) == (0, 4)
    assert "Get-ADComputer 'StandAlone1' -Properties msDS-AllowedToDelegateTo" in out


def test_a_host_that_does_not_answer_is_no_clear_way(capsys: pytest.CaptureFixture[str], fleet: tuple[Stage, Path]) -> None:
    stage, config = fleet
    stage.world.set_unreachable("StandAlone2", True)

    code, out = run(capsys, config)

    assert code == 4
    assert "✗ StandAlone2  answers" in out


def test_the_matrix_in_the_docs_is_the_programs_output(
    capsys: pytest.CaptureFixture[str], fleet: tuple[Stage, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever tries the demo fleet sees what the page shows."""
    monkeypatch.setenv("COLUMNS", "120")
    page = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")
    shown = page.partition("<!-- doctor:")[2].partition("```\n")[2].partition("```\n<!-- /doctor -->")[0]

    _, out = run(capsys, fleet[1])

    assert out.rstrip() == shown.rstrip()

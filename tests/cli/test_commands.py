"""The commands as a person or a pipeline uses them: what goes to standard output, what is said, and the exit code."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from reconciler.cli.main import main
from reconciler.clock import ScaledClock
from reconciler.files import read_observation
from reconciler.simulator.stage import Stage, staged

SCENARIOS = Path(__file__).parents[1] / "scenarios"
STORY = SCENARIOS / "stand-alone"


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[tuple[Stage, Path]]:
    """The stand-alone scenario's fleet, fast, and the configuration file that reaches it."""
    clock = ScaledClock(datetime.now(UTC), 20)
    with staged(read_observation(STORY / "observed.json"), clock) as stage:
        config = tmp_path / "winrm.yaml"
        password, endpoints = stage.config.password.reveal(), dict(stage.config.endpoints)
        config.touch(0o600)
        config.write_text(yaml.safe_dump({"username": stage.config.username, "password": password, "endpoints": endpoints}))
        yield stage, config


@pytest.mark.parametrize(
    "arguments", [["plam"], ["plan", "--observe"], ["plan", "-o", "yaml"], ["simulate", "--speed", "fast"]]
)
def test_wrong_usage_is_64_and_never_reads_as_changes_present(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    """A typing error in a pipeline must not look like a plan with changes."""
    code, out, err = run(capsys, *arguments)

    assert (code, out) == (64, "")
    assert err


def test_plan_exits_0_and_with_detailed_exitcode_2(capsys: pytest.CaptureFixture[str]) -> None:
    """The plan is on standard output either way; only the code differs."""
    arguments = ["plan", STORY / "desired", "--observation", STORY / "observed.json"]

    plain, detailed = run(capsys, *arguments), run(capsys, *arguments, "--detailed-exitcode")

    assert (plain[0], detailed[0]) == (0, 2)
    assert plain[1] == detailed[1]
    assert "1 migration, 1 needed" in plain[1]


def test_plan_is_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    """Across runs and hash seeds, text and document alike."""
    scenario = SCENARIOS / "concurrent"
    arguments = ["plan", str(scenario / "desired"), "--observation", str(scenario / "observed.json"), "-o"]

    def output(seed: str, form: str) -> bytes:
        environment = os.environ | {"PYTHONHASHSEED": seed, "NO_COLOR": "1"}
        command = [sys.executable, "-m", "reconciler", *arguments, form]
        return subprocess.run(command, env=environment, cwd=tmp_path, check=True, capture_output=True).stdout

    for form in ("text", "json"):
        first = output("0", form)
        assert first
        assert output("1", form) == output("4242", form) == first


def test_validate_names_place_and_remedy(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The guide's own warning: a share by its short name is refused, with the way to write it."""
    file = tmp_path / "vm.yaml"
    file.write_text(
        "apiVersion: reconciler/v1\nkind: VirtualMachine\nmetadata: {name: StandAloneVM1}\n"
        "spec:\n  storage:\n    path: '\\\\fileserver1\\smbshare\\StandAloneVM1'\n"
    )

    code, out, _ = run(capsys, "validate", tmp_path)

    assert code == 1
    assert f"{file}:6:11:" in out
    assert r"\\fileserver1.contoso.com\smbshare" in out


def test_validate_says_that_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    """And counts what it read."""
    code, out, _ = run(capsys, "validate", STORY / "desired")

    assert code == 0
    assert "2 hosts" in out


def test_observe_saves_what_every_other_command_takes_in_place_of_a_fleet(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, fleet: tuple[Stage, Path]
) -> None:
    """A saved observation plans as the fleet itself does."""
    saved = tmp_path / "seen.json"

    code, _, _ = run(capsys, "observe", STORY / "desired", "--config", fleet[1], "--save", saved)
    planned = run(capsys, "plan", STORY / "desired", "--observation", saved, "-o", "json")

    assert code == 0
    assert [step["action"] for step in json.loads(planned[1])["steps"]] == ["liveMigration"]


def test_drift_as_a_patch_is_applied_by_git_and_leaves_nothing_to_do(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The example of the README: every placement and folder as it is, comments as they were, and only settings left to do."""
    root = Path(__file__).parents[2]
    shutil.copytree(root / "desired-state", tmp_path / "desired-state")
    monkeypatch.chdir(tmp_path)
    demo = root / "reconciler/simulator/fleets/demo.json"

    code, diff, err = run(capsys, "drift", "--observation", demo, "--as-patch")
    subprocess.run(["git", "apply", "-"], input=diff.encode(), check=True)
    left = json.loads(run(capsys, "plan", "--observation", demo, "-o", "json")[1])
    second = run(capsys, "drift", "--observation", demo, "--as-patch")

    assert (code, second[:2]) == (0, (0, ""))
    assert "8 machines written back; apply it with: git apply" in err
    assert [step["action"] for step in left["steps"]] == ["configureHost"]
    assert [line for line in diff.splitlines() if line.startswith("-") and "#" in line.partition("'")[0]] == []


def test_status_lists_migrations_whoever_started_them(capsys: pytest.CaptureFixture[str], fleet: tuple[Stage, Path]) -> None:
    """A person's migration shows like our own."""
    world = fleet[0].world
    before = run(capsys, "status", STORY / "desired", "--config", fleet[1])
    (machine,) = [vm for _, vm in world.observation().machines()]
    world.person_moves(machine.id, "StandAlone2")

    after = run(capsys, "status", STORY / "desired", "--config", fleet[1], "-o", "json")

    assert "No migration is running." in before[1]
    assert [row["name"] for row in json.loads(after[1])["migrations"]] == ["StandAloneVM1"]


def test_a_saved_plan_is_applied_once(capsys: pytest.CaptureFixture[str], tmp_path: Path, fleet: tuple[Stage, Path]) -> None:
    """Plan, review, apply; a second apply of the same file is refused as stale."""
    plan, store = tmp_path / "plan.json", tmp_path / "store.sqlite3"
    run(capsys, "plan", STORY / "desired", "--config", fleet[1], "--out", plan)
    apply = ["apply", plan, "--desired-state", STORY / "desired", "--config", fleet[1], "--state", store, "-o", "json"]

    first, second = run(capsys, *apply), run(capsys, *apply)

    assert first[0] == 0, first
    assert [row["state"] for row in json.loads(first[1])["outcomes"]] == ["done"]
    assert second[0] == 5
    assert "applied once" in second[2]


def test_apply_refuses_a_desired_state_that_lost_its_machines(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, fleet: tuple[Stage, Path]
) -> None:
    """After an apply, a checkout without its machines is held back with exit 3, and the report still says what it found."""
    store, empty = tmp_path / "store.sqlite3", tmp_path / "empty"
    empty.mkdir()
    hosts_only = (STORY / "desired" / "fleet.yaml").read_text().rpartition("---")[0]
    (empty / "fleet.yaml").write_text(hosts_only)
    common = ["--config", fleet[1], "--state", store]
    assert run(capsys, "apply", STORY / "desired", *common)[0] == 0

    code, out, err = run(capsys, "apply", empty, *common)

    assert code == 3
    assert "guardrail-" in out + err


def test_schema_prints_what_editors_need(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """List, print one, write all."""
    names = run(capsys, "schema")[1].split()

    assert {"host", "virtual-machine", "observation", "plan", "reconciler"} <= set(names)
    assert json.loads(run(capsys, "schema", "virtual-machine")[1])["$schema"].endswith("2020-12/schema")
    assert run(capsys, "schema", "--out", tmp_path)[0] == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(f"{name}.schema.json" for name in names)
    assert run(capsys, "schema", "vm")[0] == 1


def test_a_missing_folder_is_a_clear_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Place, finding, remedy."""
    code, _, err = run(capsys, "plan", "/nonexistent/desired-state")

    assert code == 1
    assert "/nonexistent/desired-state" in err


def test_help_lists_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    """Pipelines branch on them, so they stand in --help."""
    out = run(capsys, "--help")[1]

    assert all(f"{code} " in out for code in (0, 1, 2, 3, 4, 5, 6, 64, 130))


def test_a_pipe_in_a_legacy_code_page_gets_utf8_and_no_traceback() -> None:
    """Windows pipes speak cp1252 or worse by default; the signs of a plan are not in it."""
    scenario = SCENARIOS / "stand-alone"
    command = [sys.executable, "-m", "reconciler", "plan", str(scenario / "desired")]
    environment = os.environ | {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}

    done = subprocess.run([*command, "--observation", str(scenario / "observed.json")], env=environment, capture_output=True)

    assert done.returncode == 0
    assert "StandAlone1 → StandAlone2" in done.stdout.decode("utf-8")


def piped(*arguments: str, stdout: int, stderr: int = subprocess.DEVNULL) -> int:
    """Run the program as a shell would, its output going where the test says."""
    return subprocess.run(
        [sys.executable, "-m", "reconciler", *arguments], stdout=stdout, stderr=stderr, check=False
    ).returncode


def a_pipe_nobody_reads() -> int:
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def test_a_reader_that_leaves_early_changes_nothing() -> None:
    """``reconciler plan | head -1``: no complaint, and the exit code is the plan's own; losing the talk is no error either."""
    arguments = ("plan", str(STORY / "desired"), "--observation", str(STORY / "observed.json"), "--detailed-exitcode")
    pipe = a_pipe_nobody_reads()

    assert piped(*arguments, stdout=pipe, stderr=pipe) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full here")
def test_a_full_disk_is_told_in_a_sentence() -> None:
    """The answer is lost, so the code is 1; a person reads why, and no traceback."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "reconciler", "schema"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )

    assert done.returncode == 1
    assert "standard output: cannot-write: No space left on device — make room" in done.stderr
    assert "Traceback" not in done.stderr


def test_simulate_never_writes_over_a_configuration(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The file may reach real hosts, or a fleet that runs in another terminal; it is neither changed nor removed."""
    config = tmp_path / "winrm.yaml"
    config.write_text("username: me", encoding="utf-8")

    code, _, err = run(capsys, "simulate", "--write-config", config)

    assert (code, config.read_text(encoding="utf-8")) == (1, "username: me")
    assert "file-exists" in err
    assert "--write-config" in err


def test_a_folder_that_is_not_there_is_said_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Nobody is told as well that nothing is managed."""
    code, out, _ = run(capsys, "validate", tmp_path / "nowhere")

    assert code == 1
    assert "no-such-folder" in out
    assert "empty-desired-state" not in out


def test_a_bad_configuration_names_its_remedy_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Place, finding and remedy, and nothing of the value that may be a password."""
    config = tmp_path / "winrm.yaml"
    config.touch(0o600)
    config.write_text("passwrd: s3cret", encoding="utf-8")

    code, _, err = run(capsys, "status", STORY / "desired", "--config", config)

    assert code == 1
    assert err.count("docs/winrm.md") == 1
    assert "has unknown fields (passwrd) — see docs/winrm.md" in err
    assert "s3cret" not in err

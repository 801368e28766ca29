"""``explain`` and ``plan --what-if`` as a person or a pipeline uses them; everything from saved files, no fleet needed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.cli.main import main

ROOT = Path(__file__).parents[2]
DESIRED, SEEN = ROOT / "desired-state", ROOT / "reconciler" / "simulator" / "fleets" / "demo.json"
FILES = (DESIRED, "--observation", SEEN)


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_explain_tells_where_it_is_what_is_asked_and_what_is_planned(capsys: pytest.CaptureFixture[str]) -> None:
    """The answer is on standard output, in the words and lines of the YAML."""
    code, out, _ = run(capsys, "explain", "StandAloneVM1", *FILES)

    assert code == 0
    assert out.startswith("StandAloneVM1: On StandAlone1, and moves to StandAlone2 by s4, which ")
    assert "standalone.yaml:8" in out
    assert "> StandAlone2  planned" in out


def test_explain_as_data_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """One document for whatever bears the name; it names the plan's desired state and observation."""
    found = json.loads(run(capsys, "explain", "standalone1", *FILES, "-o", "json")[1])

    assert (found["kind"], [host["name"] for host in found["hosts"]], found["clusters"]) == ("Explanation", ["StandAlone1"], [])
    assert found["at"] == found["observation"]["observedAt"]
    assert {step["virtualMachine"]["name"] for step in found["hosts"][0]["arrives"]} == {"StandAloneVM2", "StandAloneVM3"}


def test_explain_of_an_unknown_name_guesses(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 1, nothing on standard output, a finding with a remedy."""
    code, out, err = run(capsys, "explain", "StandAloneVM", *FILES)

    assert (code, out) == (1, "")
    assert "did you mean StandAloneVM" in err


def test_a_hypothetical_plan_says_so_first(capsys: pytest.CaptureFixture[str]) -> None:
    """In text, in markdown and in the document; nothing invites to apply it."""
    what_if = ("--what-if", "maintenance=StandAlone3", "--what-if", "place=StandAloneVM1:StandAlone1")
    code, out, _ = run(capsys, "plan", *FILES, *what_if)
    document = json.loads(run(capsys, "plan", *FILES, *what_if, "-o", "json")[1])

    assert code == 0
    assert out.startswith("Hypothetical: what if maintenance=StandAlone3 and place=StandAloneVM1:StandAlone1?")
    assert "reconciler apply" not in out
    assert run(capsys, "plan", *FILES, *what_if, "-o", "markdown")[1].startswith("> Hypothetical: what if maintenance")
    assert document["desired"]["revision"] == "what-if"
    assert "StandAloneVM1" not in {step.get("virtualMachine", {}).get("name") for step in document["steps"]}


def test_a_plan_without_suppositions_is_not_called_hypothetical(capsys: pytest.CaptureFixture[str]) -> None:
    """The committed plan reads as before, and invites to apply it."""
    out = run(capsys, "plan", *FILES)[1]

    assert "ypothetical" not in out
    assert "Next: reconciler apply" in out


def test_a_hypothetical_plan_is_never_saved(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Wrong usage; no file appears that somebody could apply by mistake."""
    file = tmp_path / "plan.json"
    code, out, err = run(capsys, "plan", *FILES, "--what-if", "cordon=StandAlone1", "--out", file)

    assert (code, out, file.exists()) == (64, "", False)
    assert "leave out --out or --what-if" in err


@pytest.mark.parametrize("change", ["maintenance=StandAlon3", "memory=StandAlone1:1", "host-limit=StandAlone1"])
def test_a_change_that_makes_no_sense_is_wrong_usage(capsys: pytest.CaptureFixture[str], change: str) -> None:
    """The change is named, with what to write instead."""
    code, out, err = run(capsys, "plan", *FILES, "--what-if", change)

    assert (code, out) == (64, "")
    assert f"--what-if {change}: what-if:" in err


def test_explanations_are_the_same_bytes_in_every_process() -> None:
    """Across runs and hash seeds, text and document alike."""

    def output(seed: str, form: str) -> bytes:
        environment = os.environ | {"PYTHONHASHSEED": seed, "NO_COLOR": "1"}
        arguments = ["explain", "StandAloneVM3", str(DESIRED), "--observation", str(SEEN), "-o", form]
        command = [sys.executable, "-m", "reconciler", *arguments]
        return subprocess.run(command, env=environment, check=True, capture_output=True, cwd=ROOT).stdout

    assert len({output(seed, "text") for seed in ("0", "1")}) == 1
    assert len({output(seed, "json") for seed in ("0", "1")}) == 1

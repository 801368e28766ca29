"""``hold``, ``release``, ``history`` and what the other commands show of them, as a person uses them."""

import json
import re
from pathlib import Path

import pytest

from reconciler.cli.main import main

STORY = Path(__file__).parents[1] / "scenarios" / "stand-alone"
SAVED = ["--observation", STORY / "observed.json"]
HOLD = ["hold", "standalonevm1", STORY / "desired", "--reason", "vendor visit", "--owner", "dba@contoso.com"]


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_hold_is_shown_wherever_the_machine_is_left_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """With owner and reason, by plan, drift, explain and status; after its release nothing is left of it."""
    state = ["--state", tmp_path / "store.sqlite3"]
    assert run(capsys, *HOLD, *state)[0] == 0

    for command in (["plan"], ["drift"], ["explain", "StandAloneVM1"], ["status"], ["plan", "-o", "markdown"]):
        code, out, _ = run(capsys, *command, STORY / "desired", *SAVED, *state)
        assert code == 0
        assert "contoso.com" in out, command  # markdown spells the @ so that nobody is notified
        assert "vendor visit" in out, command
    assert run(capsys, "plan", STORY / "desired", *SAVED, *state, "--detailed-exitcode")[0] == 0
    held = json.loads(run(capsys, "status", STORY / "desired", *SAVED, *state, "-o", "json")[1])["held"]
    assert [(one["name"], one["until"]) for one in held] == [("StandAloneVM1", None)]

    assert run(capsys, "release", "StandAloneVM1", *state)[0] == 0
    assert run(capsys, "plan", STORY / "desired", *SAVED, *state, "--detailed-exitcode")[0] == 2


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["hold", "nobody", STORY / "desired", "--reason", "x"], 1, "unknown-machine"),
        ([*HOLD, "--until", "tomorrow"], 64, "this is no time"),
        ([*HOLD, "--until", "2099-01-01T00:00:00"], 64, "it names no time zone"),
        ([*HOLD, "--until", "2001-01-01T00:00:00Z"], 64, "this time is past"),
        (["hold", "StandAloneVM1", STORY / "desired", "--reason", " "], 64, "a hold without a reason"),
        (["release", "StandAloneVM1"], 1, "nobody holds it"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_remedy(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[object], code: int, said: str
) -> None:
    """And nothing is recorded."""
    state = ["--state", tmp_path / "store.sqlite3"]

    ended, _, err = run(capsys, *arguments, *state)

    assert (ended, said in err) == (code, True), err
    assert "Nothing is recorded." in run(capsys, "history", *state)[1]


def test_nobody_lifts_the_hold_of_another_by_accident(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Where two owners hold a machine, the one whose hold ends is named."""
    state = ["--state", tmp_path / "store.sqlite3"]
    run(capsys, *HOLD, *state)
    run(capsys, *HOLD[:-1], "ops@contoso.com", *state)

    assert run(capsys, "release", "StandAloneVM1", *state)[0] == 1
    code, out, _ = run(capsys, "release", "StandAloneVM1", "--owner", "ops@contoso.com", *state)

    assert (code, "Still held for dba@contoso.com." in out) == (0, True)


def test_history_tells_who_did_what_and_proves_that_nothing_is_missing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Text for people, a document for pipelines, one line an entry for archives; an edit is found out."""
    file = tmp_path / "store.sqlite3"
    run(capsys, *HOLD, "--until", "2099-01-01T00:00:00Z", "--state", file)
    run(capsys, "release", "StandAloneVM1", "--state", file)

    code, out, _ = run(capsys, "history", "standalonevm1", "--verify", "--state", file, "--export", tmp_path / "all.jsonl")
    events = json.loads(run(capsys, "history", "--state", file, "-o", "json", "--limit", 1)[1])

    assert code == 0
    assert re.search(r"held +StandAloneVM1 +for dba@contoso.com until 2099-01-01 00:00Z \(vendor visit\)", out), out
    assert "every entry is as it was written" in out
    assert [event["what"] for event in events["events"]] == ["released"]
    assert events["more"] is True
    lines = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(line["number"], line["kind"], line["command"]) for line in lines] == [
        (1, "hold", "hold"),
        (2, "release", "release"),
    ]
    assert lines[1]["previous"] == lines[0]["seal"]


def test_a_store_that_cannot_be_read_ends_plan_as_well(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Whether a machine is held is then unknown, and unknown is never no."""
    file = tmp_path / "store.sqlite3"
    file.write_bytes(b"no database" * 1000)

    code, out, err = run(capsys, "plan", STORY / "desired", *SAVED, "--state", file)

    assert (code, out) == (1, "")
    assert "store-damaged" in err

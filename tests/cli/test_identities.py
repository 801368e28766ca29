"""Whoever looks cannot change: commands that only read work with the reading identity alone, and hold no other."""

import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from reconciler.cli.main import main
from reconciler.clock import ScaledClock
from reconciler.files import read_observation
from reconciler.hosts.port import Call, ConfigureHost, FailureKind, Survey, Target
from reconciler.hosts.winrm.config import Secret
from reconciler.simulator.stage import Stage, staged
from reconciler.wiring import winrm_hosts

STORY = Path(__file__).parents[1] / "scenarios" / "stand-alone"
WRONG = {"username": "CONTOSO\\writer", "password": "wrong"}


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged(read_observation(STORY / "observed.json"), ScaledClock(datetime.now(UTC), 20)) as stage:
        yield stage


def a_config(folder: Path, stage: Stage, **sections: dict[str, str]) -> Path:
    file = folder / "winrm.yaml"
    file.touch(0o600)
    file.write_text(yaml.safe_dump({"endpoints": dict(stage.config.endpoints), **sections}), encoding="utf-8")
    return file


def good(stage: Stage) -> dict[str, str]:
    return {"username": stage.config.username, "password": stage.config.password.reveal()}


READING = [
    ["observe", STORY / "desired"],
    ["plan", STORY / "desired"],
    ["drift", STORY / "desired"],
    ["status", STORY / "desired"],
    ["explain", "StandAloneVM1", STORY / "desired"],
]


@pytest.mark.parametrize("command", READING, ids=lambda command: str(command[0]))
def test_looking_needs_the_reading_identity_and_no_other(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, stage: Stage, command: list[object]
) -> None:
    """The writing identity would be refused everywhere, and nobody notices."""
    config = a_config(tmp_path, stage, read=good(stage), write=WRONG)

    code = main([*map(str, command), "--config", str(config)])

    assert code == 0, capsys.readouterr().err
    assert sum(endpoint.failed_logons for endpoint in stage.endpoints.endpoints.values()) == 0


def test_a_preview_and_an_import_need_the_reading_identity_and_no_other(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, stage: Stage
) -> None:
    """A pipeline that shows what a change does holds no account that could make it; nor does whoever takes a fleet over."""
    config, repo = a_config(tmp_path, stage, read=good(stage), write=WRONG), tmp_path / "repo"
    shutil.copytree(STORY / "desired", repo / "desired-state")
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        subprocess.run(["git", "-C", repo, "-c", "user.name=t", "-c", "user.email=t@example.org", *words], check=True)
    preview = ["preview", "--base", "main", "--head", "main", "--repo", repo]
    taken_over = ["import", "standalone1.contoso.com", "standalone2.contoso.com", "--into", tmp_path / "fleet"]

    codes = [main([*map(str, words), "--config", str(config)]) for words in (preview, taken_over)]

    assert codes == [0, 0], capsys.readouterr().err
    assert sum(endpoint.failed_logons for endpoint in stage.endpoints.endpoints.values()) == 0
    assert stage.world.events == []


def test_apply_changes_with_the_writing_identity(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With that refused the survey is made, nothing is started, and nobody waits for a second try; else the machine moves.

    What was refused is in the store: ``explain`` tells of it, with what a person has to do.
    """
    monkeypatch.setenv("RECONCILER_STATE", str(tmp_path))
    apply = ["apply", str(STORY / "desired"), "--config"]

    refused = main([*apply, str(a_config(tmp_path, stage, read=good(stage), write=WRONG))])
    started = len(stage.world.events)
    explained = main(
        ["explain", "StandAloneVM1", str(STORY / "desired"), "--config", str(a_config(tmp_path, stage, read=good(stage)))]
    )
    done = main([*apply, str(a_config(tmp_path, stage, read=good(stage), write=good(stage)))])

    told = capsys.readouterr().out
    assert (refused, started, explained, done) == (6, 0, 0, 0), told
    assert "refused 1 time: " in told
    assert "not now: blocked-by-host: failed 1 time(s)" in told
    assert "failed (credentials refused): " in told


def test_a_change_asked_for_by_a_command_that_looks_is_refused_before_it_leaves(tmp_path: Path, stage: Stage) -> None:
    """Even where both identities may do all: the way for changes is not there."""
    target = Target("StandAlone1", "standalone1.contoso.com")
    change = ConfigureHost({"migration.enabled": False})

    with winrm_hosts(a_config(tmp_path, stage, read=good(stage)), {}) as hosts:
        answers = hosts.ask([Call(target, Survey()), Call(target, change), Call(target, Survey())])

    assert [answer.failure is None for answer in answers] == [True, False, True]
    assert answers[1].failure is not None
    assert answers[1].failure.kind is FailureKind.REFUSED
    assert stage.world.events == []


def test_secrets_compare_by_what_they_hide_and_show_nothing() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a")}) == 1
    assert "a" not in repr(Secret("a")).replace("Secret", "")

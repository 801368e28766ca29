"""The packages for the forges: YAML that parses, commands and options that exist, nothing for forks to take.

GitHub's steps are also run, in bash, against a local forge. What only a real forge can show is said in docs/pull-requests.md.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.cli.main import main
from reconciler.model.preview import Preview
from reconciler.report.preview_words import variables
from tests.unit.forges.fakes import TOKEN, FakeGitHub, serving

ROOT = Path(__file__).parents[2]
PACKAGES = ROOT / "packages"
FILES = sorted(PACKAGES.rglob("*.yml"))
SCENARIO = ROOT / "tests/scenarios/stand-alone"


def documents(file: Path) -> list[Any]:
    return list(yaml.safe_load_all(file.read_text(encoding="utf-8")))


def texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        yield from (text for value in node.values() for text in texts(value))
    elif isinstance(node, list):
        yield from (text for value in node for text in texts(value))


def scripts(file: Path) -> list[str]:
    """Every text of a package that calls the program."""
    return [
        text
        for document in documents(file)
        for text in texts(document)
        if re.search(r"\breconciler (preview|comment|approve)\b", text)
    ]


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(value)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_file_is_yaml(file: Path) -> None:
    """With documents that are mappings."""
    assert documents(file)
    assert all(isinstance(document, dict) for document in documents(file))


def test_every_command_and_option_that_the_packages_use_exists(capsys: pytest.CaptureFixture[str]) -> None:
    """A renamed option would break other people's pipelines, silently."""
    used = {
        (command, option)
        for file in FILES
        for script in scripts(file)
        for command in ("preview", "comment")
        if f"reconciler {command}" in script
        for option in re.findall(r"(?<![\w-])--[a-z-]+", script)
    }
    known: dict[str, str] = {}
    for command in ("preview", "comment"):
        main([command, "--help"])
        known[command] = capsys.readouterr().out

    assert len(used) > 10
    assert [(command, option) for command, option in sorted(used) if f"{option} " not in known[command]] == []


def test_every_package_reads_and_comments_in_two_commands() -> None:
    """The one that reads a stranger's YAML never has the token; the one that has it reads a document."""
    packages = [
        PACKAGES / "github/action.yml",
        PACKAGES / "gitlab/templates/preview.yml",
        PACKAGES / "azure-devops/preview.yml",
    ]
    for file in packages:
        assert [bool(re.search(rf"reconciler {command}", "".join(scripts(file)))) for command in ("preview", "comment")] == [
            True
        ] * 2
        for step in (node for document in documents(file) for node in nodes(document) if "env" in node):
            text = str(step.get("run") or step.get("inputs"))
            assert not ("reconciler preview" in text and "TOKEN" in str(step["env"]))


def test_nothing_runs_with_rights_on_a_strangers_code() -> None:
    """pull_request_target and its like hand the repository's secrets to whatever a fork sends."""
    for file in FILES:
        words = set(re.findall(r"\b[\w-]+\b", " ".join(line for line in file.read_text().splitlines() if "never" not in line)))
        assert not words & {"pull_request_target", "workflow_run", "issue_comment"}
    (workflow,) = documents(PACKAGES / "github/example-workflow.yml")
    assert workflow["permissions"] == {"contents": "read", "pull-requests": "write", "statuses": "write"}
    assert "secrets." not in (PACKAGES / "github/example-workflow.yml").read_text()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_value_becomes_part_of_a_script(file: Path) -> None:
    """Names of branches and inputs reach a shell as variables; pasted into the script they would be code."""
    bodies = [
        str(node[key]) for document in documents(file) for node in nodes(document) for key in ("run", "script") if key in node
    ]

    assert [body for body in bodies if "${{" in body or "$(" in body or "$[[" in body] == []


def test_the_outputs_are_those_that_a_preview_hands_over() -> None:
    """One list, in the program."""
    (action,) = documents(PACKAGES / "github/action.yml")
    nothing = Preview.model_validate(
        {"base": {"name": "a"}, "head": {"name": "b"}, "observation": {"digest": "", "observedAt": "2026-11-24T12:00:00Z"}}
    )

    assert set(action["outputs"]) == set(variables(nothing))
    assert {"hasChanges", "moves", "risk"} <= set(variables(nothing))


def git(repo: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, "-C", str(repo), *arguments], check=True, capture_output=True)


@pytest.mark.skipif(sys.platform == "win32", reason="the action's steps are for bash")
def test_the_steps_of_the_github_action_comment_on_a_pull_request(tmp_path: Path) -> None:
    """Run as GitHub runs them: one comment, a status, outputs, a summary and the artifact."""
    folder = tmp_path / "desired-state"
    folder.mkdir()
    git(tmp_path, "init", "-q", "-b", "main")
    for was in ("{host: StandAlone1}", "{host: StandAlone2}"):
        for file in (SCENARIO / "desired").iterdir():
            (folder / file.name).write_text(file.read_text().replace("{host: StandAlone2}", was))
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", was)
    (action,) = documents(PACKAGES / "github/action.yml")
    steps = [step for step in action["runs"]["steps"] if "reconciler" in step["run"]]
    fake = FakeGitHub()
    with serving(fake):
        for step in steps:
            _run(step, tmp_path, fake)

    assert len(fake.bodies()) == 1
    assert "reconciler: 1 move, 1 needed" in fake.bodies()[0]
    assert fake.statuses[-1]["state"] == "success"
    assert "hasChanges=true\nmoves=1\n" in (tmp_path / "output").read_text()
    assert "1 move, 1 needed" in (tmp_path / "summary").read_text()
    assert (tmp_path / "plan.json").exists()


def _run(step: dict[str, Any], folder: Path, fake: FakeGitHub) -> None:
    given = {
        "${{ inputs.observation }}": str(SCENARIO / "observed.json"),
        "${{ inputs.verify-key }}": "",
        "${{ inputs.maximum-age }}": "3600",
        "${{ inputs.path }}": "desired-state",
        "${{ inputs.fleet }}": "",
        "${{ inputs.token }}": TOKEN,
    }
    agent = fake.environment() | {"GITHUB_OUTPUT": str(folder / "output"), "GITHUB_STEP_SUMMARY": str(folder / "summary")}
    environ = os.environ | agent | {name: given[value] for name, value in step["env"].items()}
    command = f'reconciler() {{ "{sys.executable}" -m reconciler "$@"; }}\n{step["run"]}'
    subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", command], cwd=folder, env=environ | {"PYTHONPATH": str(ROOT)}, check=True
    )

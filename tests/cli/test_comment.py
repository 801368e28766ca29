"""From a saved preview to a comment and a status, and to what a pipeline branches on, as jobs run it."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.cli.main import main
from reconciler.preview import make_preview
from tests.unit.forges.fakes import TOKEN, FakeAzureDevOps, FakeForge, FakeGitHub, FakeGitLab, serving
from tests.unit.preview import example
from tests.unit.preview.change import desired, preview, vm


@pytest.fixture(params=[FakeGitHub, FakeGitLab, FakeAzureDevOps], ids=lambda kind: kind.name)
def forge(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeForge]:
    fake: FakeForge = request.param()
    with serving(fake):
        for name, value in fake.environment().items():
            monkeypatch.setenv(name, value)
        yield fake


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    file = tmp_path / "preview.json"
    file.write_text(json.dumps(make_preview(*example.revisions(), example.observation(), example.NOW)[0].to_json()))
    return file


def test_a_saved_preview_becomes_a_comment_and_a_status(
    capsys: pytest.CaptureFixture[str], forge: FakeForge, saved: Path
) -> None:
    """The golden comment, whole; a second run leaves it alone."""
    golden = example.ROOT / f"tests/unit/preview/golden/{forge.name}.md"
    codes = [main(["comment", str(saved), "--forge", forge.name]) for _ in range(2)]

    assert codes == [0, 0]
    assert forge.bodies() == [golden.read_text(encoding="utf-8")]
    assert [status["description"] for status in forge.statuses] == ["8 moves, 8 needed · risk high"] * 2
    assert "Comment unchanged." in capsys.readouterr().err


def test_a_preview_of_a_head_with_errors_is_a_red_status(forge: FakeForge, tmp_path: Path) -> None:
    """The comment has the errors."""
    broken = preview(desired(vm("vm1", "Host1")), desired(vm("vm1", "Host1", ", colour: red")))
    file = tmp_path / "broken.json"
    file.write_text(json.dumps(broken.to_json()))

    assert main(["comment", str(file), "--forge", forge.name, "--fleet", "east"]) == 0
    assert forge.bodies()[0].startswith("<!-- reconciler:preview:east -->")
    assert forge.statuses[0]["state"] in ("failure", "failed")


def test_a_refused_token_ends_with_what_to_check_and_never_with_the_token(
    capsys: pytest.CaptureFixture[str], forge: FakeForge, saved: Path
) -> None:
    """Logs of pipelines are read by many."""
    forge.secret = "another"

    code = main(["comment", str(saved), "--forge", forge.name])
    said = capsys.readouterr().err

    assert code == 1
    assert "forge-refused" in said
    assert "check the token" in said
    assert TOKEN not in said


@pytest.mark.parametrize("name", ["-->", "a b", "x" * 65, "é"])
def test_a_fleet_is_a_plain_name(saved: Path, name: str) -> None:
    """It stands in a hidden marker, which it must not end."""
    assert main(["comment", str(saved), "--fleet", name]) == 64


def test_an_azure_pipeline_gets_its_variables_and_its_summary(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As commands to the agent on standard output; a GitLab pipeline gets a file of them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AGENT_TEMPDIRECTORY", str(tmp_path))
    for arguments in (
        ["init", "-q"],
        ["-c", "user.name=t", "-c", "user.email=t@e.org", "commit", "-q", "--allow-empty", "-m", "x"],
    ):
        subprocess.run(["git", *arguments], check=True)
    folder = example.ROOT
    command = [
        "preview",
        "--base",
        "HEAD",
        "--head",
        "HEAD",
        "--observation",
        str(folder / "reconciler/simulator/fleets/demo.json"),
    ]

    codes = [main([*command, "--forge", forge, "--pipeline"]) for forge in ("azure-devops", "gitlab")]
    out = capsys.readouterr().out

    assert codes == [1, 1]  # the folder is not there, which is a head with errors
    assert "##vso[task.setvariable variable=valid;isOutput=true]false\n" in out
    assert f"##vso[task.uploadsummary]{tmp_path / 'reconciler-preview.md'}\n" in out
    assert "no plan: the head revision has 1 error" in (tmp_path / "reconciler-preview.md").read_text(encoding="utf-8")
    assert "risk=unknown\n" in (tmp_path / "reconciler.env").read_text()

"""What the documents say is what the program does."""

import os
import re
from pathlib import Path

import pytest

from reconciler.cli.commands import COMMANDS
from reconciler.cli.main import main
from reconciler.model.exit_codes import ExitCode

ROOT = Path(__file__).parents[2]


def test_the_plan_in_the_readme_is_the_programs_output(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader of the README sees what they will see on their own screen."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "110")
    shown = re.search(
        r"<!-- plan:.*?```\n(.*?)\n```\n<!-- /plan -->", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL
    )
    assert shown is not None

    assert main(["plan", "desired-state", "--observation", "reconciler/simulator/fleets/demo.json"]) == 0

    assert capsys.readouterr().out.rstrip() == shown[1]


PREVIEW = re.compile(r"(<!-- preview:.*?-->\n````markdown\n)(.*?)(````\n<!-- /preview -->)", re.DOTALL)


def test_the_comment_in_the_page_on_pull_requests_is_the_programs_output() -> None:
    """The golden comment for GitHub, which tests/unit/preview makes; ``UPDATE_GOLDEN=1`` writes it into the page."""
    file = ROOT / "docs" / "pull-requests.md"
    golden = (ROOT / "tests/unit/preview/golden/github.md").read_text(encoding="utf-8")
    page = file.read_text(encoding="utf-8")
    if os.environ.get("UPDATE_GOLDEN") == "1":
        file.write_text(PREVIEW.sub(lambda found: found[1] + golden + found[3], page), encoding="utf-8")

    assert [found[1] for found in PREVIEW.findall(file.read_text(encoding="utf-8"))] == [golden]


def test_every_command_and_exit_code_is_documented() -> None:
    """Nothing is found only by reading the code."""
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")

    assert [name for name in COMMANDS if f"`reconciler {name}" not in text] == []
    assert [code for code in ExitCode if f"| {int(code)} |" not in text] == []


def test_every_test_that_a_document_names_exists() -> None:
    """A rule that is said to be shown by a test is."""
    code = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py"))
    named = {name for page in (ROOT / "docs").rglob("*.md") for name in re.findall(r"`(test_\w+)`", page.read_text("utf-8"))}

    assert named
    assert sorted(name for name in named if f"def {name}(" not in code) == []


def test_every_link_between_documents_leads_somewhere() -> None:
    """A broken link is a broken promise."""
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    targets = [
        (page, link) for page in pages for link in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    ]

    assert targets
    assert [(page.name, link) for page, link in targets if not (page.parent / link).exists()] == []

"""The list of planted bugs stays usable: each text is there exactly once, and what is planted still is a program."""

import ast
from pathlib import Path

import pytest

from tests.simulation.planted_bugs import BUGS, Bug
from tests.simulation.planting import REPORT, planted

HERE = Path(__file__).parents[2] / "reconciler"


@pytest.mark.parametrize("bug", BUGS, ids=[bug.name for bug in BUGS])
def test_a_planted_bug_changes_one_place_and_leaves_a_program(bug: Bug) -> None:
    text = (HERE / bug.file).read_text(encoding="utf-8")

    assert text.count(bug.old) == 1
    ast.parse(text.replace(bug.old, bug.new))


def test_a_text_that_is_gone_is_an_error_and_not_a_bug_that_nobody_catches(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="stands 0 times"):
        planted(Bug("gone", "clock.py", "no such text", ""), tmp_path)


def test_the_published_report_names_every_planted_bug() -> None:
    """Those that nothing has caught are named in it as well."""
    report = REPORT.read_text(encoding="utf-8")

    assert len(BUGS) >= 40
    assert [bug.name for bug in BUGS if f"| {bug.name} |" not in report] == []

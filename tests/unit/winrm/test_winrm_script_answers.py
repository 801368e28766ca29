"""What every script answers and does in many situations, line by line the same as was reviewed.

``UPDATE_GOLDEN=1`` writes the answers anew, to be reviewed. ``mutate_scripts.py`` shows that they notice a broken line.
"""

import json
import os
import random
from dataclasses import replace

import pytest

from reconciler.hosts.winrm.bootstrap import script
from tests.unit.winrm.mutate_scripts import mutants, survives
from tests.unit.winrm.script_stage import ANSWERS, expected, transcript
from tests.unit.winrm.script_trouble import ALL_CASES as CASES

SAMPLE = "a sample that does not change with the day"


def test_the_answers_are_written_anew_where_that_is_asked_for() -> None:
    """And none is left over of a case that is gone."""
    if os.environ.get("UPDATE_GOLDEN"):
        found = {name: json.loads(json.dumps(transcript(case))) for name, case in CASES.items()}
        ANSWERS.write_text(json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")

    assert set(expected()) == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_a_script_answers_and_does_what_was_reviewed(name: str) -> None:
    """Answers, errors, events of the fleet, and the time slept."""
    assert json.loads(json.dumps(transcript(CASES[name]))) == expected()[name]


def test_a_broken_line_is_noticed() -> None:
    """A few breaks out of all, always the same; ``make mutate-scripts`` tries every one. What is whole passes."""
    broken = mutants()
    chosen, answers = random.Random(SAMPLE).sample(broken, 12), expected()
    whole = replace(chosen[0], script="Get-Survey", text=script("Get-Survey"))

    assert survives(whole, answers)
    assert [mutant.name for mutant in chosen if survives(mutant, answers)] == []

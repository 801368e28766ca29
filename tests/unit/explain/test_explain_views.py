"""What people read when they ask why; each answer is a golden file, small enough to be read in review."""

from collections.abc import Callable

import pytest

from tests.unit.explain.asking import same_as_golden
from tests.unit.explain.cases import CASES, Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_answer_reads_as_in_its_golden_file(case: Callable[[], Case]) -> None:
    """The whole screen, byte for byte."""
    wanted, fleet, subject = case()
    assert same_as_golden(case.__name__.replace("_", "-"), wanted, fleet, subject)

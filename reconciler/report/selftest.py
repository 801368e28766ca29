"""How the exercises of a self-test went, one a line."""

from rich.text import Text

from reconciler.model.selftest import SelfTest
from reconciler.report.console import columns, line, render


def selftest_text(report: SelfTest, color: bool = False) -> str:
    """Return the exercises with what came of each, and how many passed."""
    passed = sum(exercise.passed for exercise in report.exercises)
    rows = [
        (Text("✓" if one.passed else "✗", style="green" if one.passed else "red"), one.name, one.finding)
        for one in report.exercises
    ]
    total = f"{passed} of {len(report.exercises)} exercises passed, {len(report.exchanges)} questions asked"
    return render([*columns(rows, align="<<<", width=10_000), Text(), line((total, "bold"))], color)

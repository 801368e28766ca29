"""The judge of a life: what was asked against what was known, what happened against what may be, what was said against what is.

Nothing here asks the planner, the audit or the decision; the rules are written a second time, from the invariants of
docs/simulation.md, so that one mistake cannot hide the other.
"""

from reconciler.simulation.checker.knowledge import Knowledge
from reconciler.simulation.checker.promises import judge_outcome, judge_pass, judge_report
from reconciler.simulation.checker.requests import Asked, in_window, judge_request
from reconciler.simulation.checker.truth import Truth
from reconciler.simulation.checker.violation import Violation

__all__ = [
    "Asked",
    "Knowledge",
    "Truth",
    "Violation",
    "in_window",
    "judge_outcome",
    "judge_pass",
    "judge_report",
    "judge_request",
]

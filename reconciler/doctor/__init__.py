"""Is the way clear? Each host, and each pair of hosts that a machine has to go between, checked against what moves need. Pure.

What the plan checks too is asked of the very same functions (``plan.checks``); the rest comes from what hosts tell of their
set-up. Start at ``examine.examine``.
"""

from reconciler.doctor.examine import examine
from reconciler.doctor.ways import Way, questions_for, ways_needed

__all__ = ["Way", "examine", "questions_for", "ways_needed"]

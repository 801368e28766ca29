"""The port for an exact solver that comes from outside. Without one the planner's own search answers, and says how far it got.

A solver is a pure function of its puzzle: the same puzzle gives the same answer on every machine. What it answers is checked
like anything else that is planned, so it cannot make a plan unsafe, only shorter.
"""

from typing import Protocol

from reconciler.plan.assign import Answer, Puzzle


class Solver(Protocol):
    """Places machines with as few migrations as there can be."""

    def assign(self, puzzle: Puzzle) -> Answer | None:
        """Return the best placement found within the solver's budget; None where there was none in it."""
        ...

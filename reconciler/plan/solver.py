"""The port for an exact solver that comes from outside. Without one the planner's own search answers, and says how far it got.

A solver is a pure function of its puzzle: the same puzzle gives the same answer on every machine. What it answers is checked
like anything else that is planned, so it cannot make a plan unsafe, only shorter.
"""

from typing import Protocol

from reconciler.plan.assign import Answer, Puzzle
from reconciler.plan.sequence import OrderAnswer, OrderPuzzle


class Solver(Protocol):
    """Places machines, and puts their moves in order, with as few migrations as there can be."""

    def assign(self, puzzle: Puzzle) -> Answer | None:
        """Return the best placement found within the solver's budget; None where there was none in it."""
        ...

    def order(self, puzzle: OrderPuzzle, detours: int) -> OrderAnswer:
        """Return a safe order with no more than so many detours, or whether there is proven to be none."""
        ...

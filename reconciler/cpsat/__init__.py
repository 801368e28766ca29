"""The exact solver behind the planner's port: OR-Tools CP-SAT, an optional extra (``pip install reconciler[solver]``).

Deterministic: one worker, a fixed seed, budgets in the solver's own deterministic time. Nothing of the fleet is known here:
``placement`` says who goes where, ``order`` in which sequence and by which detours, ``timetable`` when.
"""

from importlib.util import find_spec

from reconciler.cpsat.order import safe_order
from reconciler.cpsat.placement import place
from reconciler.plan.assign import Answer, Puzzle
from reconciler.plan.sequence import OrderAnswer, OrderPuzzle
from reconciler.plan.solver import Solver

__all__ = ["CpSat", "installed_solver"]


def installed_solver() -> Solver | None:
    """Return the solver where OR-Tools is installed, else None."""
    return CpSat() if find_spec("ortools") else None


class CpSat:
    """OR-Tools CP-SAT. The library is loaded when the first puzzle comes, for most plans need none."""

    def assign(self, puzzle: Puzzle) -> Answer | None:
        """Return the placement with the fewest machines left out, then migrations, then the best liked hosts."""
        return place(puzzle)

    def order(self, puzzle: OrderPuzzle, detours: int) -> OrderAnswer:
        """Return a safe order with no more than so many detours, or whether there is none."""
        return safe_order(puzzle, detours)

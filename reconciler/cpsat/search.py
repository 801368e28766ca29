"""How a model is solved: one worker, a fixed seed, a budget in the solver's own deterministic time."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

SEED = 1
Var = Any  # cp_model.IntVar, which cannot be named where OR-Tools is missing


def solve(model: "cp_model.CpModel", budget: float) -> "tuple[cp_model.CpSolver, Any]":
    """Return the solver after its search, and the status that it ended with."""
    from ortools.sat.python import cp_model

    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = SEED
    solver.parameters.max_deterministic_time = budget
    return solver, solver.solve(model)

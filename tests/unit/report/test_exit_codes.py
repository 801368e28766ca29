"""The exit code that a plan calls for: the first that holds of 1, 4, 3, 6, 2, 0."""

import pytest

from reconciler.model.exit_codes import ExitCode, exit_code_for, exit_code_table
from reconciler.model.plan import Blocked, Plan, PlanProblem
from tests.unit.report.fleet import a_move, a_plan


def a_problem(code: str) -> PlanProblem:
    return PlanProblem(code=code, subject="fleet", severity="error", finding=f"{code} found", remedy="mend it")


RAIL, ERROR, SILENT = a_problem("guardrail-share"), a_problem("no-policy"), a_problem("host-unreachable")
STUCK = Blocked(subject="virtualMachine/web", code="no-room", finding="f", remedy="r")


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        (a_plan(a_move(), applicable=False, complete=False, problems=(RAIL, ERROR), blocked=(STUCK,)), ExitCode.ERROR),
        (a_plan(a_move(), applicable=False, complete=False, problems=(RAIL,), blocked=(STUCK,)), ExitCode.INCOMPLETE),
        (a_plan(a_move(), applicable=False, problems=(RAIL,), blocked=(STUCK,)), ExitCode.GUARDRAIL),
        (a_plan(a_move(), blocked=(STUCK,)), ExitCode.PARTLY),
        (a_plan(a_move()), ExitCode.CHANGES),
        (a_plan(), ExitCode.DONE),
        (a_plan(complete=False, problems=(SILENT,)), ExitCode.INCOMPLETE),
    ],
)
def test_the_first_that_holds_wins(plan: Plan, code: ExitCode) -> None:
    """An error outranks an incomplete view, that a guard rail, that something blocked, that changes."""
    assert exit_code_for(plan, detailed=True, always=False)[0] is code
    assert exit_code_for(plan, detailed=False, always=True)[0] is code


def test_without_details_only_an_error_is_not_zero() -> None:
    """A plan that could be made exits 0 however much it holds; one that could not exits 1."""
    rich = a_plan(a_move(), applicable=False, complete=False, problems=(RAIL,), blocked=(STUCK,))
    assert exit_code_for(rich, detailed=False, always=False)[0] is ExitCode.DONE
    broken = a_plan(applicable=False, problems=(ERROR,))
    assert exit_code_for(broken, detailed=False, always=False) == (ExitCode.ERROR, "no-policy found")


def test_every_code_has_a_meaning_for_help() -> None:
    """The table for --help names all nine."""
    numbers = [int(line.split()[0]) for line in exit_code_table().splitlines()]
    assert numbers == [0, 1, 2, 3, 4, 5, 6, 64, 130]
    assert all(code.meaning for code in ExitCode)

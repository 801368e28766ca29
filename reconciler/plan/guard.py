"""Guard rails: how much one plan may do before a person has to look. The plan is shown in full all the same."""

from reconciler.model.desired import Desired
from reconciler.model.drift import Drift
from reconciler.model.plan import MachineStep, PlanProblem, Step, Summary

SHARE_COUNTS_FROM = 10  # below that, one machine is already a large share


def guard_problems(desired: Desired, drift: Drift, steps: list[Step], summary: Summary) -> list[PlanProblem]:
    """Return one error for each guard rail in the way, with the numbers that it compared."""
    found = (_empty(desired, drift), _too_many(desired, summary), _too_large_a_share(desired, drift, steps))
    return [problem for problem in found if problem is not None]


def _empty(desired: Desired, drift: Drift) -> PlanProblem | None:
    if desired.virtual_machines or not drift.unmanaged:
        return None
    finding = f"the desired state names no virtual machine, and the fleet has {len(drift.unmanaged)}"
    return _problem("guardrail-empty-desired-state", finding, "check the folder and the revision that were read")


def _too_many(desired: Desired, summary: Summary) -> PlanProblem | None:
    most = desired.policy.guardrails.maximum_migrations_per_plan
    if most is None or summary.migrations <= most:
        return None
    finding = f"the plan has {summary.migrations} migrations, and {most} are allowed in one"
    return _problem("guardrail-migrations", finding, "make the change in smaller commits, or raise maximumMigrationsPerPlan")


def _too_large_a_share(desired: Desired, drift: Drift, steps: list[Step]) -> PlanProblem | None:
    most = desired.policy.guardrails.maximum_share_of_virtual_machines
    managed = len(drift.machines)
    if most is None or managed < SHARE_COUNTS_FROM:
        return None
    moved = {step.virtual_machine.id for step in steps if isinstance(step, MachineStep) and step.migration_kind is not None}
    if len(moved) <= most * managed:
        return None
    finding = (
        f"{len(moved)} of {managed} machines would migrate, {len(moved) / managed:.0%} of them, and {most:.0%} are allowed"
    )
    remedy = "make the change in smaller commits, or raise maximumShareOfVirtualMachines"
    return _problem("guardrail-share", finding, remedy)


def _problem(code: str, finding: str, remedy: str) -> PlanProblem:
    return PlanProblem(code=code, subject="policy", severity="error", finding=finding, remedy=remedy)

"""One pass of thought, in order: diff, plan, audit. Pure; nothing is planned that the auditor did not agree to.

What the passes do with it (start, watch, look again) is ``reconciler.controller``; showing it is ``reconciler.report``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.audit import audit
from reconciler.diff import find_drift
from reconciler.model.announced import AnnouncedMove
from reconciler.model.desired import Desired
from reconciler.model.drift import Drift
from reconciler.model.observation import Observation
from reconciler.model.plan import Plan
from reconciler.model.problem import Problem
from reconciler.plan import make_plan
from reconciler.plan.solver import Solver


class UnsoundPlan(Exception):  # noqa: N818 - named for what it is
    """The auditor found the planner's answer unsafe: a bug of ours, which stops the run before anything starts."""

    def __init__(self, findings: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = tuple(findings)


@dataclass(frozen=True, slots=True)
class Thought:
    """What one look at the fleet comes to."""

    desired: Desired
    observation: Observation
    drift: Drift
    plan: Plan


def think(
    desired: Desired, observation: Observation, solver: Solver | None = None, announced: Sequence[AnnouncedMove] = ()
) -> Thought:
    """Return drift and an audited plan; raise UnsoundPlan where the audit disagrees with the planner.

    ``solver`` is asked where the planner's own search leaves something open; ``announced`` is what a plan before said.
    """
    drift = find_drift(desired, observation)
    plan = make_plan(desired, observation, drift, solver=solver, announced=announced)
    findings = audit(plan, desired, observation)
    if findings:
        raise UnsoundPlan(findings)
    return Thought(desired, observation, drift, plan)

"""Two revisions and one observation to a ``Preview``: plan both, compare, judge."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.cycle import think
from reconciler.desired import Cache, SourceFile, load_desired
from reconciler.desired.compare import changes_between
from reconciler.model.desired import Desired
from reconciler.model.observation import Observation
from reconciler.model.plan import DesiredRef as Ref
from reconciler.model.plan import MachineStep, ObservationRef, Plan, PlanProblem
from reconciler.model.preview import Preview, Side
from reconciler.model.problem import Problem
from reconciler.plan.solver import Solver
from reconciler.preview.compare import compared_blocked, compared_steps
from reconciler.preview.risk import Case, risk_of
from reconciler.preview.window import window_fit


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision as it was read: the name asked for, its commit, its files; ``desired`` is None where there is an error."""

    name: str
    commit: str | None
    files: tuple[SourceFile, ...]
    desired: Desired | None
    problems: tuple[Problem, ...]

    @classmethod
    def of(
        cls,
        name: str,
        commit: str | None,
        files: Sequence[SourceFile],
        unreadable: Sequence[Problem] = (),
        cache: Cache | None = None,
    ) -> "Revision":
        """Load the files; what could not be read makes the revision unusable."""
        if unreadable:
            return cls(name, commit, (), None, tuple(unreadable))
        loaded = load_desired(files, revision=commit, cache=cache)
        return cls(name, commit, tuple(files), loaded.desired, loaded.problems)


def make_preview(
    base: Revision, head: Revision, observation: Observation, now: datetime, solver: Solver | None = None
) -> tuple[Preview, Plan | None]:
    """Return what going from base to head does, and the head's whole plan (None where the head has errors).

    ``now`` (aware) only chooses the window. Raises UnsoundPlan as ``think`` does.
    """
    seen = ObservationRef(digest=observation.digest, observed_at=observation.observed_at)
    base_plan = think(base.desired, observation, solver).plan if base.desired else None
    if head.desired is None:
        empty = Preview(base=_side(base, base_plan), head=_side(head, None), observation=seen, complete=False, applicable=False)
        return empty, None
    plan = think(head.desired, observation, solver).plan
    return _compared(base, head, base_plan, plan, observation, now), plan


def _compared(
    base: Revision, head: Revision, base_plan: Plan | None, plan: Plan, observation: Observation, now: datetime
) -> Preview:
    assert head.desired is not None
    steps, blocked = compared_steps(base_plan, plan), compared_blocked(base_plan, plan)
    changes = changes_between(base.files, head.files) if base.desired else ()
    case = Case(head.desired, observation, plan, steps, blocked, changes)
    return Preview(
        base=_side(base, base_plan),
        head=_side(head, plan),
        observation=plan.observation,
        complete=plan.complete,
        applicable=plan.applicable,
        summary=plan.summary,
        added_migrations=sum(step.migrations for step in case.new_moves),
        unprotected_seconds=sum(step.unprotected_seconds for step in plan.steps if isinstance(step, MachineStep)),
        changes=changes,
        steps=steps,
        blocked=blocked,
        problems=plan.problems,
        window=window_fit(head.desired.policy, plan, now),
        risk=risk_of(case),
    )


def _side(revision: Revision, plan: Plan | None) -> Side:
    return Side(
        name=revision.name,
        commit=revision.commit,
        desired=Ref(revision=revision.commit, digest=revision.desired.digest) if revision.desired else None,
        fingerprint=plan.fingerprint if plan else None,
        problems=tuple(PlanProblem.of(problem) for problem in revision.problems),
    )

"""Whether the plan holds together as a document: made from these inputs, ids unique, dependencies known and without a cycle."""

from collections.abc import Iterator

from reconciler.audit.case import Case, problem
from reconciler.model.plan import MachineStep, Step
from reconciler.model.problem import Problem
from reconciler.model.words import Action

ON_HOSTS = (Action.CONFIGURE_HOST, Action.CONFIGURE_CLUSTER)


def check(case: Case) -> Iterator[Problem]:
    """Every later check relies on what is checked here."""
    yield from _inputs(case)
    known: set[str] = set()
    for step in case.plan.steps:
        if step.id in known:
            yield problem("duplicate-id", f"step/{step.id}", "two steps have this id")
        yield from _dependencies(step, known, case)
        yield from _shape(step)
        known.add(step.id)


def _inputs(case: Case) -> Iterator[Problem]:
    if case.plan.desired.digest != case.desired.digest:
        yield problem("other-desired", "plan", "the plan was made from another desired state")
    if case.plan.observation.digest != case.observation.digest:
        yield problem("other-observation", "plan", "the plan was made from another observation")


def _dependencies(step: Step, known: set[str], case: Case) -> Iterator[Problem]:
    for needed in step.depends_on:
        if needed not in case.index:
            yield problem("unknown-dependency", f"step/{step.id}", f"it depends on {needed}, which is no step")
        elif needed not in known:
            yield problem("dependency-order", f"step/{step.id}", f"it depends on {needed}, which does not come before it")


def _shape(step: Step) -> Iterator[Problem]:
    if isinstance(step, MachineStep):
        if step.action in ON_HOSTS:
            yield problem("shape", f"step/{step.id}", f"{step.action.value} is nothing that is done to a machine")
    elif (step.host is None) == (step.cluster is None):
        yield problem("shape", f"step/{step.id}", "it must name a host or a cluster, and not both")

"""What every planning test needs: the plan for a desired state and a fleet, and short ways to speak of its steps."""

from reconciler.diff import find_drift
from reconciler.model.announced import announced_by
from reconciler.model.desired import Desired
from reconciler.model.observation import Observation
from reconciler.model.plan import MachineStep, Plan, Step
from reconciler.plan import make_plan
from tests.builders import a_fleet


def plan_for(wanted: Desired, fleet: Observation | None = None, announced: Plan | None = None) -> Plan:
    """Return the plan; the usual fleet of two hosts where none is given. ``announced`` is a plan made before."""
    seen = fleet or a_fleet()
    return make_plan(wanted, seen, find_drift(wanted, seen), announced=announced_by(announced.steps) if announced else ())


def story(plan: Plan) -> list[str]:
    """Return one line a step: ``liveMigration vm1 Host1 Host2``."""
    return [line(step) for step in plan.steps]


def line(step: Step) -> str:
    """Return a step in words."""
    if not isinstance(step, MachineStep):
        return f"{step.action.value} {step.subject.partition('/')[2]}"
    return " ".join(word for word in (step.action.value, step.virtual_machine.name, step.source, step.destination) if word)


def blocked(plan: Plan) -> dict[str, str]:
    """Return the code of each blocked subject, by name."""
    return {one.subject.partition("/")[2]: one.code for one in plan.blocked}


def step_of(plan: Plan, name: str) -> MachineStep:
    """Return the last step of a machine."""
    return next(step for step in reversed(plan.steps) if isinstance(step, MachineStep) and step.virtual_machine.name == name)

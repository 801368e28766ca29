"""What a saved plan allows: only its own steps, for the one desired state and situation that it was made for."""

from collections.abc import Iterator

from reconciler.model.plan import MachineStep, Plan, SettingsStep, Step
from reconciler.model.words import Action


class Approval:
    """The bounds that a saved plan sets; without one, everything that is planned afresh may start."""

    def __init__(self, approved: Plan | None) -> None:
        self._approved = approved
        self._steps = frozenset(key for step in approved.steps for key in _keys(step)) if approved else None

    def refuse(self, fresh: Plan) -> str | None:
        """Return why the saved plan does not fit the fleet as it is now, or None where it does."""
        if self._approved is None or self._approved.fingerprint == fresh.fingerprint:
            return None
        return (
            f"stale plan: the saved plan is {_short(self._approved)}, what would be done now is {_short(fresh)}; "
            "plan again and review what changed"
        )

    def covers(self, step: Step) -> bool:
        """Tell whether the step is one of the saved plan's, or the part of one that is still to be done."""
        return self._steps is None or not self._steps.isdisjoint(_keys(step))


def _short(plan: Plan) -> str:
    return plan.fingerprint.removeprefix("sha256:")[:12]


def _keys(step: Step) -> Iterator[tuple[str, ...]]:
    """Every key that stands for the step; a move into a cluster promises the role at its destination as well."""
    if isinstance(step, SettingsStep):
        for change in step.settings:
            yield (step.subject, change.field, str(change.target))
        return
    machine = step.virtual_machine.id.casefold()
    if step.action is Action.ADD_CLUSTER_ROLE:
        yield (machine, Action.ADD_CLUSTER_ROLE, step.source)
        return
    targets = tuple(sorted(move.target.casefold() for move in step.storage))
    yield (machine, step.action, step.source, step.destination or "", *targets)
    yield from _roles_promised(step, machine)


def _roles_promised(step: MachineStep, machine: str) -> Iterator[tuple[str, ...]]:
    """The role is due where the machine ends up: at the destination, or at the source where it could not leave."""
    for host in (step.destination if step.joins_cluster else None, step.source if step.leaves_cluster else None):
        if host:
            yield (machine, Action.ADD_CLUSTER_ROLE, host)

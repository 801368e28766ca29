"""The numbers on top of a plan, counted once from its parts."""

from collections import Counter

from reconciler.model.drift import Drift, MachineStatus
from reconciler.model.plan import Blocked, MachineStep, Step, Summary
from reconciler.model.words import Action, Proof
from reconciler.plan.moves import Move


def summarise(drift: Drift, steps: list[Step], needed: int, blocked: list[Blocked], bound: float) -> Summary:
    """Return counts of machines and migrations.

    ``needed`` is the proven least number of migrations; ``bound`` is in seconds.
    """
    actions = Counter(step.action for step in steps)
    states = Counter(machine.status for machine in drift.machines)
    both = actions[Action.LIVE_MIGRATION_WITH_STORAGE]
    summary = Summary(
        host_settings=actions[Action.CONFIGURE_HOST] + actions[Action.CONFIGURE_CLUSTER],
        live_migrations=actions[Action.LIVE_MIGRATION] + both,
        storage_migrations=actions[Action.STORAGE_MIGRATION] + both,
        offline_migrations=actions[Action.OFFLINE_MIGRATION],
        starts=actions[Action.START_VIRTUAL_MACHINE],
        high_availability_changes=actions[Action.ADD_CLUSTER_ROLE] + actions[Action.REMOVE_CLUSTER_ROLE],
        in_place=states[MachineStatus.IN_PLACE],
        moving=states[MachineStatus.MOVING],
        blocked=len(blocked),
        unknown=states[MachineStatus.UNKNOWN],
        unmanaged=len(drift.unmanaged),
        needed_migrations=needed,
        bytes=sum(step.bytes for step in steps if isinstance(step, MachineStep)),
        estimated_seconds=max((round(step.estimated_start_seconds + step.estimated_seconds, 3) for step in steps), default=0),
        lower_bound_seconds=bound,
    )
    return summary.model_copy(update={"proof": Proof.MINIMAL if summary.migrations <= needed else Proof.BOUNDED})


def needed_by(move: Move) -> int:
    """What no plan can save: a copy forced by one of several possible destinations might be spared by another."""
    placement = move.drift.machine.placement
    pinned = placement is not None and len(placement.hosts) == 1
    return move.route.migrations if pinned or move.drift.files else move.least

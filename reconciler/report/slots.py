"""Use of migration slots per host: now, at the plan's peak by its estimated times, and the limits.

Incoming and outgoing migrations count together. Estimates only: what may really start is decided at the time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reconciler.model.desired import Desired
from reconciler.model.observation import Host, Observation
from reconciler.model.plan import MachineStep, Plan, SettingsStep
from reconciler.model.words import Action, MigrationKind

LIVE_LIMIT = "maximumVirtualMachineMigrations"
STORAGE_LIMIT = "maximumStorageMigrations"
CLUSTER_LIMIT = "maximumParallelMigrations"
STORAGE_ACTIONS = (Action.STORAGE_MIGRATION, Action.LIVE_MIGRATION_WITH_STORAGE)
STORAGE_KINDS = (MigrationKind.STORAGE, MigrationKind.LIVE_WITH_STORAGE)

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class SlotUse:
    """Slots of one sort on one host; None is unknown. ``later`` is the limit once the plan's settings are in force."""

    now: int | None
    peak: int
    limit: int | None
    later: int | None


@dataclass(frozen=True, slots=True)
class HostSlots:
    """Live and storage slots of one host."""

    host: str
    live: SlotUse
    storage: SlotUse


def slots_of(plan: Plan, desired: Desired, observation: Observation) -> tuple[HostSlots, ...]:
    """Return slot use of every host that the plan's migrations touch or that runs one now, sorted by name."""
    names = {name.casefold(): name for name in _hosts_of(plan)}
    names |= {host.name.casefold(): host.name for host in observation.hosts if _is_busy(host)}
    return tuple(_host_slots(names[key], plan, desired, observation) for key in sorted(names))


def used_now(host: Host | None, storage: bool) -> int | None:
    """Return how many slots a host uses now: what it counts itself, or the jobs it lists where that is more."""
    if host is None:
        return None
    counted = host.migration.active_storage_migrations if storage else host.migration.active_virtual_machine_migrations
    takes = _takes_storage if storage else _takes_live
    listed = sum(takes(job.kind) for job in host.running_migrations)
    return max(counted, listed) if counted is not None else (listed or None)


def observed_live_limit(host: Host | None, observation: Observation) -> int | None:
    """Return the live limit in force: the smaller of the host's and its cluster's; None where neither is known."""
    if host is None:
        return None
    cluster = observation.cluster(host.cluster) if host.cluster else None
    return _least(host.migration.maximum_virtual_machine_migrations, cluster.maximum_parallel_migrations if cluster else None)


def _host_slots(name: str, plan: Plan, desired: Desired, observation: Observation) -> HostSlots:
    seen, wanted = observation.host(name), desired.host(name)
    live = _least(
        observed_live_limit(seen, observation), wanted.migration.maximum_virtual_machine_migrations if wanted else None
    )
    storage = _least(
        seen.migration.maximum_storage_migrations if seen else None,
        wanted.migration.maximum_storage_migrations if wanted else None,
    )
    return HostSlots(
        name,
        SlotUse(
            used_now(seen, False), _peak(_spans(plan, name, False)), live, _live_limit_later(seen, plan, observation, live)
        ),
        SlotUse(used_now(seen, True), _peak(_spans(plan, name, True)), storage, _set_by(plan, name, STORAGE_LIMIT) or storage),
    )


def _live_limit_later(host: Host | None, plan: Plan, observation: Observation, limit: int | None) -> int | None:
    if host is None:
        return limit
    own, shared = _set_by(plan, host.name, LIVE_LIMIT), _set_by(plan, host.cluster or "", CLUSTER_LIMIT)
    if own is None and shared is None:
        return limit
    cluster = observation.cluster(host.cluster) if host.cluster else None
    known = shared or (cluster.maximum_parallel_migrations if cluster else None)
    return _least(own or host.migration.maximum_virtual_machine_migrations, known)


def _set_by(plan: Plan, name: str, field: str) -> int | None:
    """Return what the plan sets a limit of a host or cluster to, or None."""
    for step in plan.steps:
        if isinstance(step, SettingsStep) and (step.host or step.cluster or "").casefold() == name.casefold():
            for change in step.settings:
                if change.field.rpartition(".")[2] == field and isinstance(change.target, int):
                    return change.target
    return None


def _hosts_of(plan: Plan) -> Iterable[str]:
    for step in plan.steps:
        if isinstance(step, MachineStep) and step.migration_kind is not None:
            yield step.source
            if step.destination:
                yield step.destination


def _spans(plan: Plan, host: str, storage: bool) -> list[Span]:
    takes = _step_takes_storage if storage else _step_takes_live
    return [
        (step.estimated_start_seconds, step.estimated_start_seconds + step.estimated_seconds)
        for step in plan.steps
        if isinstance(step, MachineStep) and takes(step) and host.casefold() in _ends(step)
    ]


def _ends(step: MachineStep) -> tuple[str, ...]:
    return (step.source.casefold(), (step.destination or step.source).casefold())


def _peak(spans: Sequence[Span]) -> int:
    """Return the most spans that hold at once; they are half open, so one may begin the moment another ends."""
    used = most = 0
    for _, change in sorted([(start, 1) for start, _ in spans] + [(end, -1) for _, end in spans]):
        used += change
        most = max(most, used)
    return max(most, min(1, len(spans)))


def _step_takes_live(step: MachineStep) -> bool:
    return step.migration_kind is not None and step.action is not Action.STORAGE_MIGRATION


def _step_takes_storage(step: MachineStep) -> bool:
    return step.action in STORAGE_ACTIONS or (step.action is Action.OFFLINE_MIGRATION and bool(step.storage))


def _takes_live(kind: MigrationKind) -> bool:
    return kind is not MigrationKind.STORAGE


def _takes_storage(kind: MigrationKind) -> bool:
    return kind in STORAGE_KINDS


def _is_busy(host: Host) -> bool:
    return bool(used_now(host, False) or used_now(host, True))


def _least(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)

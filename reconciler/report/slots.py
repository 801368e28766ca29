"""Use of migration slots per host: now, at the plan's peak by its estimated times, and the limits.

Incoming and outgoing migrations count together. Estimates only: what may really start is decided at the time.
"""

from collections.abc import Callable, Iterable, Sequence
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
    facts = _Facts(_spans(plan, _step_takes_live), _spans(plan, _step_takes_storage), _limits_set(plan), desired, observation)
    return tuple(_host_slots(names[key], facts) for key in sorted(names))


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


@dataclass(frozen=True, slots=True)
class _Facts:
    """What every row needs, gathered once: spans by host, limits that the plan sets by (name, field), and both sides."""

    live: dict[str, list[Span]]
    storage: dict[str, list[Span]]
    limits: dict[tuple[str, str], int]
    desired: Desired
    observation: Observation


def _host_slots(name: str, facts: _Facts) -> HostSlots:
    key, seen, wanted = name.casefold(), facts.observation.host(name), facts.desired.host(name)
    live = _least(
        observed_live_limit(seen, facts.observation), wanted.migration.maximum_virtual_machine_migrations if wanted else None
    )
    storage = _least(
        seen.migration.maximum_storage_migrations if seen else None,
        wanted.migration.maximum_storage_migrations if wanted else None,
    )
    storage_later = facts.limits.get((key, STORAGE_LIMIT), storage)
    return HostSlots(
        name,
        SlotUse(used_now(seen, False), _peak(facts.live.get(key, [])), live, _live_limit_later(seen, facts, live)),
        SlotUse(used_now(seen, True), _peak(facts.storage.get(key, [])), storage, storage_later),
    )


def _live_limit_later(host: Host | None, facts: _Facts, limit: int | None) -> int | None:
    if host is None:
        return limit
    own = facts.limits.get((host.name.casefold(), LIVE_LIMIT))
    shared = facts.limits.get(((host.cluster or "").casefold(), CLUSTER_LIMIT))
    if own is None and shared is None:
        return limit
    cluster = facts.observation.cluster(host.cluster) if host.cluster else None
    known = shared if shared is not None else (cluster.maximum_parallel_migrations if cluster else None)
    return _least(own if own is not None else host.migration.maximum_virtual_machine_migrations, known)


def _limits_set(plan: Plan) -> dict[tuple[str, str], int]:
    """Return what the plan sets limits to, by folded name of host or cluster and last part of the field's name."""
    return {
        ((step.host or step.cluster or "").casefold(), change.field.rpartition(".")[2]): change.target
        for step in plan.steps
        if isinstance(step, SettingsStep)
        for change in step.settings
        if isinstance(change.target, int)
    }


def _hosts_of(plan: Plan) -> Iterable[str]:
    for step in plan.steps:
        if isinstance(step, MachineStep) and step.migration_kind is not None:
            yield step.source
            if step.destination:
                yield step.destination


def _spans(plan: Plan, takes: Callable[[MachineStep], bool]) -> dict[str, list[Span]]:
    spans: dict[str, list[Span]] = {}
    for step in plan.steps:
        if isinstance(step, MachineStep) and takes(step):
            # To the millisecond, as plans tell times: a sum may come out a little later than the start that follows it.
            span = (step.estimated_start_seconds, round(step.estimated_start_seconds + step.estimated_seconds, 3))
            for host in _ends(step):
                spans.setdefault(host, []).append(span)
    return spans


def _ends(step: MachineStep) -> tuple[str, ...]:
    """Each host once: a migration that stays on its host takes one slot there."""
    ends = (step.source, step.destination or step.source)
    return tuple(dict.fromkeys(name.casefold() for name in ends))


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

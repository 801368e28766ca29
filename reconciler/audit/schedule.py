"""Whether the plan's estimated times could come true: dependencies first, and no more at once than the limits allow.

Intervals are half open: what ends at a moment frees its slot for what starts then.
"""

from collections.abc import Iterator
from typing import NamedTuple

from reconciler.audit.case import Case, migrates_host, problem
from reconciler.model import paths
from reconciler.model.observation import Host
from reconciler.model.plan import MachineStep, Step
from reconciler.model.problem import Problem
from reconciler.model.words import MigrationKind

HOST_LIVE = "migration.maximumVirtualMachineMigrations"
HOST_STORAGE = "migration.maximumStorageMigrations"
CLUSTER_LIVE = "maximumParallelMigrations"
TOLERANCE_SECONDS = 0.002  # start and length are rounded to three decimals each


class Use(NamedTuple):
    """One slot of something, taken from ``start`` until ``end``."""

    start: float
    end: float


def check(case: Case) -> Iterator[Problem]:
    """Check dependencies, then each limit by counting what is under way at each start."""
    for step in case.plan.steps:
        yield from _after_dependencies(step, case)
    concerned = _by_host(case)
    for host in case.observation.hosts:
        yield from _host(host, concerned.get(host.name.casefold(), []), case)
    limits = case.desired.policy.limits
    moves = [step for step in case.machine_steps if step.migration_kind]
    yield from _crowded("fleet", [_use(step) for step in moves], limits.concurrent_migrations)
    crossings = [_use(step) for step in moves if step.is_crossing]
    yield from _crowded("unprotected machines", crossings, limits.unprotected_virtual_machines)
    for location in case.desired.storage_locations:
        if location.maximum_concurrent_migrations is not None:
            writers = [_use(step) for step in moves if _writes_to(step, location.path)]
            yield from _crowded(f"location {location.name}", writers, location.maximum_concurrent_migrations)


def _after_dependencies(step: Step, case: Case) -> Iterator[Problem]:
    for needed in step.depends_on:
        other = case.plan.steps[case.index[needed]]
        end = other.estimated_start_seconds + other.estimated_seconds
        if step.estimated_start_seconds < end - TOLERANCE_SECONDS:
            yield problem("schedule", f"step/{step.id}", f"it would start before {needed}, on which it depends, has ended")


def _use(step: Step) -> Use:
    return Use(step.estimated_start_seconds, step.estimated_start_seconds + step.estimated_seconds)


def _writes_to(step: MachineStep, folder: str) -> bool:
    return any(paths.is_within(move.target, folder) for move in step.storage)


def _crowded(name: str, uses: list[Use], limit: int) -> Iterator[Problem]:
    """Tell the first moment at which more run than allowed; the most run together just after some start."""
    events = sorted(
        [(use.start + TOLERANCE_SECONDS / 2, 1) for use in uses] + [(use.end - TOLERANCE_SECONDS / 2, -1) for use in uses]
    )
    running = 0
    for moment, change in events:
        running += change
        if running > limit and change > 0:
            yield problem("schedule", "plan", f"{name}: {running} at once at {round(moment, 1)} s, {limit} allowed")
            return


def _by_host(case: Case) -> dict[str, list[MachineStep]]:
    """Return the migrations that begin or end on each host, whose name is case folded."""
    found: dict[str, list[MachineStep]] = {}
    for step in case.machine_steps:
        ends = {step.source.casefold()} | ({str(step.destination).casefold()} if migrates_host(step) else set())
        for name in sorted(ends if step.migration_kind else ()):
            found.setdefault(name, []).append(step)
    return found


def _host(host: Host, here: list[MachineStep], case: Case) -> Iterator[Problem]:
    live = [_use(step) for step in here if step.migration_kind is not MigrationKind.STORAGE]
    storage = [_use(step) for step in here if step.storage or step.migration_kind is MigrationKind.STORAGE]
    for name, uses, limit in (("live", live, _live_limit(host, case)), ("storage", storage, _storage_limit(host, case))):
        if limit is not None and uses:
            yield from _crowded(f"{host.name}, {name} migrations", uses, limit)


def _live_limit(host: Host, case: Case) -> int | None:
    wanted = case.desired.host(host.name)
    limits = [_seen(host.migration.maximum_virtual_machine_migrations, host.name, HOST_LIVE, case)]
    limits += [wanted.migration.maximum_virtual_machine_migrations] if wanted else []
    if host.cluster:
        seen, declared = case.observation.cluster(host.cluster), case.desired.cluster(host.cluster)
        limits += [_seen(seen.maximum_parallel_migrations, host.cluster, CLUSTER_LIVE, case) if seen else None]
        limits += [declared.maximum_parallel_migrations] if declared else []
    return min((limit for limit in limits if limit is not None), default=None)


def _storage_limit(host: Host, case: Case) -> int | None:
    wanted = case.desired.host(host.name)
    desired = wanted.migration.maximum_storage_migrations if wanted else None
    limits = (_seen(host.migration.maximum_storage_migrations, host.name, HOST_STORAGE, case), desired)
    return min((limit for limit in limits if limit is not None), default=None)


def _seen(limit: int | None, owner: str, field: str, case: Case) -> int | None:
    """Return a limit as it was observed, but for none at all that the plan raises: nothing starts before that, then one may."""
    if limit != 0:
        return limit
    steps = (step for step in case.settings_steps if (step.host or step.cluster or "").casefold() == owner.casefold())
    return int(any(change.field == field and change.target for step in steps for change in step.settings))

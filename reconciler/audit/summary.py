"""Whether the plan's summary tells the truth: counts of steps and machines, bytes, times, and the bounds beside them."""

from collections.abc import Iterator

from reconciler.audit.case import FOLDERS, LIVE_KINDS, Case, problem
from reconciler.audit.place import seen_in_place
from reconciler.model.desired import VirtualMachine as Managed
from reconciler.model.plan import MachineStep
from reconciler.model.problem import Problem
from reconciler.model.words import Action, Handling, HostStatus, MigrationKind

MIB = 1024 * 1024
TOLERANCE_SECONDS = 0.01  # times have three decimals


def check(case: Case) -> Iterator[Problem]:
    """Recount everything that can be counted from steps, desired state and observation."""
    told = case.plan.summary.model_dump()
    for name, counted in _counts(case).items():
        if told[name] != counted:
            yield problem("summary", "plan", f"the summary says {told[name]} for {name}, counted are {counted}")
    yield from _ranges(case)
    yield from _times(case)
    for step in case.machine_steps:
        yield from _bytes(step, case)


def _counts(case: Case) -> dict[str, int]:
    kinds = [step.migration_kind for step in case.machine_steps]
    actions = [step.action for step in case.machine_steps]
    both = kinds.count(MigrationKind.LIVE_WITH_STORAGE)
    return {
        "host_settings": len(case.settings_steps),
        "live_migrations": kinds.count(MigrationKind.LIVE) + both,
        "storage_migrations": kinds.count(MigrationKind.STORAGE) + both,
        "offline_migrations": kinds.count(MigrationKind.OFFLINE),
        "starts": actions.count(Action.START_VIRTUAL_MACHINE),
        "high_availability_changes": actions.count(Action.ADD_CLUSTER_ROLE) + actions.count(Action.REMOVE_CLUSTER_ROLE),
        "bytes": sum(step.bytes for step in case.machine_steps),
    }


def _ranges(case: Case) -> Iterator[Problem]:
    """Counts on which machines that are moving, held or being drained may be counted either way."""
    summary = case.plan.summary
    loose = seen_in_place(case)
    # Of a host that told only part, a machine may be called unknown for what else differs about it, its role say.
    told = {host.name.casefold() for host in case.observation.hosts if host.status is HostStatus.OK}
    kept, jobs, blocking = told - case.emptied, case.jobs, bool(case.plan.blocked)
    plain = [
        machine
        for machine, host in loose.items()
        if host in kept
        and machine not in jobs
        and _is_plain(case.managed[machine])
        and not (blocking and _is_blocked(machine, case))
    ]
    if not len(plain) <= summary.in_place <= len(loose):
        yield problem("summary", "plan", f"the summary says {summary.in_place} in place, counted are {len(plain)}")
    blocked = [entry for entry in case.plan.blocked if entry.subject.startswith("virtualMachine/")]
    if not len(blocked) <= summary.blocked <= len(case.plan.blocked):
        yield problem("summary", "plan", f"the summary says {summary.blocked} blocked, listed are {len(blocked)}")
    yield from _unmanaged(case)
    if summary.needed_migrations > summary.migrations:
        finding = f"{summary.needed_migrations} migrations are said to be needed, {summary.migrations} are planned"
        yield problem("needed-migrations", "plan", finding)


def _unmanaged(case: Case) -> Iterator[Problem]:
    # Machines of one name that the desired state asks for without an id: which of them it means is open.
    asked = {wanted.name.casefold() for wanted in case.desired.virtual_machines if wanted.id is None}
    rest = [found[0][1].name.casefold() for machine, found in case.seen.items() if machine not in case.managed]
    told, least = case.plan.summary.unmanaged, sum(1 for name in rest if name not in asked)
    if not least <= told <= len(rest):
        yield problem("summary", "plan", f"the summary says {told} unmanaged, counted are {least}")


def _is_plain(wanted: Managed) -> bool:
    return wanted.hold is None and wanted.drift is Handling.CORRECT


def _is_blocked(machine: str, case: Case) -> bool:
    shown = case.seen[machine][0][1].name
    names = {f"virtualMachine/{name}".casefold() for name in (case.managed[machine].name, shown)}
    return any(entry.subject.casefold() in names or entry.id == machine for entry in case.plan.blocked)


def _times(case: Case) -> Iterator[Problem]:
    summary = case.plan.summary
    end = max((step.estimated_start_seconds + step.estimated_seconds for step in case.plan.steps), default=0.0)
    if abs(summary.estimated_seconds - end) > TOLERANCE_SECONDS:
        yield problem("summary", "plan", f"the summary says {summary.estimated_seconds} s, the last step ends at {end} s")
    if summary.lower_bound_seconds > summary.estimated_seconds + TOLERANCE_SECONDS:
        yield problem("lower-bound", "plan", "the lower bound for the time is above the plan's own time")


def _bytes(step: MachineStep, case: Case) -> Iterator[Problem]:
    machine, stand = case.machine(step), case.stands.get(step.id)
    if step.migration_kind is None or machine is None or stand is None:
        return
    disks = [move.bytes for move in step.storage if move.file not in FOLDERS]
    memory = machine.memory_mib if step.migration_kind in LIVE_KINDS and stand.is_running else 0
    if None not in disks and memory is not None:
        counted = sum(size or 0 for size in disks) + memory * MIB
        if step.bytes != counted:
            yield problem("bytes", step.subject, f"step {step.id} says {step.bytes} bytes, disks and memory are {counted}")

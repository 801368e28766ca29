"""Each destination by itself: it answers, takes arrivals, is allowed, and can run the machine and hold its files."""

from collections.abc import Iterator

from reconciler.audit.case import LIVE_KINDS, Case, migrates_host, problem
from reconciler.audit.place import placement_allows
from reconciler.audit.reach import reaches
from reconciler.model.observation import Host, VirtualMachine
from reconciler.model.plan import MachineStep
from reconciler.model.problem import Problem
from reconciler.model.words import MigrationKind


def check(case: Case) -> Iterator[Problem]:
    """Check where each step leads."""
    for step in case.machine_steps:
        holder = case.observation.host(step.destination or step.source)
        if holder is None:
            yield problem("destination", step.subject, f"{step.destination} was not observed")
            continue
        yield from _targets(step, holder, case)
        if migrates_host(step):
            yield from _host(step, holder, case)
            yield from _placement(step, holder, case)
            yield from _enabled(step, case)
            machine = case.machine(step)
            if machine is not None:
                yield from _fits(step, machine, holder, case)


def _targets(step: MachineStep, holder: Host, case: Case) -> Iterator[Problem]:
    for move in step.storage:
        if not reaches(move.target, holder.name, case):
            yield problem("unreachable-target", step.subject, f"{holder.name} cannot reach {move.target}")


def _host(step: MachineStep, host: Host, case: Case) -> Iterator[Problem]:
    wanted = case.desired.host(host.name)
    if host.status != "ok":
        yield problem("destination", step.subject, f"{host.name} is {host.status.value}")
    if wanted is None:
        yield problem("destination", step.subject, f"the desired state does not know {host.name}")
    elif wanted.cordoned or wanted.maintenance:
        yield problem("closed-host", step.subject, f"{host.name} takes no arrivals: it is cordoned or in maintenance")


def _placement(step: MachineStep, host: Host, case: Case) -> Iterator[Problem]:
    machine = step.virtual_machine.id.casefold()
    if step.bypass or machine not in case.managed:
        return
    if case.managed[machine].placement is not None:
        if not placement_allows(machine, host.name, case):
            yield problem("placement", step.subject, f"the placement does not allow {host.name}")
    elif not _is_neighbour(step.source, host.name, case):
        yield problem("placement", step.subject, f"{host.name} is in neither the cluster nor the host group of {step.source}")


def _is_neighbour(source: str, destination: str, case: Case) -> bool:
    cluster = case.cluster_of(source)
    if cluster is not None and cluster == case.cluster_of(destination):
        return True
    home = case.desired.host(source)
    group = (home.host_group or "").casefold() if home else ""
    return any(
        destination.casefold() in {name.casefold() for name in other.hosts}
        for other in case.desired.host_groups
        if other.name.casefold() == group
    )


def _enabled(step: MachineStep, case: Case) -> Iterator[Problem]:
    for name in (step.source, str(step.destination)):
        host = case.observation.host(name)
        enabled = host.migration.enabled if host else None
        admitted = enabled is None and step.unverified
        if enabled is not True and not admitted and not _enabled_before(step, name, case):
            yield problem("not-enabled", step.subject, f"migration is not enabled on {name} before step {step.id}")


def _enabled_before(step: MachineStep, host: str, case: Case) -> bool:
    return any(
        change.field == "migration.enabled" and change.target is True and case.is_before(other, step)
        for other in case.settings_steps
        if (other.host or "").casefold() == host.casefold()
        for change in other.settings
    )


def _fits(step: MachineStep, machine: VirtualMachine, host: Host, case: Case) -> Iterator[Problem]:
    yield from _switches(step, machine, host)
    yield from _version(step, machine, host)
    if any(planned.id.casefold() == machine.id.casefold() for planned in host.planned_virtual_machines or ()):
        yield problem("residue", step.subject, f"{host.name} holds a planned machine with the id {machine.id}")
    source = case.observation.host(step.source)
    if source is not None:
        yield from _authentication(step, source, host, case)
    stand = case.stands.get(step.id)
    if step.migration_kind in LIVE_KINDS and stand is not None and source is not None:
        yield from _processor(step, source, host)


def _authentication(step: MachineStep, source: Host, host: Host, case: Case) -> Iterator[Problem]:
    cluster = case.cluster_of(source.name)
    here, there = (_authentication_at(step, end, case) for end in (source, host))
    if (
        here != there
        and (cluster is None or cluster != case.cluster_of(host.name))
        and not (None in (here, there) and step.unverified)
    ):
        yield problem("authentication", step.subject, f"{source.name} authenticates by {here}, {host.name} by {there}")


def _authentication_at(step: MachineStep, host: Host, case: Case) -> str | None:
    """Return how a host authenticates migrations when the step begins."""
    changed = [
        str(change.target)
        for other in case.settings_steps
        if (other.host or "").casefold() == host.name.casefold() and case.is_before(other, step)
        for change in other.settings
        if change.field == "migration.authenticationType"
    ]
    return changed[-1] if changed else host.migration.authentication_type


def _switches(step: MachineStep, machine: VirtualMachine, host: Host) -> Iterator[Problem]:
    if machine.switches is None or (host.switches is None and machine.switches):
        yield from _unverified(step, f"the switches of the machine or of {host.name} are not known")
        return
    there = {name.casefold() for name in host.switches or ()}
    missing = [name for name in machine.switches if name.casefold() not in there]
    if missing:
        yield problem("switch", step.subject, f"{host.name} has no virtual switch {missing[0]}")


def _version(step: MachineStep, machine: VirtualMachine, host: Host) -> Iterator[Problem]:
    version, supported = machine.configuration_version, host.supported_configuration_versions
    if version is None or supported is None:
        yield from _unverified(step, f"whether {host.name} supports the machine's configuration version is not known")
    elif version not in supported:
        yield problem("version", step.subject, f"{host.name} does not support configuration version {version}")


def _processor(step: MachineStep, source: Host, host: Host) -> Iterator[Problem]:
    here, there = source.processor_vendor, host.processor_vendor
    if here is None or there is None:
        yield from _unverified(step, f"whether {source.name} and {host.name} have processors of one vendor is not known")
    elif here != there:
        yield problem("processor", step.subject, f"{source.name} has {here}, {host.name} has {there}")


def _unverified(step: MachineStep, finding: str) -> Iterator[Problem]:
    if not step.unverified and step.migration_kind is not MigrationKind.STORAGE:
        yield problem("unverified", step.subject, f"step {step.id} does not say so: {finding}")

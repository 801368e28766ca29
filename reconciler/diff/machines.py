"""Where each managed machine stands: its status, and what about its host, files and cluster role is not as committed."""

from collections.abc import Iterable

from reconciler.diff.matching import Seen, Sightings
from reconciler.model import paths
from reconciler.model.desired import Desired, StoragePlacement, VirtualMachine
from reconciler.model.drift import FileDrift, MachineDrift, MachineStatus, RoleChange
from reconciler.model.machine_files import files_of, folder_asked_for
from reconciler.model.observation import Host, Migration, Observation
from reconciler.model.observation import VirtualMachine as ObservedMachine
from reconciler.model.problem import Problem, Severity
from reconciler.model.words import Handling, HostStatus, MigrationKind

IN_PLACE = MachineStatus.IN_PLACE
Drifts = tuple[MachineDrift, ...]


def machine_drifts(desired: Desired, observation: Observation, sightings: Sightings) -> tuple[Drifts, tuple[Problem, ...]]:
    """Return one drift for each managed machine, by name, and warnings about disks that no machine has."""
    emptied = frozenset(host.name.casefold() for host in desired.hosts if host.maintenance)
    drifts = tuple(
        _surely_in_place(machine, sightings, emptied) or _Judge(desired, observation, sightings, machine).drift()
        for machine in _by_name(desired.virtual_machines)
    )
    return drifts, tuple(problem for drift in drifts if drift.machine.storage.disks for problem in _unknown_disks(drift))


def _surely_in_place(machine: VirtualMachine, sightings: Sightings, emptied: frozenset[str]) -> MachineDrift | None:
    """Return the drift of a machine about which there is nothing to weigh, as most of a fleet is; None: ``_Judge`` has to look.

    It is seen in one place, by an id that no other document claims, where it may stay, and has all that is asked of it.
    """
    seen = sightings.alone(machine) if machine.hold is None else None
    if seen is None:
        return None
    host, observed = seen
    name, placement, role = host.name, machine.placement, machine.high_availability
    if (placement is not None and not placement.allows(name)) or (emptied and name.casefold() in emptied):
        return None
    if role is not None and role is not observed.highly_available:
        return None
    if not machine.storage.is_unmanaged and _misplaced_files(machine.storage, observed) != ((), True):
        return None
    return MachineDrift(machine, IN_PLACE, machine.drift, name, observed)


def _misplaced_files(storage: StoragePlacement, observed: ObservedMachine) -> tuple[tuple[FileDrift, ...], bool]:
    """Return the files outside their folder, and whether every path that matters was known."""
    if storage.is_unmanaged:
        return (), True
    drifts, known = [], True
    for file in files_of(observed):
        asked = folder_asked_for(storage, file)
        if asked is None or file.pass_through:
            continue
        if file.path is None:
            known = False
        elif not paths.is_within(paths.folder_of(file.path) if file.is_disk else file.path, asked[0]):
            drifts.append(FileDrift(file.file, file.path, *asked))
    return tuple(drifts), known


def _by_name(machines: Iterable[VirtualMachine]) -> list[VirtualMachine]:
    return sorted(machines, key=lambda machine: (machine.name.casefold(), machine.name))


class _Judge:
    """Judges one machine; a class only because every question needs the same four values."""

    def __init__(self, desired: Desired, observation: Observation, sightings: Sightings, machine: VirtualMachine) -> None:
        self._desired, self._observation, self._sightings = desired, observation, sightings
        self._machine = machine
        self._handling = self._committed_handling()

    def drift(self) -> MachineDrift:
        seen = self._sightings.of(self._machine)
        odd = self._not_found(seen) or self._found_twice(seen)
        if odd is not None:
            return odd
        return self._judge_found(self._one_of(seen))

    def _committed_handling(self) -> Handling:
        hold = self._machine.hold
        if hold is not None and hold.is_active(self._observation.observed_at):
            return Handling.HOLD
        return self._machine.drift

    def _bare(self, status: MachineStatus, finding: str) -> MachineDrift:
        return MachineDrift(self._machine, status, self._handling, finding=finding)

    def _not_found(self, seen: list[Seen]) -> MachineDrift | None:
        if seen:
            return None
        if self._sightings.all_hosts_seen:
            return self._bare(MachineStatus.MISSING, "no host reports this machine, and every host answered")
        return self._bare(MachineStatus.UNKNOWN, "no host reports this machine, and not every host answered")

    def _found_twice(self, seen: list[Seen]) -> MachineDrift | None:
        if len(seen) == 1 and not self._sightings.are_claimed_twice(seen):
            return None
        ids = sorted({machine.id.casefold() for _, machine in seen})
        where = ", ".join(f"{machine.id} on {host.name}" for host, machine in seen)
        if len(ids) > 1:
            return self._bare(MachineStatus.AMBIGUOUS, f"{len(ids)} machines have this name: {where}")
        if self._sightings.are_claimed_twice(seen):
            return self._bare(MachineStatus.AMBIGUOUS, f"two documents mean the same machine: {where}")
        if len(seen) > 1 and self._sightings.migration(ids[0]) is None:
            hosts = ", ".join(host.name for host, _ in seen)
            return self._bare(MachineStatus.DUPLICATE, f"the VMId {ids[0]} is on {len(seen)} hosts at once: {hosts}")
        return None

    def _one_of(self, seen: list[Seen]) -> Seen:
        """Return the sighting on the source host where a migration shows the machine at both ends."""
        if len(seen) == 1:
            return seen[0]
        job = self._sightings.migration(seen[0][1].id)
        return next((one for one in seen if job is not None and one[0].name == job[0].name), seen[0])

    def _judge_found(self, seen: Seen) -> MachineDrift:
        host, observed = seen
        files, all_known = _misplaced_files(self._machine.storage, observed)
        drift = MachineDrift(
            self._machine,
            MachineStatus.IN_PLACE,
            self._handling,
            host.name,
            observed,
            wrong_host=not self._allows(host.name),
            draining=self._drains(host.name),
            files=files,
            role=self._role(seen),
        )
        job = self._sightings.migration(observed.id)
        if job is not None:
            return self._on_the_move(drift, job[1])
        return self._settled(drift, host, all_known)

    def _settled(self, drift: MachineDrift, host: Host, all_known: bool) -> MachineDrift:
        out_of_place = drift.wrong_host or bool(drift.files)
        if not all_known or (out_of_place and drift.observed is not None and drift.observed.state is None):
            return drift._replace(status=MachineStatus.UNKNOWN, finding=f"{host.name} left facts about this machine unknown")
        if drift.differs and host.status is not HostStatus.OK:
            return drift._replace(status=MachineStatus.UNKNOWN, finding=f"its host {host.name} is {host.status.value}")
        if drift.wrong_host and not self._some_allowed_host_seen():
            return drift._replace(status=MachineStatus.UNKNOWN, finding="no host that its placement allows could be seen")
        if self._handling is Handling.HOLD and drift.differs:
            return drift._replace(status=MachineStatus.HELD)
        return drift._replace(status=MachineStatus.MISPLACED) if out_of_place else drift

    def _on_the_move(self, drift: MachineDrift, job: Migration) -> MachineDrift:
        host = next((host.name for host in self._observation.hosts if self._is_called(host, job.destination)), job.destination)
        drift = drift._replace(migration=job, destination=host)
        if self._leads_home(drift, job, host):
            return drift._replace(status=MachineStatus.MOVING)
        where = host or "another folder"
        return drift._replace(status=MachineStatus.FOREIGN, finding=f"a migration to {where} that was not asked for has it")

    def _leads_home(self, drift: MachineDrift, job: Migration, host: str | None) -> bool:
        if job.kind is MigrationKind.STORAGE or host is None:
            return bool(drift.files)
        return self._allows(host) and not self._drains(host)  # also from one allowed host to another, to make room there

    @staticmethod
    def _is_called(host: Host, name: str | None) -> bool:
        known = {host.name.casefold(), (host.address or host.name).casefold()}
        return name is not None and name.casefold() in known

    def _allows(self, host: str) -> bool:
        placement = self._machine.placement
        return placement is None or placement.allows(host)

    def _drains(self, host: str) -> bool:
        wanted = self._desired.host(host)
        return wanted is not None and wanted.maintenance

    def _some_allowed_host_seen(self) -> bool:
        placement = self._machine.placement
        allowed = [self._observation.host(name) for name in placement.hosts] if placement else []
        return any(host is not None and host.status is HostStatus.OK for host in allowed) or not allowed

    def _role(self, seen: Seen) -> RoleChange | None:
        host, observed = seen
        if host.cluster is None or observed.highly_available is None:
            return None
        if self._machine.high_availability and not observed.highly_available:
            return RoleChange.ADD
        if self._machine.high_availability is False and observed.highly_available:
            return RoleChange.REMOVE
        return None


def _unknown_disks(drift: MachineDrift) -> list[Problem]:
    if drift.observed is None:
        return []
    names = {paths.file_of(path).casefold() for disk in drift.observed.disks for path in (disk.path, disk.parent_path) if path}
    return [
        Problem(
            code="no-such-disk",
            finding=f"no disk of this machine is called {disk.file}",
            remedy="give the file name of a disk that the machine has, or drop the entry",
            subject=drift.subject,
            place=drift.machine.source.of("storage.disks"),
            severity=Severity.WARNING,
        )
        for disk in drift.machine.storage.disks
        if disk.file.casefold() not in names
    ]

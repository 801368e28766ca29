"""What was seen and what is on its way, looked up once per decision: machines, their desired entries, and flights.

A flight is a migration under way: listed by a host, started by us and not yet listed, or started in this decision. Flights
are what every limit counts.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from reconciler.decide.failures import Quarantine, budget_spent_until, quarantines
from reconciler.model.desired import Desired
from reconciler.model.desired import VirtualMachine as Managed
from reconciler.model.memory import Memory, StartedStep
from reconciler.model.observation import Host, Migration, Observation, VirtualMachine
from reconciler.model.plan import MachineStep
from reconciler.model.words import MIGRATION_KINDS, MigrationKind


@dataclass(frozen=True, slots=True)
class Flight:
    """A migration under way. ``targets`` are the paths it writes to, None where nobody told us."""

    machine: str
    kind: MigrationKind
    source: str
    destination: str | None
    targets: tuple[str, ...] | None = None
    is_crossing: bool = False

    @property
    def takes_live_slot(self) -> bool:
        """Offline moves take the slots that live ones would."""
        return self.kind is not MigrationKind.STORAGE

    @property
    def takes_storage_slot(self) -> bool:
        """Whatever copies files; an offline move does where it names files."""
        copies = self.kind in (MigrationKind.STORAGE, MigrationKind.LIVE_WITH_STORAGE)
        return copies or (self.kind is MigrationKind.OFFLINE and bool(self.targets))

    @property
    def ends(self) -> tuple[str, ...]:
        """The keys of the hosts on which it takes slots."""
        return (self.source,) if self.destination in (None, self.source) else (self.source, str(self.destination))


class Facts:
    """The fleet by keys: hosts by case-folded name, machines by case-folded VMId."""

    def __init__(self, desired: Desired, observation: Observation, memory: Memory, now: datetime) -> None:
        self.desired, self.observation, self.memory, self.now = desired, observation, memory, now

    @cached_property
    def seen(self) -> Mapping[str, Sequence[tuple[Host, VirtualMachine]]]:
        """Where each machine is seen, by VMId; more than one place, by name, while it changes hands."""
        seen = self.observation.sightings
        often = {machine: sorted(found, key=lambda one: one[0].name.casefold()) for machine, found in seen.items() if found[1:]}
        return {**seen, **often} if often else seen

    @cached_property
    def ids_by_name(self) -> dict[str, tuple[str, ...]]:
        """VMIds by the case-folded name that the hosts show."""
        names: dict[str, list[str]] = defaultdict(list)
        for machine, found in sorted(self.seen.items()):
            names[found[0][1].name.casefold()].append(machine)
        return {name: tuple(ids) for name, ids in names.items()}

    @cached_property
    def managed(self) -> dict[str, Managed]:
        """Desired machines by VMId, as far as they can be told apart."""
        pairs = ((self._id_of(machine), machine) for machine in self.desired.virtual_machines)
        return {machine_id: machine for machine_id, machine in pairs if machine_id}

    @cached_property
    def ids_by_managed_name(self) -> dict[str, str]:
        """VMIds by the case-folded name that the desired state uses."""
        return {wanted.name.casefold(): machine for machine, wanted in self.managed.items()}

    def _id_of(self, machine: Managed) -> str | None:
        if machine.id:
            return machine.id.casefold()
        ids = self.ids_by_name.get(machine.name.casefold(), ())
        return ids[0] if len(ids) == 1 else None

    @cached_property
    def quarantines(self) -> dict[str, Quarantine]:
        """Hosts that failed repeatedly and are left alone now, by key."""
        return quarantines(self.memory, self.desired.policy.failures, self.now)

    @cached_property
    def budget_spent_until(self) -> datetime | None:
        """Until when the failures of the fleet let nothing start; None while they are few."""
        return budget_spent_until(self.memory, self.desired.policy.failures, self.now)

    def taken_at(self, host: Host) -> datetime:
        """Return when the facts about this host were taken."""
        return host.observed_at or self.observation.observed_at

    def memory_of(self, machine: str) -> int | None:
        """Return the MiB a machine needs; None is unknown. Where it is seen twice, the larger."""
        amounts = [vm.memory_mib for _, vm in self.seen.get(machine, ())]
        known = [amount for amount in amounts if amount is not None]
        return max(known) if known and len(known) == len(amounts) else None

    def is_off(self, machine: str) -> bool:
        """Tell whether the machine is known to be off or saved wherever it is seen."""
        found = self.seen.get(machine, ())
        return bool(found) and all(vm.is_off for _, vm in found)

    @cached_property
    def flights(self) -> tuple[Flight, ...]:
        """Migrations listed by hosts, then those we started that no fresh survey could have listed yet."""
        listed = list(self._listed())
        flying = {flight.machine for flight in listed}
        return tuple(listed) + tuple(flight for flight in self._unseen() if flight.machine not in flying)

    def _listed(self) -> Iterator[Flight]:
        jobs: dict[tuple[str, str], tuple[str, str | None, Migration]] = {}
        for host in sorted(self.observation.hosts, key=lambda host: host.name.casefold()):
            for job in host.running_migrations:
                key = (job.virtual_machine.casefold(), job.id)
                destination = self.host_key(job.destination) if job.destination else None
                # A job may be listed at both ends; the source's listing is the one that names another host.
                if key not in jobs or destination not in (None, host.name.casefold()):
                    jobs[key] = (host.name.casefold(), destination, job)
        for (machine, _), (source, destination, job) in sorted(jobs.items(), key=lambda item: item[0]):
            yield Flight(machine, job.kind, source, destination, self._targets(machine, job.kind))

    def _targets(self, machine: str, kind: MigrationKind) -> tuple[str, ...] | None:
        started = self.memory.started.get(machine)
        if started is not None and started.targets:
            return started.targets
        if kind is MigrationKind.LIVE:
            return ()
        return self._wanted_folders(machine) or None

    def _wanted_folders(self, machine: str) -> tuple[str, ...]:
        wanted = self.managed.get(machine)
        if wanted is None:
            return ()
        where = wanted.storage
        folders = (where.path, where.configuration_path, where.checkpoint_path, where.smart_paging_path)
        return tuple(path for path in (*folders, *(disk.path for disk in where.disks)) if path)

    def _unseen(self) -> Iterator[Flight]:
        for machine, started in sorted(self.memory.started.items()):
            kind = MIGRATION_KINDS.get(started.action)
            if kind is not None and self._may_be_unlisted(started):
                destination = self.host_key(started.destination) if started.destination else None
                yield Flight(machine.casefold(), kind, self.host_key(started.source), destination, started.targets)

    def _may_be_unlisted(self, started: StartedStep) -> bool:
        host = self.observation.host(started.source)
        return host is None or host.status != "ok" or self.taken_at(host) <= started.at

    def host_key(self, name: str) -> str:
        """Return the key of a host by name or address; of a host that is not ours, its own spelling case-folded."""
        wanted = name.casefold()
        return self._keys.get(wanted) or self._keys.get(wanted.split(".")[0]) or wanted

    @cached_property
    def _keys(self) -> dict[str, str]:
        keys: dict[str, str] = {}
        for host in sorted(self.observation.hosts, key=lambda host: host.name.casefold()):
            keys.update({host.address.casefold(): host.name.casefold()} if host.address else {})
        return keys | {host.name.casefold(): host.name.casefold() for host in self.observation.hosts}


def flight_of(step: MachineStep) -> Flight | None:
    """Return the flight that starting this step makes, or None for a step that is no migration."""
    kind = step.migration_kind
    if kind is None:
        return None
    destination = step.destination.casefold() if step.destination else None
    targets = tuple(move.target for move in step.storage)
    return Flight(step.virtual_machine.id.casefold(), kind, step.source.casefold(), destination, targets, step.is_crossing)

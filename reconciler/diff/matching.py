"""Which observed machine is which managed one: by VMId where given, else by a name that only one VMId bears."""

from collections import Counter, defaultdict

from reconciler.model.desired import Desired, VirtualMachine
from reconciler.model.drift import UnmanagedMachine
from reconciler.model.observation import Host, Migration, Observation
from reconciler.model.observation import VirtualMachine as ObservedMachine
from reconciler.model.words import HostStatus

Seen = tuple[Host, ObservedMachine]


class Sightings:
    """Every machine of an observation, found by id or name, and the running migrations by machine."""

    def __init__(self, desired: Desired, observation: Observation) -> None:
        self._desired, self._observation = desired, observation
        self._by_id: dict[str, list[Seen]] = defaultdict(list)
        self._by_name: dict[str, list[Seen]] = defaultdict(list)
        for host, machine in sorted(observation.machines(), key=lambda seen: (seen[0].name.casefold(), seen[1].id)):
            self._by_id[machine.id.casefold()].append((host, machine))
            self._by_name[machine.name.casefold()].append((host, machine))
        self._jobs = {
            job.virtual_machine.casefold(): (host, job)
            for host in sorted(observation.hosts, key=lambda host: host.name.casefold(), reverse=True)
            for job in host.running_migrations
        }
        self.all_hosts_seen = self._all_hosts_seen()
        self._claims = Counter(key for machine in desired.virtual_machines for key in self._ids(machine))

    def of(self, machine: VirtualMachine) -> list[Seen]:
        """Return every place where a managed machine, or another of its name, was seen."""
        if machine.id is not None:
            return self._by_id.get(machine.id.casefold(), [])
        return self._by_name.get(machine.name.casefold(), [])

    def is_claimed_twice(self, machine: VirtualMachine) -> bool:
        """Tell whether another managed machine means the same VMId."""
        seen = self.of(machine)
        if len(seen) == 1:
            return self._claims[seen[0][1].id.casefold()] > 1
        return any(self._claims[key] > 1 for key in self._ids(machine))

    def migration(self, machine_id: str) -> tuple[Host, Migration] | None:
        """Return the running migration of a machine and its source host, whoever started it."""
        return self._jobs.get(machine_id.casefold())

    def unmanaged(self) -> tuple[UnmanagedMachine, ...]:
        """Return the machines that nobody manages, sorted by name; ambiguous ones are not among them."""
        rest = [seen[0] for key, seen in self._by_id.items() if key not in self._claims]
        found = (UnmanagedMachine(machine.id, machine.name, host.name) for host, machine in rest)
        return tuple(sorted(found, key=lambda one: (one.name.casefold(), one.id)))

    def _ids(self, machine: VirtualMachine) -> set[str]:
        return {seen.id.casefold() for _, seen in self.of(machine)}

    def _all_hosts_seen(self) -> bool:
        named = all(self._observation.host(host.name) is not None for host in self._desired.hosts)
        return named and all(host.status is HostStatus.OK for host in self._observation.hosts)

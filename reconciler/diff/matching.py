"""Which observed machine is which managed one: by VMId where given, else by a name that only one VMId bears."""

from collections import Counter, defaultdict
from functools import cached_property

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
        self._by_id = observation.sightings
        self._jobs = {
            job.virtual_machine.casefold(): (host, job)
            for host in sorted(observation.hosts, key=lambda host: host.name.casefold(), reverse=True)
            for job in host.running_migrations
        }
        self.all_hosts_seen = self._all_hosts_seen()
        self._claimed, self._claimed_twice = self._claims()
        self._not_alone = self._claimed_twice | self._jobs.keys()

    @cached_property
    def _by_name(self) -> dict[str, list[Seen]]:
        found: dict[str, list[Seen]] = defaultdict(list)
        for seen in self._observation.machines():
            found[seen[1].name.casefold()].append(seen)
        return found

    def of(self, machine: VirtualMachine) -> list[Seen]:
        """Return every place where a managed machine, or another of its name, was seen."""
        by_id = machine.id is not None
        found = self._by_id.get(str(machine.id).casefold(), []) if by_id else self._by_name.get(machine.name.casefold(), [])
        return sorted(found, key=_by_host) if len(found) > 1 else found

    def alone(self, machine: VirtualMachine) -> Seen | None:
        """Return where a machine was seen, if that is one place, by an id that is its alone, with no migration under way."""
        if machine.id is None:
            return None
        key = machine.id.casefold()
        found = self._by_id.get(key)
        return found[0] if found and len(found) == 1 and key not in self._not_alone else None

    def are_claimed_twice(self, seen: list[Seen]) -> bool:
        """Tell whether two managed machines mean one VMId among these."""
        return not self._claimed_twice.isdisjoint(self._ids(seen))

    def migration(self, machine_id: str) -> tuple[Host, Migration] | None:
        """Return the running migration of a machine and its source host, whoever started it."""
        return self._jobs.get(machine_id.casefold())

    def unmanaged(self) -> tuple[UnmanagedMachine, ...]:
        """Return the machines that nobody manages, sorted by name; ambiguous ones are not among them."""
        rest = [min(seen, key=_by_host) for key, seen in self._by_id.items() if key not in self._claimed]
        found = (UnmanagedMachine(machine.id, machine.name, host.name) for host, machine in rest)
        return tuple(sorted(found, key=lambda one: (one.name.casefold(), one.id)))

    def _claims(self) -> tuple[set[str], set[str]]:
        """The VMIds (case folded) that documents mean, and those that two documents mean."""
        given = [machine.id.casefold() for machine in self._desired.virtual_machines if machine.id is not None]
        claimed = set(given)
        twice = set[str]() if len(claimed) == len(given) else {key for key, count in Counter(given).items() if count > 1}
        for machine in self._desired.virtual_machines:
            for key in self._ids(self.of(machine)) if machine.id is None else ():
                (twice if key in claimed else claimed).add(key)
        return claimed, twice

    @staticmethod
    def _ids(seen: list[Seen]) -> set[str]:
        return {machine.id.casefold() for _, machine in seen}

    def _all_hosts_seen(self) -> bool:
        named = all(self._observation.host(host.name) is not None for host in self._desired.hosts)
        return named and all(host.status is HostStatus.OK for host in self._observation.hosts)


def _by_host(seen: Seen) -> tuple[str, str]:
    return seen[0].name.casefold(), seen[1].id

"""What is under way, growing as the decision grants starts: flights, settings being changed, memory and space promised.

The one changing value of a decision; made by ``decide`` for one call and thrown away after it.
"""

from collections import Counter, defaultdict
from functools import cached_property

from reconciler.decide.facts import Facts, Flight, flight_of
from reconciler.model.plan import SettingsStep, Step


class Traffic:
    """Flights and promises, with counters by host key so that asking is cheap in large fleets."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.flights: list[Flight] = []
        self.of_machine: dict[str, list[Flight]] = defaultdict(list)
        self.arriving: dict[str, list[Flight]] = defaultdict(list)
        self.live: Counter[str] = Counter()
        self.storage: Counter[str] = Counter()
        self.live_granted: Counter[str] = Counter()
        self.storage_granted: Counter[str] = Counter()
        self.busy_machines: set[str] = set()
        self.starting: dict[str, list[str]] = defaultdict(list)
        self.changing_hosts: set[str] = set()
        for flight in facts.flights:
            self._add(flight)

    def grant(self, step: Step, nodes: tuple[str, ...]) -> None:
        """Count a step that starts now; ``nodes`` are the keys of the hosts whose settings it changes."""
        if isinstance(step, SettingsStep):
            self.changing_hosts.update(nodes)
            return
        self.busy_machines.add(step.virtual_machine.id.casefold())
        flight = flight_of(step)
        if flight is None:
            if step.action == "startVirtualMachine":
                self.starting[step.source.casefold()].append(step.virtual_machine.id.casefold())
            return
        self._add(flight)
        self.live_granted.update(flight.ends if flight.takes_live_slot else ())
        self.storage_granted.update(flight.ends if flight.takes_storage_slot else ())
        if flight.is_crossing:
            self.unprotected.add(flight.machine)

    @cached_property
    def unprotected(self) -> set[str]:
        """The machines without their high availability, now or through a start that was granted; few decisions ask."""
        return unprotected_now(self.facts)

    def _add(self, flight: Flight) -> None:
        self.flights.append(flight)
        self.of_machine[flight.machine].append(flight)
        self.busy_machines.add(flight.machine)
        if flight.destination is not None and flight.destination != flight.source:
            self.arriving[flight.destination].append(flight)
        self.live.update(flight.ends if flight.takes_live_slot else ())
        self.storage.update(flight.ends if flight.takes_storage_slot else ())

    def in_use_by_settings(self, host: str) -> bool:
        """Tell whether any migration runs at that host, by listing or by the host's own count."""
        observed = self.facts.observation.host(host)
        counts = observed.migration if observed else None
        counted = (counts.active_virtual_machine_migrations or 0, counts.active_storage_migrations or 0) if counts else ()
        return any(counted) or self.live[host] > 0 or self.storage[host] > 0


def unprotected_now(facts: Facts) -> set[str]:
    """Return the machines without their high availability: remembered as such, or seen on a node without a role."""
    lacking = {machine.casefold() for machine in facts.memory.unprotected_since}
    for machine, wanted in facts.managed.items():
        if wanted.high_availability:
            found = facts.seen.get(machine, ())
            if any(host.cluster and vm.highly_available is not True for host, vm in found):
                lacking.add(machine)
    return lacking

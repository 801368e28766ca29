"""What may be so in the fleet itself, after everything that happens: nothing lost, nothing doubled, nothing switched off.

Looks at the true state of the simulated fleet and at its history; what people do on purpose is announced beforehand.
"""

from collections import Counter

from reconciler.simulation.checker.violation import Violation
from reconciler.simulator.history import ENDS, Event, EventKind
from reconciler.simulator.world import World


class Truth:
    """What the fleet was at the beginning and what people changed on purpose; everything else must stay."""

    def __init__(self, world: World) -> None:
        self._world, self._seen = world, 0
        self.states = {machine.id: machine.state for _, machine in world.observation().machines()}
        self._running: dict[str, Event] = {}

    def look(self) -> list[Event]:
        """Check everything that happened since the last look; return it."""
        new = self._world.events_since(self._seen)
        self._seen += len(new)
        for event in new:
            self._follow(event)
        if new:
            self._everything_is_there()
        return new

    def _follow(self, event: Event) -> None:
        if event.kind is EventKind.MIGRATION_STARTED:
            if any(other.vm == event.vm for other in self._running.values()):
                raise Violation("S1", f"{event.vm} is moved twice at once")
            self._running[event.detail["migration"]] = event
            self._within_limits(event)
        elif event.kind in ENDS:
            self._running.pop(event.detail["migration"], None)
        elif event.kind is EventKind.MACHINE_STARTED and event.vm:
            self.states[event.vm] = "Running"

    def _within_limits(self, started: Event) -> None:
        """Slots are counted from kinds and ends here, and only their limits are the fleet's word."""
        for word in ("live", "storage"):
            used = Counter(host for one in self._running.values() for host in one.detail[word])
            for host, limit in started.detail[word].items():
                if used[host] > limit:
                    raise Violation("S2", f"{host} runs {used[host]} {word} migrations, limit {limit}")

    def _everything_is_there(self) -> None:
        seen = Counter[str]()
        for name in self._world.host_names:
            for machine in self._world.machines_of(name):
                seen[machine.id] += 1
                if self.states.get(machine.id) != machine.state:
                    raise Violation("S6", f"{machine.name} was {self.states.get(machine.id)} and is {machine.state}")
        twice = [machine for machine, count in seen.items() if count > 1]
        missing = sorted(self.states.keys() - seen.keys())
        if twice or missing:
            raise Violation("S6", f"machines twice: {twice}, missing: {missing}")
        wrong = self._world.check()
        if wrong:
            raise Violation("S5", wrong[0])

"""All that an explanation looks at, gathered once: both worlds, the plan made of them, and what may start now.

Lookups only (steps of a machine, where it will stand, what a plan brings to and takes from a host); no judgement.
"""

from collections import defaultdict
from datetime import datetime
from functools import cached_property

from reconciler.decide import Waiting, decide
from reconciler.model.announced import announced_by
from reconciler.model.desired import Desired
from reconciler.model.drift import Drift, MachineDrift, MachineStatus
from reconciler.model.memory import Memory
from reconciler.model.observation import Host, Observation, VirtualMachine
from reconciler.model.plan import MachineStep, Plan, SettingsStep
from reconciler.model.words import Action
from reconciler.plan.fleet import Fleet, VolumeKey

CARRIES_MEMORY = (Action.LIVE_MIGRATION, Action.LIVE_MIGRATION_WITH_STORAGE)


class Scene:
    """Desired state, observation, drift and plan at one moment."""

    def __init__(
        self, desired: Desired, observation: Observation, drift: Drift, plan: Plan, now: datetime, memory: Memory | None = None
    ) -> None:
        self.desired, self.observation, self.drift, self.plan, self.now = desired, observation, drift, plan, now
        self.memory = memory or Memory()
        self.fleet = Fleet(desired, observation, drift, announced_by(plan.steps))  # files go where the plan sends them

    @cached_property
    def machine_steps(self) -> tuple[MachineStep, ...]:
        """The steps that concern machines, in the plan's order."""
        return tuple(step for step in self.plan.steps if isinstance(step, MachineStep))

    @cached_property
    def settings_steps(self) -> dict[str, tuple[SettingsStep, ...]]:
        """The settings steps by case-folded subject ("host/h1")."""
        found: dict[str, tuple[SettingsStep, ...]] = {}
        for step in self.plan.steps:
            if isinstance(step, SettingsStep):
                found[step.subject.casefold()] = (*found.get(step.subject.casefold(), ()), step)
        return found

    def steps_of(self, machine_id: str) -> tuple[MachineStep, ...]:
        """Return the steps of a machine, by VMId."""
        return self._steps_by_id.get(machine_id.casefold(), ())

    @cached_property
    def _steps_by_id(self) -> dict[str, tuple[MachineStep, ...]]:
        found: dict[str, list[MachineStep]] = defaultdict(list)
        for step in self.machine_steps:
            found[step.virtual_machine.id.casefold()].append(step)
        return {key: tuple(steps) for key, steps in found.items()}

    @cached_property
    def waiting(self) -> dict[str, Waiting]:
        """Why each step may not start now, by step id; a step that is not here may."""
        decision = decide(self.plan, self.desired, self.observation, self.memory, self.now)
        return {waiting.step_id: waiting for waiting in decision.waiting}

    @cached_property
    def step_subjects(self) -> dict[str, str]:
        """What each step is about, by step id: the machine's name, or the host or cluster."""
        return {
            step.id: step.virtual_machine.name if isinstance(step, MachineStep) else step.subject.replace("/", " ")
            for step in self.plan.steps
        }

    @cached_property
    def drifts_by_id(self) -> dict[str, MachineDrift]:
        """Managed machines that were found, by VMId."""
        return {drift.observed.id.casefold(): drift for drift in self.drift.machines if drift.observed}

    @cached_property
    def drifts_by_name(self) -> dict[str, MachineDrift]:
        """Managed machines by their name in the desired state, case folded."""
        return {drift.machine.name.casefold(): drift for drift in self.drift.machines}

    @cached_property
    def seen_by_name(self) -> dict[str, tuple[tuple[Host, VirtualMachine], ...]]:
        """Where machines of a name (as the hosts show it, case folded) are seen."""
        found: dict[str, list[tuple[Host, VirtualMachine]]] = defaultdict(list)
        for host, machine in sorted(self.observation.machines(), key=lambda one: (one[0].name.casefold(), one[1].id)):
            found[machine.name.casefold()].append((host, machine))
        return {name: tuple(seen) for name, seen in found.items()}

    def stands(self, name: str) -> tuple[str | None, str | None]:
        """Return on which host a machine that a rule names stands now, and where it will once plan and migrations are done."""
        drift = self.drifts_by_name.get(name.casefold())
        if drift is not None and drift.host is not None and drift.observed is not None:
            moving = drift.destination if drift.status is MachineStatus.MOVING else None
            return drift.host, self.end_of(drift.observed.id) or moving or drift.host
        seen = self.seen_by_name.get(name.casefold(), ()) if drift is None else ()
        return (seen[0][0].name, seen[0][0].name) if seen else (None, None)

    def end_of(self, machine_id: str) -> str | None:
        """Return the host on which a machine stands after its last step, None where no step takes it elsewhere."""
        ends = [step.destination for step in self.steps_of(machine_id) if step.destination]
        return ends[-1] if ends else None

    def leaving(self, host: str, but: str = "") -> tuple[tuple[MachineStep, int], ...]:
        """Return the steps that free memory at a host, with their MiB; the machine ``but`` (VMId) is left out."""
        return tuple(one for one in self._departures.get(host.casefold(), ()) if one[0].virtual_machine.id.casefold() != but)

    def arriving(self, host: str, but: str = "") -> tuple[tuple[MachineStep, int], ...]:
        """Return the steps that take memory at a host, with their MiB; the machine ``but`` (VMId) is left out."""
        return tuple(one for one in self._arrivals.get(host.casefold(), ()) if one[0].virtual_machine.id.casefold() != but)

    @cached_property
    def _departures(self) -> dict[str, list[tuple[MachineStep, int]]]:
        return self._by_host([(step.source, step) for step in self.machine_steps if step.destination])

    @cached_property
    def _arrivals(self) -> dict[str, list[tuple[MachineStep, int]]]:
        return self._by_host([(step.destination, step) for step in self.machine_steps if step.destination])

    def _by_host(self, ends: list[tuple[str, MachineStep]]) -> dict[str, list[tuple[MachineStep, int]]]:
        sizes = {machine.id.casefold(): machine.memory_mib or 0 for _, machine in self.observation.machines()}
        found: dict[str, list[tuple[MachineStep, int]]] = defaultdict(list)
        for host, step in ends:
            if step.action in CARRIES_MEMORY:
                found[host.casefold()].append((step, sizes.get(step.virtual_machine.id.casefold(), 0)))
        return found

    @cached_property
    def freed_bytes(self) -> dict[VolumeKey, int]:
        """Bytes of disks that the plan takes off each volume."""
        freed: dict[VolumeKey, int] = defaultdict(int)
        for step in self.machine_steps:
            for move in step.storage:
                freed[self.fleet.volume_room(step.source, move.source).key] += move.bytes or 0
        return dict(freed)

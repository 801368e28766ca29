"""The plan under audit with the facts it is about, looked up by plain means: who is where, before and after each step.

``Case`` answers questions and judges nothing. Its replay follows each machine through its own steps in the order that
``dependsOn`` gives them.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from reconciler.model import paths
from reconciler.model.desired import Desired, PlacementRule
from reconciler.model.desired import VirtualMachine as Managed
from reconciler.model.observation import Host, Migration, Observation, VirtualMachine
from reconciler.model.plan import MachineStep, Plan, SettingsStep, Step
from reconciler.model.problem import Problem
from reconciler.model.words import Action, MigrationKind

REMEDY = "do not apply this plan; report it with its observation and desired state, the planner made a mistake"
FOLDERS = ("configuration", "checkpoints", "smartPaging")
LIVE_KINDS = (MigrationKind.LIVE, MigrationKind.LIVE_WITH_STORAGE)


def problem(code: str, subject: str, finding: str) -> Problem:
    """Return a finding of the audit; they all have one remedy."""
    return Problem(code=f"audit-{code}", finding=finding, remedy=REMEDY, subject=subject)


@dataclass(frozen=True)
class Stand:
    """How a machine stands at one moment; ``moved`` are its files that are no longer where they were observed."""

    host: str
    state: str | None
    has_role: bool | None
    observed: VirtualMachine
    moved: dict[str, str] = field(default_factory=dict)

    @cached_property
    def files(self) -> dict[str, str]:
        """Disks by normalised first path, and the three folders by name; looked up only where files matter."""
        return files_of(self.observed) | self.moved

    @property
    def parents(self) -> dict[str, str]:
        """By the same keys, the file below each disk that a checkpoint stands upon."""
        disks = self.observed.disks
        return {paths.normal(disk.path): disk.parent_path for disk in disks if disk.path and disk.parent_path}

    @property
    def is_running(self) -> bool:
        """Running at this moment, by observation or because a step before started it."""
        return self.state == "Running"


class Case:
    """One plan with the desired state and the observation it was made from."""

    def __init__(self, plan: Plan, desired: Desired, observation: Observation) -> None:
        self.plan, self.desired, self.observation = plan, desired, observation
        self._first_stands: dict[str, Stand | None] = {}
        self.seen_in_place: dict[str, str] | None = None  # what ``place`` has found, by VMId, once it was asked

    @cached_property
    def index(self) -> dict[str, int]:
        """The position of each step in the plan, by id."""
        return {step.id: number for number, step in enumerate(self.plan.steps)}

    @cached_property
    def before(self) -> dict[str, int]:
        """For each step, as bits by position, all steps that are done before it may start."""
        known: dict[str, int] = {}
        for step in self.plan.steps:
            bits = 0
            for needed in step.depends_on:
                bits |= known[needed] | 1 << self.index[needed]
            known[step.id] = bits
        return known

    def is_before(self, first: Step, second: Step) -> bool:
        """Tell whether ``first`` is done before ``second`` starts, in every order."""
        return bool(self.before[second.id] >> self.index[first.id] & 1)

    @cached_property
    def machine_steps(self) -> tuple[MachineStep, ...]:
        """The steps that concern a machine."""
        return tuple(step for step in self.plan.steps if isinstance(step, MachineStep))

    @cached_property
    def settings_steps(self) -> tuple[SettingsStep, ...]:
        """The steps that change settings."""
        return tuple(step for step in self.plan.steps if isinstance(step, SettingsStep))

    @cached_property
    def chains(self) -> dict[str, tuple[MachineStep, ...]]:
        """The steps of each machine by VMId, in plan order (dependencies come earlier in it)."""
        chains: dict[str, list[MachineStep]] = defaultdict(list)
        for step in self.machine_steps:
            chains[step.virtual_machine.id.casefold()].append(step)
        return {machine: tuple(steps) for machine, steps in chains.items()}

    @cached_property
    def seen(self) -> dict[str, list[tuple[Host, VirtualMachine]]]:
        """Where each machine is seen, by VMId."""
        return self.observation.sightings

    @cached_property
    def managed(self) -> dict[str, Managed]:
        """Desired machines by VMId, where exactly one seen machine fits."""
        return {machine_id: machine for machine_id, machine in self.wanted if machine_id}

    @cached_property
    def emptied(self) -> frozenset[str]:
        """The hosts in maintenance (case folded)."""
        return frozenset(host.name.casefold() for host in self.desired.hosts if host.maintenance)

    @cached_property
    def wanted(self) -> list[tuple[str | None, Managed]]:
        """Every desired machine with its VMId, or None where it is not seen or not unique."""
        seen, named = self.seen, self._id_by_name
        return [
            ((key if (key := machine.id.casefold()) in seen else None) if machine.id else named(machine.name), machine)
            for machine in self.desired.virtual_machines
        ]

    def _id_by_name(self, name: str) -> str | None:
        ids = self.ids_named(name)
        return ids[0] if len(ids) == 1 else None

    def ids_named(self, name: str) -> list[str]:
        """Return the VMIds of the machines that hosts show under that name."""
        return self._ids_by_name.get(name.casefold(), [])

    @cached_property
    def _ids_by_name(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = defaultdict(list)
        for machine, found in sorted(self.seen.items()):
            names[found[0][1].name.casefold()].append(machine)
        return dict(names)

    def machine(self, step: MachineStep) -> VirtualMachine | None:
        """Return the machine of a step as observed, or None where it is not seen in exactly one place."""
        found = self.seen.get(step.virtual_machine.id.casefold(), [])
        return found[0][1] if len(found) == 1 else None

    @cached_property
    def share_users(self) -> list[tuple[str, frozenset[str]]]:
        """The path of each observed share, and the hosts seen using it (case folded)."""
        return [(share.path, frozenset(name.casefold() for name in share.hosts)) for share in self.observation.shares]

    @cached_property
    def told(self) -> dict[str, set[str | None]]:
        """Subjects (case folded) of which the plan says what keeps them, each with the VMIds it was said of."""
        plan, told = self.plan, defaultdict[str, set[str | None]](set)
        pairs = [(entry.subject, entry.id) for entry in plan.blocked] + [(entry.subject, None) for entry in plan.problems]
        pairs += [(entry.subject, entry.id) for entry in plan.drift if entry.handling != "correct"]
        for subject, machine in pairs:
            told[subject.casefold()].add(machine.casefold() if machine else None)
        return dict(told)

    @cached_property
    def told_ids(self) -> set[str]:
        """VMIds of which the plan says what keeps them."""
        return {machine for ids in self.told.values() for machine in ids if machine is not None}

    @cached_property
    def jobs(self) -> dict[str, tuple[Host, Migration]]:
        """The machines that somebody migrates now, with the host that lists the job."""
        return {
            job.virtual_machine.casefold(): (host, job) for host in self.observation.hosts for job in host.running_migrations
        }

    @cached_property
    def stands(self) -> dict[str, Stand]:
        """How its machine stands when each step starts, by step id; steps of unseen machines are missing."""
        return {step.id: stand for steps in self.chains.values() for step, stand in self._follow(steps)}

    def _follow(self, steps: tuple[MachineStep, ...]) -> Iterator[tuple[MachineStep, Stand]]:
        stand = self.first_stand(steps[0].virtual_machine.id.casefold())
        for step in steps:
            if stand is not None:
                yield step, stand
                stand = after(step, stand)

    def first_stand(self, machine_id: str) -> Stand | None:
        """Return how a machine was observed, or None where it was not seen in exactly one place."""
        if machine_id not in self._first_stands:
            self._first_stands[machine_id] = self._seen_standing(machine_id)
        return self._first_stands[machine_id]

    def _seen_standing(self, machine_id: str) -> Stand | None:
        found = self.seen.get(machine_id, [])
        if len(found) != 1:
            return None
        host, machine = found[0]
        return Stand(host.name.casefold(), machine.state, machine.highly_available, machine)

    def last_stand(self, machine_id: str) -> Stand | None:
        """Return how a machine stands when the plan is done."""
        steps = self.chains.get(machine_id, ())
        stand = self.stands.get(steps[-1].id) if steps else self.first_stand(machine_id)
        return after(steps[-1], stand) if steps and stand else stand

    def cluster_of(self, host: str) -> str | None:
        """Return the key of the cluster that a host is seen in, or None."""
        seen = self.observation.host(host)
        return seen.cluster.casefold() if seen and seen.cluster else None

    @cached_property
    def _by_name(self) -> dict[str, str]:
        return {wanted.name.casefold(): machine for machine, wanted in self.managed.items()}

    def members(self, rule: PlacementRule) -> list[str]:
        """Return the VMIds of a rule's members that are seen, managed or not."""
        ids: set[str] = set()
        for name in rule.virtual_machines:
            known = self._by_name.get(name.casefold())
            ids.update([known] if known else self.ids_named(name))
        return sorted(ids)

    def topology_value(self, rule: PlacementRule, host: str) -> str | None:
        """Return what a rule tells hosts apart by, or None where this host has no such label, or is in no cluster."""
        if rule.topology == "host":
            return host.casefold()
        wanted = self.desired.host(host)
        if rule.topology == "cluster":
            declared = wanted.cluster.casefold() if wanted and wanted.cluster else None
            return self.cluster_of(host) or declared
        return wanted.labels.get(rule.topology) if wanted else None


def files_of(machine: VirtualMachine) -> dict[str, str]:
    """Return the known files of a machine: disks by normalised path, folders by the plan's words."""
    folders = zip(FOLDERS, (machine.configuration_path, machine.checkpoint_path, machine.smart_paging_path), strict=True)
    disks = {paths.normal(disk.path): disk.path for disk in machine.disks if disk.path and not disk.pass_through}
    return {name: path for name, path in folders if path} | disks


def after(step: MachineStep, stand: Stand) -> Stand:
    """Return how the machine stands once the step is done."""
    if step.action is Action.START_VIRTUAL_MACHINE:
        return replace(stand, state="Running")
    if step.action in (Action.ADD_CLUSTER_ROLE, Action.REMOVE_CLUSTER_ROLE):
        return replace(stand, has_role=step.action is Action.ADD_CLUSTER_ROLE)
    crossing = step.leaves_cluster is not None or step.joins_cluster is not None
    has_role = step.joins_cluster is not None if crossing else stand.has_role
    host = (step.destination or stand.host).casefold()
    return replace(stand, host=host, has_role=has_role, moved=stand.moved | dict(_moved(step, stand.files)))


def _moved(step: MachineStep, files: dict[str, str]) -> Iterator[tuple[str, str]]:
    for move in step.storage:
        for key, path in files.items():
            named = move.file == key if key in FOLDERS else move.file not in FOLDERS and paths.same(path, move.source)
            if named:
                yield key, move.target


def migrates_host(step: MachineStep) -> bool:
    """Tell whether the step takes its machine to another host."""
    return step.destination is not None and step.destination.casefold() != step.source.casefold()

"""Many random plans, each audited, then lived through in random orders with random durations by a replay of its own.

The replay knows neither planner nor audit: it keeps books on memory, space, slots and rules as a host would, starts whatever
has its dependencies and slots, and looks after every start. ``make sweep-plans`` does it for ten thousand plans.
"""

import os
from collections import Counter
from collections.abc import Iterator
from heapq import heappop, heappush
from random import Random

from reconciler.audit import audit
from reconciler.diff import find_drift
from reconciler.model import desired as wanted
from reconciler.model import paths
from reconciler.model.desired import Desired, Placement, Planning, Policy
from reconciler.model.observation import HostStorage, Observation, Volume
from reconciler.model.plan import MachineStep, Plan, Step
from reconciler.model.words import Action, MigrationKind, Preferences, WhenOff
from reconciler.plan import make_plan
from tests.builders import GIB, SHARE, a_fleet, a_host, a_vm, apart, desired, desired_host, desired_vm, stored

PLANS = int(os.environ.get("SWEEP_PLANS", "80"))
FIRST = int(os.environ.get("SWEEP_FIRST", "0"))
FOUND = (344, 5331, 92, 5466, 2085)  # seeds that found something: waits that no other order had, bounds that were too high
ORDERS = 20
SLOTS = 2


def a_case(seed: int) -> tuple[Desired, Observation]:
    """Return two to five hosts, often nearly full, and up to fourteen machines that belong all over the place.

    In a third each, the policy lets wishes move machines, and moves of host and files be taken in two.
    """
    chance = Random(seed)
    preferences = chance.choice((Preferences.BREAK_TIES, Preferences.BREAK_TIES, Preferences.MOVE))
    policy = Policy(planning=Planning(preferences, split_combined_migrations=chance.random() < 0.33))
    names = [f"Host{number}" for number in range(1, chance.randint(2, 5) + 1)]
    machines, managed = [], []
    for number in range(chance.randint(2, 14)):
        name = f"vm{number}"
        folder = chance.choice((None, None, rf"D:\VMs\{name}"))
        state = chance.choice(("Running", "Running", "Running", "Off"))
        machine = a_vm(
            name, folder=folder, state=state, memory_mib=chance.choice((1024, 2048, 4096)), gib=chance.randint(1, 40)
        )
        machines.append((chance.choice(names), machine))
        managed.append(_belonging(name, names, chance))
    hosts = [
        a_host(
            name,
            *[machine for host, machine in machines if host == name],
            available_mib=chance.choice((0, 1024, 2048, 4096, 65536)),
            storage=_drive(chance.choice((0, 20, 60, 500))),
        )
        for name in names
    ]
    rules = [
        apart(*chance.sample([one.name for one in managed], 2), name=f"rule{number}") for number in range(chance.randint(0, 2))
    ]
    drained = desired_host(names[0], maintenance=chance.random() < 0.2)
    return desired(drained, policy, *managed, *rules, hosts=tuple(names)), a_fleet(*hosts)


def _belonging(name: str, names: list[str], chance: Random) -> wanted.VirtualMachine:
    hosts = chance.choice(([chance.choice(names)], chance.sample(names, 2), chance.sample(names, 2), names))
    prefer = (chance.choice(hosts),) if len(hosts) > 1 and chance.random() < 0.4 else ()
    placement = Placement("hosts" if len(hosts) > 1 else "host", tuple(hosts), prefer=prefer)
    storage = stored(chance.choice((None, None, None, rf"{SHARE}\new\{name}", rf"D:\New\{name}")))
    off = wanted.VirtualMachineMigration(when_off=chance.choice((WhenOff.MOVE, WhenOff.START)))
    return desired_vm(name, placement=placement, storage=storage, migration=off)


def _drive(free: int) -> HostStorage:
    volume = Volume(path="D:\\", size_bytes=1000 * GIB, free_bytes=free * GIB)
    return HostStorage(virtual_machine_path="D:\\VMs", virtual_hard_disk_path="D:\\VMs", volumes=(volume,))


class Books:
    """What hosts would know at one moment: free memory and space, slots in use, and the hosts that each machine is on."""

    def __init__(self, fleet: Observation, rules: tuple[wanted.PlacementRule, ...]) -> None:
        self.memory = {host.name: host.available_memory_mib or 0 for host in fleet.hosts}
        self.space = {(host.name, "d:"): host.storage.volumes[0].free_bytes or 0 for host in fleet.hosts}
        self.space["", paths.volume_of(SHARE)] = fleet.shares[0].free_bytes or 0
        self.machines = {machine.id: machine for _, machine in fleet.machines()}
        self.running = {machine.id for machine in self.machines.values() if machine.is_running}
        self.on = {machine.id: {host.name} for host, machine in fleet.machines()}
        self.slots: Counter[tuple[str, str]] = Counter()
        ids = {machine.name: machine.id for machine in self.machines.values()}
        self.rules = [[ids[name] for name in rule.virtual_machines] for rule in rules]

    def has_slots(self, step: Step) -> bool:
        return all(self.slots[slot] < SLOTS for slot in slots_of(step))

    def start(self, step: Step) -> Iterator[str]:
        """Take what the step takes from now on, and say what that breaks."""
        self.slots.update(slots_of(step))
        if not isinstance(step, MachineStep):
            return
        id_, target = step.virtual_machine.id, step.destination or step.source
        if target not in self.on[id_] or step.action is Action.START_VIRTUAL_MACHINE:
            if id_ in self.running or step.action is Action.START_VIRTUAL_MACHINE:
                self.memory[target] -= self.machines[id_].memory_mib or 0
                if self.memory[target] < 0:
                    yield f"{step.id}: no memory on {target}"
            yield from self._arrive(id_, target, step)
        for volume, size in copies(step, target, "to"):
            self.space[volume] -= size
            if size and self.space[volume] < 0:
                yield f"{step.id}: no space on {volume}"

    def _arrive(self, id_: str, target: str, step: Step) -> Iterator[str]:
        if target in self.on[id_]:
            return
        for members in self.rules:
            if id_ in members and any(target in self.on[other] for other in members if other != id_):
                yield f"{step.id}: a rule is broken on {target}"
        self.on[id_] = self.on[id_] | {target}

    def end(self, step: Step) -> None:
        """Give back what the step leaves behind."""
        self.slots.subtract(slots_of(step))
        if not isinstance(step, MachineStep):
            return
        id_, target = step.virtual_machine.id, step.destination or step.source
        if target != step.source:
            self.on[id_] = {target}
            self.memory[step.source] += (self.machines[id_].memory_mib or 0) if id_ in self.running else 0
        if step.action is Action.START_VIRTUAL_MACHINE:
            self.running.add(id_)
        for volume, size in copies(step, step.source, "from"):
            self.space[volume] += size


def copies(step: MachineStep, host: str, end: str) -> Iterator[tuple[tuple[str, str], int]]:
    """Give the volumes at one end of the step's copies, with the bytes."""
    for move in step.storage:
        path = move.target if end == "to" else move.source
        volume = paths.volume_of(path)
        yield ("" if paths.is_smb(path) else host, volume), move.bytes or 0


def slots_of(step: Step) -> list[tuple[str, str]]:
    """Return the slots a step takes: live at both ends of a move, storage where files are copied."""
    if not isinstance(step, MachineStep) or step.migration_kind is None:
        return []
    if step.migration_kind is MigrationKind.STORAGE:
        return [(step.source, "storage")]
    kinds = ["live", "storage"] if step.migration_kind is MigrationKind.LIVE_WITH_STORAGE else ["live"]
    return [(host, kind) for host in (step.source, str(step.destination)) for kind in kinds]


def lived_through(plan: Plan, books: Books, chance: Random) -> Iterator[str]:
    """Start steps in a random order as slots allow, let each take its own time, and say what goes wrong or gets stuck."""
    waiting, done, running = chance.sample(plan.steps, len(plan.steps)), set[str](), list[tuple[float, int, Step]]()
    now = 0.0
    while waiting or running:
        for step in list(waiting):
            if set(step.depends_on) <= done and books.has_slots(step) and chance.random() < 0.7:
                waiting.remove(step)
                yield from books.start(step)
                heappush(running, (now + chance.choice((0.1, 1, 1, 30)) * chance.random(), plan.steps.index(step), step))
        if running:
            now, _, step = heappop(running)
            books.end(step)
            done.add(step.id)
        elif not any(set(step.depends_on) <= done and books.has_slots(step) for step in waiting):
            yield f"stuck before {sorted(step.id for step in waiting)}"
            return


def violations(seed: int, counts: Counter[str]) -> list[str]:
    """Return all that is wrong with the plan of one seed, under the audit and under many lives."""
    wish, fleet = a_case(seed)
    plan = make_plan(wish, fleet, find_drift(wish, fleet))
    found = [str(problem) for problem in audit(plan, wish, fleet)]
    counts.update(plans=1, steps=len(plan.steps), blocked=len(plan.blocked), bypasses=sum(one.bypass for one in moves(plan)))
    counts.update(wishes=sum(one.reason.startswith("placement.prefer") for one in moves(plan)))
    counts.update(splits=sum("its files move first" in one.dependency_reasons.values() for one in moves(plan)))
    for order in range(ORDERS if plan.steps else 0):
        counts["lives"] += 1
        found += lived_through(plan, Books(fleet, wish.placement_rules), Random(seed * ORDERS + order))
    return [f"seed {seed}: {one}" for one in dict.fromkeys(found)]


def moves(plan: Plan) -> list[MachineStep]:
    return [step for step in plan.steps if isinstance(step, MachineStep)]


def test_no_order_and_no_duration_breaks_a_plan_or_gets_stuck() -> None:
    """Every plan passes the audit, and every life of it stays within memory, space and rules and comes to its end."""
    counts: Counter[str] = Counter()
    found = [one for seed in (*FOUND, *range(FIRST, FIRST + PLANS)) for one in violations(seed, counts)]

    assert found == []
    assert counts["steps"] > counts["plans"]
    assert all(counts[one] > 0 for one in ("bypasses", "wishes", "splits"))
    print(f"{len(found)} violations:", ", ".join(f"{number:,} {name}" for name, number in sorted(counts.items())))  # noqa: T201

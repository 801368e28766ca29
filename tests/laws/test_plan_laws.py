"""What holds of every plan, whatever the fleet: it ends in place, it is safe under any permitted order, it is repeatable."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.diff import find_drift
from reconciler.model import observation as seen
from reconciler.model import paths
from reconciler.model.announced import AnnouncedMove
from reconciler.model.desired import Desired
from reconciler.model.observation import Observation
from reconciler.model.plan import MachineStep, Plan
from reconciler.model.words import Action
from reconciler.plan import make_plan
from tests.builders import SHARE, a_fleet, a_host, a_vm, apart, desired, desired_vm, stored

Fleet = tuple[Desired, Observation]
Item = TypeVar("Item")
LAWS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


def plan_for(wanted: Desired, fleet: Observation, announced: Sequence[AnnouncedMove] = ()) -> Plan:
    return make_plan(wanted, fleet, find_drift(wanted, fleet), announced=announced)


@st.composite
def fleets(draw: st.DrawFn) -> Fleet:
    """Two to four hosts, often nearly full; machines pinned anywhere, some with local files, some to be stored anew."""
    count = draw(st.integers(2, 4))
    names = [f"Host{number}" for number in range(1, count + 1)]
    on: dict[str, list[seen.VirtualMachine]] = {name: [] for name in names}
    managed = []
    for number in range(1, draw(st.integers(1, 7)) + 1):
        name = f"vm{number}"
        local = draw(st.booleans())
        state = draw(st.sampled_from(["Running", "Running", "Running", "Off"]))
        memory = draw(st.sampled_from([1024, 2048, 4096]))
        machine = a_vm(name, memory_mib=memory, state=state, folder=rf"D:\VMs\{name}" if local else None)
        on[draw(st.sampled_from(names))].append(machine)
        storage = stored(rf"{SHARE}\new\{name}") if draw(st.integers(0, 3)) == 0 else stored()
        managed.append(desired_vm(name, draw(st.sampled_from(names)), storage=storage))
    rules = [apart("vm1", "vm2")] if draw(st.booleans()) else []
    hosts = [a_host(name, *on[name], available_mib=draw(st.sampled_from([0, 1024, 4096, 65536]))) for name in names]
    return desired(*managed, *rules, hosts=tuple(names)), a_fleet(*hosts)


def arrive(fleet: Observation, step: MachineStep) -> Observation:
    """Return what would be observed once a step has had its effect; memory counts for running machines only."""
    before = next(machine for _, machine in fleet.machines() if machine.id == step.virtual_machine.id)
    after = with_files(before, step)
    if step.action is Action.START_VIRTUAL_MACHINE:
        after = after.model_copy(update={"state": "Running"})
    target = step.destination or step.source
    hosts = []
    for host in fleet.hosts:
        gone = host.name == step.source
        came = host.name == target
        others = [machine for machine in host.virtual_machines if machine.id != before.id]
        free = host.available_memory_mib or 0
        free += (before.memory_mib or 0) if gone and before.is_running else 0
        free -= (before.memory_mib or 0) if came and after.is_running else 0
        machines = (*others, *((after,) if came else ()))
        hosts.append(host.model_copy(update={"virtual_machines": machines, "available_memory_mib": free}))
    return seen_again(fleet, hosts)


def seen_again(fleet: Observation, hosts: list[seen.Host]) -> Observation:
    """Return a new observation; a copy of the old one would keep what it remembers of its hosts."""
    return Observation(observed_at=fleet.observed_at, hosts=tuple(hosts), shares=fleet.shares)


def with_files(machine: seen.VirtualMachine, step: MachineStep) -> seen.VirtualMachine:
    roots = {"configuration": "configuration_path", "checkpoints": "checkpoint_path", "smartPaging": "smart_paging_path"}
    to = {paths.normal(move.source): move.target for move in step.storage if move.file not in roots}
    disks = tuple(disk.model_copy(update={"path": to.get(paths.normal(disk.path or ""), disk.path)}) for disk in machine.disks)
    changed = {roots[move.file]: move.target for move in step.storage if move.file in roots}
    return machine.model_copy(update=changed | {"disks": disks})


def machine_steps(plan: Plan) -> list[MachineStep]:
    return [step for step in plan.steps if isinstance(step, MachineStep)]


@LAWS
@given(fleets())
def test_a_plan_made_true_leaves_nothing_to_do(case: Fleet) -> None:
    """Once every step has had its effect, planning again gives no step, and the blocked machines are the same."""
    wanted, fleet = case
    plan = plan_for(wanted, fleet)
    for step in machine_steps(plan):
        fleet = arrive(fleet, step)
    again = plan_for(wanted, fleet)
    blocked = {one.subject for one in plan.blocked}
    assert not again.has_changes
    assert {one.subject for one in again.blocked} == blocked


@LAWS
@given(fleets())
def test_planning_again_after_each_step_gives_the_rest_of_the_plan(case: Fleet) -> None:
    """Steps taken in the order of the plan leave the same migrations to be made, no more of them and no other ones."""
    wanted, fleet = case
    rest = [told(step) for step in machine_steps(plan_for(wanted, fleet))]
    if not any(step.bypass for step in machine_steps(plan_for(wanted, fleet))):
        for step in machine_steps(plan_for(wanted, fleet)):
            fleet = arrive(fleet, step)
            rest.remove(told(step))
            assert sorted(told(one) for one in machine_steps(plan_for(wanted, fleet))) == sorted(rest)


def told(step: MachineStep) -> tuple[str, ...]:
    return (step.virtual_machine.name, step.action.value, step.source, step.destination or "")


@LAWS
@given(fleets())
def test_a_fleet_in_place_needs_nothing(case: Fleet) -> None:
    """Where every machine is pinned to the host it is on, the plan is empty."""
    _, fleet = case
    pinned = [desired_vm(machine.name, host.name) for host, machine in fleet.machines()]
    plan = plan_for(desired(*pinned, hosts=4), fleet)
    assert not plan.has_changes
    assert not plan.blocked
    assert plan.summary.in_place == len(pinned)


@LAWS
@given(fleets(), st.randoms(use_true_random=False))
def test_every_prefix_of_every_permitted_order_is_safe(case: Fleet, random: object) -> None:
    """Steps started and ended in any order that respects dependsOn never overcommit memory or bring mates together."""
    wanted, fleet = case
    plan = plan_for(wanted, fleet)
    for during in orders(plan, fleet, random):
        for host, free in during.free.items():
            assert free >= 0 or free >= during.free_before[host], f"{host} overcommitted"
        for rule in wanted.placement_rules:
            known = [during.where[name] for name in rule.virtual_machines if name in during.where]
            shared = set.intersection(*known) if len(known) > 1 else set()
            assert not shared - during.together_before, "rule broken on the way"


class During:
    """An instant: MiB free by host, and the hosts on which each machine counts."""

    def __init__(self, fleet: Observation) -> None:
        self.free = {host.name: host.available_memory_mib or 0 for host in fleet.hosts}
        self.where = {machine.name: {host.name} for host, machine in fleet.machines()}
        self.running = {machine.name: machine.is_running for _, machine in fleet.machines()}
        self.memory = {machine.name: machine.memory_mib or 0 for _, machine in fleet.machines()}
        self.free_before = dict(self.free)
        self.together_before = set.intersection(*(self.where.get(name, set()) for name in ("vm1", "vm2")))

    def begin(self, step: MachineStep) -> None:
        name = step.virtual_machine.name
        if step.destination:
            assert self.where[name] == {step.source}, "a machine leaves from where it is"
            self.where[name] = {step.source, step.destination}
            self.free[step.destination] -= self.memory[name] if self.running[name] else 0
            self.free_before[step.destination] = 0

    def end(self, step: MachineStep) -> None:
        name = step.virtual_machine.name
        if step.destination:
            self.where[name] = {step.destination}
            self.free[step.source] += self.memory[name] if self.running[name] else 0


def orders(plan: Plan, fleet: Observation, random: object) -> Iterator[During]:
    """Yield every instant of one random run in which any number of steps is on the way at once."""
    now, done, running = During(fleet), set[str](), list[MachineStep]()
    todo = machine_steps(plan)
    while todo or running:
        ready = [step for step in todo if set(step.depends_on) <= done]
        choice = random.choice([*(("begin", step) for step in ready), *(("end", step) for step in running)])  # type: ignore[attr-defined]
        if choice[0] == "begin":
            todo.remove(choice[1])
            running.append(choice[1])
            now.begin(choice[1])
        else:
            running.remove(choice[1])
            done.add(choice[1].id)
            now.end(choice[1])
        yield now


@LAWS
@given(fleets(), st.randoms(use_true_random=False))
def test_the_order_of_input_does_not_matter(case: Fleet, random: object) -> None:
    """Hosts and machines in another order give the same steps under the same ids, and the same fingerprint."""
    wanted, fleet = case
    shuffled = [
        host.model_copy(update={"virtual_machines": tuple(mixed(random, host.virtual_machines))})
        for host in mixed(random, fleet.hosts)
    ]
    other = seen_again(fleet, shuffled)
    turned = Desired(
        digest=wanted.digest,
        hosts=tuple(mixed(random, wanted.hosts)),
        virtual_machines=tuple(mixed(random, wanted.virtual_machines)),
        placement_rules=wanted.placement_rules,
    )
    one, two = plan_for(wanted, fleet), plan_for(turned, other)
    assert one.fingerprint == two.fingerprint
    assert one.to_json() | {"observation": None} == two.to_json() | {"observation": None}


def mixed(random: object, items: tuple[Item, ...]) -> list[Item]:
    mixed_items = list(items)
    random.shuffle(mixed_items)  # type: ignore[attr-defined]
    return mixed_items


@LAWS
@given(fleets())
def test_bounds_are_bounds(case: Fleet) -> None:
    """No plan has fewer migrations than are needed, nor takes less time than the bound; bypasses are the difference."""
    plan = plan_for(*case)
    summary = plan.summary
    hops = sum(step.bypass for step in machine_steps(plan))
    assert (summary.migrations == summary.needed_migrations) == (hops == 0)
    assert summary.migrations >= summary.needed_migrations + hops
    assert summary.estimated_seconds >= summary.lower_bound_seconds


HASH_SEED_PROBE = """
from reconciler.diff import find_drift
from reconciler.plan import make_plan
from tests.builders import *
hosts = [a_host(f"Host{n}", *[a_vm(f"vm{n}{m}") for m in range(4)], available_mib=4096) for n in range(1, 4)]
machines = [desired_vm(f"vm{n}{m}", f"Host{n % 3 + 1}") for n in range(1, 4) for m in range(4)]
wanted, fleet = desired(*machines, apart("vm10", "vm20")), a_fleet(*hosts)
print(make_plan(wanted, fleet, find_drift(wanted, fleet)).model_dump_json(by_alias=True))
"""


def test_the_hash_seed_does_not_matter() -> None:
    """Two processes with different hash seeds print the same bytes."""
    printed = [
        subprocess.run(
            [sys.executable, "-c", HASH_SEED_PROBE], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert printed[0] == printed[1]
    assert b"liveMigration" in printed[0]

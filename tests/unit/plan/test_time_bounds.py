"""The shortest time that any plan could take: never above what some order of the same moves takes, and seldom far below."""

from itertools import permutations
from random import Random

from reconciler.model.desired import HostGroup, HostMigrationSettings
from reconciler.model.plan import MachineStep, Plan
from tests.builders import a_fleet, a_host, a_vm, desired, desired_host, desired_vm, source
from tests.unit.plan.planning import plan_for

SLOTS = 2


def a_crowd(seed: int) -> tuple[Plan, dict[str, int]]:
    """Return the plan for five machines on three hosts that are nearly full, and what is free on each host at first."""
    chance = Random(seed)
    names = ["Host1", "Host2", "Host3"]
    free = {name: chance.choice((1024, 2048, 8192)) for name in names}
    machines = [(f"vm{number}", chance.choice(names), chance.choice((1024, 2048, 4096))) for number in range(5)]
    hosts = [
        a_host(name, *(a_vm(vm, memory_mib=mib) for vm, home, mib in machines if home == name), available_mib=free[name])
        for name in names
    ]
    wanted = [desired_vm(vm, chance.choice([name for name in names if name != home])) for vm, home, _ in machines]
    return plan_for(desired(*wanted), a_fleet(*hosts)), free


def shortest(steps: list[MachineStep], free: dict[str, int]) -> float:
    """Let the moves start in every order of preference as room and slots allow, and return the earliest end of all."""
    return min((end for order in permutations(steps) if (end := lived(order, dict(free))) is not None), default=float("inf"))


def lived(order: tuple[MachineStep, ...], free: dict[str, int]) -> float | None:
    now, waiting, running = 0.0, list(order), list[tuple[float, MachineStep]]()
    while waiting or running:
        for step in list(waiting):
            used = [host for _, other in running for host in (other.source, other.destination)]
            ends, size = (step.source, str(step.destination)), step.bytes // 1024**2
            if free[ends[1]] >= size and all(used.count(host) < SLOTS for host in ends):
                waiting.remove(step)
                free[ends[1]] -= size
                running.append((now + step.estimated_seconds, step))
        if not running:
            return None
        now, done = min(running, key=lambda one: one[0])
        running.remove((now, done))
        free[done.source] += done.bytes // 1024**2
    return now


def test_no_order_of_the_moves_beats_the_bound() -> None:
    """Held against every order of small plans; where room is short the bound is more than the work of the slots."""
    met = plans = 0
    for seed in range(120):
        plan, free = a_crowd(seed)
        steps = [step for step in plan.steps if isinstance(step, MachineStep)]
        if plan.blocked or any(step.bypass for step in steps) or len(steps) < 4:
            continue
        best, bound = shortest(steps, free), plan.summary.lower_bound_seconds
        assert bound <= best + 0.01, f"seed {seed}: {bound} s is said to be the least, {best} s would do"
        plans += 1
        met += bound > best - 0.01
    assert plans > 25
    assert met > plans // 4


def test_a_chain_of_departures_counts() -> None:
    """Each host is full until the next one's machine has left: three moves one after the other, and the bound says so."""
    hosts = [a_host(f"Host{number}", a_vm(f"vm{number}"), available_mib=0) for number in (1, 2, 3)]
    wanted = [desired_vm(f"vm{number}", f"Host{number + 1}") for number in (1, 2, 3)]
    plan = plan_for(desired(*wanted, hosts=4), a_fleet(*hosts, a_host("Host4")))
    assert plan.summary.lower_bound_seconds == plan.summary.estimated_seconds
    assert plan.summary.lower_bound_seconds > 2.9 * plan.steps[0].estimated_seconds


def test_of_a_machine_that_may_go_to_several_hosts_only_its_departure_counts() -> None:
    """Two small machines could each go elsewhere: that both were sent to one host's slots is no bound."""
    names = [f"vm{number}" for number in range(4)]
    hosts = [a_host(f"From{number}", a_vm(name)) for number, name in enumerate(names)]
    places = ("To1", "To2")
    wanted = desired(*(desired_vm(name, places) for name in names), hosts=(*(host.name for host in hosts), *places))
    plan = plan_for(wanted, a_fleet(*hosts, a_host("To1", available_mib=65536), a_host("To2", available_mib=4096)))
    assert plan.summary.lower_bound_seconds == plan.steps[0].estimated_seconds


def test_of_a_machine_without_a_placement_only_its_departure_counts() -> None:
    """Four hosts are emptied, and nobody says where their machines go: that all went to one host's slots is no bound."""
    names = [f"vm{number}" for number in range(4)]
    emptied = [desired_host(f"From{number}", maintenance=True, host_group="hall") for number in range(4)]
    places = [desired_host(name, host_group="hall") for name in ("To1", "To2")]
    hall = HostGroup("hall", source("hall"), hosts=tuple(host.name for host in (*emptied, *places)))
    hosts = [a_host(host.name, a_vm(name)) for host, name in zip(emptied, names, strict=True)]
    wanted = desired(*emptied, *places, hall, *map(desired_vm, names), hosts=())
    plan = plan_for(wanted, a_fleet(*hosts, a_host("To1", available_mib=65536), a_host("To2", available_mib=4096)))
    assert plan.summary.migrations == 4
    assert plan.summary.lower_bound_seconds == plan.steps[0].estimated_seconds


def test_a_limit_that_the_plan_raises_counts_as_raised() -> None:
    """Once the hosts' settings are seen, four move at once: two at once is how the estimate counts, but no least time."""
    wider = HostMigrationSettings(maximum_virtual_machine_migrations=4)
    fleet = a_fleet(a_host("Host1", *(a_vm(f"vm{n}") for n in range(8))), a_host("Host2"))
    machines = [desired_vm(f"vm{n}", "Host2") for n in range(8)]
    plan = plan_for(desired(*machines, *(desired_host(f"Host{n}", migration=wider) for n in (1, 2)), hosts=2), fleet)
    each = next(step.estimated_seconds for step in plan.steps if isinstance(step, MachineStep))
    assert plan.summary.estimated_seconds > 4 * each
    assert plan.summary.lower_bound_seconds == round(2 * each, 3)

"""The plan takes as few migrations as there can be, and says so only where it is true: held against a brute-force oracle."""

import os
from random import Random

from reconciler.audit import audit
from reconciler.diff import find_drift
from reconciler.model.desired import Desired
from reconciler.model.observation import Observation
from reconciler.model.plan import Plan
from reconciler.model.words import Proof
from reconciler.plan import make_plan
from tests.builders import a_fleet, a_host, a_vm, desired, desired_vm
from tests.laws.oracle import Placement, fewest_moves

CASES = int(os.environ.get("ORACLE_CASES", "150"))
GIB = 1024
Case = tuple[list[int], Placement, Placement, list[int]]


def a_tight_case(seed: int) -> Case:
    """Nearly full hosts with one corner of room; machines go anywhere, or change places with others of their size."""
    chance = Random(seed)
    hosts, count = chance.randint(3, 5), chance.randint(3, 8)
    sizes = [chance.choice((1, 2, 4)) * GIB for _ in range(count)]
    start = tuple(chance.randrange(hosts - 1) for _ in range(count))
    goal = _exchanged(chance, sizes, start) if chance.random() < 0.6 else tuple(chance.randrange(hosts) for _ in range(count))
    used = [
        [sum(size for size, at in zip(sizes, where, strict=True) if at == host) for host in range(hosts)]
        for where in (start, goal)
    ]
    spare = [0 if chance.random() < 0.7 else GIB for _ in range(hosts - 1)] + [chance.choice((1, 2, 4)) * GIB]
    free = [max(used[0][host], used[1][host]) - used[0][host] + spare[host] for host in range(hosts)]
    return sizes, start, goal, free


def _exchanged(chance: Random, sizes: list[int], start: Placement) -> Placement:
    """Machines of one size take each other's places, which full hosts allow only with a detour."""
    goal = list(start)
    for size in sorted(set(sizes)):
        alike = [number for number, one in enumerate(sizes) if one == size]
        for number, other in zip(alike, chance.sample(alike, len(alike)), strict=True):
            goal[number] = start[other]
    return tuple(goal)


def as_fleet(case: Case) -> tuple[Desired, Observation]:
    """The same case in the product's own terms: shared storage, machines pinned."""
    sizes, start, goal, free = case
    machines = [a_vm(f"vm{number}", memory_mib=size) for number, size in enumerate(sizes)]
    hosts = [
        a_host(f"Host{host}", *(machine for machine, at in zip(machines, start, strict=True) if at == host), available_mib=room)
        for host, room in enumerate(free)
    ]
    wanted = [desired_vm(f"vm{number}", f"Host{host}") for number, host in enumerate(goal)]
    return desired(*wanted, hosts=tuple(f"Host{host}" for host in range(len(free)))), a_fleet(*hosts)


def planned(case: Case) -> Plan:
    wanted, fleet = as_fleet(case)
    plan = make_plan(wanted, fleet, find_drift(wanted, fleet))
    assert audit(plan, wanted, fleet) == ()
    return plan


def test_no_plan_takes_more_migrations_than_the_oracle_needs() -> None:
    """Tight fleets: the same count where there is a way, something blocked where there is none, and no false claim."""
    hops = proven = planned_in_all = 0
    for seed in range(CASES):
        case = a_tight_case(seed)
        try:
            fewest = fewest_moves(*case)
        except OverflowError:
            continue
        plan = planned(case)
        if fewest is None:
            assert plan.blocked, f"seed {seed}: there is no way, and nothing is said to be blocked"
            continue
        assert not plan.blocked, f"seed {seed}: {fewest} moves would do, and {plan.blocked} are blocked"
        assert plan.summary.migrations == fewest, f"seed {seed}"
        assert plan.summary.needed_migrations <= fewest, f"seed {seed}: more is said to be needed than is"
        proven += plan.summary.proof is Proof.MINIMAL
        planned_in_all += 1
        hops += fewest - sum(one != other for one, other in zip(case[1], case[2], strict=True))
    assert hops > CASES // 8
    assert proven == planned_in_all

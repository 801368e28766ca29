"""Full fleets of few large machines that change places: what fits in the end often fits in no order without a detour.

Made by feasible migrations, so that there is a way; drawn by seed, for small changes of such a fleet seldom keep it tight.
"""

from random import Random

from hypothesis import strategies as st

from reconciler.model.desired import Desired
from reconciler.model.observation import Observation
from tests.builders import a_fleet, a_host, a_vm, desired, desired_vm

SIZES_MIB = (8192, 12288, 16384)


def tight_fleets() -> st.SearchStrategy[tuple[Desired, Observation]]:
    """Return three to five hosts, 85 to 95 % full, whose machines are wanted where they can get to."""
    return st.integers(0, 10**6).map(lambda seed: tight_fleet(Random(seed)))


def tight_fleet(chance: Random) -> tuple[Desired, Observation]:
    hosts = range(chance.randint(3, 5))
    sizes = sorted((chance.choice(SIZES_MIB) for _ in range(chance.randint(3 * len(hosts), 5 * len(hosts)))), reverse=True)
    loads, start = [0] * len(hosts), list[int]()
    for size in sizes:
        start.append(min(hosts, key=lambda host: (loads[host], host)))
        loads[start[-1]] += size
    capacity = max(*loads, int(sum(sizes) / len(hosts) / chance.uniform(0.85, 0.95)))
    free = [capacity - load for load in loads]
    goal = _wandered(chance, sizes, start, list(free))
    seen = [
        a_host(
            f"Host{host}",
            *[a_vm(f"vm{n}", memory_mib=sizes[n]) for n in range(len(sizes)) if start[n] == host],
            available_mib=free[host],
        )
        for host in hosts
    ]
    managed = [desired_vm(f"vm{number}", f"Host{host}") for number, host in enumerate(goal)]
    return desired(*managed, hosts=tuple(f"Host{host}" for host in hosts)), a_fleet(*seen)


def _wandered(chance: Random, sizes: list[int], start: list[int], free: list[int]) -> list[int]:
    at = list(start)
    for _ in range(chance.randint(1, 20) * len(sizes)):
        machine, host = chance.randrange(len(sizes)), chance.randrange(len(free))
        if free[host] >= sizes[machine] and host != at[machine]:
            free[at[machine]] += sizes[machine]
            free[host] -= sizes[machine]
            at[machine] = host
    return at

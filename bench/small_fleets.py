"""Small fleets whose fewest migrations are known: scrambles, swaps, rings and drains, made so that an answer exists.

A scramble is made by feasible migrations, so there is a way back to front; each machine that ends elsewhere takes one migration
at the least. A drain is made backwards: machines climb onto an empty host, and must leave it again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from bench.fleets import Case, host_name, small_case
from reconciler.model.desired import Placement

SIZES_MIB = (1024, 2048, 3072, 4096, 8192)
COARSE_MIB = (8192, 12288, 16384)  # few machines fit a hole
Homes = list[int]


@dataclass(frozen=True, slots=True)
class Puzzle:
    """A case in numbers: sizes in MiB, the host of each machine now and in the end, and the room of each host at first.

    ``least``: no plan takes fewer migrations; ``exact``: that many do suffice.
    """

    kind: str
    case: Case
    sizes: tuple[int, ...]
    start: tuple[int, ...]
    goal: tuple[int, ...]
    free: tuple[int, ...]
    least: int
    exact: bool


def puzzles(count: int, seed: int = 1) -> Iterator[Puzzle]:
    """Yield ``count`` scrambles and drains at 70 to 97 % full, then swaps and rings of every size."""
    for number in range(count):
        random = Random(seed * 100_000 + number)
        yield KINDS[number % len(KINDS)](random)
    for pairs in range(1, 6):
        yield swaps(pairs)
    for length in range(2, 12):
        for alike in (1, 2):
            yield ring(length, alike)


def scramble(random: Random) -> Puzzle:
    """Return a fleet in which machines have changed places by feasible migrations, up to twenty tries for each."""
    hosts = random.randint(3, 12)
    sizes, start, capacity = _packed(random, hosts, hosts, random.uniform(0.7, 0.97), SIZES_MIB)
    return _scrambled("scramble", random, sizes, start, capacity, hosts)


def coarse(random: Random) -> Puzzle:
    """Return the same with machines so large that the room there is seldom lies where it is needed."""
    hosts = random.randint(3, 12)
    sizes, start, capacity = _packed(random, hosts, hosts, random.uniform(0.85, 0.97), COARSE_MIB)
    return _scrambled("coarse scramble", random, sizes, start, capacity, hosts)


def _scrambled(kind: str, random: Random, sizes: list[int], start: Homes, capacity: int, hosts: int) -> Puzzle:
    room, goal = _room(hosts, sizes, start, capacity), list(start)
    for _ in range(random.randint(1, 20) * len(sizes)):
        _wander(random, sizes, goal, room, range(hosts))
    return _pinned(kind, sizes, start, goal, capacity, hosts, exact=False)


def drain(random: Random) -> Puzzle:
    """Return a fleet with one host to be emptied; the machines on it came from the others, and fit back there."""
    hosts = random.randint(3, 12)
    sizes, homes, capacity = _packed(random, hosts, hosts - 1, random.uniform(0.7, 0.97), SIZES_MIB)
    room, start = _room(hosts, sizes, homes, capacity), list(homes)
    for _ in range(2 * len(sizes)):
        _wander(random, sizes, start, room, (hosts - 1,))
    anywhere = Placement("hosts", tuple(host_name(host) for host in range(hosts)))
    forced = start.count(hosts - 1)
    case = small_case(sizes, start, [anywhere] * len(sizes), [capacity] * hosts, forced, drained=hosts - 1)
    return _puzzle("drain", case, sizes, start, homes, [capacity] * hosts, forced, exact=True)


KINDS = (scramble, coarse, scramble, drain)


def swaps(pairs: int) -> Puzzle:
    """Return full hosts in pairs that change machines, and one spare host: one hop for each pair."""
    start = list(range(2 * pairs))
    return _with_spare("swaps", start, [host ^ 1 for host in start], extra=pairs)


def ring(length: int, alike: int) -> Puzzle:
    """Return full hosts that each hand all of theirs to the next, and one spare host: one hop."""
    start = [host for host in range(length) for _ in range(alike)]
    return _with_spare("ring", start, [(host + 1) % length for host in start], extra=1)


def _with_spare(kind: str, start: Homes, goal: Homes, *, extra: int) -> Puzzle:
    sizes, hosts = [4096] * len(start), max(start) + 2
    capacities = [4096 * start.count(host) for host in range(hosts - 1)] + [4096]
    case = small_case(sizes, start, [_on(host) for host in goal], capacities, len(start) + extra)
    return _puzzle(kind, case, sizes, start, goal, capacities, len(start) + extra, exact=True)


def _pinned(kind: str, sizes: list[int], start: Homes, goal: Homes, capacity: int, hosts: int, *, exact: bool) -> Puzzle:
    least = sum(one != other for one, other in zip(start, goal, strict=True))
    case = small_case(sizes, start, [_on(host) for host in goal], [capacity] * hosts, least)
    return _puzzle(kind, case, sizes, start, goal, [capacity] * hosts, least, exact=exact)


def _puzzle(
    kind: str, case: Case, sizes: list[int], start: Homes, goal: Homes, capacities: list[int], least: int, *, exact: bool
) -> Puzzle:
    free = tuple(
        capacity - sum(size for size, at in zip(sizes, start, strict=True) if at == host)
        for host, capacity in enumerate(capacities)
    )
    return Puzzle(kind, case, tuple(sizes), tuple(start), tuple(goal), free, least, exact)


def _on(host: int) -> Placement:
    return Placement("host", (host_name(host),))


def _packed(random: Random, hosts: int, used: int, full: float, of: tuple[int, ...]) -> tuple[list[int], Homes, int]:
    """Return up to five machines a host on the first ``used`` hosts, and the memory of a host that makes these so full."""
    sizes = [random.choice(of) for _ in range(random.randint(3 * hosts, 5 * hosts))]
    loads, homes = [0] * used, []
    for size in sorted(sizes, reverse=True):
        homes.append(min(range(used), key=lambda host: (loads[host], host)))
        loads[homes[-1]] += size
    return sorted(sizes, reverse=True), homes, max(*loads, int(sum(sizes) / used / full))


def _room(hosts: int, sizes: list[int], homes: Homes, capacity: int) -> list[int]:
    room = [capacity] * hosts
    for size, home in zip(sizes, homes, strict=True):
        room[home] -= size
    return room


def _wander(random: Random, sizes: list[int], at: Homes, room: list[int], hosts: range | tuple[int, ...]) -> None:
    machine, host = random.randrange(len(sizes)), random.choice(hosts)
    if room[host] >= sizes[machine] and host != at[machine]:
        room[at[machine]] += sizes[machine]
        room[host] -= sizes[machine]
        at[machine] = host

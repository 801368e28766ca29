"""The fewest migrations there can be, found by brute force on numbers alone. Shares no code with the planner, and no idea.

A* over placements: a state is where each machine is, a move takes one machine to a host with room for it, and what is left to
do at the least is one move for each machine that is not where it belongs.
"""

import heapq
from collections.abc import Iterator

Placement = tuple[int, ...]


def fewest_moves(sizes: list[int], start: Placement, goal: Placement, free: list[int], most: int = 40000) -> int | None:
    """Return the fewest moves from ``start`` to ``goal``; None where there is no way. ``free``: room of each host at the start.

    OverflowError where more than ``most`` placements would have to be looked at.
    """
    queue, best = [(_misplaced(start, goal), 0, start)], {start: 0}
    while queue:
        _, done, here = heapq.heappop(queue)
        if here == goal:
            return done
        if done > best[here]:
            continue
        for there in _moves(sizes, start, here, free):
            if done + 1 < best.get(there, 1 << 30):
                best[there] = done + 1
                heapq.heappush(queue, (done + 1 + _misplaced(there, goal), done + 1, there))
        if len(best) > most:
            raise OverflowError
    return None


def _misplaced(here: Placement, goal: Placement) -> int:
    return sum(one != other for one, other in zip(here, goal, strict=True))


def _moves(sizes: list[int], start: Placement, here: Placement, free: list[int]) -> Iterator[Placement]:
    room = list(free)
    for size, first, now in zip(sizes, start, here, strict=True):
        room[first] += size
        room[now] -= size
    for number, size in enumerate(sizes):
        for host in range(len(free)):
            if host != here[number] and room[host] >= size:
                yield (*here[:number], host, *here[number + 1 :])

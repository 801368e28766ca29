"""Why machines cannot be placed together: a smallest set of demands that contradict each other, in the words of the YAML.

Demands are placements, required rules and the room of hosts. Each is taken away once: where the rest still contradicts, it was
none of the reasons. What remains is irreducible, so relaxing any one of them would do. Only ever said where it is proven.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from reconciler.plan.assign import Answer, Group, Puzzle

MOST_DEMANDS = 60  # more are not looked through, for each costs a search
Assign = Callable[[Puzzle], Answer | None]


@dataclass(frozen=True, slots=True)
class Demand:
    """Something that is asked for, and what a puzzle is without it."""

    text: str
    without: Callable[[Puzzle], Puzzle]


def smallest_conflict(puzzle: Puzzle, demands: list[Demand], assign: Assign) -> tuple[str, ...]:
    """Return the texts of an irreducible set of demands that leaves somebody out; empty where that is not proven."""
    if len(demands) > MOST_DEMANDS or not _leaves_out(puzzle, assign):
        return ()
    kept: list[Demand] = []
    for number, demand in enumerate(demands):
        rest = [*kept, *demands[number + 1 :]]
        if not _leaves_out(_only(puzzle, demands, rest), assign):
            kept.append(demand)
    return tuple(demand.text for demand in kept)


def _only(puzzle: Puzzle, demands: Iterable[Demand], kept: list[Demand]) -> Puzzle:
    for demand in demands:
        if demand not in kept:
            puzzle = demand.without(puzzle)
    return puzzle


def _leaves_out(puzzle: Puzzle, assign: Assign) -> bool:
    answer = assign(puzzle)
    return answer is not None and answer.impossible


def without_item(name: str) -> Callable[[Puzzle], Puzzle]:
    """Take a machine's demand for a place away: it is nowhere, and takes no room where it stands."""

    def taken(puzzle: Puzzle) -> Puzzle:
        items, room = tuple(item for item in puzzle.items if item.name != name), dict(puzzle.room)
        for item in puzzle.items:
            there = room.get(item.home)
            if item.name == name and not item.forced and there is not None:  # what a forced one leaves counts already
                room[item.home] = there + item.size
        return replace(puzzle, items=items, room=room)

    return taken


def without_room(host: str) -> Callable[[Puzzle], Puzzle]:
    """Take the limit of a host's memory away."""
    return lambda puzzle: replace(puzzle, room=puzzle.room | {host: None})


def without_group(group: Group) -> Callable[[Puzzle], Puzzle]:
    """Take a rule away."""
    return lambda puzzle: replace(puzzle, groups=tuple(one for one in puzzle.groups if one is not group))

"""Who goes where: machines that are alike are counted, not told apart."""

from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations
from math import ceil
from typing import TYPE_CHECKING, Any

from reconciler.cpsat.search import Var, solve
from reconciler.plan.assign import Answer, Group, Item, Puzzle

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

BUDGET = 4.0  # deterministic time for one puzzle; real time is up to about five times as long


def place(puzzle: Puzzle, budget: float = BUDGET) -> Answer | None:
    """Return the placement with the fewest machines left out, then migrations, then the best liked hosts."""
    build = _Model(puzzle)
    first = build.solve(build.cost(), budget)
    if first is None:
        return None
    build.keep(first)
    liked = build.solve(build.dislike(), budget / 10) or first
    return build.answer(first, liked)


@dataclass(frozen=True, slots=True)
class _Alike:
    """Machines that are all the same to the solver: same home, size and options, and no rule names them."""

    names: tuple[str, ...]
    item: Item


def _alike(puzzle: Puzzle) -> list[_Alike]:
    named = {name for group in puzzle.groups for name in group.members}
    kinds: dict[tuple[object, ...], list[Item]] = defaultdict(list)
    for item in puzzle.items:
        own = (item.name,) if item.name in named else ()
        kinds[item.home, item.size, item.options, item.forced, own].append(item)
    return [_Alike(tuple(sorted(item.name for item in items)), items[0]) for items in kinds.values()]


class _Model:
    """One puzzle in whole numbers: how many machines of a kind go to a host, and how many stay (forced ones: left out)."""

    def __init__(self, puzzle: Puzzle) -> None:
        from ortools.sat.python import cp_model

        self._cp, self.model, self.puzzle, self.kinds = cp_model, cp_model.CpModel(), puzzle, _alike(puzzle)
        self.goes: dict[tuple[str, str], Var] = {}
        self.stays: dict[str, Var] = {}
        for number, kind in enumerate(self.kinds):
            self._count(number, kind)
        self._weight = 1 + sum(max((cost for _, cost in item.options), default=0) for item in puzzle.items)
        self._rooms()
        for group in puzzle.groups:
            self._group(group)

    def _count(self, number: int, kind: _Alike) -> None:
        most, name = len(kind.names), kind.names[0]
        self.stays[name] = self.model.new_int_var(0, most, f"stay{number}")
        for place, (host, _) in enumerate(kind.item.options):
            self.goes[name, host] = self.model.new_int_var(0, most, f"go{number}_{place}")
        self.model.add(self.stays[name] + sum(self.goes[name, host] for host, _ in kind.item.options) == most)
        self.model.add_hint(self.stays[name], 0 if kind.item.forced else most)

    def _rooms(self) -> None:
        arriving, staying = defaultdict(list), defaultdict(list)
        for kind in self.kinds:
            for host, _ in kind.item.options:
                arriving[host].append((kind, self.goes[kind.names[0], host]))
            staying[kind.item.home].append((kind, self.stays[kind.names[0]]))
        for host, comers in sorted(arriving.items()):
            room = self.puzzle.room.get(host)
            if room is not None:
                self._room(host, room, comers, staying[host])

    def _room(self, host: str, room: int, comers: list[tuple[_Alike, Var]], stayers: list[tuple[_Alike, Var]]) -> None:
        """Arrivals, and forced machines that stay, take room; settled ones that go give it. Without arrivals all is well."""
        taken = sum(kind.item.size * var for kind, var in comers)
        taken += sum(kind.item.size * var for kind, var in stayers if kind.item.forced)
        given = sum(kind.item.size * (len(kind.names) - var) for kind, var in stayers if not kind.item.forced)
        fits = self.model.add(taken <= room + given)
        if room < sum(kind.item.size * len(kind.names) for kind, _ in stayers if kind.item.forced):
            comes = self.model.new_bool_var(f"comes_{host}")
            fits.only_enforce_if(comes)
            for kind, var in comers:
                if kind.item.size:
                    self.model.add(var == 0).only_enforce_if(~comes)

    def _group(self, group: Group) -> None:
        members = [item for item in self.puzzle.items if item.name in group.members]
        for item in members:
            for host, _ in item.options:
                here = group.values.get(host)
                if here is None or any((value == here) == group.apart for value in group.fixed):
                    self.model.add(self.goes[item.name, host] == 0)
        for one, other in combinations(members, 2):
            for host, var, moves in self._places(one):
                for there, mate, mate_moves in self._places(other):
                    values = group.values.get(host), group.values.get(there)
                    clash = None not in values and (values[0] == values[1]) == group.apart
                    if clash and (moves or mate_moves):
                        self.model.add(var + mate <= 1)

    def _places(self, item: Item) -> list[tuple[str, Var, bool]]:
        gone = [(host, self.goes[item.name, host], True) for host, _ in item.options]
        return [*gone, (item.home, self.stays[item.name], False)]

    def cost(self) -> Any:
        """Machines left out, each worse than all migrations together, then migrations."""
        return self._weight * self._left_out() + self._migrations()

    def _left_out(self) -> Any:
        return sum(self.stays[kind.names[0]] for kind in self.kinds if kind.item.forced)

    def _migrations(self) -> Any:
        return sum(cost * self.goes[kind.names[0], host] for kind in self.kinds for host, cost in kind.item.options)

    def dislike(self) -> Any:
        """How far down their lists of hosts machines were sent."""
        ranked = ((rank, kind.names[0], host) for kind in self.kinds for rank, (host, _) in enumerate(kind.item.options))
        return sum(rank * self.goes[name, host] for rank, name, host in ranked)

    def keep(self, found: "cp_model.CpSolver") -> None:
        """Hold on to what a first search reached, and begin the next one there."""
        self.model.add(self.cost() <= round(found.objective_value))
        self.model.clear_hints()  # type: ignore[no-untyped-call]
        for var in [*self.goes.values(), *self.stays.values()]:
            self.model.add_hint(var, found.value(var))

    def solve(self, objective: Any, budget: float) -> "cp_model.CpSolver | None":
        """Return the solver after a search; None where it found nothing."""
        self.model.minimize(objective)
        solver, status = solve(self.model, budget)
        return solver if status in (self._cp.OPTIMAL, self._cp.FEASIBLE) else None

    def answer(self, first: "cp_model.CpSolver", liked: "cp_model.CpSolver") -> Answer:
        """Return what the second search chose, with what the first one proved."""
        hosts = self._hosts(liked)
        left_out = tuple(sorted(item.name for item in self.puzzle.items if item.forced and item.name not in hosts))
        costs = {item.name: dict(item.options) for item in self.puzzle.items}
        migrations = sum(costs[name][host] for name, host in hosts.items())
        proven = first.best_objective_bound > first.objective_value - 0.5
        bound = ceil(first.best_objective_bound - 1e-6) - self._weight * len(left_out)
        impossible = first.best_objective_bound > self._weight - 0.5
        return Answer(hosts, left_out, migrations, max(0, min(bound, migrations)), proven, impossible and bool(left_out))

    def _hosts(self, found: "cp_model.CpSolver") -> dict[str, str]:
        """Which machine goes where: of those alike, the first by name to the best liked host."""
        hosts: dict[str, str] = {}
        for kind in self.kinds:
            names = iter(kind.names)
            for host, _ in kind.item.options:
                for _ in range(found.value(self.goes[kind.names[0], host])):
                    hosts[next(names)] = host
        return hosts

"""In which order, and by which detours: each migration has a moment; places never hold more than they have room for."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.cpsat.search import Var, solve
from reconciler.plan.sequence import Job, Key, Leg, OrderAnswer, OrderPuzzle, Stop

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

BUDGET = 8.0  # deterministic time for one group


def safe_order(puzzle: OrderPuzzle, detours: int, budget: float = BUDGET) -> OrderAnswer:
    """Return an order with no more than so many detours; or whether there is none, as far as the budget tells."""
    from ortools.sat.python import cp_model

    if any(room < 0 for room in puzzle.room.values()):
        return OrderAnswer(None)
    if not detours:
        puzzle = replace(puzzle, jobs=tuple(Job(job.direct) for job in puzzle.jobs))
    order = _Order(cp_model.CpModel(), puzzle, detours)
    solver, status = solve(order.model, budget)
    if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return OrderAnswer(order.read(solver))
    return OrderAnswer(None, impossible=status == cp_model.INFEASIBLE)


@dataclass(slots=True)
class _Event:
    """A change of a place's level at a moment, if the way that it belongs to is taken (None: in any case)."""

    moment: Var
    change: int
    active: Var


@dataclass(slots=True)
class _Order:
    """The model: a moment for each job's departure and one for the second leg of its detour, if it takes one.

    A migration takes at twice its moment and gives just after, so that of several at one moment none counts on another.
    """

    model: "cp_model.CpModel"
    puzzle: OrderPuzzle
    detours: int
    events: dict[Key, list[_Event]] = field(default_factory=lambda: defaultdict(list))
    moments: list[tuple[Var, Var]] = field(default_factory=list)
    ways: list[list[Var]] = field(default_factory=list)

    def __post_init__(self) -> None:
        last = 2 * len(self.puzzle.jobs)
        for number, job in enumerate(self.puzzle.jobs):
            first, second = (self.model.new_int_var(0, last, f"{name}{number}") for name in ("first", "second"))
            ways = [self.model.new_bool_var(f"way{number}_{way}") for way in range(len(job.detours) + 1)]
            self.model.add_exactly_one(ways)
            self.model.add(second > first)
            self._leg(job.direct, first, ways[0])
            for way, (there, on) in zip(ways[1:], job.detours, strict=True):
                self._leg(there, first, way)
                self._leg(on, second, way)
            self.moments.append((first, second))
            self.ways.append(ways)
        for key in sorted(self.events):
            self._place(key)
        self.model.add(sum(way for ways in self.ways for way in ways[1:]) <= self.detours)

    def _leg(self, leg: Leg, moment: Var, active: Var) -> None:
        for changes, late in ((leg.takes, 0), (leg.gives, 1)):
            for key, amount in changes.items():
                if key in self.puzzle.room and amount:
                    self.events[key].append(_Event(2 * moment + late, amount if late else -amount, active))

    def _place(self, key: Key) -> None:
        events = self.events[key]
        if not any(event.change < 0 for event in events):
            return
        most = sum(event.change for event in events if event.change > 0)
        self.model.add_reservoir_constraint_with_active(
            [event.moment for event in events],
            [event.change for event in events],
            [event.active for event in events],
            -self.puzzle.room[key],
            most,
        )

    def read(self, solver: "cp_model.CpSolver") -> tuple[Stop, ...]:
        """Return the migrations by their moments."""
        stops: list[tuple[int, int, Stop]] = []
        for number, (ways, (first, second)) in enumerate(zip(self.ways, self.moments, strict=True)):
            way = next(place for place, var in enumerate(ways) if solver.value(var))
            detour = way - 1 if way else None
            stops.append((solver.value(first), number, Stop(number, detour)))
            if way:
                stops.append((solver.value(second), number, Stop(number, detour, second=True)))
        return tuple(stop for _, _, stop in sorted(stops, key=lambda one: one[:2]))

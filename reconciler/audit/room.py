"""Room under the worst order: no set of steps that ``dependsOn`` lets be under way or done may overfill a host or volume.

For each pool the worst set is computed exactly. An arrival may be chosen freely, but brings all that is done before it; so
the question is a project selection (arrivals earn, departures that must come first cost), answered by a minimum cut.
"""

from collections import deque
from collections.abc import Iterator

from reconciler.audit.case import Case, problem
from reconciler.audit.demand import Pool, pools_of
from reconciler.model.problem import Problem


def check(case: Case) -> Iterator[Problem]:
    """Check every pool that a step takes from."""
    subjects = {step.id: step for step in case.machine_steps}
    for pool in pools_of(case):
        for step_id in pool.takes:
            if (pool.free is None or step_id in pool.unknown) and not subjects[step_id].unverified:
                finding = f"step {step_id} does not say so: whether there is room ({pool.name}) is not known"
                yield problem("unverified", subjects[step_id].subject, finding)
        if pool.free is not None and pool.takes:
            yield from _overfilled(pool, pool.free, case)


def _overfilled(pool: Pool, free: int, case: Case) -> Iterator[Problem]:
    code = "memory" if pool.unit == "MiB" else "space"
    worst = _worst(pool, free, case)
    if worst > free:
        yield problem(code, "plan", f"{pool.name}: {free} {pool.unit} free, some order of the steps needs {worst}")


def _worst(pool: Pool, free: int, case: Case) -> int:
    needs = {taker: _earlier_gifts(taker, pool, case) for taker in pool.takes}
    if sum(pool.takes.values()) <= free:
        return 0
    if free >= 0:
        return best_selection(pool.takes, needs, pool.gives)
    # Below the reserve doing nothing is fine, and an arrival needs that enough has left before: ask for each by itself.
    return max(_with(taker, pool, needs) for taker in pool.takes)


def _with(taker: str, pool: Pool, needs: dict[str, frozenset[str]]) -> int:
    spent = needs[taker]
    others = {name: amount for name, amount in pool.takes.items() if name != taker}
    left = {name: needs[name] - spent for name in others}
    paid = sum(pool.gives[name] for name in spent)
    return pool.takes[taker] - paid + best_selection(others, left, pool.gives)


def _earlier_gifts(taker: str, pool: Pool, case: Case) -> frozenset[str]:
    bits = case.before[taker]
    return frozenset(giver for giver in pool.gives if bits >> case.index[giver] & 1)


def best_selection(earns: dict[str, int], needs: dict[str, frozenset[str]], costs: dict[str, int]) -> int:
    """Return the most that a choice of earners can bring, less the cost of all that they need (each paid once)."""
    supply = dict(earns)
    room = {name: costs[name] for name in sorted(set().union(*needs.values()))} if needs else {}
    flow: dict[tuple[str, str], int] = {}
    for earner in earns:
        while supply[earner] > 0:
            path = _path(earner, needs, room, flow)
            if path is None:
                break
            _push(path, supply, room, flow)
    return sum(supply.values())


def _path(
    start: str, needs: dict[str, frozenset[str]], room: dict[str, int], flow: dict[tuple[str, str], int]
) -> list[str] | None:
    """Search a way to pay: earner, cost, earner it was paid by, cost, ... until a cost has room left."""
    came: dict[str, tuple[str, str] | None] = {start: None}
    seen_costs: set[str] = set()
    queue = deque([start])
    while queue:
        earner = queue.popleft()
        for cost in sorted(needs[earner] - seen_costs):
            seen_costs.add(cost)
            if room[cost] > 0:
                return _trace(came, earner, cost)
            for other in [payer for payer, paid in flow if paid == cost and flow[payer, paid] > 0]:
                if other not in came:
                    came[other] = (earner, cost)
                    queue.append(other)
    return None


def _trace(came: dict[str, tuple[str, str] | None], earner: str, cost: str) -> list[str]:
    path = [cost, earner]
    step = came[earner]
    while step is not None:
        path += [step[1], step[0]]
        step = came[step[0]]
    return path[::-1]


def _push(path: list[str], supply: dict[str, int], room: dict[str, int], flow: dict[tuple[str, str], int]) -> None:
    """Pay along earner, cost, earner, cost, ...: each middle earner stops paying one cost and pays the next."""
    back = [(path[place + 1], path[place]) for place in range(1, len(path) - 1, 2)]
    amount = min([supply[path[0]], room[path[-1]]] + [flow[edge] for edge in back])
    for place in range(0, len(path) - 1, 2):
        edge = (path[place], path[place + 1])
        flow[edge] = flow.get(edge, 0) + amount
    for edge in back:
        flow[edge] -= amount
    supply[path[0]] -= amount
    room[path[-1]] -= amount

"""A few whole runs of the plan, event by event, in orders drawn from the plan's own fingerprint.

The worst case is computed elsewhere; this says the same in the plainest way there is: start, end, look. Two ways to the same
answer keep each other honest.
"""

from collections.abc import Iterator

from reconciler.audit.case import Case, migrates_host, problem
from reconciler.audit.demand import Pool, pools_of
from reconciler.model.desired import PlacementRule
from reconciler.model.plan import MachineStep, Step
from reconciler.model.problem import Problem

RUNS = 4


class Draw:
    """Numbers that depend on the seed alone (a linear congruential generator): the audit stays a function of its inputs."""

    def __init__(self, seed: int) -> None:
        self._state = seed

    def below(self, bound: int) -> int:
        """Return a number from 0 up to, not including, ``bound``."""
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self._state >> 33) % bound


def check(case: Case) -> Iterator[Problem]:
    """Run the plan several times and look after every start."""
    if not case.plan.steps:
        return
    seed = int(case.plan.fingerprint.removeprefix("sha256:")[:16], 16)
    pools = pools_of(case)
    rules = [rule for rule in case.desired.placement_rules if rule.enforcement == "required" and rule.type == "antiAffinity"]
    for run in range(RUNS):
        state = _Run(case, pools, rules)
        for is_start, step in _events(case, Draw(seed + run)):
            if is_start:
                yield from state.start(step)
            else:
                state.end(step)


def _events(case: Case, draw: Draw) -> Iterator[tuple[bool, Step]]:
    """Yield starts (True) and ends (False) of all steps in some order that respects the dependencies."""
    missing = {step.id: len(set(step.depends_on)) for step in case.plan.steps}
    followers: dict[str, list[Step]] = {step.id: [] for step in case.plan.steps}
    for step in case.plan.steps:
        for needed in sorted(set(step.depends_on)):
            followers[needed].append(step)
    possible: list[tuple[bool, Step]] = [(True, step) for step in case.plan.steps if not missing[step.id]]
    while possible:
        place = draw.below(len(possible))
        possible[place], possible[-1] = possible[-1], possible[place]
        is_start, step = possible.pop()
        yield is_start, step
        if is_start:
            possible.append((False, step))
            continue
        for follower in followers[step.id]:
            missing[follower.id] -= 1
            if not missing[follower.id]:
                possible.append((True, follower))


class _Run:
    """The fleet during one run: what is free in each pool, and on which hosts each rule's members are."""

    def __init__(self, case: Case, pools: list[Pool], rules: list[PlacementRule]) -> None:
        self._case = case
        known = [pool for pool in pools if pool.free is not None]
        self._free = {pool.name: pool.free or 0 for pool in known}
        self._touched: dict[str, list[Pool]] = {}
        for pool in known:
            for step_id in {**pool.takes, **pool.gives}:
                self._touched.setdefault(step_id, []).append(pool)
        self._members = {rule.name: case.members(rule) for rule in rules}
        self._rules = rules
        concerned = {member for members in self._members.values() for member in members} | set(case.chains)
        places = {machine: case.seen.get(machine, []) for machine in sorted(concerned)}
        self._hosts = {machine: [host.name.casefold() for host, _ in found] for machine, found in places.items()}

    def start(self, step: Step) -> Iterator[Problem]:
        """Take what the step takes, and say what is short or broken now."""
        for pool in self._touched.get(step.id, ()):
            taken = pool.takes.get(step.id, 0)
            self._free[pool.name] -= taken
            if taken and self._free[pool.name] < 0:
                code = "memory" if pool.unit == "MiB" else "space"
                yield problem(code, "plan", f"{pool.name} is overfilled when step {step.id} starts in some order")
        if isinstance(step, MachineStep) and migrates_host(step):
            yield from self._arrive(step, step.virtual_machine.id.casefold())

    def _arrive(self, step: MachineStep, machine: str) -> Iterator[Problem]:
        for rule in self._rules:
            there = self._case.topology_value(rule, str(step.destination))
            before = {self._case.topology_value(rule, host) for host in self._hosts.get(machine, [])}
            others = [other for other in self._members[rule.name] if other != machine]
            concerned = machine in self._members[rule.name] and there not in {None, *before}
            if concerned and any(there in self._values(other, rule) for other in others):
                yield problem("rule", f"placementRule/{rule.name}", f"broken when step {step.id} starts in some order")
        self._hosts.setdefault(machine, []).append(str(step.destination).casefold())

    def _values(self, machine: str, rule: PlacementRule) -> set[str | None]:
        return {self._case.topology_value(rule, host) for host in self._hosts[machine]}

    def end(self, step: Step) -> None:
        """Give back what the step gives back."""
        for pool in self._touched.get(step.id, ()):
            self._free[pool.name] += pool.gives.get(step.id, 0)
        if isinstance(step, MachineStep) and migrates_host(step):
            self._hosts[step.virtual_machine.id.casefold()] = [str(step.destination).casefold()]

"""Required placement rules: never broken on the way by anti-affinity under any order, and all kept at the end.

A machine is somewhere from the moment it sets out for it until it is gone from it, so a mover counts on both hosts. What is
broken already is drift, not the plan's doing. A host without the label that a rule goes by is no place for it: nobody comes
there, and whoever stands there is neither apart from the others nor together with them.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

from reconciler.audit.case import Case, migrates_host, problem
from reconciler.model.desired import PlacementRule
from reconciler.model.plan import MachineStep
from reconciler.model.problem import Problem


class Stay(NamedTuple):
    """From when to when a machine is at one value of a topology; None is from the beginning, or for good."""

    value: str | None
    arrival: MachineStep | None
    departure: MachineStep | None


def check(case: Case) -> Iterator[Problem]:
    """Check every required rule."""
    for rule in case.desired.placement_rules:
        if rule.enforcement == "required":
            members = case.members(rule)
            yield from _labels(rule, members, case)
            if rule.type == "antiAffinity":
                yield from _meetings(rule, members, case)
            yield from _end(rule, members, case)


def _labels(rule: PlacementRule, members: list[str], case: Case) -> Iterator[Problem]:
    for member in members:
        for step in case.chains.get(member, ()):
            if migrates_host(step) and case.topology_value(rule, str(step.destination)) is None:
                finding = f"{step.destination} has no label {rule.topology}, which rule {rule.name} goes by"
                yield problem("rule-label", step.subject, finding)


def _meetings(rule: PlacementRule, members: list[str], case: Case) -> Iterator[Problem]:
    stays = {member: stays_of(member, rule, case) for member in members}
    moving = {member for member in members if member in case.chains}
    for first, second in combinations(members, 2):
        if first in moving or second in moving:
            for one in stays[first]:
                for other in stays[second]:
                    if _may_meet(one, other, case):
                        finding = (
                            f"rule {rule.name} may be broken at {one.value} by {_name(first, case)} and {_name(second, case)}"
                        )
                        yield problem("rule", f"placementRule/{rule.name}", finding)


def _may_meet(one: Stay, other: Stay, case: Case) -> bool:
    if one.value is None or one.value != other.value:
        return False
    if one.arrival is None and other.arrival is None:
        return False
    return not (_is_over(one, other, case) or _is_over(other, one, case))


def _is_over(one: Stay, other: Stay, case: Case) -> bool:
    """Tell whether the first stay ends before the other begins, in every order."""
    return one.departure is not None and other.arrival is not None and case.is_before(one.departure, other.arrival)


def stays_of(machine: str, rule: PlacementRule, case: Case) -> list[Stay]:
    """Return where a machine is, one stay for each value of the topology it comes through."""
    found = case.seen[machine]
    stays = [Stay(case.topology_value(rule, host.name), None, None) for host, _ in found]
    if machine in case.jobs and case.jobs[machine][1].destination:
        # Somebody moves it now: it counts at both ends for as long as this plan can tell.
        stays.append(Stay(case.topology_value(rule, str(case.jobs[machine][1].destination)), None, None))
    if len(stays) == 1:
        for step in case.chains.get(machine, ()):
            _follow(stays, step, case.topology_value(rule, step.destination or step.source))
    return stays


def _follow(stays: list[Stay], step: MachineStep, value: str | None) -> None:
    if value != stays[-1].value:
        stays[-1] = stays[-1]._replace(departure=step)
        stays.append(Stay(value, step, None))


def _end(rule: PlacementRule, members: list[str], case: Case) -> Iterator[Problem]:
    """A required rule that the plan leaves broken must be told: as blocked, as drift, or by what keeps a member."""
    stands = {member: case.last_stand(member) for member in members}
    found = [case.topology_value(rule, stand.host) for stand in stands.values() if stand]
    values = [value for value in found if value is not None]
    kept = len(set(values)) == len(values) if rule.type == "antiAffinity" else len(set(values)) <= 1
    if not kept and not _is_told(rule, members, case):
        yield problem("rule-end", f"placementRule/{rule.name}", "the rule is broken when the plan is done, and nothing says so")


def _is_told(rule: PlacementRule, members: list[str], case: Case) -> bool:
    names = {f"virtualMachine/{_name(member, case)}".casefold() for member in members}
    names |= {f"virtualMachine/{name}".casefold() for name in rule.virtual_machines} | {f"placementrule/{rule.name}".casefold()}
    told = {entry.subject.casefold() for entry in case.plan.blocked}
    told |= {entry.subject.casefold() for entry in case.plan.drift if entry.handling != "correct"}
    return bool(names & told) or any(member in case.jobs for member in members)


def _name(machine: str, case: Case) -> str:
    return case.seen[machine][0][1].name

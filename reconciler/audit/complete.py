"""Whether the plan forgets nobody and moves nobody without need.

Every managed machine ends in place, or the plan says why not; one that is in place stays there.
"""

from collections.abc import Iterator, Sequence

from reconciler.audit.case import Case, problem
from reconciler.audit.place import in_place, seen_in_place
from reconciler.model.desired import VirtualMachine as Managed
from reconciler.model.plan import MachineStep
from reconciler.model.problem import Problem


def check(case: Case) -> Iterator[Problem]:
    """Go through the desired machines one by one."""
    resting = seen_in_place(case)
    for machine, wanted in case.wanted:
        if machine in resting and _rests(machine, wanted, resting[machine], case):
            continue
        if machine is None:
            if not _is_told(wanted, None, case) and not case.plan.summary.unknown:
                yield problem("forgotten", _subject(wanted), "the machine is not seen, and the plan does not say so")
        elif machine not in case.jobs:
            yield from _ends_well(machine, wanted, case)
            if machine in case.chains:
                yield from _needed(machine, wanted, case)


def _rests(machine: str, wanted: Managed, host: str, case: Case) -> bool:
    """Tell whether no step touches a machine in place, and it may stay: there is nothing to look into."""
    return wanted.high_availability is None and machine not in case.chains and host not in case.emptied


def _ends_well(machine: str, wanted: Managed, case: Case) -> Iterator[Problem]:
    stand = case.last_stand(machine)
    if stand is None or _hands_off(wanted) or _is_told(wanted, machine, case):
        return
    if not in_place(machine, stand, case):
        yield problem(
            "not-in-place", _subject(wanted), "the machine is not in place when the plan is done, and nothing says why"
        )
    lacks = wanted.high_availability is not None and stand.has_role is not None and stand.has_role != wanted.high_availability
    if lacks and case.cluster_of(stand.host) is not None:
        yield problem("role-at-end", _subject(wanted), "its high availability is not as desired when the plan is done")


def _needed(machine: str, wanted: Managed, case: Case) -> Iterator[Problem]:
    """A machine that is in place stays, unless its host is emptied, a rule is broken, it makes way, or a wish may move it."""
    stand = case.first_stand(machine)
    moves = [step for step in case.chains[machine] if step.migration_kind and not step.bypass]
    moves = [step for step in moves if not _makes_room(step, case) and not _is_wished(step, wanted, case)]
    moves = [step for step in moves if not _goes_on(step, case.chains[machine], case)]
    if moves and stand and in_place(machine, stand, case) and not _in_required_rule(machine, case):
        yield problem("needless", _subject(wanted), f"the machine is in place, and step {moves[0].id} moves it")


def _makes_room(step: MachineStep, case: Case) -> bool:
    """Tell whether the step says that it makes room, and another machine does wait for it to come to the place it leaves."""
    waiting = (other for other in case.machine_steps if step.id in other.depends_on)
    return step.reason == "makesRoom" and any(step.source in (other.destination, other.source) for other in waiting)


def _goes_on(step: MachineStep, chain: Sequence[MachineStep], case: Case) -> bool:
    """Tell whether the step takes the machine on from a stop at which it only waits, having made room where it was."""
    before = (other for other in chain if other.bypass and other.destination == step.source and case.is_before(other, step))
    return any(_makes_room(other, case) for other in before)


def _is_wished(step: MachineStep, wanted: Managed, case: Case) -> bool:
    """Tell whether the policy lets wishes move machines, and the machine has the wish that the step names."""
    if case.desired.policy.planning.preferences != "move":
        return False
    if step.reason == "placement.prefer":
        return wanted.placement is not None and bool(wanted.placement.prefer)
    kind, _, name = step.reason.partition("/")
    named = [rule for rule in case.desired.placement_rules if rule.name == name and rule.enforcement == "preferred"]
    return kind == "preferredRule" and any(step.virtual_machine.id.casefold() in case.members(rule) for rule in named)


def _in_required_rule(machine: str, case: Case) -> bool:
    rules = (rule for rule in case.desired.placement_rules if rule.enforcement == "required")
    return any(machine in case.members(rule) for rule in rules)


def _hands_off(wanted: Managed) -> bool:
    return wanted.hold is not None or wanted.drift != "correct"


def _subject(wanted: Managed) -> str:
    return f"virtualMachine/{wanted.name}"


def _is_told(wanted: Managed, machine: str | None, case: Case) -> bool:
    """Blocked, a problem of the plan, or drift that is left as it is; drift that is to be corrected needs steps."""
    if not case.told:
        return False
    names = {_subject(wanted).casefold()}
    names |= {f"virtualMachine/{vm.name}".casefold() for _, vm in case.seen.get(machine or "", [])}
    ids = {told_id for name in names for told_id in case.told.get(name, ())}
    by_id = machine is not None and machine in case.told_ids
    return by_id or None in ids or (machine is None and bool(ids))

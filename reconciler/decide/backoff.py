"""How long to leave a machine alone after a failure: 30 seconds, doubling to half an hour.

A host that was merely full (a slot was taken by somebody else) is asked again after a flat 30 seconds, and such a refusal
does not lengthen later waits: nothing is wrong with the machine.
"""

from datetime import datetime, timedelta

from reconciler.model.memory import Attempt, Memory
from reconciler.model.plan import MachineStep, Step
from reconciler.model.words import Action

FIRST = timedelta(seconds=30)
LONGEST = timedelta(minutes=30)


def attempt_key(step: Step) -> str:
    """Return what failures of a step are remembered by.

    Giving back a role is counted on its own: it must not wait because a migration of the machine has failed.
    """
    if not isinstance(step, MachineStep):
        return step.subject.casefold()
    machine = step.virtual_machine.id.casefold()
    return f"role/{machine}" if step.action is Action.ADD_CLUSTER_ROLE else machine


def after_failure(memory: Memory, vm_id: str, now: datetime, error: str, *, limit: bool = False) -> Memory:
    """Return the memory after a failed attempt; ``limit`` says that a host refused for want of a slot."""
    known = memory.attempts.get(vm_id)
    earlier = known.failures if known else 0
    failures = earlier if limit else earlier + 1
    pause = FIRST if limit else _pause(failures)
    return memory.with_attempt(vm_id, Attempt(failures, now, error, now + pause))


def after_success(memory: Memory, vm_id: str) -> Memory:
    """Return the memory after a step was seen done: earlier failures are forgiven."""
    return memory.without_attempt(vm_id)


def _pause(failures: int) -> timedelta:
    # Beyond ten doublings the bound is long reached; capping the exponent keeps the arithmetic small.
    return min(FIRST * (1 << min(failures - 1, 10)), LONGEST)

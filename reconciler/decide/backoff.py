"""How long to leave a machine alone after a failure: 30 seconds, doubling to half an hour.

A host that was merely full (a slot was taken by somebody else) is asked again after a flat 30 seconds, and such a refusal
does not lengthen later waits: nothing is wrong with the machine.
"""

from datetime import datetime, timedelta

from reconciler.model.host_failures import Cause, Diagnosis
from reconciler.model.memory import Attempt, FailedStep, Memory
from reconciler.model.plan import MachineStep, Step
from reconciler.model.words import Action

FIRST = timedelta(seconds=30)
LONGEST = timedelta(minutes=30)
UNDIAGNOSED = Diagnosis(Cause.UNKNOWN, "")


def attempt_key(step: Step) -> str:
    """Return what failures of a step are remembered by.

    Giving back a role is counted on its own: it must not wait because a migration of the machine has failed.
    """
    if not isinstance(step, MachineStep):
        return step.subject.casefold()
    machine = step.virtual_machine.id.casefold()
    return f"role/{machine}" if step.action is Action.ADD_CLUSTER_ROLE else machine


def hosts_at(step: Step) -> frozenset[str]:
    """Return the hosts that a failure of this step is held against, in lower case; settings are held against none."""
    if not isinstance(step, MachineStep) or step.migration_kind is None:
        return frozenset()
    return frozenset(host.casefold() for host in (step.source, step.destination) if host)


def after_failure(
    memory: Memory,
    vm_id: str,
    now: datetime,
    error: str,
    *,
    diagnosis: Diagnosis = UNDIAGNOSED,
    hosts: frozenset[str] = frozenset(),
) -> Memory:
    """Return the memory after a failed attempt at these hosts. What only a person can mend is left alone longest at once."""
    known = memory.attempts.get(vm_id)
    failures = (known.failures if known else 0) + diagnosis.counts
    pause = _pause(failures) if diagnosis.counts else FIRST
    attempt = Attempt(
        failures, now, error, now + (LONGEST if diagnosis.needs_a_person else pause), diagnosis.cause, diagnosis.remedy
    )
    counted = memory.with_failure(FailedStep(vm_id, now, hosts, error)) if diagnosis.counts else memory
    return counted.with_attempt(vm_id, attempt)


def after_success(memory: Memory, vm_id: str, hosts: frozenset[str] = frozenset()) -> Memory:
    """Return the memory after a step was seen done: earlier failures of the machine, and at these hosts, are forgiven."""
    return memory.without_attempt(vm_id).with_trust_in(hosts)


def _pause(failures: int) -> timedelta:
    # Beyond ten doublings the bound is long reached; capping the exponent keeps the arithmetic small.
    return min(FIRST * (1 << min(failures - 1, 10)), LONGEST)

"""What the store brings back after a restart: the roles we owe, and since when. Pure.

Failed attempts are brought back only where that is asked for: whoever starts an apply again wants it tried again, and a service
that was started again by its system does not.
"""

from collections.abc import Iterable
from typing import Final

from reconciler.decide import after_failure, after_success
from reconciler.model.host_failures import Cause, Diagnosis
from reconciler.model.memory import Memory, SavedRole
from reconciler.model.plan import MachineStep
from reconciler.model.words import Action
from reconciler.store import Entry
from reconciler.store.kinds import (
    APPLIED,
    ATTEMPT_FAILED,
    INTENT,
    OUTCOME,
    ROLE_NOT_DUE,
    ROLE_READ,
    ROLE_REMOVED,
    ROLE_RESTORED,
)

STEP_KINDS: Final = (INTENT, OUTCOME, ATTEMPT_FAILED)
FAILURE_KINDS: Final = (OUTCOME, ATTEMPT_FAILED)
ROLE_KINDS: Final = (ROLE_READ, ROLE_REMOVED, ROLE_RESTORED, ROLE_NOT_DUE)


def recall(entries: Iterable[Entry]) -> Memory:
    """Return the memory that these entries, oldest first, amount to."""
    memory = Memory()
    for entry in entries:
        if entry.kind in (ROLE_READ, ROLE_REMOVED):
            memory = _role_told(memory, entry)
        elif entry.kind in (ROLE_RESTORED, ROLE_NOT_DUE):
            machine = str(entry.data["machine"])
            memory = memory.without_role(machine).without_unprotected(machine)
    return memory


def recall_failures(memory: Memory, entries: Iterable[Entry]) -> Memory:
    """Return the memory with the failures that these entries, oldest first, tell of; what was done since is forgiven."""
    for entry in entries:
        data, hosts = entry.data, frozenset(map(str.casefold, _ends(entry)))
        if entry.kind == ATTEMPT_FAILED:
            diagnosis = Diagnosis(Cause(data.get("cause", Cause.UNKNOWN)), str(data.get("remedy", "")))
            memory = after_failure(memory, data["key"], entry.at, data["detail"], diagnosis=diagnosis, hosts=hosts)
        elif entry.kind == OUTCOME and data.get("state") == "done":
            memory = after_success(memory, _attempt_key(entry), hosts)
    return memory


def _attempt_key(ended: Entry) -> str:
    key = str(ended.data.get("id") or ended.data.get("subject") or "").casefold()
    return f"role/{key}" if ended.data.get("action") == Action.ADD_CLUSTER_ROLE else key


def _ends(entry: Entry) -> list[str]:
    given = [entry.data.get("source"), entry.data.get("destination"), *entry.data.get("hosts", ())]
    return [str(host) for host in given if host]


def _role_told(memory: Memory, entry: Entry) -> Memory:
    machine = str(entry.data["machine"])
    if entry.data.get("settings"):
        memory = memory.with_role(machine, SavedRole(str(entry.data.get("cluster") or ""), entry.data["settings"]))
    return memory.with_unprotected(machine, entry.at) if entry.data.get("owed") else memory


def begun_steps(entries: Iterable[Entry]) -> dict[str, MachineStep]:
    """Return the step that was begun last for each machine (by VMId) and whose end nobody wrote down.

    Of each machine the newest entry of ``STEP_KINDS`` is enough.
    """
    begun: dict[str, MachineStep] = {}
    for entry in entries:
        if entry.kind == INTENT and "virtualMachine" in entry.data["step"]:
            step = MachineStep.model_validate(entry.data["step"])
            begun[step.virtual_machine.id.casefold()] = step
        elif entry.kind in (OUTCOME, ATTEMPT_FAILED):
            begun.pop(str(entry.data.get("id") or entry.data.get("key") or "").casefold(), None)
    return begun


def last_names(entries: Iterable[Entry]) -> frozenset[str]:
    """Return the machines that the desired state named when it was last applied; empty where it never was."""
    names: frozenset[str] = frozenset()
    for entry in entries:
        if entry.kind == APPLIED:
            names = frozenset(entry.data["machines"])
    return names


def was_applied(entries: Iterable[Entry], fingerprint: str, observed_at: str) -> bool:
    """Tell whether this very plan, made from this very observation, has been applied before; a plan is applied once."""
    return any(
        entry.kind == APPLIED and (entry.data.get("plan"), entry.data.get("observedAt")) == (fingerprint, observed_at)
        for entry in entries
    )

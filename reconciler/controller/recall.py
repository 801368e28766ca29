"""What the journal brings back after a restart: the roles we owe, and since when. Pure.

Failed attempts are not brought back: whoever starts the program again wants it tried again.
"""

from collections.abc import Iterable

from reconciler.journal import Entry
from reconciler.model.memory import Memory, SavedRole
from reconciler.model.plan import MachineStep


def recall(entries: Iterable[Entry]) -> Memory:
    """Return the memory that these entries, oldest first, amount to."""
    memory = Memory()
    for entry in entries:
        if entry.kind == "role-removed":
            memory = _role_removed(memory, entry)
        elif entry.kind in ("role-restored", "role-not-due"):
            machine = str(entry.data["machine"])
            memory = memory.without_role(machine).without_unprotected(machine)
    return memory


def _role_removed(memory: Memory, entry: Entry) -> Memory:
    machine = str(entry.data["machine"])
    if entry.data.get("settings"):
        memory = memory.with_role(machine, SavedRole(str(entry.data.get("cluster") or ""), entry.data["settings"]))
    return memory.with_unprotected(machine, entry.at) if entry.data.get("owed") else memory


def begun_steps(entries: Iterable[Entry]) -> dict[str, MachineStep]:
    """Return the step that was begun last for each machine (by VMId) and whose end nobody wrote down."""
    begun: dict[str, MachineStep] = {}
    for entry in entries:
        if entry.kind == "intent" and "virtualMachine" in entry.data["step"]:
            step = MachineStep.model_validate(entry.data["step"])
            begun[step.virtual_machine.id.casefold()] = step
        elif entry.kind in ("outcome", "attempt-failed"):
            begun.pop(str(entry.data.get("id") or entry.data.get("key") or "").casefold(), None)
    return begun


def last_names(entries: Iterable[Entry]) -> frozenset[str]:
    """Return the machines that the desired state named when it was last applied; empty where it never was."""
    names: frozenset[str] = frozenset()
    for entry in entries:
        if entry.kind == "applied":
            names = frozenset(entry.data["machines"])
    return names


def was_applied(entries: Iterable[Entry], fingerprint: str, observed_at: str) -> bool:
    """Tell whether this very plan, made from this very observation, has been applied before; a plan is applied once."""
    return any(
        entry.kind == "applied" and (entry.data.get("plan"), entry.data.get("observedAt")) == (fingerprint, observed_at)
        for entry in entries
    )

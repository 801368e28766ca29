"""Signs, labels and names: the same word and the same sign for one thing on screen, in a pull request and in a log.

``>`` a machine changes its host, ``~`` something changes in place (storage, a setting), ``+`` something is switched on,
``-`` something is switched off.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from reconciler.model.plan import Blocked, DriftEntry, MachineStep, Step
from reconciler.model.words import Action, Handling, MigrationKind
from reconciler.report.escape import clean

ARROW = "→"

SIGNS = {
    Action.CONFIGURE_HOST: "~",
    Action.CONFIGURE_CLUSTER: "~",
    Action.START_VIRTUAL_MACHINE: "+",
    Action.LIVE_MIGRATION: ">",
    Action.STORAGE_MIGRATION: "~",
    Action.LIVE_MIGRATION_WITH_STORAGE: ">",
    Action.OFFLINE_MIGRATION: ">",
    Action.ADD_CLUSTER_ROLE: "+",
    Action.REMOVE_CLUSTER_ROLE: "-",
}

STYLES = {">": "bold cyan", "~": "yellow", "+": "green", "-": "red", "!": "bold red", "?": "magenta"}

LABELS: dict[Action | MigrationKind, str] = {
    Action.CONFIGURE_HOST: "host settings",
    Action.CONFIGURE_CLUSTER: "cluster settings",
    Action.START_VIRTUAL_MACHINE: "start",
    Action.LIVE_MIGRATION: "live",
    Action.STORAGE_MIGRATION: "storage",
    Action.LIVE_MIGRATION_WITH_STORAGE: "live + storage",
    Action.OFFLINE_MIGRATION: "offline",
    Action.ADD_CLUSTER_ROLE: "role on",
    Action.REMOVE_CLUSTER_ROLE: "role off",
    MigrationKind.LIVE: "live",
    MigrationKind.STORAGE: "storage",
    MigrationKind.LIVE_WITH_STORAGE: "live + storage",
    MigrationKind.OFFLINE: "offline",
}

HANDLINGS = {
    Handling.CORRECT: "to be corrected",
    Handling.REPORT: "reported only",
    Handling.IGNORE: "ignored",
    Handling.HOLD: "held",
}


def handling(entry: DriftEntry) -> str:
    """Return what is done about a difference; of one that is held, by whom, until when and why."""
    hold = entry.hold
    if hold is None:
        return HANDLINGS[entry.handling]
    until = f" until {hold.until:%Y-%m-%d %H:%MZ}" if hold.until else ""
    return f"held by {hold.owner}{until} ({hold.reason})"


def sign_of(action: Action | MigrationKind) -> str:
    """Return the sign of an action or of a running migration."""
    return SIGNS[action] if isinstance(action, Action) else ("~" if action is MigrationKind.STORAGE else ">")


def route(source: str | None, destination: str | None) -> str:
    """Return ``A → B``, or just ``A`` where the host stays the same."""
    return f"{source or '?'} {ARROW} {destination}" if destination else (source or "?")


def value(data: Any) -> str:
    """Return a setting's value as YAML would write it; None is unknown."""
    if data is None:
        return "unknown"
    if isinstance(data, bool):
        return "true" if data else "false"
    if isinstance(data, list | tuple):
        return ", ".join(value(item) for item in data) or "none"
    return clean(data)


def subject_name(subject: str, vm_id: str | None = None) -> str:
    """Return a subject for people: machines by their name alone, the rest as ``host NAME``; an id tells twins apart."""
    kind, _, name = subject.partition("/")
    shown = name if kind == "virtualMachine" else f"{kind} {name}".strip()
    return f"{shown} ({vm_id[:8]})" if vm_id else shown


def repeated_names(steps: Iterable[Step]) -> frozenset[str]:
    """Return the machine names, case folded, that stand for more than one VMId in these steps."""
    moves = (step for step in steps if isinstance(step, MachineStep))
    return repeated((step.virtual_machine.name, step.virtual_machine.id) for step in moves)


def repeated_subjects(entries: Iterable[DriftEntry]) -> frozenset[str]:
    """Return the subjects, case folded, that stand for more than one VMId among these differences."""
    return repeated((entry.subject, entry.id) for entry in entries if entry.id)


def repeated(pairs: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return the names, case folded, that come with more than one id in ``(name, id)`` pairs."""
    counts = Counter(name for name, _ in {(name.casefold(), vm_id) for name, vm_id in pairs})
    return frozenset(name for name, number in counts.items() if number > 1)


def machine_name(name: str, vm_id: str, twins: frozenset[str]) -> str:
    """Return a machine's name, with the head of its VMId where the name alone is not enough."""
    return f"{name} ({vm_id[:8]})" if name.casefold() in twins else name


def is_left(entry: DriftEntry) -> bool:
    """Tell whether a difference stays although it is known: everything but what is corrected."""
    return entry.handling is not Handling.CORRECT


def certainty(entry: Blocked) -> str:
    """Return what is to be added to a finding: that it is not proven, or what contradicts what (then a list follows)."""
    if entry.conflict:
        return "; these cannot hold together:"
    return "" if entry.proven else "; not proven: a longer search might find a way"

"""A plan's steps as rows of ready words, shared by screen and pull request so that the two cannot disagree.

Nothing here escapes or aligns anything: rows hold raw text, and each view makes it harmless in its own way.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.model.desired import Desired
from reconciler.model.paths import folder_of
from reconciler.model.plan import Blocked, MachineStep, Plan, SettingsStep, Step, StorageMove, Summary
from reconciler.model.words import Action, Proof
from reconciler.report import words
from reconciler.report.units import count, human_bytes, human_seconds

SETTINGS = "Settings"
ROLES = "Power and high availability"
MOVES = "Moves between hosts"
STORAGE = "Storage"
GROUPS = (SETTINGS, ROLES, MOVES, STORAGE)
GROUP_OF = {
    Action.CONFIGURE_HOST: SETTINGS,
    Action.CONFIGURE_CLUSTER: SETTINGS,
    Action.START_VIRTUAL_MACHINE: ROLES,
    Action.ADD_CLUSTER_ROLE: ROLES,
    Action.REMOVE_CLUSTER_ROLE: ROLES,
    Action.STORAGE_MIGRATION: STORAGE,
}
# Roots of a machine that are folders; everything else in a step's storage is a disk.
FOLDERS = {"configuration": "configuration", "checkpoints": "checkpoints", "smartPaging": "smart paging file"}


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step in words. ``moves`` are (what, from, to) of storage and settings; ``notes`` are whole sentences."""

    id: str
    group: str
    sign: str
    name: str
    route: str
    kind: str
    option: str
    size: str
    time: str
    why: str
    moves: tuple[tuple[str, str, str], ...]
    notes: tuple[str, ...]


def step_rows(plan: Plan, desired: Desired) -> tuple[StepRow, ...]:
    """Return a row for each step, in the plan's order."""
    return rows_of(plan.steps, desired)


def rows_of(steps: tuple[Step, ...], desired: Desired | None = None) -> tuple[StepRow, ...]:
    """Return a row for each of these steps; without a desired state, what it allows at most is not told."""
    twins = words.repeated_names(steps)
    return tuple(
        _settings_row(step) if isinstance(step, SettingsStep) else _machine_row(step, desired, twins) for step in steps
    )


def plan_headline(plan: Plan) -> str:
    """Return what a plan would do in one line, or the sentence for nothing to do. Our own words and numbers, no names."""
    return (headline(plan.summary) or count(len(plan.steps), "step")) if plan.steps else nothing_to_do(plan)


def headline(summary: Summary) -> str:
    """Return what the plan is in one line: migrations, settings, bytes, time, and the proven bounds."""
    least = "" if summary.proof is Proof.MINIMAL else "at least "
    needed = f"{count(summary.migrations, 'migration')}, {least}{summary.needed_migrations:,} needed"
    parts = [needed] if summary.migrations else []
    parts += [count(summary.host_settings, "setting")] if summary.host_settings else []
    parts += [count(summary.starts, "start")] if summary.starts else []
    changes = summary.high_availability_changes
    parts += [count(changes, "high availability change")] if changes else []
    parts += [human_bytes(summary.bytes)] if summary.bytes else []
    return " · ".join(parts + _times(summary))


def standing(summary: Summary) -> str:
    """Return how the machines stand now: in place, moving, blocked, unknown, unmanaged; zeros but the first left out."""
    others = (
        ("moving", summary.moving),
        ("blocked", summary.blocked),
        ("unknown", summary.unknown),
        ("unmanaged", summary.unmanaged),
    )
    return " · ".join(
        [f"{count(summary.in_place, 'machine')} in place", *(f"{number:,} {word}" for word, number in others if number)]
    )


def nothing_to_do(plan: Plan) -> str:
    """Return the sentence for a plan without steps, honest about what is blocked, moving or unknown."""
    summary = plan.summary
    if not plan.applicable:
        return "No step is planned, and the plan may not be applied. See the problems below."
    if not plan.complete:
        return f"Nothing to do among what could be seen: {standing(summary)}."
    if plan.blocked:
        return f"Nothing can be done now: {standing(summary)}."
    if summary.moving:
        return f"Nothing to start: {standing(summary)}."
    if not summary.in_place:
        return "Nothing to do: no machine is out of place, because none is managed here yet."
    left = any(words.is_left(entry) for entry in plan.drift)
    return f"Nothing to do: {standing(summary)}, {'except the drift below' if left else 'every setting as committed'}."


def reasons_text(blocked: Blocked) -> str:
    """Return hosts per reason, the most common first: ``memory 3, switch 1``; empty where hosts were not considered."""
    ordered = sorted(blocked.counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{reason} {number}" for reason, number in ordered)


def _times(summary: Summary) -> list[str]:
    if not summary.estimated_seconds:
        return []
    bound = f" (no plan takes less than {human_seconds(summary.lower_bound_seconds)})" if summary.lower_bound_seconds else ""
    return [f"about {human_seconds(summary.estimated_seconds)}{bound}"]


def _settings_row(step: SettingsStep) -> StepRow:
    moves = tuple((change.field, words.value(change.source), words.value(change.target)) for change in step.settings)
    name = step.host or f"cluster {step.cluster}"
    return StepRow(step.id, SETTINGS, "~", name, "", "settings", "", "", "", _why(step), moves, tuple(_waits(step)))


def _machine_row(step: MachineStep, desired: Desired | None, twins: frozenset[str]) -> StepRow:
    machine = step.virtual_machine
    return StepRow(
        id=step.id,
        group=GROUP_OF.get(step.action, MOVES),
        sign=words.sign_of(step.action),
        name=words.machine_name(machine.name, machine.id, twins),
        route=words.route(step.source, step.destination),
        kind=words.LABELS[step.action],
        option=step.performance_option or "" if step.migration_kind and step.destination else "",
        size=human_bytes(step.bytes) if step.bytes else "",
        time=human_seconds(step.estimated_seconds) if step.estimated_seconds else "",
        why=_why(step),
        moves=tuple(_folders(step.storage)),
        notes=tuple(_notes(step, desired)),
    )


def _why(step: Step) -> str:
    return f"{step.reason}, {step.because}" if step.because and step.reason else (step.reason or step.because or "")


def _notes(step: MachineStep, desired: Desired | None) -> Iterator[str]:
    if step.bypass:
        yield "bypass: a stop on the way, because no order of the direct moves is safe"
    yield from _role_notes(step, desired)
    yield from _waits(step)
    if step.unverified:
        yield f"could not be checked: {', '.join(step.unverified)}"


def _role_notes(step: MachineStep, desired: Desired | None) -> Iterator[str]:
    if step.leaves_cluster:
        longest = _longest_allowed(step, desired)
        bound = f", at most {human_seconds(longest)} allowed" if longest is not None else ""
        yield f"- role off in {step.leaves_cluster}: unprotected for about {human_seconds(step.unprotected_seconds)}{bound}"
    if step.joins_cluster:
        yield f"+ role on in {step.joins_cluster} once it has arrived"


def _longest_allowed(step: MachineStep, desired: Desired | None) -> float | None:
    wanted = step.virtual_machine
    for machine in desired.virtual_machines if desired else ():
        if machine.id == wanted.id.lower() or (machine.id is None and machine.name.casefold() == wanted.name.casefold()):
            return machine.migration.maximum_unprotected_seconds
    return None


def _waits(step: Step) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    for before in step.depends_on:
        reasons.setdefault(step.dependency_reasons.get(before, ""), []).append(before)
    for reason, steps in reasons.items():
        yield f"waits for {', '.join(steps)}" + (f": {reason}" if reason else "")


def _folders(storage: tuple[StorageMove, ...]) -> Iterator[tuple[str, str, str]]:
    """Files that go the same way share one line; disks are shown by their folders."""
    groups: dict[tuple[str, str], list[str]] = {}
    for move in storage:
        ends = (move.source, move.target)
        ends = ends if move.file in FOLDERS else (folder_of(ends[0]), folder_of(ends[1]))
        groups.setdefault(ends, []).append(FOLDERS.get(move.file, move.file))
    for (source, target), files in groups.items():
        yield ", ".join(files), source, target

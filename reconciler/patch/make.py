"""Drifted machines to edited files: which machines, in which document, and what could not be written back."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import yaml

from reconciler.cycle import think
from reconciler.desired import SourceFile, load_desired
from reconciler.model.drift import Drift, MachineDrift, MachineStatus
from reconciler.model.observation import Observation
from reconciler.model.plan import MachineStep
from reconciler.model.problem import Problem, Severity
from reconciler.patch.edits import edits_for
from reconciler.patch.wishes import wishes_of
from reconciler.patch.yaml_text import CannotEditError, Edit, documents, edited, find, scalar

_WRITTEN_BACK = (MachineStatus.MISPLACED, MachineStatus.HELD, MachineStatus.IN_PLACE)  # a role may differ in place


@dataclass(frozen=True, slots=True)
class Patch:
    """Files as they are and as they would be, by name; the machines written back; and warnings for those that were not."""

    before: dict[str, str]
    after: dict[str, str]
    machines: tuple[str, ...]
    problems: tuple[Problem, ...]

    def files(self, given: Sequence[SourceFile]) -> list[SourceFile]:
        """Return all files of the desired state with the patch applied."""
        changed = {name: text.encode("utf-8") for name, text in self.after.items()}
        return [SourceFile(file.name, changed.get(file.name, file.content)) for file in given]


def make_patch(files: Sequence[SourceFile], observation: Observation, drift: Drift) -> Patch:
    """Return the edits that let the desired state say where machines and their files are.

    The patched state is loaded and planned: a machine for which there would still be something to do (a placement rule drives
    it away, say) is left out, with a warning. Machines that are on the move, unknown or ambiguous are no fact to write
    down, and are left out silently; drift shows them.
    """
    left_out = dict[str, Problem]()
    while True:
        patch = _drafted(files, [one for one in drift.machines if one.machine.name not in left_out])
        restless = _restless(patch, files, observation)
        if not restless:
            problems = (*patch.problems, *left_out.values(), *_drained(drift.machines))
            return Patch(patch.before, patch.after, patch.machines, problems)
        left_out |= {one.machine.name: _still_moved(one) for one in drift.machines if one.machine.name in restless}


def _drafted(files: Sequence[SourceFile], machines: Iterable[MachineDrift]) -> Patch:
    by_file: dict[str, list[MachineDrift]] = {}
    for one in machines:
        if one.status in _WRITTEN_BACK and wishes_of(one):
            by_file.setdefault(one.machine.source.place.file, []).append(one)
    contents = {file.name: file.content for file in files}
    before, after, done, problems = dict[str, str](), dict[str, str](), list[str](), list[Problem]()
    for name, drifted in sorted(by_file.items()):
        before[name] = _text(contents[name])
        after[name], written, failed = _patched(before[name], drifted)
        done += written
        problems += failed
    return Patch(before, after, tuple(done), tuple(problems))


def _restless(patch: Patch, files: Sequence[SourceFile], observation: Observation) -> set[str]:
    """Return the machines of a patch for which its plan would still have something to do; all where it cannot be loaded."""
    loaded = load_desired(patch.files(files))
    if loaded.desired is None:
        return set(patch.machines)
    thought = think(loaded.desired, observation)
    ids = {one.machine.name: one.observed.id.casefold() for one in thought.drift.machines if one.observed}
    busy = {step.virtual_machine.id.casefold() for step in thought.plan.steps if isinstance(step, MachineStep)}
    blocked = {one.subject.casefold() for one in thought.plan.blocked}
    torn = {name.casefold() for rule in thought.drift.rules for name in rule.machines}
    return {
        name
        for name in patch.machines
        if ids.get(name) in busy or f"virtualmachine/{name.casefold()}" in blocked or name.casefold() in torn
    }


def _patched(text: str, drifted: list[MachineDrift]) -> tuple[str, list[str], list[Problem]]:
    try:
        nodes = documents(text)
    except yaml.YAMLError:  # UTF-16, which loading takes
        return text, [], [_by_hand(one) for one in drifted]
    edits, done, problems = list[Edit](), list[str](), list[Problem]()
    for one in drifted:
        try:
            edits += edits_for(text, _document(nodes, one), wishes_of(one))
            done.append(one.machine.name)
        except CannotEditError:
            problems.append(_by_hand(one))
    return edited(text, edits), done, problems


def _document(nodes: Iterable[yaml.MappingNode], drift: MachineDrift) -> yaml.MappingNode:
    for node in nodes:
        name = scalar(find(node, "metadata", "name"))
        if scalar(find(node, "kind")) == "VirtualMachine" and name == drift.machine.name:
            return node
    raise CannotEditError


def _text(content: bytes) -> str:
    """A byte order mark stays part of the text, for it is part of the first line; UTF-16 has no lines that a diff can show."""
    return content.decode("utf-8", "replace")


def _by_hand(drift: MachineDrift) -> Problem:
    finding = "its document is written in a way that cannot be edited in place"
    remedy = "write placement and storage out, without aliases and block texts, or edit it by hand"
    place = drift.machine.source.place
    return Problem("not-patched", finding, remedy, subject=drift.subject, place=place, severity=Severity.WARNING)


def _still_moved(drift: MachineDrift) -> Problem:
    finding = "written back it would still be moved, or be in the way of a rule"
    remedy = "see what reconciler explain says of it, and change what drives it away"
    place = drift.machine.source.place
    return Problem("not-patched", finding, remedy, subject=drift.subject, place=place, severity=Severity.WARNING)


def _drained(machines: Iterable[MachineDrift]) -> Iterator[Problem]:
    for one in machines:
        if one.draining and not one.wrong_host:
            finding = f"it is where it may be, but {one.host} is in maintenance"
            remedy = "take the host out of maintenance, if that is what reality says"
            yield Problem("not-patched", finding, remedy, one.subject, one.machine.source.place, Severity.WARNING)

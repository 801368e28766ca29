"""Files that a migration had begun to copy and that no machine uses now, from the steps and outcomes in the store."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from reconciler.doctor.cells import on_host, quoted
from reconciler.leftovers.machines import AddressOf, on_the_move
from reconciler.model import paths
from reconciler.model.leftover import Leftover, LeftoverKind
from reconciler.model.machine_files import DATA_ROOTS, files_of
from reconciler.model.observation import Host, Observation
from reconciler.model.plan import MachineStep
from reconciler.model.progress import OutcomeState
from reconciler.store import Entry
from reconciler.store.kinds import ATTEMPT_FAILED, INTENT, OUTCOME

UNSEEN = "nobody saw how it ended"
# A host (empty for a share, which is one place for all hosts) and a path, both in their comparable form; and in a folder, which
# many machines may share, the id of the machine.
Place = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class _Copy:
    """A path that a step wrote to, and what became of the step. In a folder, the machine's own files bear its id."""

    step: MachineStep
    path: str
    is_folder: bool
    ended: str
    since: datetime

    @property
    def host(self) -> str:
        """The host that wrote there, or that reaches what was written."""
        return self.step.destination or self.step.source

    @property
    def machine(self) -> str:
        """The VMId in lower case."""
        return self.step.virtual_machine.id.casefold()


Copies = dict[Place, _Copy]


def copied_files(entries: Iterable[Entry], observation: Observation, address_of: AddressOf) -> list[Leftover]:
    """Return one leftover for each path that was written to in vain and that nothing uses now."""
    moving = on_the_move(observation)
    used = set(_places_in_use(observation))
    idle = [copy for place, copy in sorted(_written(entries).items()) if copy.machine not in moving and place not in used]
    return [_leftover(copy, address_of(copy.host)) for copy in idle]


def _written(entries: Iterable[Entry]) -> Copies:
    """Return what was written to in vain. A step that was refused (it failed without an outcome) has written nothing."""
    begun: dict[str, tuple[MachineStep, datetime]] = {}
    left: Copies = {}
    for entry in entries:
        key = str(entry.data.get("id") or entry.data.get("key") or "").casefold()
        if entry.kind == INTENT and "virtualMachine" in entry.data["step"]:
            step = MachineStep.model_validate(entry.data["step"])
            key = step.virtual_machine.id.casefold()
            left |= _copies(*begun[key], UNSEEN) if key in begun else {}
            begun[key] = (step, entry.at)
        elif entry.kind == OUTCOME and key in begun:
            left = _after(left, begun.pop(key)[0], entry)
        elif entry.kind == ATTEMPT_FAILED:
            begun.pop(key, None)
    for step, at in begun.values():
        left |= _copies(step, at, UNSEEN)
    return left


def _after(left: Copies, step: MachineStep, ended: Entry) -> Copies:
    state = str(ended.data.get("state") or "ended")
    copies = _copies(step, ended.at, state)
    if state == OutcomeState.DONE:
        return {place: copy for place, copy in left.items() if place not in copies}
    return left | copies


def _copies(step: MachineStep, since: datetime, ended: str) -> Copies:
    copies = (_Copy(step, move.target, move.file in DATA_ROOTS, ended, since) for move in step.storage)
    return {_place(copy.host, copy.path, copy.machine if copy.is_folder else ""): copy for copy in copies}


def _place(host: str, path: str, machine: str) -> Place:
    return ("" if paths.is_smb(path) else host.casefold(), paths.normal(path), machine)


def _places_in_use(observation: Observation) -> Iterator[Place]:
    for host, machine in observation.machines():
        for file in files_of(machine):
            owner = "" if file.is_disk else machine.id.casefold()
            names = _reached_by(host, file.path, observation) if file.path else []
            yield from (_place(name, file.path or "", owner) for name in names)


def _reached_by(host: Host, path: str, observation: Observation) -> list[str]:
    """Return the hosts on which the path names the same file: all nodes of a cluster for its shared volumes."""
    if host.cluster is None or not paths.is_cluster_volume(path):
        return [host.name]
    return [one.name for one in observation.hosts if one.cluster == host.cluster]


def _leftover(copy: _Copy, address: str) -> Leftover:
    step, machine = copy.step, copy.step.virtual_machine
    own = f" -Recurse -Filter {quoted(machine.id.upper() + '*')}" if copy.is_folder else ""
    files = f"Get-ChildItem -LiteralPath {quoted(copy.path)}{own} -File -Force"
    kind = step.migration_kind.value if step.migration_kind else step.action.value
    return Leftover(
        kind=LeftoverKind.FILES,
        host=copy.host,
        name=machine.name,
        id=machine.id,
        path=copy.path,
        since=copy.since,
        finding=f"{kind} migration from {step.source}: {copy.ended}",
        look=_where(copy.path, address, files),
        clean=_where(copy.path, address, f"{files} | Remove-Item -Confirm"),
    )


def _where(path: str, address: str, command: str) -> str:
    """A share is reached from wherever the administrator sits; from inside a host the credentials would not go on to it."""
    return command if paths.is_smb(path) else on_host(address, command)

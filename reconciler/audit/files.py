"""Two machines must never write one file: every target is free of other machines' files, before, during and after.

On a drive a path belongs to its host, on a shared volume to its cluster; on a share it is one for all.
"""

from collections import defaultdict
from collections.abc import Iterator

from reconciler.audit.case import FOLDERS, Case, files_of, problem
from reconciler.model import paths
from reconciler.model.plan import MachineStep, StorageMove
from reconciler.model.problem import Problem


def check(case: Case) -> Iterator[Problem]:
    """Compare each disk's target with the disks that machines have now and with all other targets."""
    written = {paths.normal(move.target) for step in case.machine_steps for move in step.storage if move.file not in FOLDERS}
    if not written:
        return
    owners = _owners(case, written)
    writers: dict[str, set[str]] = defaultdict(set)
    for step in case.machine_steps:
        machine = step.virtual_machine.id.casefold()
        for move in (move for move in step.storage if move.file not in FOLDERS):
            key = _key(move.target, step.destination or step.source, case)
            writers[key].add(machine)
            if (owners.get(key, set()) | writers[key]) - {machine} or _stays(move, step):
                yield problem(
                    "file-clash", step.subject, f"something else is at {move.target}, where {move.file} would be written"
                )


def _stays(move: StorageMove, step: MachineStep) -> bool:
    elsewhere = step.destination is not None and step.destination.casefold() != step.source.casefold()
    return paths.same(move.source, move.target) and (paths.is_smb(move.target) or not elsewhere)


def _owners(case: Case, written: set[str]) -> dict[str, set[str]]:
    owners: dict[str, set[str]] = defaultdict(set)
    for host, machine in case.observation.machines():
        for key, path in files_of(machine).items():
            if key not in FOLDERS and key in written:  # disks are known by their normalised paths
                owners[_key(path, host.name, case)].add(machine.id.casefold())
    return dict(owners)


def _key(path: str, host: str, case: Case) -> str:
    if paths.is_smb(path):
        return paths.normal(path)
    owner = case.cluster_of(host) if paths.is_cluster_volume(path) else None
    return f"{owner or host.casefold()}|{paths.normal(path)}"

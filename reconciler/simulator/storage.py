"""The files of a migration: which of the files listed really move, from which volume to which, and how a machine looks after.

What is already where it should be does not move. A file that is not where the request says is refused: the request came
from an old picture of the machine.
"""

from typing import Any

from reconciler.model import paths
from reconciler.model.observation import VirtualMachine
from reconciler.model.plan import StorageMove
from reconciler.simulator.paths import place_of, volume_of
from reconciler.simulator.refusal import OTHER, Refused
from reconciler.simulator.state import FileMove, FleetState, HostState

FOLDERS = {"configuration": "configuration_path", "checkpoints": "checkpoint_path", "smartPaging": "smart_paging_path"}
DISK_FOLDER = "Virtual Hard Disks"


def resolve(
    fleet: FleetState, source: HostState, end: HostState, machine: VirtualMachine, listed: tuple[StorageMove, ...]
) -> tuple[FileMove, ...]:
    """Return the moves among those listed that change a place; ``end`` is the host that has the machine afterwards."""
    found = (_find(machine, move, source is end) for move in listed)
    moves = (_move(fleet, source, end, machine, move, disk) for move, disk in zip(listed, found, strict=True))
    return tuple(move for move in moves if move is not None)


def moved(machine: VirtualMachine, moves: tuple[FileMove, ...]) -> VirtualMachine:
    """Return the machine with its files at their new places."""
    disks = list(machine.disks)
    changes: dict[str, Any] = {}
    for move in moves:
        if move.disk is None:
            changes[FOLDERS[move.file]] = move.target
        else:
            disks[move.disk] = disks[move.disk].model_copy(update={"path": move.target})
    return machine.model_copy(update=changes | {"disks": tuple(disks)})


def moves_to(machine: VirtualMachine, folder: str) -> list[StorageMove]:
    """Return the moves that put every file of a machine into a folder, disks into one of their own below it."""
    disks = [disk.path for disk in machine.disks if disk.path]
    named = ((name, getattr(machine, attribute)) for name, attribute in FOLDERS.items())
    return [
        *(_listed(paths.file_of(path), path, paths.join(folder, DISK_FOLDER, paths.file_of(path))) for path in disks),
        *(_listed(name, path, folder) for name, path in named if path),
    ]


def _listed(file: str, source: str, target: str) -> StorageMove:
    return StorageMove.model_validate({"file": file, "from": source, "to": target})


def _find(machine: VirtualMachine, move: StorageMove, stays: bool) -> int | None:
    """Return the index of the disk that the request means, or None for a folder."""
    if move.file in FOLDERS:
        return None
    if paths.file_of(move.source).casefold() != paths.file_of(move.target).casefold():
        raise Refused(OTHER, "0x80070057", f"A move cannot rename {move.source} to {move.target}.")
    wanted = (move.source, move.target) if stays else (move.source,)
    for path in wanted:
        for index, disk in enumerate(machine.disks):
            if disk.path and paths.same(disk.path, path):
                return index
    raise Refused(OTHER, "0x80070002", f"{machine.name} has no disk at {move.source}.")


def _move(
    fleet: FleetState, source: HostState, end: HostState, machine: VirtualMachine, move: StorageMove, disk: int | None
) -> FileMove | None:
    here = machine.disks[disk].path if disk is not None else getattr(machine, FOLDERS[move.file])
    target = place_of(end, move.target)
    if here is not None and place_of(source, here) == target:
        return None
    return FileMove(
        file=move.file,
        disk=disk,
        target=move.target,
        bytes=machine.disks[disk].file_bytes or 0 if disk is not None else 0,
        target_place=target,
        source_volume=volume_of(fleet, source, here) if here else None,
        target_volume=volume_of(fleet, end, move.target),
    )

"""The files of a machine as one list, and the folder its desired state asks for each of them.

Disks and the three data roots (configuration, checkpoints, smart paging) are treated alike by whoever compares or moves
them; the differences (a root is a folder, a disk is a file) are settled here once.
"""

from dataclasses import dataclass

from reconciler.model import paths
from reconciler.model.desired import StoragePlacement
from reconciler.model.observation import VirtualMachine

CONFIGURATION, CHECKPOINTS, SMART_PAGING = "configuration", "checkpoints", "smartPaging"
DATA_ROOTS = (CONFIGURATION, CHECKPOINTS, SMART_PAGING)
DISK_FOLDER = "Virtual Hard Disks"


@dataclass(frozen=True, slots=True)
class MachineFile:
    """A VHD or a data root. ``path`` is a full path for a disk and a folder for a root; None is not known."""

    file: str
    path: str | None
    bytes: int | None = None
    is_disk: bool = False
    shared: bool = False
    pass_through: bool = False
    parent: str | None = None


def files_of(machine: VirtualMachine) -> tuple[MachineFile, ...]:
    """Return every file of a machine: data roots first, then disks in the order of the document."""
    roots = (
        MachineFile(CONFIGURATION, machine.configuration_path, 0),
        MachineFile(CHECKPOINTS, machine.checkpoint_path, 0),
        MachineFile(SMART_PAGING, machine.smart_paging_path, 0),
    )
    disks = (
        MachineFile(
            paths.file_of(disk.path or ""),
            disk.path,
            disk.file_bytes,
            True,
            bool(disk.shared),
            bool(disk.pass_through),
            disk.parent_path,
        )
        for disk in machine.disks
    )
    return roots + tuple(disks)


def folder_asked_for(storage: StoragePlacement, file: MachineFile) -> tuple[str, str] | None:
    """Return the folder in which a file belongs and the field that says so, or None where neither is given.

    A disk with a checkpoint is known by its parent's name too.
    """
    own = _own_folder(storage, file)
    if own is not None:
        return own
    return (storage.path, "storage.path") if storage.path is not None else None


def folder_to_write(storage: StoragePlacement, file: MachineFile) -> str | None:
    r"""Return the folder a storage move puts the file in: disks under ``path`` go to ``<path>\Virtual Hard Disks``."""
    asked = folder_asked_for(storage, file)
    if asked is None:
        return None
    folder, field = asked
    return paths.join(folder, DISK_FOLDER) if file.is_disk and field == "storage.path" else folder


def _own_folder(storage: StoragePlacement, file: MachineFile) -> tuple[str, str] | None:
    if file.is_disk:
        names = {file.file.casefold(), paths.file_of(file.parent or "").casefold()}
        found = next((disk.path for disk in storage.disks if disk.file.casefold() in names), None)
        return None if found is None else (found, "storage.disks")
    table = {
        CONFIGURATION: (storage.configuration_path, "storage.configurationPath"),
        CHECKPOINTS: (storage.checkpoint_path, "storage.checkpointPath"),
        SMART_PAGING: (storage.smart_paging_path, "storage.smartPagingPath"),
    }
    folder, field = table[file.file]
    return None if folder is None else (folder, field)

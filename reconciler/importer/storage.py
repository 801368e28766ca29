"""Where a machine's files lie, as its ``spec.storage``: one folder for all where that says it, else each file by itself.

Every proposal is checked with the rule that the diff uses, so that what is written is what is in place.
"""

from typing import Any

from reconciler.importer.documents import Manifest, as_folder, can_be_said, folder_objection, told
from reconciler.model import paths
from reconciler.model.desired import DiskPlacement, StoragePlacement
from reconciler.model.machine_files import (
    CHECKPOINTS,
    CONFIGURATION,
    SMART_PAGING,
    MachineFile,
    files_of,
    folder_asked_for,
)
from reconciler.model.observation import VirtualMachine
from reconciler.model.problem import Problem

FIELDS = {CONFIGURATION: "configurationPath", CHECKPOINTS: "checkpointPath", SMART_PAGING: "smartPagingPath"}


def storage_of(machine: VirtualMachine) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """Return ``spec.storage`` (empty where nothing can be said) and what had to be left out."""
    files = [file for file in files_of(machine) if not file.pass_through]
    whole = _around(machine.configuration_path, files)
    if whole is not None and all(_covers(whole, file) for file in files):
        return whole, ()
    each = _each_by_itself(files)
    left = [file for file in files if not _covers(each, file)]
    return each, _left_out(machine, left)


def _around(base: str | None, files: list[MachineFile]) -> dict[str, Any] | None:
    """Return one folder for everything, with the files outside it named; None where the folder cannot be said."""
    if not base or folder_objection(base) is not None:
        return None
    outside = [file for file in files if file.path is not None and not paths.is_within(_folder(file), base)]
    return {"path": as_folder(base)} | _each_by_itself(outside, among=files)


def _each_by_itself(files: list[MachineFile], among: list[MachineFile] | None = None) -> dict[str, Any]:
    """Return a field for each data root and an entry for each disk, without entries that would also mean another disk."""
    sayable = [file for file in files if file.path and folder_objection(_folder(file)) is None]
    storage: dict[str, Any] = {FIELDS[file.file]: as_folder(_folder(file)) for file in sayable if not file.is_disk}
    entries = {entry["file"].casefold(): entry for file in sayable if file.is_disk for entry in _entries(file)}
    disks = [file for file in among or files if file.is_disk]
    while wrong := [name for name in entries if not all(_suits(list(entries.values()), disk) for disk in _meant(name, disks))]:
        entries.pop(wrong[0])
    return storage | ({"disks": list(entries.values())} if entries else {})


def _entries(disk: MachineFile) -> list[dict[str, str]]:
    """Return the entry for a disk: by its own name, or (with a checkpoint upon it) by that of the disk below."""
    for name in (disk.file, paths.file_of(disk.parent or "")):
        entry = {"file": name, "path": as_folder(_folder(disk))}
        if name and can_be_said(Manifest("VirtualMachine", "disk", {"storage": {"disks": [entry]}})):
            return [entry]
    return []


def _meant(name: str, disks: list[MachineFile]) -> list[MachineFile]:
    return [disk for disk in disks if name in (disk.file.casefold(), paths.file_of(disk.parent or "").casefold())]


def _suits(entries: list[dict[str, str]], disk: MachineFile) -> bool:
    return _covers({"disks": entries}, disk)


def _covers(storage: dict[str, Any], file: MachineFile) -> bool:
    """Tell whether a ``spec.storage`` asks for the file, and for just where it is."""
    asked = folder_asked_for(_placement(storage), file)
    return file.path is not None and asked is not None and paths.is_within(_folder(file), asked[0])


def _placement(storage: dict[str, Any]) -> StoragePlacement:
    return StoragePlacement(
        path=storage.get("path"),
        configuration_path=storage.get("configurationPath"),
        checkpoint_path=storage.get("checkpointPath"),
        smart_paging_path=storage.get("smartPagingPath"),
        disks=tuple(DiskPlacement(disk["file"], disk["path"]) for disk in storage.get("disks", ())),
    )


def _folder(file: MachineFile) -> str:
    path = file.path or ""
    return paths.folder_of(path) if file.is_disk else path


def _left_out(machine: VirtualMachine, files: list[MachineFile]) -> tuple[Problem, ...]:
    """Return one warning for each reason why files cannot be managed, naming the files."""
    reasons: dict[tuple[str, str, str], list[str]] = {}
    for file in files:
        name = file.file or "a disk"
        reasons.setdefault(_reason(file), []).append(f"{name} at {file.path}" if file.path else name)
    subject = f"virtualMachine/{machine.name}"
    return tuple(
        told(code, f"left unmanaged: {why} ({', '.join(names)})", remedy, subject)
        for (code, why, remedy), names in reasons.items()
    )


def _reason(file: MachineFile) -> tuple[str, str, str]:
    """Return code, reason and remedy."""
    if not file.path:
        return "file-not-imported", "the host did not say where it lies", "observe again, or write its folder by hand"
    objection = folder_objection(_folder(file))
    if objection is None:
        why = "its name alone does not tell it from the machine's other disks"
        return "file-not-imported", why, "rename one of the disks, or leave it unmanaged"
    return (*objection, _REMEDIES.get(objection[0], "write its folder by hand"))


_REMEDIES = {
    "smb-path-without-fqdn": "point the machine at the share by the server's FQDN, then import again",
    "root-folder": "give the machine a folder of its own, then write it into its document",
}

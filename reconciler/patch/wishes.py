"""What a machine's document should say so that where the machine is, and where its files are, is where they belong."""

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.model import paths
from reconciler.model.desired import VirtualMachine
from reconciler.model.drift import MachineDrift
from reconciler.model.machine_files import DISK_FOLDER, MachineFile, files_of, folder_asked_for

_ROOT_FIELDS = {"configuration": "configurationPath", "checkpoints": "checkpointPath", "smartPaging": "smartPagingPath"}


@dataclass(frozen=True, slots=True)
class Runs:
    """The machine runs on this host, which ``placement.<field>`` does not allow."""

    field: str
    host: str


@dataclass(frozen=True, slots=True)
class Folder:
    """``storage.<field>`` is this folder."""

    field: str
    path: str


@dataclass(frozen=True, slots=True)
class Disk:
    """The VHD of this name belongs in this folder."""

    file: str
    path: str


@dataclass(frozen=True, slots=True)
class Protected:
    """``highAvailability`` is this."""

    is_wanted: bool


Wish = Runs | Folder | Disk | Protected


def wishes_of(drift: MachineDrift) -> tuple[Wish, ...]:
    """Return what to change for one machine that was found; nothing for one that only its host's maintenance drives away."""
    placement = drift.machine.placement
    runs = (Runs(placement.field, drift.host),) if drift.wrong_host and placement and drift.host else ()
    return (*runs, *_storage(drift), *_protection(drift))


def _protection(drift: MachineDrift) -> Iterator[Wish]:
    """A role that is wanted and not there, or there and not wanted; also where the machine ran off to a host of no cluster."""
    wanted, observed = drift.machine.high_availability, drift.observed
    if wanted is not None and observed is not None and observed.highly_available not in (None, wanted):
        yield Protected(not wanted)


def _storage(drift: MachineDrift) -> Iterator[Wish]:
    if drift.observed is None or not drift.files:
        return
    asked = [(file, folder_asked_for(drift.machine.storage, file)) for file in files_of(drift.observed)]
    common = [file for file, place in asked if place and place[1] == "storage.path" and file.path and not file.pass_through]
    drifted = {(one.file, one.path) for one in drift.files}
    home = _common_home(common) if any((file.file, file.path) in drifted for file in common) else None
    if home is not None:
        yield Folder("path", home)
    for file, place in asked:
        is_covered = home is not None and file in common
        if place and file.path and (file.file, file.path) in drifted and not is_covered:
            yield _own(drift.machine, file)


def _common_home(files: list[MachineFile]) -> str | None:
    """Return the one folder that a storage move would have made of these files: roots in it, disks below it; else None."""
    homes = {paths.normal(home): home for home in (_home(file) for file in files)}
    for key, home in homes.items():
        if all(paths.is_within(other, home) for other in homes.values()) and key != paths.volume_of(home):
            return home
    return None


def _home(file: MachineFile) -> str:
    folder = paths.folder_of(file.path or "") if file.is_disk else file.path or ""
    is_usual = file.is_disk and paths.file_of(folder).casefold() == DISK_FOLDER.casefold()
    return paths.folder_of(folder) if is_usual else folder


def _own(machine: VirtualMachine, file: MachineFile) -> Wish:
    if not file.is_disk:
        return Folder(_ROOT_FIELDS[file.file], file.path or "")
    names = {file.file.casefold(), paths.file_of(file.parent or "").casefold()}
    named = next((disk.file for disk in machine.storage.disks if disk.file.casefold() in names), None)
    # With a checkpoint the file that is used has a name of its own; people know the disk by its parent's.
    return Disk(named or (paths.file_of(file.parent) if file.parent else file.file), paths.folder_of(file.path or ""))

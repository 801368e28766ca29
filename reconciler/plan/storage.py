"""Which files of a machine move, and to where: those outside their folder, and those a new host cannot reach."""

import re
from collections.abc import Iterator

from reconciler.model import paths
from reconciler.model.drift import MachineDrift
from reconciler.model.machine_files import DISK_FOLDER, MachineFile, files_of, folder_asked_for, folder_to_write
from reconciler.model.observation import VirtualMachine
from reconciler.model.plan import StorageMove
from reconciler.plan.fleet import Fleet
from reconciler.plan.moves import Refusal
from reconciler.plan.reach import can_write, is_clustered, stays_reachable

UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f]')


def file_moves(
    fleet: Fleet, drift: MachineDrift, machine: VirtualMachine, source: str, destination: str
) -> tuple[StorageMove, ...] | Refusal:
    """Return the files that must move when the machine goes from source to destination (which may be one host)."""
    if drift.machine.storage.is_unmanaged and _all_stay_reachable(fleet, machine, source, destination):
        return _refused(fleet, drift, machine, (), destination) or ()
    moves: list[StorageMove] = []
    forced: list[MachineFile] = []
    files = files_of(machine)
    for file in files:
        if file.path is None:
            continue
        target = _target(fleet, drift, file, source, destination)
        if target is None:
            forced.append(file)
        elif target != file.path or not stays_reachable(fleet, file.path, source, destination):
            moves.append(_move(file, target))
    if forced:
        default = _default_moves(fleet, machine, forced, destination)
        if isinstance(default, Refusal):
            return default
        moves += default
    ranks = {(file.file, file.path): rank for rank, file in enumerate(files)} if len(moves) > 1 else {}
    ordered = tuple(sorted(moves, key=lambda move: ranks[move.file, move.source]) if ranks else moves)
    return _refused(fleet, drift, machine, ordered, destination) or ordered


def _all_stay_reachable(fleet: Fleet, machine: VirtualMachine, source: str, destination: str) -> bool:
    """Tell whether the destination reaches every file where it lies: of a machine that asks for no folder, all stay then."""
    roots = {machine.configuration_path, machine.checkpoint_path, machine.smart_paging_path}
    places = roots.union(disk.path for disk in machine.disks)
    return all(stays_reachable(fleet, path, source, destination) for path in places if path is not None)


def _target(fleet: Fleet, drift: MachineDrift, file: MachineFile, source: str, destination: str) -> str | None:
    """Return where a file shall be (its own path: it stays), or None where it must move and nobody said where to."""
    path = file.path or ""
    asked, folder = folder_asked_for(drift.machine.storage, file), folder_to_write(drift.machine.storage, file)
    if asked is None or folder is None or file.pass_through:
        return path if stays_reachable(fleet, path, source, destination) or file.pass_through else None
    if paths.is_within(paths.folder_of(path) if file.is_disk else path, asked[0]):
        return path
    return paths.join(folder, file.file) if file.is_disk else folder


def _move(file: MachineFile, target: str) -> StorageMove:
    return StorageMove(file=file.file, source=file.path or "", target=target, bytes=file.bytes)


def _default_moves(
    fleet: Fleet, machine: VirtualMachine, files: list[MachineFile], destination: str
) -> list[StorageMove] | Refusal:
    """Choose a place nobody named: the destination's first storage location with room, then its default paths.

    The place that was announced comes before all others, and room that others were announced to take is not given away: a
    machine at an interim stop would find none when it comes back.
    """
    needed, own = sum(file.bytes or 0 for file in files), machine.id.casefold()
    for announced in (True, False):
        for root, disks in _candidates(fleet, machine, destination):
            moves = [_move(file, paths.join(disks, file.file) if file.is_disk else root) for file in files]
            if announced and not _is_announced(fleet, own, moves):
                continue
            known = fleet.volume_room(destination, disks)
            room = known.bytes if announced or known.bytes is None else known.bytes - fleet.promised_to_others(known.key, own)
            if (
                can_write(fleet, destination, disks)
                and can_write(fleet, destination, root)
                and (room is None or room >= needed)
            ):
                return moves
    finding = f"{destination} cannot reach {files[0].path}, and has no storage location or default path with room for a copy"
    remedy = f"give spec.storage.path, or list a storage location for host {destination}"
    return Refusal("storage", "unreachable-path", finding, remedy)


def _is_announced(fleet: Fleet, machine: str, moves: list[StorageMove]) -> bool:
    announced = fleet.announced_files(machine)
    return bool(announced) and {(move.file, paths.normal(move.target)) for move in moves} <= announced


def _candidates(fleet: Fleet, machine: VirtualMachine, destination: str) -> Iterator[tuple[str, str]]:
    folder = UNSAFE.sub("_", machine.name).rstrip(". ") or machine.id
    wanted, observed = fleet.wanted(destination), fleet.host(destination)
    for location in wanted.storage.locations if wanted else ():
        root = paths.join(location, folder)
        yield root, paths.join(root, DISK_FOLDER)
    settings = [one.storage for one in (wanted, observed) if one is not None]
    root_path = next((one.virtual_machine_path for one in settings if one.virtual_machine_path), None)
    disk_path = next((one.virtual_hard_disk_path for one in settings if one.virtual_hard_disk_path), None)
    if root_path and disk_path:
        yield paths.join(root_path, folder), paths.join(disk_path, folder)


def _refused(
    fleet: Fleet, drift: MachineDrift, machine: VirtualMachine, moves: tuple[StorageMove, ...], destination: str
) -> Refusal | None:
    is_role = _needs_clustered_storage(fleet, drift, machine, destination)
    if not moves and not is_role:
        return None
    fixed = {paths.normal(file.path or ""): file for file in files_of(machine) if file.shared or file.pass_through}
    ends = {(move.file, paths.normal(move.source)): move.target for move in moves}
    for move in moves:
        if paths.normal(move.source) in fixed:
            finding = f"{move.file} is a shared or pass-through disk, which no storage migration can move"
            return Refusal("disk", "not-migratable", finding, "leave this disk out of spec.storage, or detach it")
        if not can_write(fleet, destination, move.target):
            finding = f"{destination} does not reach {move.target}"
            remedy = f"list its share in the storage.locations of host {destination}, or give a path that exists there"
            return Refusal("reach", "unreachable-path", finding, remedy)
    if is_role:
        for file in files_of(machine):
            path = ends.get((file.file, paths.normal(file.path or "")), file.path)
            if path and not file.pass_through and not is_clustered(fleet, destination, path):
                finding = f"a cluster role needs clustered storage, and {file.file} would lie on {path}"
                return Refusal("reach", "unreachable-path", finding, "give a path on a share or a cluster shared volume")
    return None


def _needs_clustered_storage(fleet: Fleet, drift: MachineDrift, machine: VirtualMachine, destination: str) -> bool:
    asked = drift.machine.high_availability
    role = asked if asked is not None else bool(machine.highly_available)
    return role and fleet.cluster_of(destination) is not None

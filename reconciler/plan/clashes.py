"""Two files cannot be one: moves that would write the same file, or a file that another machine has there already."""

from collections import defaultdict

from reconciler.model import paths
from reconciler.model.machine_files import CHECKPOINTS, CONFIGURATION, SMART_PAGING
from reconciler.model.plan import Blocked
from reconciler.plan.fleet import Fleet
from reconciler.plan.moves import Move, Refusal, as_blocked

FOLDERS = (CONFIGURATION, CHECKPOINTS, SMART_PAGING)
Spot = tuple[str, ...]


def without_clashes(fleet: Fleet, moves: list[Move]) -> tuple[list[Move], list[Blocked]]:
    """Return the moves that write files of their own, and the others as blocked. Folders may be shared."""
    writers: dict[Spot, list[str]] = defaultdict(list)
    for move in moves:
        for spot in _written(fleet, move):
            writers[spot].append(move.id)
    owners = _owners(fleet, {spot[-1] for spot in writers}) if writers else {}
    kept, blocked = [], []
    for move in moves:
        clash = next((spot for spot in _written(fleet, move) if len(writers[spot]) > 1 or _taken(owners, spot, move)), None)
        if clash is None:
            kept.append(move)
        else:
            blocked.append(_blocked(fleet, move, clash, set(writers[clash]) | set(owners.get(clash, ()))))
    return kept, blocked


def _written(fleet: Fleet, move: Move) -> list[Spot]:
    return [_spot(fleet, move.target, file.target) for file in move.route.storage if file.file not in FOLDERS]


def _spot(fleet: Fleet, host: str, path: str) -> Spot:
    return (*fleet.volume_room(host, path).key[:2], paths.normal(path))


def _owners(fleet: Fleet, written: set[str]) -> dict[Spot, list[str]]:
    owners: dict[Spot, list[str]] = defaultdict(list)
    for host, machine in fleet.observation.machines():
        for path in (path for disk in machine.disks for path in (disk.path, disk.parent_path) if path):
            if paths.normal(path) in written:  # most of a fleet's files are nowhere near
                owners[_spot(fleet, host.name, path)].append(machine.id.casefold())
    return owners


def _taken(owners: dict[Spot, list[str]], spot: Spot, move: Move) -> bool:
    return any(owner != move.id for owner in owners.get(spot, ()))


def _blocked(fleet: Fleet, move: Move, spot: Spot, machines: set[str]) -> Blocked:
    names = {machine.id.casefold(): machine.name for _, machine in fleet.observation.machines()}
    others = ", ".join(sorted({names.get(one, one) for one in machines - {move.id}}))
    finding = f"{spot[-1]} would be written by {others} too" if others else f"two disks of this machine would be {spot[-1]}"
    refusal = Refusal("clash", "file-clash", finding, "give each machine a folder of its own")
    field = move.drift.files[0].field if move.drift.files else "storage"
    return as_blocked(move.drift, refusal, field=field)

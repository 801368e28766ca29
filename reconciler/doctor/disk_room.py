"""Whether what machines bring along fits on the volumes of the host that they go to: each alone, and all together."""

from collections import defaultdict

from reconciler.doctor.cells import cannot_tell, no, on_host, quoted, worst, yes
from reconciler.doctor.ways import Arrival
from reconciler.model import paths
from reconciler.model.diagnosis import Cell
from reconciler.plan.fleet import Fleet, VolumeKey

CHECK = "room"


def disk_room(fleet: Fleet, destination: str, address: str, arrivals: tuple[Arrival, ...]) -> Cell:
    """Return the worst of what is so at each volume; what must stay free there is taken off, as the plan does it."""
    volumes: dict[VolumeKey, list[Arrival]] = defaultdict(list)
    for arrival in arrivals:
        volumes[fleet.volume_room(destination, arrival.folder).key].append(arrival)
    cells = [_at(arriving, fleet.volume_room(destination, arriving[0].folder).bytes, address) for arriving in volumes.values()]
    return worst(*cells) if cells else yes(CHECK, "no file is copied")


def _at(arrivals: list[Arrival], free: int | None, address: str) -> Cell:
    folder = arrivals[0].folder
    if free is None or any(one.bytes is None for one in arrivals):
        unknown = "its free space is not known" if free is None else "how much is copied is not known"
        return cannot_tell(CHECK, f"{folder}: {unknown}", _look(folder, address))
    by_machine: dict[str, int] = defaultdict(int)
    for one in arrivals:
        by_machine[one.machine] += one.bytes or 0
    needed = sum(by_machine.values())
    finding = f"{_gib(needed)} are to be copied to {folder}, {_gib(free)} are free there for arrivals"
    if needed <= free:
        return yes(CHECK, finding)
    if max(by_machine.values()) > free:
        return no(CHECK, finding, f"free {_gib(needed - free)} there, or give the machines another storage path")
    finding += ": each fits, all together only where others leave before"
    return cannot_tell(CHECK, finding, "reconciler plan: it shows the order, and what is blocked")


def _look(folder: str, address: str) -> str:
    """Return the command that tells how much is free: at the file server for a share, else at the destination."""
    share = paths.share_of(folder)
    if share is None:
        return on_host(address, "Get-CimInstance Win32_Volume | Select-Object Name, FreeSpace")
    server, name = share.strip("\\").split("\\", 1)
    return on_host(server, f"Get-Volume -FilePath (Get-SmbShare {quoted(name)}).Path")


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"

"""Room on hosts' own drives, as hosts are chosen: it tells one host from another, where a share is the same to all.

Judged one machine at a time. What a drive holds at the end is seen to when moves are put in order (``order``).
"""

from collections import Counter
from collections.abc import Iterable

from reconciler.model import paths
from reconciler.model.drift import MachineDrift
from reconciler.model.machine_files import files_of
from reconciler.plan.fleet import Fleet, VolumeKey
from reconciler.plan.moves import Move, Refusal

GIB = 1024**3


class Drives:
    """Free bytes of the drives whose room is known, once those that are counted on have left and those placed have come."""

    def __init__(self, fleet: Fleet, leaving: Iterable[MachineDrift]) -> None:
        """``leaving``: everybody who has to go; with all of them gone, and nobody come, drives have the most room."""
        self._fleet = fleet
        self._room: dict[VolumeKey, int] = {}
        self._most: dict[VolumeKey, int] = {}
        for drift in leaving:
            self._add_disks(drift, self._most)

    def count_on(self, drift: MachineDrift) -> bool:
        """Count the disks of a machine that will go as gone, and tell whether any lies on a drive of its host's own."""
        return self._add_disks(drift, self._room)

    def take(self, move: Move, *, frees: bool) -> None:
        """Let the files of a move come; ``frees``: what they leave was not counted on before."""
        for file in move.route.storage:
            if file.bytes:
                self._change(self._room, move.target, file.target, -file.bytes)
                if frees:
                    self._change(self._room, move.source, file.source, file.bytes)

    def refusal(self, move: Move) -> Refusal | None:
        """Return why the files of a move do not fit where they would go."""
        for key, amount in self._needed(move).items():
            room = self._room_now(key, self._room)
            if room < amount:
                sizes = f"{max(room, 0) / GIB:.1f} GiB and {amount / GIB:.1f} GiB are needed"
                remedy = "free space there, lower the location's reserve, or allow more hosts"
                return Refusal("space", "no-room", f"{key[2]} of {move.target} has room for {sizes}", remedy)
        return None

    def could_never_hold(self, move: Move) -> bool:
        """Tell whether its files would not fit there even if all who have to go had gone, and nobody had come."""
        return any(self._room_now(key, self._most) < amount for key, amount in self._needed(move).items())

    def _room_now(self, key: VolumeKey, room: dict[VolumeKey, int]) -> int:
        return room.get(key, self._fleet.room_under(key) or 0)

    def _needed(self, move: Move) -> Counter[VolumeKey]:
        needed: Counter[VolumeKey] = Counter()
        for file in move.route.storage:
            place = self._fleet.volume_room(move.target, file.target)
            if file.bytes and place.key[0] == "host" and place.bytes is not None:
                needed[place.key] += file.bytes
        return needed

    def _add_disks(self, drift: MachineDrift, room: dict[VolumeKey, int]) -> bool:
        disks = drift.observed.disks if drift.observed else ()
        paths_and_sizes = [(disk.path, disk.file_bytes or 0) for disk in disks if disk.path]
        on_drives = [self._change(room, drift.host or "", path, size) for path, size in paths_and_sizes]
        return any(on_drives)

    def _change(self, room: dict[VolumeKey, int], host: str, path: str, change: int) -> bool:
        """Count what a drive gains or loses, and tell whether the path lies on one."""
        if paths.is_smb(path):  # of most machines, and quickly said
            return False
        place = self._fleet.volume_room(host, path)
        if place.key[0] != "host" or place.bytes is None:
            return False
        room[place.key] = room.get(place.key, place.bytes) + change
        return True


def sure_to_take(drift: MachineDrift) -> tuple[int, int]:
    """Return the migrations and bytes that a change of hosts takes at least: what lies on a host's own drives is copied."""
    machine = drift.observed
    if machine is None:
        return 1, 0
    known = (file for file in files_of(machine) if file.path and not file.pass_through)
    own = [file for file in known if file.path and not paths.is_smb(file.path) and not paths.is_cluster_volume(file.path)]
    return (2 if own and machine.is_running else 1), sum(file.bytes or 0 for file in own)

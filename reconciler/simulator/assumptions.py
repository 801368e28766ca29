"""What the simulated fleet assumes where an observation says nothing: speeds, overheads, how long ended jobs stay listed.

Numbers only. They shape how long things take, never whether something is allowed.
"""

from dataclasses import dataclass, field

from reconciler.model.words import MigrationKind, PerformanceOption

MEBIBYTE = 1024 * 1024


def _memory_speed() -> dict[PerformanceOption, float]:
    return {PerformanceOption.TCPIP: 250e6, PerformanceOption.COMPRESSION: 400e6, PerformanceOption.SMB: 1000e6}


def _overhead() -> dict[MigrationKind, float]:
    return {
        MigrationKind.LIVE: 4.0,
        MigrationKind.LIVE_WITH_STORAGE: 8.0,
        MigrationKind.STORAGE: 3.0,
        MigrationKind.OFFLINE: 3.0,
    }


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Speeds in bytes a second, times in seconds; the defaults are those of a 10 Gbit network and ordinary disks.

    ``network_speed`` is one host's network card, shared evenly by its migrations; ``memory_speed`` is what one migration's
    memory reaches at most by performance option, ``storage_speed`` one copy of files. ``dirty_share`` is the part of memory
    sent again because the guest wrote to it.
    ``arrivals_lower_memory``: whether a host's available memory falls as soon as a machine is on its way to it; the room
    is held in either case, this only says whether a survey shows it.
    """

    network_speed: float = 1100e6
    storage_speed: float = 200e6
    memory_speed: dict[PerformanceOption, float] = field(default_factory=_memory_speed)
    overhead: dict[MigrationKind, float] = field(default_factory=_overhead)
    dirty_share: float = 0.1
    job_retention: float = 300.0
    arrivals_lower_memory: bool = False

    def seconds(
        self,
        kind: MigrationKind,
        *,
        memory_mib: int,
        file_bytes: int,
        option: PerformanceOption = PerformanceOption.COMPRESSION,
        sharers: int = 1,
    ) -> float:
        """Return how long a migration takes that shares its hosts' speed with ``sharers`` - 1 others."""
        share = self.network_speed / max(1, sharers)
        memory = memory_mib * MEBIBYTE * (1 + self.dirty_share) / min(share, self.memory_speed[option])
        copy = file_bytes / min(share, self.storage_speed)
        live = kind in (MigrationKind.LIVE, MigrationKind.LIVE_WITH_STORAGE)
        return self.overhead[kind] + copy + (memory if live else 0.0)

"""How long things take, as assumed before anything was measured. Estimates order and announce; they never decide safety."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.desired import Policy
from reconciler.model.plan import Assumed
from reconciler.model.words import Action, PerformanceOption

MIB = 1024 * 1024
MEGABYTE = 1e6
MOST_ROUNDS = 10  # a live migration that never catches up with its guest gives up copying ahead


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Bandwidths in bytes a second, fixed costs in seconds. The defaults suit 10 Gbit networks and ordinary disks."""

    memory_bytes_per_second: Mapping[PerformanceOption, float] = field(
        default_factory=lambda: {
            PerformanceOption.TCPIP: 250e6,
            PerformanceOption.COMPRESSION: 400e6,
            PerformanceOption.SMB: 1000e6,
        }
    )
    storage_bytes_per_second: float = 200e6
    dirty_bytes_per_second: float = 0
    live_overhead_seconds: float = 5
    storage_overhead_seconds: float = 5
    offline_overhead_seconds: float = 5
    role_seconds: float = 5
    start_seconds: float = 10
    settings_seconds: float = 3

    @classmethod
    def of(cls, policy: Policy) -> "Assumptions":
        """Return the defaults with what the policy says instead."""
        given, standard = policy.planning.estimates, cls()
        memory = {option: speed * MEGABYTE for option, speed in given.memory.items()}
        return cls(
            memory_bytes_per_second={**standard.memory_bytes_per_second, **memory},
            storage_bytes_per_second=given.storage * MEGABYTE if given.storage else standard.storage_bytes_per_second,
            dirty_bytes_per_second=given.dirty * MEGABYTE if given.dirty else standard.dirty_bytes_per_second,
        )

    def stated(self) -> Assumed:
        """Return what the plan document says of them."""
        return Assumed(
            memory_bytes_per_second={option.value: speed for option, speed in self.memory_bytes_per_second.items()},
            storage_bytes_per_second=self.storage_bytes_per_second,
            dirty_bytes_per_second=self.dirty_bytes_per_second,
        )

    def migration_seconds(
        self, action: Action, *, memory_mib: int, copied_bytes: int, option: PerformanceOption | None, roles: int = 0
    ) -> float:
        """Return the seconds of one migration; ``roles`` is how many cluster roles are taken off or put on with it."""
        seconds = roles * self.role_seconds
        if action is not Action.STORAGE_MIGRATION and action is not Action.OFFLINE_MIGRATION:
            seconds += self.live_overhead_seconds + memory_mib * MIB / self._bandwidth(option) * self._rounds(option)
        if action is not Action.LIVE_MIGRATION:
            seconds += self.offline_overhead_seconds if action is Action.OFFLINE_MIGRATION else self.storage_overhead_seconds
            seconds += copied_bytes / self.storage_bytes_per_second
        return round(seconds, 3)

    def _bandwidth(self, option: PerformanceOption | None) -> float:
        slowest = min(self.memory_bytes_per_second.values())
        return self.memory_bytes_per_second.get(option, slowest) if option else slowest

    def _rounds(self, option: PerformanceOption | None) -> float:
        """How many times the memory travels in all: what was rewritten in one round travels in the next."""
        left = 1 - self.dirty_bytes_per_second / self._bandwidth(option)
        return min(MOST_ROUNDS, 1 / left) if left > 0 else MOST_ROUNDS

"""The mutable truth of the simulated fleet: hosts, clusters, volumes, shares and jobs, and how to find them.

Only data and look-ups; what may happen is in ``rules``, what does happen in ``jobs``, ``roles`` and ``settings``. Machines
are the observation's own frozen values, replaced as they change, each held by the one host it is on.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reconciler.model.observation import Host, VirtualMachine
from reconciler.model.words import MigrationKind, PerformanceOption

RUNNING, COMPLETED, TERMINATED, EXCEPTION = "Running", "Completed", "Terminated", "Exception"


@dataclass(slots=True, eq=False)
class VolumeState:
    """A drive, cluster shared volume or share; ``free_bytes`` None is unknown and never runs out."""

    path: str
    size_bytes: int | None = None
    free_bytes: int | None = None

    def has_room(self, count: int) -> bool:
        """Tell whether that many bytes fit."""
        return self.free_bytes is None or self.free_bytes >= count

    def take(self, count: int) -> None:
        """Use space."""
        if self.free_bytes is not None:
            self.free_bytes -= count

    def give(self, count: int) -> None:
        """Give space back."""
        if self.free_bytes is not None:
            self.free_bytes += count


@dataclass(slots=True, eq=False)
class ShareState(VolumeState):
    """An SMB share; ``hosts`` were seen using it, ``denied`` (normalised names) may not."""

    hosts: tuple[str, ...] = ()
    denied: set[str] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class ClusterState:
    """A cluster; ``roles`` holds the settings of each role by VMId."""

    name: str
    maximum_parallel_migrations: int | None = None
    volumes: list[VolumeState] = field(default_factory=list)
    roles: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class HostState:
    """A host. ``facts`` is its survey without machines and jobs; ``available`` is free memory in MiB, None is unknown."""

    facts: Host
    machines: dict[str, VirtualMachine] = field(default_factory=dict)
    volumes: list[VolumeState] = field(default_factory=list)
    cluster: ClusterState | None = None
    available: int | None = None
    unreachable: bool = False

    @property
    def name(self) -> str:
        """The computer's name."""
        return self.facts.name

    def add_memory(self, mib: int) -> None:
        """Change free memory by that many MiB."""
        if self.available is not None:
            self.available += mib


@dataclass(frozen=True, slots=True)
class FileMove:
    """A file on the move: ``disk`` is its index among the machine's disks, or None for a folder named ``file``."""

    file: str
    disk: int | None
    target: str
    bytes: int
    target_place: tuple[str, str]
    source_volume: VolumeState | None
    target_volume: VolumeState | None


@dataclass(slots=True, eq=False)
class Job:
    """A migration. ``memory_mib`` is held at the destination while it runs; ``given`` is the destination as it was asked for.

    ``fails_with`` is the outcome that somebody arranged beforehand; then ``ends_at`` is the moment of failure.
    """

    id: str
    machine: str
    kind: MigrationKind
    source: HostState
    destination: HostState | None
    given: str | None
    moves: tuple[FileMove, ...]
    memory_mib: int
    option: PerformanceOption
    started_at: datetime
    ends_at: datetime
    full_seconds: float
    live: tuple[HostState, ...] = ()
    storage: tuple[HostState, ...] = ()
    state: str = RUNNING
    percent: int = 0
    fails_with: tuple[int, str] | None = None
    error: tuple[int, str] | None = None

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.state == RUNNING

    def percent_at(self, now: datetime) -> int:
        """Return the progress at a moment; 100 only once completed."""
        if not self.is_running:
            return self.percent
        done = 100 * (now - self.started_at).total_seconds() / self.full_seconds if self.full_seconds else 99
        return max(0, min(99, int(done + 1e-6)))


@dataclass(slots=True, eq=False)
class FleetState:
    """All of it. Hosts, clusters and shares are kept in the order of the observation; jobs in the order of their start."""

    hosts: list[HostState] = field(default_factory=list)
    clusters: list[ClusterState] = field(default_factory=list)
    shares: list[ShareState] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    jobs_ever: int = 0

    def host(self, name: str | None) -> HostState | None:
        """Return the host of that name or address (case does not matter), or None."""
        wanted = (name or "").casefold()
        by_name = (host for host in self.hosts if host.name.casefold() == wanted)
        by_address = (host for host in self.hosts if (host.facts.address or "").casefold() == wanted)
        return (next(by_name, None) or next(by_address, None)) if wanted else None

    def holder(self, machine_id: str) -> HostState | None:
        """Return the first host that has the machine, or None."""
        return next((host for host in self.hosts if machine_id.casefold() in host.machines), None)

    def running(self) -> Iterator[Job]:
        """The jobs that have not ended, in the order of their start."""
        return (job for job in self.jobs if job.is_running)

    def job_of(self, host: HostState, machine_id: str) -> Job | None:
        """Return the running job of a machine that is on this host, or None."""
        return next((job for job in self.running() if job.source is host and job.machine == machine_id), None)

    def arriving_mib(self, host: HostState) -> int:
        """Return the memory held for machines on their way to this host."""
        return sum(job.memory_mib for job in self.running() if job.destination is host)

    def free_mib(self, host: HostState) -> int | None:
        """Return the memory that one more machine may take, or None where it is unknown."""
        return None if host.available is None else host.available - self.arriving_mib(host)


def memory_of(machine: VirtualMachine) -> int:
    """Return the memory a machine takes now, in MiB: none while it is off or saved."""
    return 0 if machine.is_off else machine.memory_mib or 0

"""Small fleets for the tests of the simulated fleet: three stand-alone hosts, a share, two clusters of two nodes."""

from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.clock import ManualClock
from reconciler.hosts.port import Operation, Started, StartMigration
from reconciler.model.observation import (
    Cluster,
    Disk,
    Host,
    HostMigration,
    HostStorage,
    Observation,
    Share,
    VirtualMachine,
    Volume,
)
from reconciler.model.plan import StorageMove
from reconciler.model.words import MigrationKind
from reconciler.simulator.world import Refused, World

GIB = 1024**3
START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
SHARE = r"\\fs1.contoso.com\vms"
LIVE, BOTH = MigrationKind.LIVE, MigrationKind.LIVE_WITH_STORAGE
STORAGE, OFFLINE = MigrationKind.STORAGE, MigrationKind.OFFLINE


def machine(name: str, home: str = SHARE, **facts: Any) -> VirtualMachine:
    """A running machine of 4 GiB with one disk of 10 GiB, all its files in ``home`` in a folder of its own."""
    folder = f"{home}\\{name}"
    disk = Disk(path=f"{folder}\\os.vhdx", file_bytes=10 * GIB, size_bytes=40 * GIB)
    given: dict[str, Any] = {
        "id": name,
        "name": name,
        "state": "Running",
        "memory_mib": 4096,
        "configuration_version": "9.0",
        "switches": ("Prod",),
        "configuration_path": folder,
        "disks": (disk,),
    }
    return VirtualMachine(**(given | facts))


def host(name: str, *machines: VirtualMachine, migration: dict[str, Any] | None = None, **facts: Any) -> Host:
    """A host with 32 GiB of memory and 100 GiB on drive D: free, limits 2 and 2."""
    settings = {"enabled": True, "maximum_virtual_machine_migrations": 2, "maximum_storage_migrations": 2}
    given: dict[str, Any] = {
        "name": name,
        "address": f"{name}.contoso.com".lower(),
        "supported_configuration_versions": ("9.0", "10.0"),
        "processor_vendor": "GenuineIntel",
        "available_memory_mib": 32768,
        "switches": ("Prod",),
        "migration": HostMigration(**(settings | (migration or {}))),
        "storage": HostStorage(
            virtual_machine_path="D:\\VMs", volumes=(Volume(path="D:\\", size_bytes=500 * GIB, free_bytes=100 * GIB),)
        ),
        "virtual_machines": machines,
    }
    return Host(**(given | facts))


def cluster(name: str, limit: int | None = None) -> Cluster:
    """A cluster with one shared volume named after it."""
    volume = Volume(path=f"C:\\ClusterStorage\\{name}", size_bytes=500 * GIB, free_bytes=100 * GIB)
    return Cluster(name=name, maximum_parallel_migrations=limit, shared_volumes=(volume,))


def world(*hosts: Host, clusters: tuple[Cluster, ...] = (), share_free: int | None = 1000 * GIB) -> "Stage":
    """Boot hosts and one share that all of them may use."""
    share = Share(path=SHARE, size_bytes=2000 * GIB, free_bytes=share_free)
    return Stage(Observation(observed_at=START, clusters=clusters, hosts=hosts, shares=(share,)))


def move(file: str, source: str, target: str) -> StorageMove:
    """One file that moves."""
    return StorageMove.model_validate({"file": file, "from": source, "to": target})


def everything(name: str, source: str, target: str) -> tuple[StorageMove, ...]:
    """The moves of all files of a machine made by ``machine``."""
    here, there = f"{source}\\{name}", f"{target}\\{name}"
    return (move("os.vhdx", f"{here}\\os.vhdx", f"{there}\\os.vhdx"), move("configuration", here, there))


class Stage:
    """A world with its clock, in the words of the tests."""

    def __init__(self, observation: Observation) -> None:
        self.clock = ManualClock(START)
        self.world = World(observation, self.clock)

    def ask(self, host_name: str, operation: Operation) -> Any:
        """Carry out an operation."""
        return self.world.execute(host_name, operation)

    def start(
        self,
        host_name: str,
        machine_id: str,
        kind: MigrationKind,
        destination: str | None = None,
        *moves: StorageMove,
        **more: Any,
    ) -> Started:
        """Start a migration."""
        answer = self.ask(host_name, StartMigration(machine_id, kind, destination, moves, **more))
        assert isinstance(answer, Started)
        return answer

    def refused(self, host_name: str, operation: Operation) -> str:
        """Carry out an operation that must be refused; return ``error id: message``."""
        with pytest.raises(Refused) as refusal:
            self.ask(host_name, operation)
        return str(refusal.value)

    def finish(self) -> None:
        """Let all running migrations end."""
        while (end := self.world.next_end()) is not None:
            self.clock.sleep((end - self.clock.now()).total_seconds())

    def seen(self, machine_id: str) -> tuple[str, VirtualMachine]:
        """The host that has a machine, and the machine."""
        return next((h.name, m) for h, m in self.world.observation().machines() if m.id == machine_id)

    def host(self, name: str) -> Host:
        """A host as it is now."""
        found = self.world.observation().host(name)
        assert found
        return found

    def free(self, path: str) -> int | None:
        """Free bytes on a share, cluster volume or "HOST:" for its drive."""
        now = self.world.observation()
        volumes = [*now.shares, *(v for c in now.clusters for v in c.shared_volumes)]
        if path.endswith(":"):
            volumes = list(self.host(path[:-1]).storage.volumes)
            return volumes[0].free_bytes
        return next(v.free_bytes for v in volumes if v.path == path)

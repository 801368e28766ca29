"""What the hosts report: the Observation document (design contract, section 4). None means unknown, everywhere.

An observation is what a survey saw, never what we wish. Sizes are bytes, memory is MiB, times are aware datetimes.
Field names follow the published document; Hyper-V's own names are kept where the document uses them.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Literal

from pydantic import Field

from reconciler.model.document import API_VERSION, Document, spelled
from reconciler.model.words import AuthenticationType, HostStatus, MigrationKind, PerformanceOption

Networks = Literal["any"] | tuple[str, ...]

DONE_JOB_STATES = frozenset({"Completed", "Terminated", "Killed", "Exception", "CompletedWithWarnings"})


class Volume(Document):
    r"""A place with free space of its own: drive (``D:\``), cluster shared volume or share."""

    path: str
    size_bytes: int | None = None
    free_bytes: int | None = None


class Share(Volume):
    """An SMB share and the hosts seen using it."""

    hosts: tuple[str, ...] = ()


class Cluster(Document):
    """A failover cluster as its nodes report it."""

    name: str
    maximum_parallel_migrations: int | None = None
    shared_volumes: tuple[Volume, ...] = ()


class HostMigration(Document):
    """Live and storage migration settings of a host, and how many of each it runs now (both directions together)."""

    enabled: bool | None = None
    maximum_virtual_machine_migrations: int | None = None
    maximum_storage_migrations: int | None = None
    active_virtual_machine_migrations: int | None = None
    active_storage_migrations: int | None = None
    performance_option: PerformanceOption | None = None
    authentication_type: AuthenticationType | None = None
    networks: Networks | None = None


class HostStorage(Document):
    """Default paths of a host (Get-VMHost) and its local volumes."""

    virtual_machine_path: str | None = None
    virtual_hard_disk_path: str | None = None
    volumes: tuple[Volume, ...] = ()


class Disk(Document):
    """A virtual hard disk of a machine. ``file_bytes`` is what a copy must move; ``size_bytes`` what the guest sees."""

    controller: str = "SCSI"
    controller_number: int = 0
    location: int = 0
    path: str | None = None
    size_bytes: int | None = None
    file_bytes: int | None = None
    shared: bool | None = None
    pass_through: bool | None = None
    parent_path: str | None = None


class VirtualMachine(Document):
    """A virtual machine on the host that reports it. ``state`` uses Hyper-V's VMState names."""

    id: str
    name: str
    state: str | None = None
    operation: str | None = None
    memory_mib: int | None = Field(default=None, alias="memoryMiB")
    maximum_memory_mib: int | None = Field(default=None, alias="maximumMemoryMiB")
    processors: int | None = None
    generation: int | None = None
    configuration_version: str | None = None
    highly_available: bool | None = None
    switches: tuple[str, ...] | None = None
    processor_compatibility: bool | None = None
    checkpoints: int | None = None
    replication: str | None = None
    mounted_iso: str | None = None
    assigned_devices: int | None = None
    configuration_path: str | None = None
    checkpoint_path: str | None = None
    smart_paging_path: str | None = None
    disks: tuple[Disk, ...] = ()

    @property
    def is_running(self) -> bool:
        """Running, the one state that migrates live."""
        return self.state == "Running"

    @property
    def is_off(self) -> bool:
        """Off or saved: moved without a guest to keep alive."""
        return self.state in ("Off", "Saved")


class Migration(Document):
    """A migration job on its source host, whoever started it (Msvm_MigrationJob)."""

    id: str
    virtual_machine: str
    kind: MigrationKind
    destination: str | None = None
    percent: int | None = None
    state: str = "Running"
    started_at: datetime | None = None
    error_code: int | None = None
    error: str | None = None

    @property
    def is_running(self) -> bool:
        """False once the job has ended, however it ended; such a job stays listed for about five minutes."""
        return self.state not in DONE_JOB_STATES


class PlannedMachine(Document):
    """A planned virtual machine (Msvm_PlannedComputerSystem): the far end of a migration, or what is left of one that ended."""

    id: str
    name: str | None = None


class Host(Document):
    """One host as its survey saw it. ``problem`` is a sentence where ``status`` is not ok.

    ``planned_virtual_machines`` is None where the host did not tell them.
    """

    name: str
    address: str | None = None
    status: HostStatus = HostStatus.OK
    problem: str | None = None
    observed_at: datetime | None = None
    cluster: str | None = None
    node_state: str | None = None
    os_version: str | None = None
    supported_configuration_versions: tuple[str, ...] | None = None
    processor_vendor: str | None = None
    processor_model: str | None = None
    logical_processors: int | None = None
    memory_mib: int | None = Field(default=None, alias="memoryMiB")
    available_memory_mib: int | None = Field(default=None, alias="availableMemoryMiB")
    switches: tuple[str, ...] | None = None
    migration: HostMigration = HostMigration()
    storage: HostStorage = HostStorage()
    virtual_machines: tuple[VirtualMachine, ...] = ()
    migrations: tuple[Migration, ...] = ()
    planned_virtual_machines: tuple[PlannedMachine, ...] | None = None

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of all that was seen of the host; a host that was not looked at again has it already."""
        return sha256(spelled(self)).digest()

    @property
    def running_migrations(self) -> tuple[Migration, ...]:
        """The jobs that have not ended."""
        return tuple(job for job in self.migrations if job.is_running)


class Observation(Document):
    """What one survey of the fleet saw."""

    api_version: Literal["reconciler/v1"] = API_VERSION
    kind: Literal["Observation"] = "Observation"
    observed_at: datetime
    clusters: tuple[Cluster, ...] = ()
    hosts: tuple[Host, ...] = ()
    shares: tuple[Share, ...] = ()

    @cached_property
    def digest(self) -> str:
        """Digest of all that was seen: of each host's own digest, in the order of the document, and of the rest."""
        whole = sha256(spelled(self.model_copy(update={"hosts": ()})))
        for host in self.hosts:
            whole.update(host.digest)
        return f"sha256:{whole.hexdigest()}"

    def host(self, name: str) -> Host | None:
        """Return the host of that name (case does not matter), or None."""
        return self._hosts_by_name.get(name.casefold())

    def cluster(self, name: str) -> Cluster | None:
        """Return the cluster of that name (case does not matter), or None."""
        return self._clusters_by_name.get(name.casefold())

    def machines(self) -> Iterator[tuple[Host, VirtualMachine]]:
        """Every machine with the host that reports it, in the order of the document."""
        return ((host, machine) for host in self.hosts for machine in host.virtual_machines)

    @cached_property
    def sightings(self) -> dict[str, list[tuple[Host, VirtualMachine]]]:
        """Where each machine is seen, by VMId (case folded), in the order of the document; on a move at both ends."""
        found: dict[str, list[tuple[Host, VirtualMachine]]] = {}
        for host in self.hosts:
            for machine in host.virtual_machines:
                key = machine.id.casefold()
                if key in found:
                    found[key].append((host, machine))
                else:
                    found[key] = [(host, machine)]
        return found

    @cached_property
    def _hosts_by_name(self) -> dict[str, Host]:
        return {host.name.casefold(): host for host in self.hosts}

    @cached_property
    def _clusters_by_name(self) -> dict[str, Cluster]:
        return {cluster.name.casefold(): cluster for cluster in self.clusters}

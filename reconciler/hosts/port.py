"""The seam between the program and Windows: operations as values, answers as values, one method to ask many hosts.

An operation is what a host can be asked to do; there is none that creates, stops, renames or deletes anything. Behind the
``Hosts`` protocol stand WinRM and the simulated fleet. Adapters never raise for what a host or the network does: they answer
with a ``Failure``, and a lost reply of a change is ``UNKNOWN``, never failed. They never repeat a change on their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from reconciler.model.diagnosis import HostDiagnosis
from reconciler.model.observation import Cluster, Host, Migration, Share
from reconciler.model.plan import StorageMove
from reconciler.model.words import MigrationKind, PerformanceOption


@dataclass(frozen=True, slots=True)
class Target:
    """A host to talk to: its name in the desired state, and the address the controller connects to."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Survey:
    """Report all that the Observation document holds of this host. Answer: ``HostReport``."""


@dataclass(frozen=True, slots=True)
class ListMigrations:
    """List migration jobs on this host, cheaply, to follow progress. Answer: tuple of ``Migration``."""


@dataclass(frozen=True, slots=True)
class ListEvents:
    """List what this host's management service lately wrote of errors and warnings, newest first. Answer: ``HostEvents``."""


@dataclass(frozen=True, slots=True)
class Diagnose:
    """Report how this host is set up for management and migrations, trying the way to peers. Answer: ``HostDiagnosis``.

    ``peers`` are addresses of hosts that machines shall go to; ``shares`` are folders that this host must see.
    """

    peers: tuple[str, ...] = ()
    shares: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Echo:
    """Send texts back, with ``filler`` characters beside them: how the way itself treats them. Answer: ``Echoed``."""

    texts: tuple[str, ...]
    filler: int = 0


@dataclass(frozen=True, slots=True)
class CheckMigration:
    """Ask the source host whether the machine is migratable now, without moving it. Answer: None, or a refusal."""

    machine_id: str
    kind: MigrationKind
    destination: str | None = None


@dataclass(frozen=True, slots=True)
class StartMigration:
    """Start a migration on the source host and return at once. Answer: ``Started``.

    ``destination`` is the destination host's address, None for storage only. ``storage`` lists only what moves; disks by
    full path, ``configuration``, ``checkpoints`` and ``smartPaging`` by folder. ``performance_option`` None leaves the host's
    setting in force. Idempotent: where a job for the machine runs already, or the machine is where it should be, nothing
    is started and that is the answer.
    """

    machine_id: str
    kind: MigrationKind
    destination: str | None = None
    storage: tuple[StorageMove, ...] = ()
    performance_option: PerformanceOption | None = None


@dataclass(frozen=True, slots=True)
class CancelMigration:
    """Ask the source host to cancel a running migration job. Answer: None."""

    migration_id: str


@dataclass(frozen=True, slots=True)
class ConfigureHost:
    """Set host settings by their desired-state field names ("migration.performanceOption": "SMB"). Answer: None.

    Known fields: migration.enabled, .maximumVirtualMachineMigrations, .maximumStorageMigrations, .performanceOption,
    .authenticationType, .networks, and storage.virtualMachinePath, storage.virtualHardDiskPath.
    """

    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ConfigureCluster:
    """Set ``maximumParallelMigrations`` of the cluster this node belongs to. Answer: None."""

    maximum_parallel_migrations: int


@dataclass(frozen=True, slots=True)
class StartMachine:
    """Start a stopped machine (only where its YAML says ``whenOff: start``). Answer: None."""

    machine_id: str


@dataclass(frozen=True, slots=True)
class ReadClusterRole:
    """Ask what the machine's cluster role has set, before it is taken off. Answer: ``RoleSettings``, empty without a role."""

    machine_id: str


@dataclass(frozen=True, slots=True)
class RemoveClusterRole:
    """Take the machine out of its cluster; it keeps running. Answer: ``RoleSettings`` to restore later.

    Idempotent: where there is no role the answer has no settings.
    """

    machine_id: str


@dataclass(frozen=True, slots=True)
class AddClusterRole:
    """Make the machine a role of the cluster this node belongs to, with saved settings. Answer: None. Idempotent."""

    machine_id: str
    settings: dict[str, Any] = field(default_factory=dict)


Operation = (
    Survey
    | ListMigrations
    | ListEvents
    | Diagnose
    | Echo
    | CheckMigration
    | StartMigration
    | CancelMigration
    | ConfigureHost
    | ConfigureCluster
    | StartMachine
    | ReadClusterRole
    | RemoveClusterRole
    | AddClusterRole
)


@dataclass(frozen=True, slots=True)
class HostReport:
    """What one survey of one host saw: the host, its cluster as it sees it, and the shares it uses with their space."""

    host: Host
    cluster: Cluster | None = None
    shares: tuple[Share, ...] = ()


@dataclass(frozen=True, slots=True)
class HostEvent:
    """An entry of the host's event log, for people: ``level`` 2 is an error, 3 a warning; the text is in its language."""

    id: int
    level: int
    at: datetime | None
    text: str


@dataclass(frozen=True, slots=True)
class HostEvents:
    """What ``ListEvents`` found, newest first."""

    entries: tuple[HostEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class Started:
    """A migration was started, or one was found (``already_running``), or there was nothing left to do (no id)."""

    migration_id: str | None
    already_running: bool = False


@dataclass(frozen=True, slots=True)
class RoleSettings:
    """What a cluster role has set, or had when it was removed (Priority, PreferredOwners, ...), as plain JSON."""

    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Echoed:
    """Texts as they came back, their lengths in UTF-16 units as the host counts them, and how much filler came."""

    texts: tuple[str, ...]
    lengths: tuple[int, ...]
    filler_length: int = 0


class FailureKind(StrEnum):
    """What went wrong between us and a host; what may be done next depends on nothing else."""

    UNREACHABLE = "host-unreachable"
    AUTHENTICATION = "authentication-failed"
    GARBLED = "garbled-answer"
    UNKNOWN = "outcome-unknown"
    LIMIT = "limit-reached"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Failure:
    """No good answer. ``finding`` and ``remedy`` are sentences for people; ``code`` is the host's own code if it gave one."""

    kind: FailureKind
    finding: str
    remedy: str
    code: str | None = None


Value = HostReport | tuple[Migration, ...] | HostEvents | HostDiagnosis | Echoed | Started | RoleSettings | None


@dataclass(frozen=True, slots=True)
class Call:
    """One operation for one host."""

    target: Target
    operation: Operation


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a call: a value, or a failure in its place."""

    call: Call
    value: Value = None
    failure: Failure | None = None


class Hosts(Protocol):
    """The way to reach hosts."""

    def ask(self, calls: Sequence[Call]) -> list[Answer]:
        """Carry out the calls, hosts side by side, calls of one host in their order; answers come in the order of calls."""
        ...

    def close(self) -> None:
        """Give back what is held on hosts (shells, connections)."""
        ...

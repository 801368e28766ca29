"""What people committed: the seven kinds of the desired state as values, names resolved and group defaults merged.

Every object carries the places of its fields, so that a plan can say which line asked for a step. A field that is None
was not given and is not managed. Built by ``reconciler.desired``; read by everyone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache

from reconciler.model.observation import Networks
from reconciler.model.problem import Place
from reconciler.model.words import (
    AuthenticationType,
    Enforcement,
    Handling,
    MigrationKind,
    PerformanceOption,
    Preferences,
    RuleType,
    WhenOff,
)

Labels = dict[str, str]


@dataclass(frozen=True, slots=True)
class Source:
    """Where an object and its fields stand: dotted field names below ``spec`` ("placement.host") to places."""

    place: Place
    fields: Mapping[str, Place] = field(default_factory=dict)

    def of(self, path: str) -> Place:
        """Return the place of a field, or of its nearest parent that has one, or of the object."""
        while path:
            if path in self.fields:
                return self.fields[path]
            path = path.rpartition(".")[0]
        return self.place


@dataclass(frozen=True, slots=True)
class HostMigrationSettings:
    """``Host.spec.migration``; None is not managed."""

    enabled: bool | None = None
    maximum_virtual_machine_migrations: int | None = None
    maximum_storage_migrations: int | None = None
    performance_option: PerformanceOption | None = None
    authentication_type: AuthenticationType | None = None
    networks: Networks | None = None


@dataclass(frozen=True, slots=True)
class HostStorageSettings:
    """``Host.spec.storage``; ``locations`` are paths, StorageLocation names already resolved, in the order given."""

    virtual_machine_path: str | None = None
    virtual_hard_disk_path: str | None = None
    locations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Host:
    """A host, the defaults of its groups merged in."""

    name: str
    source: Source
    address: str
    labels: Labels = field(default_factory=dict)
    host_group: str | None = None
    cluster: str | None = None
    cordoned: bool = False
    maintenance: bool = False
    reserve_memory_mib: int = 0
    migration: HostMigrationSettings = HostMigrationSettings()
    storage: HostStorageSettings = HostStorageSettings()


@dataclass(frozen=True, slots=True)
class HostGroup:
    """A host group; ``hosts`` are all hosts in it or in a group below it."""

    name: str
    source: Source
    parent: str | None = None
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cluster:
    """A failover cluster; ``hosts`` are the hosts that name it."""

    name: str
    source: Source
    address: str
    maximum_parallel_migrations: int | None = None
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StorageLocation:
    """A named folder for machines' files, with what must stay free and how many migrations may write to it."""

    name: str
    source: Source
    path: str
    reserve_free_percent: float = 0
    maximum_concurrent_migrations: int | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a machine may run. ``hosts`` are the allowed hosts, resolved from whichever field was given.

    ``field`` is the field that was given: host, hosts, hostGroup, cluster or hostSelector.
    """

    field: str
    hosts: tuple[str, ...]
    prefer: tuple[str, ...] = ()
    cluster: str | None = None

    def allows(self, host: str) -> bool:
        """Tell whether a host (case does not matter) is among those allowed."""
        if len(self.hosts) == 1:
            return host == self.hosts[0] or host.casefold() == self.hosts[0].casefold()
        return host.casefold() in _folded(self.hosts)


@lru_cache(maxsize=4096)
def _folded_once(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.casefold() for name in names)


KEPT = 4096
_BY_IDENTITY: dict[int, tuple[tuple[str, ...], frozenset[str]]] = {}


def _folded(names: tuple[str, ...]) -> frozenset[str]:
    """Many machines share one list of hosts; it is folded once, and found by identity: a hash would read thousands of names.

    Each list is kept beside its answer, so that no other can get its number.
    """
    known = _BY_IDENTITY.get(id(names))
    if known is None:
        if len(_BY_IDENTITY) >= KEPT:
            _BY_IDENTITY.clear()
        known = _BY_IDENTITY[id(names)] = (names, _folded_once(names))
    return known[1]


@dataclass(frozen=True, slots=True)
class DiskPlacement:
    """One VHD by file name, and the folder it belongs in."""

    file: str
    path: str


@dataclass(frozen=True, slots=True)
class StoragePlacement:
    """Where a machine's files belong; None is not managed. ``path`` covers all that the others do not name."""

    path: str | None = None
    configuration_path: str | None = None
    checkpoint_path: str | None = None
    smart_paging_path: str | None = None
    disks: tuple[DiskPlacement, ...] = ()

    @property
    def is_unmanaged(self) -> bool:
        """Whether nothing is said of any file."""
        return self is UNMANAGED or self == UNMANAGED  # most machines share the one value, and comparing fields takes a while


UNMANAGED = StoragePlacement()


@dataclass(frozen=True, slots=True)
class VirtualMachineMigration:
    """How one machine migrates."""

    performance_option: PerformanceOption | None = None
    when_off: WhenOff = WhenOff.MOVE
    allow: frozenset[MigrationKind] = frozenset(MigrationKind)
    priority: int = 50
    maximum_unprotected_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """Hands off, with a reason and somebody to ask; forever where ``until`` is None.

    ``placed_at`` is when somebody placed it with ``reconciler hold``; None for one that is committed.
    """

    reason: str
    owner: str
    until: datetime | None = None
    placed_at: datetime | None = None

    def is_active(self, now: datetime) -> bool:
        """Tell whether it still stands at that moment."""
        return self.until is None or now < self.until

    @property
    def words(self) -> str:
        """As people read it: ``held by OWNER until TIME (REASON)``."""
        until = f" until {self.until:%Y-%m-%d %H:%MZ}" if self.until else ""
        return f"held by {self.owner}{until} ({self.reason})"


@dataclass(frozen=True, slots=True)
class VirtualMachine:
    """A managed machine. ``id`` is the VMId, lower case, where given; ``drift`` already has the policy's default."""

    name: str
    source: Source
    id: str | None = None
    labels: Labels = field(default_factory=dict)
    placement: Placement | None = None
    storage: StoragePlacement = UNMANAGED
    high_availability: bool | None = None
    migration: VirtualMachineMigration = VirtualMachineMigration()
    drift: Handling = Handling.CORRECT
    hold: Hold | None = None


@dataclass(frozen=True, slots=True)
class PlacementRule:
    """Machines that belong apart or together on a topology ("host", "cluster" or a host label).

    ``virtual_machines`` are metadata names of managed machines; rules by name may also list unmanaged ones.
    """

    name: str
    source: Source
    type: RuleType
    virtual_machines: tuple[str, ...]
    topology: str = "host"
    enforcement: Enforcement = Enforcement.REQUIRED


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be on the way at once in the whole fleet."""

    concurrent_migrations: int = 50
    unprotected_virtual_machines: int = 1


@dataclass(frozen=True, slots=True)
class Guardrails:
    """What one plan may do at most; the share counts from 10 machines up. None is no bound."""

    maximum_migrations_per_plan: int | None = None
    maximum_share_of_virtual_machines: float | None = None


@dataclass(frozen=True, slots=True)
class FailureLimits:
    """How many failures stop what: in the fleet (``budget``), and at one host, which is then left alone for a while."""

    budget: int = 10
    within_minutes: float = 60
    per_host: int = 3
    quarantine_minutes: float = 30


@dataclass(frozen=True, slots=True)
class Window:
    """When migrations may start: days by their English short names, times "HH:MM" in an IANA time zone."""

    days: tuple[str, ...]
    start: str
    end: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Unverified:
    """What to do where a check cannot be made: allow or block."""

    space: str = "allow"
    other: str = "block"


@dataclass(frozen=True, slots=True)
class Estimates:
    """What estimates of time assume, in megabytes a second; None is the planner's own assumption.

    ``dirty``: memory that a running machine rewrites while it travels, and that therefore travels again.
    """

    memory: Mapping[PerformanceOption, float] = field(default_factory=dict)
    storage: float | None = None
    dirty: float | None = None


@dataclass(frozen=True, slots=True)
class Planning:
    """How plans are made where several would do. A combined migration taken in two moves the files first."""

    preferences: Preferences = Preferences.BREAK_TIES
    split_combined_migrations: bool = False
    estimates: Estimates = Estimates()


@dataclass(frozen=True, slots=True)
class Policy:
    """The fleet's policy; the defaults are what holds where no Policy document is given."""

    source: Source | None = None
    drift: Handling = Handling.CORRECT
    limits: Limits = Limits()
    guardrails: Guardrails = Guardrails()
    failures: FailureLimits = FailureLimits()
    windows: tuple[Window, ...] = ()
    maximum_age_seconds: float = 300
    unverified: Unverified = Unverified()
    planning: Planning = Planning()


@dataclass(frozen=True)
class Desired:
    """The whole desired state, each kind sorted by name. ``digest`` ignores layout, order and comments."""

    digest: str
    revision: str | None = None
    hosts: tuple[Host, ...] = ()
    host_groups: tuple[HostGroup, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    storage_locations: tuple[StorageLocation, ...] = ()
    virtual_machines: tuple[VirtualMachine, ...] = ()
    placement_rules: tuple[PlacementRule, ...] = ()
    policy: Policy = Policy()

    def host(self, name: str) -> Host | None:
        """Return the host of that name (case does not matter), or None."""
        return self._hosts_by_name.get(name.casefold())

    def cluster(self, name: str) -> Cluster | None:
        """Return the cluster of that name (case does not matter), or None."""
        return next((cluster for cluster in self.clusters if cluster.name.casefold() == name.casefold()), None)

    @cached_property
    def _hosts_by_name(self) -> dict[str, Host]:
        return {host.name.casefold(): host for host in self.hosts}

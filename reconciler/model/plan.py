"""The Plan document (design contract, section 5): what would be done, in which order it is safe, and what stays undone.

A plan is a saved value: the same inputs give the same bytes. Its fingerprint covers what would be done (the steps
without their estimates, and the desired digest) and not volatile facts such as free memory or the time of the survey.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field, computed_field

from reconciler.model.document import API_VERSION, Document, digest_of
from reconciler.model.problem import Problem
from reconciler.model.words import MIGRATION_KINDS, Action, Handling, MigrationKind, PerformanceOption, Proof

# What a step says beside what it does: estimates, and the line that asked for it, which moves with every comment and checkout.
NOT_FINGERPRINTED = (
    "because",
    "unprotectedSeconds",
    "unverified",
    "estimatedStartSeconds",
    "estimatedSeconds",
    "bytes",
    "dependencyReasons",
)

WHAT_IF = "what-if"  # the revision of a desired state that nobody committed


class MachineRef(Document):
    """A machine by VMId and by the name people know it by."""

    id: str
    name: str


class StorageMove(Document):
    """One file that moves. ``file`` is a VHD's file name, or configuration, checkpoints or smartPaging.

    For a disk ``source`` and ``target`` are full paths; for the rest they are folders.
    """

    file: str
    source: str = Field(alias="from")
    target: str = Field(alias="to")
    bytes: int | None = None


class SettingChange(Document):
    """One setting, from what was observed to what is desired."""

    field: str
    source: Any = Field(alias="from")
    target: Any = Field(alias="to")


class StepBase(Document):
    """What every step has. ``reason`` is the field that asked for it, ``because`` the line it stands in."""

    id: str
    action: Action
    depends_on: tuple[str, ...] = ()
    dependency_reasons: dict[str, str] = {}
    unverified: tuple[str, ...] = ()
    reason: str = ""
    because: str | None = None
    estimated_start_seconds: float = 0
    estimated_seconds: float = 0


class SettingsStep(StepBase):
    """A change of host or cluster settings; just one of ``host`` and ``cluster`` is given.

    For a cluster, ``hosts`` are its observed nodes: any one of them can carry the change out.
    """

    action: Literal[Action.CONFIGURE_HOST, Action.CONFIGURE_CLUSTER]
    host: str | None = None
    cluster: str | None = None
    hosts: tuple[str, ...] = ()
    settings: tuple[SettingChange, ...] = ()

    @property
    def subject(self) -> str:
        """The host or cluster, as ``host/NAME`` or ``cluster/NAME``."""
        return f"host/{self.host}" if self.host else f"cluster/{self.cluster}"


class MachineStep(StepBase):
    """Something done to one machine.

    ``destination`` is None where the host stays the same. A move between clusters is one step with ``leaves_cluster``
    and/or ``joins_cluster`` set: role off, live migration, role on; ``unprotected_seconds`` estimates how long high
    availability is missing. ``bypass`` marks a migration beyond those needed.
    """

    virtual_machine: MachineRef
    source: str
    destination: str | None = None
    storage: tuple[StorageMove, ...] = ()
    performance_option: PerformanceOption | None = None
    leaves_cluster: str | None = None
    joins_cluster: str | None = None
    unprotected_seconds: float = 0
    bypass: bool = False
    bytes: int = 0

    @property
    def subject(self) -> str:
        """The machine, as ``virtualMachine/NAME``."""
        return f"virtualMachine/{self.virtual_machine.name}"

    @property
    def migration_kind(self) -> MigrationKind | None:
        """The kind of migration this step is, or None where it is none."""
        return MIGRATION_KINDS.get(self.action)

    @property
    def migrations(self) -> int:
        """How many migrations it counts as: live with storage is one of each."""
        return 0 if self.migration_kind is None else 1 + (self.migration_kind is MigrationKind.LIVE_WITH_STORAGE)

    @property
    def is_crossing(self) -> bool:
        """Whether high availability is lost on the way (the machine leaves a cluster)."""
        return self.leaves_cluster is not None


Step = SettingsStep | MachineStep


class Blocked(Document):
    """A machine, host or rule that the plan cannot help, with hosts counted per reason where hosts were considered.

    ``proven``: there is no way, as things stand; false: a search ended before it could tell. ``conflict``: a smallest set of
    demands that cannot hold together, each with its place; without any one of them the others could.
    """

    subject: str
    id: str | None = None
    code: str
    finding: str
    remedy: str
    counts: dict[str, int] = {}
    because: str | None = None
    proven: bool = True
    conflict: tuple[str, ...] = ()


class HoldRef(Document):
    """Who asked for hands off, and why; forever where ``until`` is null. ``placed_at`` is null for one that is committed."""

    owner: str
    reason: str
    until: datetime | None = None
    placed_at: datetime | None = None


class DriftEntry(Document):
    """One difference between what is desired and what was observed, and what the reconciler does about it."""

    subject: str
    id: str | None = None
    field: str
    desired: Any
    observed: Any
    handling: Handling
    because: str | None = None
    hold: HoldRef | None = None


class PlanProblem(Document):
    """A problem as the plan document carries it."""

    code: str
    subject: str
    severity: Literal["error", "warning"]
    finding: str
    remedy: str
    place: str | None = None

    @classmethod
    def of(cls, problem: Problem) -> "PlanProblem":
        """Return a problem in the form that documents carry."""
        return cls(
            code=problem.code,
            subject=problem.subject,
            severity=problem.severity.value,
            finding=problem.finding,
            remedy=problem.remedy,
            place=str(problem.place) if problem.place else None,
        )


class Summary(Document):
    """Counts of machines and of migrations; a move between clusters is one live migration.

    ``needed_migrations`` and ``lower_bound_seconds`` are proven lower bounds for what this plan brings into place; ``proof``
    says whether the planned migrations reach theirs.
    """

    host_settings: int = 0
    live_migrations: int = 0
    storage_migrations: int = 0
    offline_migrations: int = 0
    starts: int = 0
    high_availability_changes: int = 0
    in_place: int = 0
    moving: int = 0
    blocked: int = 0
    unknown: int = 0
    unmanaged: int = 0
    needed_migrations: int = 0
    proof: Proof = Proof.MINIMAL
    bytes: int = 0
    estimated_seconds: float = 0
    lower_bound_seconds: float = 0

    @property
    def migrations(self) -> int:
        """All migrations; live with storage counts as one of each."""
        return self.live_migrations + self.storage_migrations + self.offline_migrations


class DesiredRef(Document):
    """Which desired state a plan is for."""

    revision: str | None
    digest: str


class ObservationRef(Document):
    """Which observation a plan came from."""

    digest: str
    observed_at: datetime


class Assumed(Document):
    """What the estimates of a plan assume, in bytes a second; by performance option for memory."""

    memory_bytes_per_second: dict[str, float] = {}
    storage_bytes_per_second: float = 0
    dirty_bytes_per_second: float = 0


class Plan(Document):
    """What would be done. ``complete``: nothing the desired state names is unknown. ``applicable``: nothing forbids it."""

    api_version: Literal["reconciler/v1"] = API_VERSION
    kind: Literal["Plan"] = "Plan"
    desired: DesiredRef
    observation: ObservationRef
    complete: bool
    applicable: bool
    summary: Summary
    steps: tuple[Step, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    drift: tuple[DriftEntry, ...] = ()
    problems: tuple[PlanProblem, ...] = ()
    assumptions: Assumed = Assumed()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def fingerprint(self) -> str:
        """Digest of what would be done."""
        return digest_of({"desired": self.desired.digest, "steps": [_deed(step) for step in self.steps]})

    @property
    def has_changes(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.steps)

    @property
    def is_hypothetical(self) -> bool:
        """Whether it is for a desired state that nobody committed; such a plan is read, never applied."""
        return self.desired.revision == WHAT_IF

    def to_json(self) -> dict[str, Any]:
        """Return the published document, ``fingerprint`` in front."""
        data = super().to_json()
        lead = ("apiVersion", "kind", "fingerprint")
        return {key: data[key] for key in lead} | data


def _deed(step: Step) -> dict[str, Any]:
    data = {key: value for key, value in step.to_json().items() if key not in NOT_FINGERPRINTED}
    if "storage" in data:
        data["storage"] = [{key: move[key] for key in ("file", "from", "to")} for move in data["storage"]]
    return data

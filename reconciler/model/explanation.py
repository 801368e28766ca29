"""The Explanation document: why one machine, host or cluster stands as it does, and what would have to change.

Answers, never instructions: nothing acts upon an explanation. Made by ``reconciler.explain`` from the same values as the plan,
shown by ``reconciler.report``. Memory is MiB, sizes are bytes, None is unknown.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from reconciler.model.document import API_VERSION, Document
from reconciler.model.observation import Migration, VirtualMachine
from reconciler.model.plan import Blocked, DesiredRef, DriftEntry, MachineStep, ObservationRef, Step
from reconciler.model.words import HostStatus, MigrationKind


class Verdict(StrEnum):
    """What a host is to a machine. WAITS: it has room once others have left by this plan; ARRIVING: on its way there now."""

    HERE = "here"
    ARRIVING = "arriving"
    PLANNED = "planned"
    POSSIBLE = "possible"
    WAITS = "waits"
    REFUSED = "refused"


class Reason(Document):
    """One reason, with its remedy. ``reason`` is the word by which a plan counts hosts."""

    reason: str
    finding: str
    remedy: str = ""


class MemoryRoom(Document):
    """Memory of a host as an arrival meets it: ``room`` is available less reserve less what is on its way there.

    ``leaving`` and ``arriving`` are what other machines free and take by this plan or by migrations that run.
    """

    total_mib: int | None = Field(default=None, alias="totalMiB")
    available_mib: int | None = Field(default=None, alias="availableMiB")
    reserve_mib: int = Field(default=0, alias="reserveMiB")
    on_its_way_mib: int = Field(default=0, alias="onItsWayMiB")
    room_mib: int | None = Field(default=None, alias="roomMiB")
    leaving_mib: int = Field(default=0, alias="leavingMiB")
    arriving_mib: int = Field(default=0, alias="arrivingMiB")
    needed_mib: int | None = Field(default=None, alias="neededMiB")


class HostOption(Document):
    """One host that a machine may be on: the verdict, every reason against it, and how the machine would get there.

    ``copies`` are the files that would be copied, with ``bytes`` of disks; ``unreached`` are paths the host cannot reach.
    """

    host: str
    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    memory: MemoryRoom | None = None
    migration: MigrationKind | None = None
    copies: tuple[str, ...] = ()
    bytes: int | None = None
    unreached: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()


class Asked(Document):
    """One thing that is asked for, and the line that asks."""

    field: str
    value: Any
    because: str | None = None


class FileFact(Document):
    """One file or data root: where it lies, and the folder it belongs in where that is another one."""

    file: str
    path: str | None
    bytes: int | None = None
    belongs_in: str | None = None
    because: str | None = None


class StepStart(Document):
    """Whether a step may start at the moment of the explanation; if not, why, and until when where that is known."""

    step_id: str
    may_start: bool
    code: str = ""
    finding: str = ""
    until: datetime | None = None
    after: tuple[str, ...] = ()


class LastFailure(Document):
    """What went wrong with the machine when it was last tried: how often in a row, when, why, and when it is tried again."""

    failures: int
    at: datetime
    finding: str
    cause: str
    remedy: str = ""
    next_try_at: datetime


class MachineExplanation(Document):
    """One machine: where it is, what is asked, every host it may be on, what is planned, what it waits for.

    ``last_failure`` is what the store knows of its latest attempt, None where that went well or is not recorded.
    """

    name: str
    id: str | None = None
    managed: bool
    because: str | None = None
    answer: str
    status: str
    host: str | None = None
    observed: VirtualMachine | None = None
    in_place: bool | None = None
    files: tuple[FileFact, ...] = ()
    asked: tuple[Asked, ...] = ()
    options: tuple[HostOption, ...] = ()
    other_hosts: int = 0
    steps: tuple[MachineStep, ...] = ()
    starts: tuple[StepStart, ...] = ()
    migration: Migration | None = None
    last_failure: LastFailure | None = None
    blocked: tuple[Blocked, ...] = ()
    unblock: tuple[str, ...] = ()


class Limit(Document):
    """Migration slots of one sort: used now, the limit in force, and who sets it (the smallest of those that are known)."""

    used: int | None = None
    limit: int | None = None
    owner: str | None = None
    because: str | None = None


class VolumeRoom(Document):
    """Space of one volume or share; ``room`` is what is free less what must stay free."""

    path: str
    size_bytes: int | None = None
    free_bytes: int | None = None
    room_bytes: int | None = None


class Resident(Document):
    """A machine on a host; ``standing`` is its status in the desired state, or unmanaged.

    ``leaves_by`` is the step that takes it away, ``blocked`` the code of what keeps it from being brought into place.
    """

    name: str
    id: str
    state: str | None = None
    memory_mib: int | None = Field(default=None, alias="memoryMiB")
    standing: str
    leaves_by: str | None = None
    blocked: str | None = None


class RefusedMachine(Document):
    """A machine that is out of place and may be on this host, and why the host is refused to it."""

    name: str
    id: str | None = None
    reasons: tuple[Reason, ...]


class HostExplanation(Document):
    """One host: what runs there, slots and their owner, room, settings that differ, what comes and goes, what is refused."""

    name: str
    because: str | None = None
    answer: str
    address: str | None = None
    status: HostStatus | None = None
    problem: str | None = None
    cluster: str | None = None
    node_state: str | None = None
    cordoned: bool = False
    maintenance: bool = False
    live: Limit = Limit()
    storage: Limit = Limit()
    memory: MemoryRoom | None = None
    volumes: tuple[VolumeRoom, ...] = ()
    machines: tuple[Resident, ...] = ()
    migrations: tuple[Migration, ...] = ()
    drift: tuple[DriftEntry, ...] = ()
    settings: tuple[Step, ...] = ()
    arrives: tuple[MachineStep, ...] = ()
    leaves: tuple[MachineStep, ...] = ()
    refused: tuple[RefusedMachine, ...] = ()
    blocked: tuple[Blocked, ...] = ()


class ClusterExplanation(Document):
    """One cluster: its nodes, its limit, its shared volumes, settings that differ, what crosses its border."""

    name: str
    because: str | None = None
    answer: str
    address: str | None = None
    maximum_parallel_migrations: Limit = Limit()
    nodes: tuple[HostExplanation, ...] = ()
    volumes: tuple[VolumeRoom, ...] = ()
    drift: tuple[DriftEntry, ...] = ()
    settings: tuple[Step, ...] = ()
    joins: tuple[MachineStep, ...] = ()
    leaves: tuple[MachineStep, ...] = ()


class Explanation(Document):
    """The answer to one question; every subject that bears the name, usually one."""

    api_version: Literal["reconciler/v1"] = API_VERSION
    kind: Literal["Explanation"] = "Explanation"
    subject: str
    at: datetime
    desired: DesiredRef
    observation: ObservationRef
    virtual_machines: tuple[MachineExplanation, ...] = ()
    hosts: tuple[HostExplanation, ...] = ()
    clusters: tuple[ClusterExplanation, ...] = ()

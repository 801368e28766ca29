"""Drift: where every managed thing stands, compared with where it belongs. What the planner starts from.

Made by ``reconciler.diff`` from a desired state and one observation. Nothing here says what to do about a difference
beyond the handling that people committed (correct, report, ignore) or a hold.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from reconciler.model.desired import PlacementRule, VirtualMachine
from reconciler.model.observation import Migration
from reconciler.model.observation import VirtualMachine as ObservedMachine
from reconciler.model.plan import DriftEntry, SettingChange
from reconciler.model.problem import Problem
from reconciler.model.words import Handling


class MachineStatus(StrEnum):
    """Where a managed machine stands. IN_PLACE is a matter of placement and storage alone."""

    IN_PLACE = "inPlace"
    MISPLACED = "misplaced"
    MOVING = "moving"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"
    MISSING = "missing"
    AMBIGUOUS = "ambiguous"
    DUPLICATE = "duplicate"
    HELD = "held"


# Where a machine is and stays for now: seen on one host, on no way elsewhere, held by nobody.
SETTLED = (MachineStatus.IN_PLACE, MachineStatus.MISPLACED)


class RoleChange(StrEnum):
    """What high availability lacks: a cluster role to add, or one to take away."""

    ADD = "add"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class FileDrift:
    """A file outside the folder asked for. ``path``: full path of a disk, folder of a data root."""

    file: str
    path: str
    folder: str
    field: str


class MachineDrift(NamedTuple):
    """One managed machine. ``host`` and ``observed`` are None where it was not found (or found more than once).

    ``wrong_host``: its placement does not allow the host. ``draining``: its host is in maintenance. ``migration`` is the
    running job that has it, ``destination`` the host that job leads to. ``finding`` says in a sentence what is odd.
    A tuple, because large fleets have many, made anew at each look.
    """

    machine: VirtualMachine
    status: MachineStatus
    handling: Handling = Handling.CORRECT
    host: str | None = None
    observed: ObservedMachine | None = None
    wrong_host: bool = False
    draining: bool = False
    files: tuple[FileDrift, ...] = ()
    role: RoleChange | None = None
    migration: Migration | None = None
    destination: str | None = None
    finding: str = ""

    @property
    def subject(self) -> str:
        """The machine, as ``virtualMachine/NAME`` with the name in the desired state."""
        return f"virtualMachine/{self.machine.name}"

    @property
    def differs(self) -> bool:
        """Whether anything about the machine is not as committed."""
        return self.wrong_host or self.draining or bool(self.files) or self.role is not None


@dataclass(frozen=True, slots=True)
class SettingDrift:
    """Settings of one host or cluster that differ; ``subject`` is ``host/NAME`` or ``cluster/NAME``."""

    subject: str
    name: str
    changes: tuple[SettingChange, ...]
    because: str | None
    handling: Handling

    @property
    def is_cluster(self) -> bool:
        """Whether the settings are a cluster's."""
        return self.subject.startswith("cluster/")


@dataclass(frozen=True, slots=True)
class RuleDrift:
    """A required placement rule that is broken now, and the members that break it."""

    rule: PlacementRule
    machines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnmanagedMachine:
    """A machine that was seen and that the desired state does not name."""

    id: str
    name: str
    host: str


@dataclass(frozen=True)
class Drift:
    """All that was compared, each part sorted by name. ``entries`` is the published list of differences."""

    machines: tuple[MachineDrift, ...] = ()
    settings: tuple[SettingDrift, ...] = ()
    rules: tuple[RuleDrift, ...] = ()
    entries: tuple[DriftEntry, ...] = ()
    problems: tuple[Problem, ...] = ()
    unmanaged: tuple[UnmanagedMachine, ...] = ()

    @cached_property
    def unsettled(self) -> tuple[MachineDrift, ...]:
        """The machines that are not simply in place, in their order: few of a large fleet, and what most ask about."""
        in_place = MachineStatus.IN_PLACE
        return tuple(drift for drift in self.machines if drift.status is not in_place or drift.differs)

"""The Preview document: what a change of the desired state would do to a fleet, compared with what is due without it.

A saved value like a plan: the same two revisions and the same observation give the same bytes, but for the window, which is a
matter of when one asks. Every comment, status and pipeline variable is made from it alone.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from reconciler.model.document import API_VERSION, Document
from reconciler.model.plan import Blocked, DesiredRef, ObservationRef, PlanProblem, Step, Summary


class Change(StrEnum):
    """What the change does to a step or a blocked machine. UNKNOWN: without a plan of the base nothing can be compared."""

    ADDED = "added"
    KEPT = "kept"
    REMOVED = "removed"
    UNKNOWN = "unknown"


class RiskLevel(StrEnum):
    """How closely a reviewer should look."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Side(Document):
    """One of the two revisions. ``desired`` and ``fingerprint`` are None where it has errors; ``problems`` says which."""

    name: str
    commit: str | None = None
    desired: DesiredRef | None = None
    fingerprint: str | None = None
    problems: tuple[PlanProblem, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Whether the revision could be loaded and planned."""
        return self.fingerprint is not None


class FieldChange(Document):
    """One field of one document that differs; an empty ``field`` is the whole document, added or removed."""

    subject: str
    change: Literal["added", "removed", "changed"]
    field: str = ""
    source: Any = Field(default=None, alias="from")
    target: Any = Field(default=None, alias="to")
    place: str | None = None


class ComparedStep(Document):
    """A step of the head's plan, or one that only the base's plan has (``removed``)."""

    change: Change
    step: Step


class ComparedBlocked(Document):
    """What is blocked in the head's plan, or no longer is (``removed``)."""

    change: Change
    blocked: Blocked


class WindowFit(Document):
    """The window that is open at the time of asking, or the next one; None without windows. ``fits``: all of it would."""

    opens_at: datetime
    closes_at: datetime
    is_open: bool
    fits: bool


class Risk(Document):
    """The highest level of the rules that hold, and each of them as a sentence of our own words, numbers and names."""

    level: RiskLevel = RiskLevel.LOW
    reasons: tuple[str, ...] = ()


class Preview(Document):
    """What the change from base to head would do. ``summary`` is the head's plan; ``applicable`` as in a plan."""

    api_version: Literal["reconciler/v1"] = API_VERSION
    kind: Literal["Preview"] = "Preview"
    base: Side
    head: Side
    observation: ObservationRef
    complete: bool = True
    applicable: bool = True
    summary: Summary = Summary()
    added_migrations: int = 0
    unprotected_seconds: float = 0
    changes: tuple[FieldChange, ...] = ()
    steps: tuple[ComparedStep, ...] = ()
    blocked: tuple[ComparedBlocked, ...] = ()
    problems: tuple[PlanProblem, ...] = ()
    window: WindowFit | None = None
    risk: Risk = Risk()

    @property
    def has_changes(self) -> bool:
        """Whether the change adds or removes any step; also where that cannot be told and there are steps."""
        return any(step.change is not Change.KEPT for step in self.steps)

    def steps_of(self, *changes: Change) -> tuple[Step, ...]:
        """Return the steps with one of these changes, in the plan's order."""
        return tuple(compared.step for compared in self.steps if compared.change in changes)

    def blocked_of(self, *changes: Change) -> tuple[Blocked, ...]:
        """Return what is blocked with one of these changes."""
        return tuple(compared.blocked for compared in self.blocked if compared.change in changes)

"""The Status document: what the service knows of machines, hosts and the fleet, as conditions with an age; and events.

A condition that holds is ``True``, one that does not is ``False``, and ``Unknown`` is neither: nothing that could not be seen
is ever shown as well. ``since`` is when the condition last changed its status, not when it was last looked at.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from reconciler.model.document import API_VERSION, Document


class ConditionType(StrEnum):
    """What is said of every machine, host and the fleet. READY sums up the others."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    DRIFTED = "Drifted"
    BLOCKED = "Blocked"
    UNKNOWN = "Unknown"


class Truth(StrEnum):
    """Whether a condition holds. Unknown is no kind of yes."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class DriftCause(StrEnum):
    """Why something is not where it should be, as far as it can be told from what was seen."""

    COMMIT = "commit"
    OPERATOR = "operator"
    FAILOVER = "failover"
    BALANCER = "clusterBalancer"
    UNFINISHED = "unfinishedPlan"
    UNKNOWN = "unknown"


class Condition(Document):
    """One condition. ``reason`` is a stable word for programs, ``message`` a sentence for people."""

    type: ConditionType
    status: Truth
    reason: str
    message: str = ""
    since: datetime


class ObjectStatus(Document):
    """One machine or host (``subject`` as in plans: ``virtualMachine/web1``), its conditions in their fixed order.

    ``host`` is where a machine was last seen, ``observed_at`` when its facts were taken; both None where it never was.
    ``cause`` and ``drifted_since`` are given while it is drifted.
    """

    subject: str
    id: str | None = None
    host: str | None = None
    observed_at: datetime | None = None
    conditions: tuple[Condition, ...] = ()
    cause: DriftCause | None = None
    drifted_since: datetime | None = None

    def condition(self, kind: ConditionType) -> Condition:
        """Return the condition of that type; every object has each."""
        return next(condition for condition in self.conditions if condition.type is kind)

    def is_true(self, kind: ConditionType) -> bool:
        """Tell whether a condition holds; what is unknown does not."""
        return self.condition(kind).status is Truth.TRUE


class SourceStatus(Document):
    """Where the desired state comes from, which of it is in force, and what is wrong with the newest.

    ``revision`` is in force; ``refused`` is a newer one that is not, with ``problems`` saying why. ``checked_at`` is when the
    source was last read with success.
    """

    location: str
    revision: str | None = None
    digest: str | None = None
    refused: str | None = None
    problems: tuple[str, ...] = ()
    checked_at: datetime | None = None


class FleetStatus(Document):
    """The Status document: the fleet's own conditions, the source's state, and every host and machine by name."""

    api_version: Literal["reconciler/v1"] = API_VERSION
    kind: Literal["Status"] = "Status"
    at: datetime
    mode: Literal["apply", "report"] = "apply"
    paused: str | None = None
    source: SourceStatus
    fleet: ObjectStatus
    hosts: tuple[ObjectStatus, ...] = ()
    machines: tuple[ObjectStatus, ...] = ()

    def objects(self) -> tuple[ObjectStatus, ...]:
        """Return the fleet, then hosts, then machines."""
        return (self.fleet, *self.hosts, *self.machines)

    def of(self, subject: str) -> ObjectStatus | None:
        """Return the status of one subject (case does not matter), or None."""
        return next((one for one in self.objects() if one.subject.casefold() == subject.casefold()), None)


class Event(Document):
    """One thing that happened, told once. ``name`` is one of a fixed list (docs/service.md); ``data`` is plain JSON."""

    at: datetime
    name: str
    subject: str
    message: str = ""
    data: dict[str, Any] = {}

"""What is known while a plan is carried out, and what came of it: progress now, outcomes at the end.

Plain values for whoever shows them (terminal, log, JSON). They claim nothing that was not observed: an unknown percentage,
byte count or time left is None.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from reconciler.model.document import API_VERSION, Document
from reconciler.model.plan import Blocked, DriftEntry, PlanProblem
from reconciler.model.words import Action, MigrationKind


class OutcomeState(StrEnum):
    """How a step stands. Done means seen in its place, never merely reported as done."""

    DONE = "done"
    FAILED = "failed"
    WAITING = "waiting"
    BLOCKED = "blocked"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class ProgressRow:
    """One step that runs or ran. ``id`` (the VMId or step id) tells rows apart where names repeat; ``percent`` is 0 to 100."""

    name: str
    kind: MigrationKind | Action
    source: str
    destination: str | None = None
    percent: int | None = None
    bytes_done: int | None = None
    bytes_total: int | None = None
    seconds_left: float | None = None
    state: OutcomeState = OutcomeState.RUNNING
    id: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What stays the same about a row from one look to the next."""
        return (self.id or self.name, str(self.kind), self.source, self.destination or "")


@dataclass(frozen=True, slots=True)
class Progress:
    """One look at a run: the rows worth showing, and how many steps of ``total`` are done, failed and waiting."""

    now: datetime
    rows: tuple[ProgressRow, ...]
    done: int
    failed: int
    waiting: int
    total: int


class StepOutcome(Document):
    """What came of one step. ``unprotected_seconds`` is measured (None: not measured, or high availability was never off).

    ``events`` are what the logs of its hosts said of errors when it failed.
    """

    step_id: str
    subject: str
    id: str | None = None
    action: Action
    source: str | None = None
    destination: str | None = None
    state: OutcomeState
    detail: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    unprotected_seconds: float | None = None
    events: tuple[str, ...] = ()
    estimated_seconds: float = 0

    @property
    def seconds(self) -> float | None:
        """How long the step took, where both ends are known."""
        if self.started_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.started_at).total_seconds()


class PeakSlots(Document):
    """The most slots of one host that were seen in use at once, beside its limits (None: unknown)."""

    host: str
    live: int = 0
    live_limit: int | None = None
    storage: int = 0
    storage_limit: int | None = None


class ApplyReport(Document):
    """The end of an apply: what was done, what was not and why, and what still differs. ``seconds`` is its wall time."""

    api_version: Literal["reconciler/v1"] = API_VERSION
    kind: Literal["ApplyReport"] = "ApplyReport"
    outcomes: tuple[StepOutcome, ...] = ()
    drift: tuple[DriftEntry, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    problems: tuple[PlanProblem, ...] = ()
    interrupted: bool = False
    exit_code: int = 0
    exit_reason: str = ""
    seconds: float = 0
    peak_slots: tuple[PeakSlots, ...] = ()

    def in_state(self, *states: OutcomeState) -> tuple[StepOutcome, ...]:
        """Return the outcomes in one of these states, in their order."""
        return tuple(outcome for outcome in self.outcomes if outcome.state in states)

    def to_json(self) -> dict[str, Any]:
        """Return the published document, with the seconds that each step took beside its times."""
        data = super().to_json()
        for shown, outcome in zip(data["outcomes"], self.outcomes, strict=True):
            shown["seconds"] = outcome.seconds
        return data

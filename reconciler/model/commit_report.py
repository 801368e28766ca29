"""What became of one commit after its merge: carried out, under way, stuck, refused, or overtaken by a later one."""

from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.plan import Blocked
from reconciler.model.progress import StepOutcome


class CommitState(StrEnum):
    """How a commit stands. STUCK: what is left of it needs a person."""

    UNDER_WAY = "underWay"
    DONE = "done"
    STUCK = "stuck"
    REFUSED = "refused"
    OVERTAKEN = "overtaken"

    @property
    def is_last(self) -> bool:
        """Whether nothing more is to be said of it by itself."""
        return self is not CommitState.UNDER_WAY


@dataclass(frozen=True, slots=True)
class CommitReport:
    """One commit by its full name. ``left`` and ``running`` count steps of the plan as it is now.

    ``why`` is a sentence or empty; ``outcomes`` are the steps that ended while the commit was in force, oldest first.
    """

    revision: str
    state: CommitState
    why: str = ""
    outcomes: tuple[StepOutcome, ...] = ()
    running: int = 0
    left: int = 0
    blocked: tuple[Blocked, ...] = ()

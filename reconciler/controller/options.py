"""How a controller behaves, and whoever shows to people what it does."""

from dataclasses import dataclass
from typing import Protocol

from reconciler.model.plan import Plan
from reconciler.model.progress import Progress


class View(Protocol):
    """Whoever shows a run to people."""

    def show(self, progress: Progress) -> None:
        """Show how far things are; called at each look."""
        ...

    def say(self, text: str) -> None:
        """Say one sentence that stays."""
        ...


@dataclass(frozen=True, slots=True)
class Options:
    """How a controller behaves. Times are in seconds, ``attempts`` per machine (None: never
    given up, only ever longer pauses); ``override`` names guard rails to pass.

    ``remember_failures``: take up back-off and quarantine where the last controller left them.
    ``full_survey_seconds``: how often all hosts are surveyed; in between only those concerned (None: always all).
    ``approved`` is the one plan whose steps may start; None lets everything start that is planned afresh.
    """

    poll_seconds: float = 2
    refresh_seconds: float = 60
    patience_seconds: float = 600
    attempts: int | None = 3
    remember_failures: bool = False
    full_survey_seconds: float | None = None
    override: frozenset[str] = frozenset()
    approved: Plan | None = None

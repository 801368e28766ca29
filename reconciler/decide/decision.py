"""The answer of ``decide`` as values: what starts now, and for everything else the one reason why not yet."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from reconciler.model.plan import Step


class Reason(NamedTuple):
    """Why a step may not start: a stable code, a sentence, and until when where that is known."""

    code: str
    finding: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A step that may not start yet. ``until`` is when to look again at the earliest, where that is known."""

    step_id: str
    subject: str
    code: str
    finding: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Steps to start now, in this order, and the steps that wait, in the order in which they were considered."""

    starts: tuple[Step, ...] = ()
    waiting: tuple[Waiting, ...] = ()

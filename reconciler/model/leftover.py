"""The Leftovers document: what migrations that did not end well may have left on hosts. Nothing acts upon it."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from reconciler.model.document import API_VERSION, Document


class LeftoverKind(StrEnum):
    """What was left: copied files, a planned machine at a destination, or a second registration of a machine."""

    FILES = "files"
    PLANNED = "plannedVirtualMachine"
    REGISTRATION = "registration"


class Leftover(Document):
    """One thing on one host. ``look`` and ``clean`` are commands for an administrator, in PowerShell.

    ``since`` is when the migration ended that left it, None where nobody wrote that down; ``clean`` is None where a
    person has to decide first what is to go.
    """

    kind: LeftoverKind
    host: str
    name: str
    id: str
    finding: str
    path: str | None = None
    since: datetime | None = None
    look: str
    clean: str | None = None


class Leftovers(Document):
    """All that is known to be left. ``unseen`` are hosts that did not answer: they may hold more."""

    api_version: Literal["reconciler/v1"] = API_VERSION
    kind: Literal["Leftovers"] = "Leftovers"
    observed_at: datetime
    items: tuple[Leftover, ...] = ()
    unseen: tuple[str, ...] = ()

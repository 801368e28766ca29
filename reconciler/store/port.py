"""The port that the passes and commands write to and read from, and its values. Everything in a store is an entry.

What is remembered beyond that (holds, debts, plans, history) are pure functions of entries, the same for every store.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from reconciler.model.problem import Problem


class StoreError(Exception):
    """The store cannot be opened, read or written; nothing may be started without it. ``problem`` has place and remedy."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Origin:
    """On whose behalf entries are written: who (``user@host``, or the service), by which command, for which desired state."""

    actor: str = ""
    command: str = ""
    revision: str | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was written down; ``data`` is plain JSON.

    ``subject`` is what it is about, a VMId or ``host/h1``, and ``name`` what people call that; both in lower case, and empty
    where it is about no one thing. ``number`` counts from 1, ``previous`` and ``seal`` chain it to the entry before.
    """

    at: datetime
    kind: str
    data: dict[str, Any]
    number: int = 0
    subject: str = ""
    name: str = ""
    origin: Origin = field(default_factory=Origin)
    previous: str = ""
    seal: str = ""


@dataclass(frozen=True, slots=True)
class Retention:
    """How much is kept: entries of this age, and at most so many; what is still open is kept in any case.

    ``slack``: as long as no more than this many could go, all stay, for letting go has to read everything.
    """

    age: timedelta = timedelta(days=400)
    entries: int = 200_000
    slack: int = 1000


class Store(Protocol):
    """An append-only record. Every method raises StoreError where it cannot do what it says."""

    def acting(self, origin: Origin) -> None:
        """Say on whose behalf all that follows is appended."""
        ...

    def append(self, kind: str, data: dict[str, Any]) -> Entry:
        """Write one entry, durably, and return it."""
        ...

    def entries(
        self, *, kinds: Collection[str] = (), about: str | None = None, after: int = 0, limit: int | None = None
    ) -> list[Entry]:
        """Return entries, oldest first: of these kinds, about one machine or host, after that number; the newest ``limit``.

        ``about`` is a VMId, a name or ``host/NAME``, in any case; a name finds entries that know only its VMId as well.
        """
        ...

    def latest(self, kinds: Collection[str]) -> list[Entry]:
        """Return for each subject the newest of its entries of these kinds, oldest first."""
        ...

    def trim(self, retention: Retention) -> int:
        """Let go of entries beyond what is to be kept and needed no more; return how many. The gap is itself written down."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...

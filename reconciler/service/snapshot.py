"""What a running service knows, published as one frozen value after each look, and read by any thread without a lock."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from reconciler.desired import SourceFile
from reconciler.model.desired import Desired
from reconciler.model.observation import Observation
from reconciler.model.plan import Plan
from reconciler.model.progress import Progress
from reconciler.model.status import Event, FleetStatus

EVENTS_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Waits:
    """Why a step of the plan has not started: a stable code, a sentence, and when to look again where that is known."""

    step_id: str
    subject: str
    code: str
    finding: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One look. ``desired`` and what follows from it are None until a desired state was in force.

    ``pulse`` is when the loop last went round: the service's own sign of life. ``ready`` is None, or says why not. ``files``
    are those of the desired state in force; ``approval`` is the fingerprint that waits for somebody's approval.
    """

    pulse: datetime
    run_id: str
    ready: str | None = "starting"
    status: FleetStatus | None = None
    desired: Desired | None = None
    observation: Observation | None = None
    plan: Plan | None = None
    waiting: tuple[Waits, ...] = ()
    progress: Progress | None = None
    approval: str | None = None
    files: tuple[SourceFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Numbered:
    """An event with its place in the stream, so that a reader who was away can go on where it left."""

    number: int
    event: Event


@dataclass
class Board:
    """Where the loop pins its latest snapshot and events, and others read. Readers may ask to be told of news."""

    latest: Snapshot
    _events: deque[Numbered] = field(default_factory=lambda: deque(maxlen=EVENTS_KEPT))
    _number: int = 0
    _told: dict[int, Callable[[], None]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def pin(self, snapshot: Snapshot, events: tuple[Event, ...] = ()) -> None:
        """Publish a snapshot with what happened since the one before. For the loop alone."""
        with self._lock:
            self.latest = snapshot
            for event in events:
                self._number += 1
                self._events.append(Numbered(self._number, event))
            told = list(self._told.values())
        for tell in told:
            tell()

    def touch(self, now: datetime) -> None:
        """Renew the sign of life."""
        self.pin(replace(self.latest, pulse=now))

    def events(self, after: int = 0) -> list[Numbered]:
        """Return the events that are kept and are numbered higher, oldest first."""
        with self._lock:
            return [one for one in self._events if one.number > after]

    def subscribe(self, tell: Callable[[], None]) -> Callable[[], None]:
        """Call ``tell`` (from the loop's thread; it must be quick) at each news; return what ends it."""
        key = id(tell)
        with self._lock:
            self._told[key] = tell

        def leave() -> None:
            with self._lock:
                self._told.pop(key, None)

        return leave

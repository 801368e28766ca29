"""Which desired state is in force, and whether anything may start for it: the source, looked at again and again."""

from datetime import datetime, timedelta

from reconciler.clock import Clock
from reconciler.model.desired import Desired
from reconciler.model.problem import Problem
from reconciler.model.status import SourceStatus
from reconciler.service.acceptance import Candidate, InForce, Terms, refusals, told
from reconciler.service.source import Source, SourceUnavailable
from reconciler.store import Store
from reconciler.store.kinds import ACCEPTED, IN_FORCE


class Following:
    """Follows one source. ``in_force`` is what reports and plans are made for, None until a first revision was good."""

    def __init__(self, source: Source, store: Store, clock: Clock, *, linear_history: bool, grace: timedelta) -> None:
        self._source, self._store, self._clock = source, store, clock
        self._linear_history, self._grace = linear_history, grace
        self._accepted = frozenset(str(entry.data["revision"]) for entry in store.entries(kinds=[ACCEPTED]))
        self._read_at: datetime | None = None
        self._refused: str | None = None
        self._problems: tuple[Problem, ...] = ()
        self._unavailable: Problem | None = None
        self.in_force: InForce | None = None

    def take_up(self) -> None:
        """Go on with what was in force when the service ended, so that a bad newest revision finds a good one in its place."""
        entries = self._store.entries(kinds=[IN_FORCE], limit=1)
        if not entries:
            return
        try:
            candidate = self._source.read(str(entries[-1].data["revision"]))
        except SourceUnavailable:
            return
        if candidate.desired is not None:
            self.in_force = InForce(candidate.revision, candidate.desired, candidate.files)

    def look(self) -> bool:
        """Look at the source; True where another desired state came into force."""
        try:
            candidate = self._source.newest(self.in_force.revision if self.in_force else None)
        except SourceUnavailable as error:
            self._unavailable = error.problem
            return False
        self._read_at, self._unavailable = self._clock.now(), None
        self._problems = refusals(candidate, self.in_force, Terms(self._linear_history, self._accepted))
        self._refused = candidate.revision if self._problems else None
        return not self._problems and self._take(candidate)

    def _take(self, candidate: Candidate) -> bool:
        if candidate.desired is None or (self.in_force and self.in_force.revision == candidate.revision):
            return False
        before = self.in_force
        self.in_force = InForce(candidate.revision, candidate.desired, candidate.files)
        self._store.append(IN_FORCE, {"revision": candidate.revision, "digest": candidate.desired.digest})
        return before is None or before.desired.digest != candidate.desired.digest

    def accept(self, revision: str) -> str | None:
        """Let a refused revision in at the next look; return why that cannot be, or None."""
        if revision != self._refused:
            return f"the newest revision is {self._refused or 'not refused'}; only that one can be accepted"
        self._store.append(ACCEPTED, {"revision": revision})
        self._accepted |= {revision}
        return None

    @property
    def desired(self) -> Desired | None:
        """The desired state in force."""
        return self.in_force.desired if self.in_force else None

    def hold_back(self) -> str | None:
        """Return why nothing new may start for what is in force, or None."""
        if self.in_force is None:
            return "no desired state is in force yet"
        if self._refused:
            return f"revision {self._refused[:12]} was refused; nothing new starts until a good one comes"
        if self._unavailable and not self._is_fresh():
            return f"the source could not be read for {self._grace.total_seconds():.0f} s: {self._unavailable.finding}"
        return None

    def _is_fresh(self) -> bool:
        return self._read_at is not None and self._clock.now() - self._read_at <= self._grace

    def status(self) -> SourceStatus:
        """Return how the source stands."""
        problems = (*self._problems, *([self._unavailable] if self._unavailable else []))
        return SourceStatus(
            location=self._source.location,
            revision=self.in_force.revision if self.in_force else None,
            digest=self.in_force.desired.digest if self.in_force else None,
            refused=self._refused,
            problems=told(problems),
            checked_at=self._read_at,
        )

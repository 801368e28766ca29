"""Looking at the fleet for a pass: all of it at the interval, else only the hosts on which something ended or was changed.

A partial look is put into the last observation (``observe/refresh.py``); every host keeps the time it was seen at, and
``decide`` lets nothing start at a host that was not seen since our last change there or is seen too long ago.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from reconciler.clock import Clock
from reconciler.hosts.port import Hosts
from reconciler.model.desired import Desired
from reconciler.model.observation import Observation
from reconciler.observe import survey, targets_of
from reconciler.observe.refresh import also_to_ask, changed_since, lost_sight_of, refreshed


class Looker:
    """Keeps the last observation between passes. ``full_seconds`` None: every look is at the whole fleet."""

    def __init__(self, hosts: Hosts, clock: Clock, full_seconds: float | None) -> None:
        self._hosts, self._clock = hosts, clock
        self._interval = None if full_seconds is None else timedelta(seconds=full_seconds)
        self._last: Observation | None = None
        self._digest = ""
        self.was_full = True

    def look(self, desired: Desired, concerned: Collection[str], changed_at: dict[str, datetime]) -> Observation:
        """Return what is seen now; ``concerned`` are the hosts at the ends of what is under way, by name."""
        partial = None if self._is_full_due(desired) else self._part(desired, concerned, changed_at)
        self.was_full, self._digest = partial is None, desired.digest
        self._last = survey(self._hosts, targets_of(desired), self._clock) if partial is None else partial
        return self._last

    def look_at_all(self) -> None:
        """Let the next look be at the whole fleet."""
        self._last = None

    def _is_full_due(self, desired: Desired) -> bool:
        if self._interval is None or self._last is None or self._digest != desired.digest:
            return True
        # Half the greatest age of facts to act on: what was seen at the last full look is still fit to act on at the next.
        longest = min(self._interval, timedelta(seconds=desired.policy.maximum_age_seconds / 2))
        return self._clock.now() - self._last.observed_at >= longest

    def _part(self, desired: Desired, concerned: Collection[str], changed_at: dict[str, datetime]) -> Observation | None:
        """Return the last observation with the hosts concerned seen again; None where only a full look would do."""
        assert self._last is not None
        names = {name.casefold() for name in (*concerned, *changed_since(self._last, changed_at))}
        part = self._ask(desired, names)
        more = also_to_ask(self._last, part)
        if more:
            part = self._ask(desired, names | {name.casefold() for name in more})
        whole = refreshed(self._last, part)
        return None if lost_sight_of(self._last, whole) else whole

    def _ask(self, desired: Desired, names: Collection[str]) -> Observation:
        targets = targets_of(desired)
        asked = [target for target in targets if target.name.casefold() in names]
        return survey(self._hosts, asked, self._clock, known=targets)

"""Virtual time: a timeline of what is to happen, and the controller's own clock on it, which may be wrong.

Time moves only when somebody sleeps or waits for an answer; what is due on the way happens at its own moment, in order.
"""

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta

Happening = Callable[[], None]


class Timeline:
    """True time, by which the fleet lives, and an agenda of what is to happen."""

    def __init__(self, start: datetime) -> None:
        self._now, self._agenda, self._number = start, list[tuple[datetime, int, Happening]](), 0

    def now(self) -> datetime:
        """Return the true moment."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Let time pass; everything due until then happens on the way."""
        self.until(self._now + timedelta(seconds=max(0.0, seconds)))

    def until(self, moment: datetime) -> None:
        """Let time pass until that moment; things that happen may let time pass themselves."""
        while self._agenda and self._agenda[0][0] <= moment:
            due, _, happen = heapq.heappop(self._agenda)
            self._now = max(self._now, due)
            happen()
        self._now = max(self._now, moment)

    def at(self, moment: datetime, happen: Happening) -> None:
        """Put something on the agenda; of the same moment, what was put first happens first."""
        self._number += 1
        heapq.heappush(self._agenda, (moment, self._number, happen))

    def after(self, seconds: float, happen: Happening) -> None:
        """Put something on the agenda that many seconds from now."""
        self.at(self._now + timedelta(seconds=seconds), happen)

    def clear(self) -> None:
        """Strike everything from the agenda."""
        self._agenda.clear()


class ControllerClock:
    """The clock of the controller's machine: true time, off by what it jumped."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline, self.offset = timeline, timedelta()

    def now(self) -> datetime:
        """Return what the clock shows."""
        return self._timeline.now() + self.offset

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self._timeline.sleep(seconds)

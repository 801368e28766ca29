"""Time limits for work that cannot be asked to stop by itself: one thread that cuts what takes too long.

A timer for each request would be a thread for each request; this is one for all of them, started when it is first needed.
"""

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


class Watch:
    """Runs actions when their time has come, unless they were called off before. Actions must be short."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._alarms: list[tuple[float, int, Callable[[], None]]] = []
        self._called_off: set[int] = set()
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None

    @contextmanager
    def limit(self, seconds: float, action: Callable[[], None]) -> Iterator[None]:
        """Run the action, in another thread, if the block has not ended after that many seconds."""
        number = self._set(time.monotonic() + seconds, action)
        try:
            yield
        finally:
            with self._changed:
                self._called_off.add(number)

    def _set(self, when: float, action: Callable[[], None]) -> int:
        with self._changed:
            number = next(self._numbers)
            heapq.heappush(self._alarms, (when, number, action))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="time-limits", daemon=True)
                self._thread.start()
            elif self._alarms[0][1] == number:  # earlier than all others
                self._changed.notify()
        return number

    def _run(self) -> None:
        while True:
            with self._changed:
                action = self._next()
                if action is None:
                    return
            with suppress(Exception):
                action()

    def _next(self) -> Callable[[], None] | None:
        """Wait for the next action that is due; None, the thread then gone, where nothing is left to watch."""
        while self._alarms:
            when, number, action = self._alarms[0]
            left = when - time.monotonic()
            if number in self._called_off or left <= 0:
                heapq.heappop(self._alarms)
                if number not in self._called_off:
                    return action
                self._called_off.discard(number)
            else:
                self._changed.wait(left)
        self._called_off.clear()
        self._thread = None
        return None


WATCH = Watch()
"""The one of this process."""

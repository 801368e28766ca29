"""Time as something handed in: now and sleep, real or scaled. No other module of the house reads a clock or sleeps."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the passes and the simulated fleet ask for the time."""

    def now(self) -> datetime:
        """Return the present moment, in UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait for that many seconds of this clock."""
        ...


class SystemClock:
    """Wall-clock time; sleeps are monotonic."""

    def now(self) -> datetime:
        """Return the present moment, in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(max(0.0, seconds))


class ScaledClock:
    """Time that starts at ``start`` and runs ``factor`` times as fast as the wall's; for simulated fleets and demos."""

    def __init__(self, start: datetime, factor: float = 1.0) -> None:
        self._start, self._factor, self._zero = start, factor, time.monotonic()

    def now(self) -> datetime:
        """Return the scaled moment."""
        return self._start + timedelta(seconds=(time.monotonic() - self._zero) * self._factor)

    def sleep(self, seconds: float) -> None:
        """Wait for ``seconds`` of scaled time."""
        time.sleep(max(0.0, seconds) / self._factor)


class ManualClock:
    """Virtual time: moves only when somebody sleeps on it. For simulation and tests."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """Return the virtual moment."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Move time forward at once."""
        self._now += timedelta(seconds=max(0.0, seconds))

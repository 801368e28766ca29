"""How often one caller may ask: a bucket of tokens for each, filled evenly, as pure as a bucket can be."""

from collections import OrderedDict
from dataclasses import dataclass, field

CALLERS_KEPT = 10_000


@dataclass
class RateLimit:
    """At most ``per_minute`` requests a minute for each caller, in bursts of up to a quarter of that."""

    per_minute: int
    _buckets: "OrderedDict[str, tuple[float, float]]" = field(default_factory=OrderedDict)

    @property
    def burst(self) -> float:
        """How many may come at once."""
        return max(1.0, self.per_minute / 4)

    def wait(self, caller: str, now: float) -> float:
        """Count one request at ``now`` (seconds, monotonic); return 0, or how many seconds to wait before another try."""
        level, then = self._buckets.pop(caller, (self.burst, now))
        level = min(self.burst, level + (now - then) * self.per_minute / 60)
        allowed = level >= 1
        self._buckets[caller] = (level - 1 if allowed else level, now)
        if len(self._buckets) > CALLERS_KEPT:
            self._buckets.popitem(last=False)
        return 0 if allowed else (1 - level) * 60 / self.per_minute

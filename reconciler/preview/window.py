"""Whether what is planned fits the window that is open, or the next one. Windows gate starts; fitting means to end in it."""

from datetime import datetime, timedelta

from reconciler.decide.windows import open_or_next
from reconciler.model.desired import Policy
from reconciler.model.plan import Plan
from reconciler.model.preview import WindowFit


def window_fit(policy: Policy, plan: Plan, now: datetime) -> WindowFit | None:
    """Return the window in question at a moment (aware), or None where there is none or none ever opens."""
    found = open_or_next(policy.windows, now)
    if found is None:
        return None
    opens, closes = found
    begin = max(opens, now)
    fits = begin + timedelta(seconds=plan.summary.estimated_seconds) <= closes
    return WindowFit(opens_at=opens, closes_at=closes, is_open=opens <= now, fits=fits)

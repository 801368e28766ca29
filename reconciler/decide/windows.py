"""Maintenance windows: whether migrations may start at a moment, and if not, when they may again.

A window is named by the days it opens on; one that ends at or before its start ends on the next day. Times are those of the
wall clock in the window's zone: a start or end that the clock skips is the moment of the jump, and one that happens twice is
the first of the two, so that a window closes early rather than late.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from reconciler.model.desired import Window

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LOOK_AHEAD_DAYS = 8  # a weekly window opens again within seven days, whatever the zones


def is_open(windows: Sequence[Window], now: datetime) -> bool:
    """Tell whether migrations may start; without any window they always may."""
    return not windows or any(start <= now < end for start, end in _openings(windows, now))


def next_opening(windows: Sequence[Window], now: datetime) -> datetime | None:
    """Return when the next window opens after ``now``, in UTC; None where none ever does or there is no window."""
    return min((start for start, _ in _openings(windows, now) if start > now), default=None)


def open_or_next(windows: Sequence[Window], now: datetime) -> tuple[datetime, datetime] | None:
    """Return begin and end, in UTC, of the window that is open, else of the next, those that touch taken as one; or None."""
    ahead = sorted(opening for opening in _openings(windows, now) if opening[1] > now)
    if not ahead:
        return None
    begin, end = ahead[0]
    for start, finish in ahead[1:]:
        if start <= end:
            end = max(end, finish)
    return begin, end


def unknown_zones(windows: Sequence[Window]) -> list[str]:
    """Return the names of time zones that this machine does not know; their windows stay closed."""
    return sorted({window.time_zone for window in windows if _zone(window.time_zone) is None})


def _openings(windows: Sequence[Window], now: datetime) -> Iterator[tuple[datetime, datetime]]:
    for window in windows:
        zone = _zone(window.time_zone)
        if zone is not None:
            yield from _openings_of(window, zone, now)


def _openings_of(window: Window, zone: ZoneInfo, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    start, end = time.fromisoformat(window.start), _end_of(window)
    today = now.astimezone(zone).date()
    for offset in range(-2, LOOK_AHEAD_DAYS + 1):
        day = today + timedelta(days=offset)
        if DAYS[day.weekday()] in window.days:
            last = day + timedelta(days=1) if end <= start else day
            yield _moment(day, start, zone), _moment(last, end, zone)


def _end_of(window: Window) -> time:
    # 24:00 is how people write the end of a day; the clock calls it 00:00 of the next one.
    return time(0, 0) if window.end == "24:00" else time.fromisoformat(window.end)


def _moment(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """Return the first moment, in UTC, at which the wall clock shows that time or has jumped over it."""
    wall = datetime.combine(day, clock, zone)
    before, after = wall.replace(fold=1).astimezone(UTC), wall.astimezone(UTC)
    # Where the clock skips this time, its two readings stand the wrong way round, and the jump lies between them.
    return _jump(before, after, zone) if before < after else after


def _jump(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    old = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        before, after = (middle, after) if middle.astimezone(zone).utcoffset() == old else (before, middle)
    return after.replace(microsecond=0)


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None

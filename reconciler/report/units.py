"""Numbers as people read them: sizes in binary units, durations in two units at most, counts with their nouns.

Exact numbers stay in the JSON; here rounding is meant.
"""

import math

MIB = 1024 * 1024
SIZES = ("KiB", "MiB", "GiB", "TiB")


def human_bytes(count: float | None) -> str:
    """Return a size: ``0 B``, ``512 B``, ``1.5 KiB``, ``148 GiB``; ``unknown`` for None. One decimal below ten."""
    if count is None:
        return "unknown"
    if abs(count) < 1024:
        return f"{count:.0f} B"
    size = float(count)
    for unit in SIZES:
        size /= 1024
        # Compared after rounding, so that 1024 MiB is never shown.
        if round(abs(size)) < 1024 or unit == SIZES[-1]:
            break
    return f"{_short(size)} {unit}"


def human_seconds(seconds: float | None) -> str:
    """Return a duration: ``0.4 s``, ``45 s``, ``1 min 10 s``, ``1 h 12 min``, ``2 d 3 h``; ``unknown`` for None."""
    if seconds is None or not math.isfinite(seconds):
        return "unknown"
    if 0 < abs(seconds) < 9.95:
        return f"{_short(seconds)} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return _pair(whole, 60, "min", 1, "s")
    whole = round(whole / 60) * 60
    if whole < 86400:
        return _pair(whole, 3600, "h", 60, "min")
    return _pair(round(whole / 3600) * 3600, 86400, "d", 3600, "h")


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return a counted noun: ``1 machine``, ``2 machines``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0") if round(abs(value), 1) < 10 else f"{value:.0f}"


def _pair(whole: int, large: int, large_unit: str, small: int, small_unit: str) -> str:
    rest = whole % large // small
    return f"{whole // large} {large_unit}" + (f" {rest} {small_unit}" if rest else "")

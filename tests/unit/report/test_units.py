"""Numbers as people read them, at the edges where rounding could mislead."""

import pytest

from reconciler.report import human_bytes, human_seconds


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "unknown"),
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (1024**2 - 1, "1 MiB"),
        (148 * 1024**3, "148 GiB"),
        (9.96 * 1024**3, "10 GiB"),
        (5000 * 1024**4, "5000 TiB"),
    ],
)
def test_sizes_use_binary_units(count: float | None, text: str) -> None:
    """Never 1024 of a unit where the next one exists."""
    assert human_bytes(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "unknown"),
        (0, "0 s"),
        (0.4, "0.4 s"),
        (9.96, "10 s"),
        (45, "45 s"),
        (59.7, "1 min"),
        (70, "1 min 10 s"),
        (3599.6, "1 h"),
        (4320, "1 h 12 min"),
        (86399, "1 d"),
        (97200, "1 d 3 h"),
    ],
)
def test_durations_use_two_units_at_most(seconds: float | None, text: str) -> None:
    """Never 60 of a unit where the next one exists."""
    assert human_seconds(seconds) == text

"""Windows by the wall clock of their zone, across midnight and across the changes of summer time."""

from datetime import UTC, datetime

import pytest

from reconciler.decide.windows import is_open, next_opening, unknown_zones
from reconciler.model.desired import Window

NIGHT = Window(("Sat", "Sun"), "22:00", "06:00", "Europe/Berlin")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def berlin(start: str, end: str, *days: str) -> list[Window]:
    return [Window(days or ("Sun",), start, end, "Europe/Berlin")]


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-20T22:30", False),  # Friday night: the window is named by the day it opens on
        ("2026-11-21T20:59", False),
        ("2026-11-21T21:00", True),
        ("2026-11-22T04:59", True),
        ("2026-11-22T05:00", False),
        ("2026-11-23T04:59", True),
        ("2026-11-23T05:00", False),
        ("2026-11-24T01:00", False),
    ],
)
def test_a_night_window_opens_on_its_day_and_closes_on_the_next(moment: str, expected: bool) -> None:
    """Half open: its end is outside. Berlin is an hour ahead in winter."""
    assert is_open([NIGHT], utc(moment)) is expected


def test_without_windows_migrations_may_always_start() -> None:
    """No window is no restriction, and there is no next opening to wait for."""
    assert is_open([], utc("2026-11-22T12:00"))
    assert next_opening([], utc("2026-11-22T12:00")) is None


def test_the_next_opening_is_the_earliest_of_all_windows_to_come() -> None:
    """A weekly window that has just closed opens in a week less its length."""
    assert next_opening([NIGHT], utc("2026-11-23T05:00")) == utc("2026-11-28T21:00")
    assert next_opening([NIGHT, *berlin("03:00", "04:00", "Tue")], utc("2026-11-23T05:00")) == utc("2026-11-24T02:00")


def test_a_night_is_an_hour_shorter_in_spring_and_longer_in_autumn() -> None:
    """22:00 to 06:00 by the clock on the wall: seven hours, then nine."""
    spring, autumn = [utc("2026-03-28T21:00"), utc("2026-03-29T04:00")], [utc("2026-10-24T20:00"), utc("2026-10-25T05:00")]
    for opens, closes in (spring, autumn):
        assert next_opening([NIGHT], opens.replace(hour=12)) == opens
        assert is_open([NIGHT], closes.replace(hour=closes.hour - 1, minute=59))
        assert not is_open([NIGHT], closes)


def test_a_start_that_the_clock_skips_is_the_moment_of_the_jump() -> None:
    """On 29 March 2026 Berlin has no 02:30: the window opens as the clock jumps to 03:00."""
    assert next_opening(berlin("02:30", "04:00"), utc("2026-03-29T00:00")) == utc("2026-03-29T01:00")
    assert is_open(berlin("02:30", "04:00"), utc("2026-03-29T01:00"))
    assert not is_open(berlin("02:30", "04:00"), utc("2026-03-29T02:00"))


def test_an_end_that_the_clock_skips_is_the_moment_of_the_jump() -> None:
    """From 01:00 to 02:30 lasts one hour that night."""
    assert is_open(berlin("01:00", "02:30"), utc("2026-03-29T00:59"))
    assert not is_open(berlin("01:00", "02:30"), utc("2026-03-29T01:00"))


def test_a_time_that_happens_twice_means_the_first() -> None:
    """On 25 October 2026 02:30 comes twice: a window opens, and one closes, at the first of them."""
    assert next_opening(berlin("02:30", "04:00"), utc("2026-10-25T00:00")) == utc("2026-10-25T00:30")
    assert is_open(berlin("02:30", "04:00"), utc("2026-10-25T01:15"))
    assert is_open(berlin("01:00", "02:30"), utc("2026-10-25T00:29"))
    assert not is_open(berlin("01:00", "02:30"), utc("2026-10-25T00:30"))


def test_a_window_of_an_unknown_zone_never_opens_and_is_named() -> None:
    """A typing error must not open the gate at some other hour."""
    typo = Window(("Sun",), "00:00", "24:00", "Europe/Berlinn")

    assert not is_open([typo], utc("2026-11-22T12:00"))
    assert next_opening([typo], utc("2026-11-22T12:00")) is None
    assert unknown_zones([typo, NIGHT]) == ["Europe/Berlinn"]


def test_a_whole_day_may_end_at_24_00() -> None:
    """As people write it."""
    assert is_open([Window(("Sun",), "00:00", "24:00", "UTC")], utc("2026-11-22T23:59"))
    assert not is_open([Window(("Sun",), "00:00", "24:00", "UTC")], utc("2026-11-23T00:00"))

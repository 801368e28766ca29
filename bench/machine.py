"""Which machine a measurement was made on, and how quick it was just then: a shared one is now quick, now half as quick."""

import platform
from datetime import date
from time import process_time

ADDITIONS = 3_000_000


def measured(how: str) -> str:
    """Return the sentence that stands above a table; ``how`` the numbers below were taken."""
    return (
        f"Measured {date.today()} on {platform.machine()}, Python {platform.python_version()}, "
        f"where {ADDITIONS:,} additions in a loop took {loop_seconds():.2f} s of CPU; {how}."
    )


def loop_seconds() -> float:
    """Return the CPU seconds of a plain loop, the best of three: what other seconds of that time are to be compared with."""
    return min(_loop() for _ in range(3))


def _loop() -> float:
    start, total = process_time(), 0
    for number in range(ADDITIONS):
        total += number * number
    return process_time() - start

"""Which machine a measurement was made on, and how quick it was just then: a shared one is now quick, now half as quick."""

import platform
from collections.abc import Callable
from datetime import date
from pathlib import Path
from time import process_time
from typing import Any, TypeVar

Result = TypeVar("Result", bound=tuple[Any, ...])
ADDITIONS = 3_000_000
RUNS, MOST_RUNS, SHORT_SECONDS = 3, 12, 15


def measured(how: str) -> str:
    """Return the sentence that stands above a table; ``how`` the numbers below were taken."""
    return (
        f"Measured {date.today()} on {platform.machine()}, Python {platform.python_version()}, "
        f"where {ADDITIONS:,} additions in a loop took {loop_seconds():.2f} s of CPU; {how}."
    )


def loop_seconds() -> float:
    """Return the CPU seconds of a plain loop, the best of three: what other seconds of that time are to be compared with."""
    return min(_loop() for _ in range(3))


def quickest(run: Callable[[], Result]) -> Result:
    """Return the least of three runs, or of more while they are short; results begin with their seconds."""
    found = [run() for _ in range(RUNS)]
    while len(found) < MOST_RUNS and sum(result[0] for result in found) < SHORT_SECONDS:
        found.append(run())
    return min(found)


def peak_mebibytes() -> int:
    """Return the most memory that this process has held so far; ``ru_maxrss`` would count what its parent held at the fork."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def _loop() -> float:
    start, total = process_time(), 0
    for number in range(ADDITIONS):
        total += number * number
    return process_time() - start

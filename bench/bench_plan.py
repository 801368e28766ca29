"""Measure diff, plan and audit in CPU seconds; every answer is checked before its time counts.

Run: ``python -m bench.bench_plan [NAME ...]``. Prints a table and writes ``bench/results/plan.md``. Each case is planned in a
process of its own, whose greatest memory stands beside it, as it was when the fleet had been made and when the plan had been.
"""

import gc
import platform
import resource
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from time import process_time
from typing import TypeVar

from bench.fleets import Case, drain, pinned
from reconciler.audit import audit
from reconciler.collector import collector_at_rest
from reconciler.diff import find_drift
from reconciler.plan import make_plan

Result = TypeVar("Result")
CASES: dict[str, tuple[Callable[[], Case], bool]] = {
    "nothing changed, 1,000 hosts / 25,000 machines": (lambda: pinned(1000, 25_000, 0), True),
    "500 pinned moves, 1,000 / 25,000": (lambda: pinned(1000, 25_000, 500), True),
    "drain 5 %, 20 / 400": (lambda: drain(20, 400, 1), True),
    "drain 5 %, 200 / 4,000": (lambda: drain(200, 4_000, 10), True),
    "drain 5 %, 1,000 / 20,000": (lambda: drain(1000, 20_000, 50), True),
    "30,000 pinned moves, 5,000 / 100,000": (lambda: pinned(5000, 100_000, 30_000), False),
    "drain 5 %, 5,000 / 100,000": (lambda: drain(5000, 100_000, 250), False),
}


def main(names: list[str]) -> None:
    """Measure the cases whose name holds one of the words given; all without any."""
    if names[:1] == ["--one"]:
        sys.stdout.write(_measure(names[1], *CASES[names[1]]) + "\n")
        return
    chosen = [name for name in CASES if not names or any(word in name for word in names)]
    command = [sys.executable, "-m", "bench.bench_plan", "--one"]
    rows = [subprocess.run([*command, name], capture_output=True, check=True, text=True).stdout.strip() for name in chosen]
    head = "| case | migrations | bound | makespan / bound | diff s | plan s | audit s | MiB, fleet | MiB, planned |"
    table = "\n".join([head, "|" + " --- |" * 9, *rows])
    sys.stdout.write(table + "\n")
    if not names:
        about = f"Measured {date.today()} on {platform.machine()}, Python {platform.python_version()}; CPU seconds."
        Path(__file__).with_name("results").joinpath("plan.md").write_text(f"# Planning\n\n{about}\n\n{table}\n", "utf-8")


@collector_at_rest()  # as the commands do
def _measure(name: str, build: Callable[[], Case], audited: bool) -> str:
    case = build()
    gc.collect()
    fleet = _mebibytes()
    drift, diffing = _timed(lambda: find_drift(case.desired, case.observation))
    plan, planning = _timed(lambda: make_plan(case.desired, case.observation, drift))
    memory = f"{fleet} | {_mebibytes()} |"
    assert not plan.blocked, plan.blocked[:3]
    assert (plan.summary.migrations, plan.summary.needed_migrations) == (case.migrations, case.migrations)
    findings, auditing = _timed(lambda: audit(plan, case.desired, case.observation)) if audited else ((), float("nan"))
    assert not findings, findings[:3]
    summary = plan.summary
    ratio = summary.estimated_seconds / summary.lower_bound_seconds if summary.lower_bound_seconds else 1
    numbers = f"{summary.migrations} | {summary.needed_migrations} | {ratio:.3f} | {diffing:.2f} | {planning:.2f}"
    return f"| {name} | {numbers} | {auditing:.2f} | {memory}" if audited else f"| {name} | {numbers} | - | {memory}"


def _mebibytes() -> int:
    """Return the most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _timed(work: Callable[[], Result]) -> tuple[Result, float]:
    start = process_time()
    result = work()
    return result, process_time() - start


if __name__ == "__main__":
    main(sys.argv[1:])

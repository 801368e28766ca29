"""Measure diff, plan and audit in CPU seconds; every answer is checked before its time counts.

Run: ``python -m bench.bench_plan [NAME ...]``. Prints a table and writes ``bench/results/plan.md``. Each case is planned three
times and oftener, each time in a process of its own: the quickest counts, for whatever else the machine does makes the others
slower. Its greatest memory stands beside it, as it was when the fleet had been made and when the plan had been.
"""

import gc
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import process_time
from typing import TypeVar

from bench.fleets import Case, drain, local_drain, pinned
from bench.machine import loop_seconds, measured, peak_mebibytes, quickest
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
    "drain 5 % from hosts' own drives, 1,000 / 20,000": (lambda: local_drain(1000, 20_000, 50), True),
    "30,000 pinned moves, 5,000 / 100,000": (lambda: pinned(5000, 100_000, 30_000), False),
    "drain 5 %, 5,000 / 100,000": (lambda: drain(5000, 100_000, 250), False),
}


def main(names: list[str]) -> None:
    """Measure the cases whose name holds one of the words given; all without any."""
    if names[:1] == ["--one"]:
        seconds, row = _measure(names[1], *CASES[names[1]])
        sys.stdout.write(f"{seconds:.3f} {row}\n")
        return
    chosen = [name for name in CASES if not names or any(word in name for word in names)]
    rows = [quickest(partial(_in_a_process, name))[1] for name in chosen]
    head = "| case | migrations | bound | makespan / bound | diff s | plan s | audit s | loop s | MiB, fleet | MiB, planned |"
    table = "\n".join([head, "|" + " --- |" * 10, *rows])
    sys.stdout.write(table + "\n")
    if not names:
        about = measured("CPU seconds, the quickest of 3 to 12 runs, and what that loop took in the same process (loop s)")
        Path(__file__).with_name("results").joinpath("plan.md").write_text(f"# Planning\n\n{about}\n\n{table}\n", "utf-8")


def _in_a_process(name: str) -> tuple[float, str]:
    """Return the seconds that counted and the row of the table."""
    command = [sys.executable, "-m", "bench.bench_plan", "--one", name]
    seconds, _, row = subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip().partition(" ")
    return float(seconds), row


@collector_at_rest()  # as the commands do
def _measure(name: str, build: Callable[[], Case], audited: bool) -> tuple[float, str]:
    case = build()
    gc.collect()
    fleet = peak_mebibytes()
    drift, diffing = _timed(lambda: find_drift(case.desired, case.observation))
    plan, planning = _timed(lambda: make_plan(case.desired, case.observation, drift))
    memory = f"{fleet} | {peak_mebibytes()} |"
    assert not plan.blocked, plan.blocked[:3]
    assert (plan.summary.migrations, plan.summary.needed_migrations) == (case.migrations, case.migrations)
    findings, auditing = _timed(lambda: audit(plan, case.desired, case.observation)) if audited else ((), float("nan"))
    assert not findings, findings[:3]
    summary = plan.summary
    ratio = summary.estimated_seconds / summary.lower_bound_seconds if summary.lower_bound_seconds else 1
    numbers = f"{summary.migrations} | {summary.needed_migrations} | {ratio:.3f} | {diffing:.2f} | {planning:.2f}"
    seconds = diffing + planning + (auditing if audited else 0)
    return seconds, f"| {name} | {numbers} | {f'{auditing:.2f}' if audited else '-'} | {loop_seconds():.2f} | {memory}"


def _timed(work: Callable[[], Result]) -> tuple[Result, float]:
    start = process_time()
    result = work()
    return result, process_time() - start


if __name__ == "__main__":
    main(sys.argv[1:])

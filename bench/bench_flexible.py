"""Drains so tight that placing machines one by one fails: the planner's own search beside the exact solver.

Run: ``python -m bench.bench_flexible``. Every plan is audited before its time counts. Prints a table and writes
``bench/results/flexible.md``. Needs the extra ``solver``.
"""

import sys
from pathlib import Path
from time import process_time

from bench.fleets import tight_drain
from bench.machine import measured
from reconciler.audit import audit
from reconciler.cpsat import installed_solver
from reconciler.diff import find_drift
from reconciler.model.plan import Plan
from reconciler.plan import make_plan

# (hosts, machines, drained hosts, how full the other hosts will be)
CASES = (
    (10, 100, 1, 0.97),
    (10, 100, 1, 0.99),
    (20, 400, 1, 0.97),
    (20, 400, 1, 0.995),
    (20, 400, 1, 1.01),
    (50, 1000, 2, 0.99),
    (100, 2000, 5, 0.97),
    (100, 2000, 5, 0.99),
    (200, 4000, 10, 0.97),
)


def main() -> None:
    """Measure all cases without and with the solver."""
    solver = installed_solver()
    if solver is None:
        sys.exit("bench_flexible: skipped, OR-Tools is not installed (pip install reconciler[solver])")
    head = "| hosts / machines | full afterwards | forced | own search: planned, left out, proof, s | with solver |"
    rows = [head, "|" + " --- |" * 5]
    for hosts, machines, drained, full in CASES:
        case = tight_drain(hosts, machines, drained, full=full)
        drift = find_drift(case.desired, case.observation)
        told = []
        for one in (None, solver):
            start = process_time()
            plan = make_plan(case.desired, case.observation, drift, solver=one)
            seconds = process_time() - start
            assert audit(plan, case.desired, case.observation) == ()
            told.append(f"{_outcome(plan)}, {seconds:.2f}")
        rows.append(f"| {hosts} / {machines:,} | {full:.1%} | {case.migrations} | {told[0]} | {told[1]} |")
        sys.stdout.write(rows[-1] + "\n")
    _publish(rows)


def _outcome(plan: Plan) -> str:
    proven = sum(one.proven for one in plan.blocked)
    blocked = f"{len(plan.blocked)} left out ({proven} proven)" if plan.blocked else "0"
    return f"{plan.summary.migrations}, {blocked}, {plan.summary.proof} ({plan.summary.needed_migrations})"


def _publish(rows: list[str]) -> None:
    about = measured("CPU s of planning, one run")
    text = "# Tight drains\n\n" + about + "\n\n" + "\n".join(rows) + "\n"
    Path(__file__).with_name("results").joinpath("flexible.md").write_text(text, "utf-8")


if __name__ == "__main__":
    main()

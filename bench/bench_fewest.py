"""Small cases with a known answer: is the number of migrations the least there is, is it proven, and how long does it take?

Run: ``python -m bench.bench_fewest [CASES]``. Every plan is audited. Where a plan takes more than the least that is known, a
brute-force search that shares no code with the planner says what the least is. Writes ``bench/results/fewest.md``.
"""

import sys
from collections import defaultdict
from pathlib import Path
from statistics import median
from time import process_time

from bench.machine import measured
from bench.small_fleets import Puzzle, puzzles
from reconciler.audit import audit
from reconciler.cpsat import installed_solver
from reconciler.diff import find_drift
from reconciler.model.plan import Plan
from reconciler.model.words import Proof
from reconciler.plan import make_plan
from tests.laws.oracle import fewest_moves

CASES = 1000
ORACLE_STATES = 400_000
Row = tuple[bool | None, bool, int, float]  # None: brute force gave up


def main(arguments: list[str]) -> None:
    """Measure all cases."""
    rows: dict[str, list[Row]] = defaultdict(list)
    for number, puzzle in enumerate(puzzles(int(arguments[0]) if arguments else CASES)):
        rows[puzzle.kind].append(_measure(number, puzzle))
    table = "\n".join([_HEAD, "|" + " --- |" * 8, *(_row(kind, found) for kind, found in rows.items())])
    sys.stdout.write(table + "\n")
    if not arguments:
        about = measured("CPU s of planning, one run")
        Path(__file__).with_name("results").joinpath("fewest.md").write_text(
            f"# Fewest migrations\n\n{about} {_ABOUT}\n\n{table}\n", "utf-8"
        )


_HEAD = "| kind | cases | fewest there are, where known | unknown | proven by the plan | extra migrations | median s | most s |"
_ABOUT = (
    "3 to 12 hosts, up to 60 machines, 70 to 97 % full. What is fewest is known from how a case is made, or from a brute-force "
    "search where a plan takes more than one migration for each machine in the wrong place."
)


def _measure(number: int, puzzle: Puzzle) -> Row:
    case = puzzle.case
    drift = find_drift(case.desired, case.observation)
    start = process_time()
    plan = make_plan(case.desired, case.observation, drift, solver=installed_solver())
    seconds = process_time() - start
    assert audit(plan, case.desired, case.observation) == ()
    least = _is_least(puzzle, plan)
    proven = not plan.blocked and plan.summary.proof is Proof.MINIMAL
    if least is False or not proven or seconds > 1:
        told = f"{plan.summary.migrations} planned, {plan.summary.needed_migrations} needed, {len(plan.blocked)} blocked"
        sys.stdout.write(f"case {number} {puzzle.kind}: {told}, at least {puzzle.least}, fewest {least}, {seconds:.1f} s\n")
        sys.stdout.flush()
    return least, proven, plan.summary.migrations - puzzle.least, seconds


def _is_least(puzzle: Puzzle, plan: Plan) -> bool | None:
    if plan.blocked:
        return False
    if plan.summary.migrations == puzzle.least or puzzle.exact:
        return plan.summary.migrations == puzzle.least
    try:
        fewest = fewest_moves(list(puzzle.sizes), puzzle.start, puzzle.goal, list(puzzle.free), ORACLE_STATES)
    except OverflowError:
        return None
    return plan.summary.migrations == fewest


def _row(kind: str, found: list[Row]) -> str:
    seconds = [one[3] for one in found]
    known = [one[0] for one in found if one[0] is not None]
    shares = f"{sum(known) / len(known):.1%} | {len(found) - len(known)} | {sum(one[1] for one in found) / len(found):.1%}"
    extra = sum(one[2] for one in found)
    return f"| {kind} | {len(found):,} | {shares} | {extra} | {median(seconds):.3f} | {max(seconds):.2f} |"


if __name__ == "__main__":
    main(sys.argv[1:])

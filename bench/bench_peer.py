"""The same drains for ganeti-htools' ``hbal -E`` and for our planner, in one run: migrations, rounds, seconds of CPU.

Run: ``python -m bench.bench_peer``. Skipped with a word where ``hbal`` is missing (Debian: ``apt-get install ganeti-htools``).
Our plan is audited before its time counts; hbal's moves are counted, and each must leave a drained node. Writes
``bench/results/peer.md``.
"""

import re
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from time import process_time

from bench.fleets import Case, drain
from bench.machine import measured
from reconciler.audit import audit
from reconciler.diff import find_drift
from reconciler.plan import make_plan

CASES = ((20, 400, 1), (40, 800, 2), (80, 1600, 4))
LIMIT_SECONDS = 120
_MOVE = re.compile(r"^\s+\d+\.\s+(\S+)\s+(\S+?)(?::\S+)?\s+=>\s+(\S+)", re.MULTILINE)
_VERSION = re.compile(r"version (\S+)")


def main() -> None:
    """Measure all cases."""
    if shutil.which("hbal") is None:
        sys.stdout.write("bench_peer: skipped, hbal is not installed (Debian: apt-get install ganeti-htools)\n")
        return
    rows = ["| hosts / machines | needed | ours: moves, CPU s | hbal -E: moves, jobsets, CPU s |", "|" + " --- |" * 4]
    for hosts, machines, drained in CASES:
        case = drain(hosts, machines, drained)
        rows.append(f"| {hosts} / {machines:,} | {case.migrations} | {_ours(case)} | {_hbal(case)} |")
        sys.stdout.write(rows[-1] + "\n")
    version = _VERSION.search(subprocess.run(["hbal", "--version"], capture_output=True, text=True, check=True).stdout)
    about = (
        measured(f"hbal {version[1] if version else '?'}") + " "
        "hbal balances as well, weighs N+1 and has no slots: its jobsets are rounds behind barriers. It knows no wish for one "
        "machine on one host, so swaps, rings and pinned moves cannot be put to it, and it says no bound."
    )
    text = "# Beside ganeti-htools\n\n" + about + "\n\n" + "\n".join(rows) + "\n"
    Path(__file__).with_name("results").joinpath("peer.md").write_text(text, "utf-8")


def _ours(case: Case) -> str:
    start = process_time()
    drift = find_drift(case.desired, case.observation)
    plan = make_plan(case.desired, case.observation, drift)
    seconds = process_time() - start
    assert audit(plan, case.desired, case.observation) == ()
    assert plan.summary.migrations == plan.summary.needed_migrations == case.migrations
    return f"{plan.summary.migrations}, {seconds:.2f}"


def _hbal(case: Case) -> str:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "cluster.data"
        data.write_text(_as_text(case), "utf-8")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        try:
            command = ["hbal", "-t", str(data), "-E", "-C"]
            out = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=True).stdout
        except subprocess.TimeoutExpired:
            return f"unfinished after {LIMIT_SECONDS} s"
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    moves = _MOVE.findall(out)
    drained = {host.name for host in case.desired.hosts if host.maintenance}
    assert moves
    assert all(source in drained for _, source, _ in moves)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return f"{len(moves)}, {out.count('echo jobset')}, {seconds:.2f}"


def _as_text(case: Case) -> str:
    """The fleet in hbal's own text form: a group, nodes, instances on shared storage; drained hosts are offline."""
    lines = ["default|g1|preferred||", ""]
    for host in case.observation.hosts:
        wanted = case.desired.host(host.name)
        offline = "Y" if wanted and wanted.maintenance else "N"
        total, free = host.memory_mib or 0, host.available_memory_mib or 0
        lines.append(f"{host.name}|{total}|0|{free}|1000000|900000|64|{offline}|g1|1||N")
    lines.append("")
    for host, machine in case.observation.machines():
        lines.append(f"{machine.name}|{machine.memory_mib}|1024|1|running|Y|{host.name}||ext||1")
    return "\n".join(lines) + "\n\n|\n"


if __name__ == "__main__":
    main()

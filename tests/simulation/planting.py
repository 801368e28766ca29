"""Plants one bug after another in a copy of the package and lives through seeds until one catches it; writes the report.

Run it with ``make planted-bugs``; arguments are the most seeds per bug (300) and, optionally, words that the names must hold.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.simulation.planted_bugs import BUGS, Bug

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "docs" / "planted-bugs.md"
MOST_SEEDS = 300
AT_ONCE = 2

PROGRAM = """
import json, sys
from reconciler.collector import collector_at_rest
from reconciler.simulation import draw_options, live
for seed in range(1, int(sys.argv[1]) + 1):
    with collector_at_rest():
        violation = live(draw_options(seed)).violation
    if violation:
        print(json.dumps([seed, violation[0], violation[1].strip().splitlines()[-1]]))
        break
"""


@dataclass(frozen=True)
class Verdict:
    """What came of one planted bug: the seed that caught it, the invariant that broke; or None and the seeds lived through."""

    bug: Bug
    seed: int | None
    invariant: str
    finding: str
    seconds: float


def planted(bug: Bug, folder: Path) -> None:
    """Copy the package into the folder, with the bug in it; raise ValueError where the text is not there exactly once."""
    shutil.copytree(ROOT / "reconciler", folder / "reconciler", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "schemas", folder / "schemas")
    file = folder / "reconciler" / bug.file
    text = file.read_text(encoding="utf-8")
    if text.count(bug.old) != 1:
        raise ValueError(f"{bug.name}: the text stands {text.count(bug.old)} times in {bug.file}")
    file.write_text(text.replace(bug.old, bug.new), encoding="utf-8")


def try_out(bug: Bug, most: int = MOST_SEEDS) -> Verdict:
    """Plant a bug and live until a seed catches it, in a process of its own."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        planted(bug, Path(name))
        environment = os.environ | {"PYTHONPATH": name, "PYTHONDONTWRITEBYTECODE": "1"}
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(most)], cwd=name, env=environment, capture_output=True, text=True, check=False
        )
    seconds = time.monotonic() - began
    if run.returncode:
        return Verdict(bug, None, "", f"the program does not start: {run.stderr.strip().splitlines()[-1]}", seconds)
    seed, invariant, finding = json.loads(run.stdout) if run.stdout.strip() else (None, "", f"not within {most} seeds")
    return Verdict(bug, seed, invariant, finding, seconds)


def report(verdicts: Sequence[Verdict], most: int) -> Iterator[str]:
    """The report, line by line."""
    caught = [one for one in verdicts if one.seed is not None]
    yield "# Planted bugs"
    yield ""
    yield "Written by `make planted-bugs`; do not edit. Each bug is one textual change to one production file"
    yield "(`tests/simulation/planted_bugs.py`), planted alone in a copy; then seeds 1, 2, 3, ... are lived through"
    yield "([simulation.md](simulation.md)) until an invariant breaks."
    yield ""
    yield f"**{len(caught)} of {len(verdicts)} caught** ({100 * len(caught) / len(verdicts):.0f} %) within {most} seeds each."
    yield ""
    yield "| planted bug | file | seed | invariant | what the checker says |"
    yield "| --- | --- | --- | --- | --- |"
    for one in verdicts:
        finding = one.finding.replace("|", "\\|")[:140]
        yield f"| {one.bug.name} | `{one.bug.file}` | {one.seed or '**not caught**'} | {one.invariant} | {finding} |"


def main() -> None:
    """Try out every bug and write the report."""
    most = int(sys.argv[1]) if len(sys.argv) > 1 else MOST_SEEDS
    words = sys.argv[2:]
    bugs = [bug for bug in BUGS if all(word in bug.name for word in words)]
    verdicts = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for verdict in pool.map(lambda bug: try_out(bug, most), bugs):
            verdicts.append(verdict)
            told = f"{verdict.seed} {verdict.invariant} {verdict.bug.name} {verdict.seconds:.0f} s {verdict.finding[:100]}"
            print(told, flush=True)  # noqa: T201
    if not words:
        REPORT.write_text("\n".join(report(verdicts, most)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

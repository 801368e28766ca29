"""Plants one bug after another in a copy of the package and lives through seeds until one catches it; writes the report.

Run it with ``make planted-bugs SEEDS=300``. What was lived through is kept in ``.planted-bugs.json`` after every seed, for this
very code and this very bug, so that a run that was stopped goes on where it was, with more seeds or with others of the bugs.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

from tests.simulation.planted_bugs import BUGS, Bug

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "docs" / "planted-bugs.md"
KEPT = ROOT / ".planted-bugs.json"
MOST_SEEDS = 300
MOST_SECONDS = 60  # of CPU for one life; a longer one is left out, and the report says so

PROGRAM = """
import json, signal, sys
from reconciler.collector import collector_at_rest
from reconciler.simulation import draw_options, live

class TooLong(BaseException):
    pass

def stop(*_):
    raise TooLong

first, last, seconds = map(int, sys.argv[1:])
signal.signal(signal.SIGPROF, stop)
for seed in range(first, last + 1):
    violation = None
    try:
        with collector_at_rest():
            signal.setitimer(signal.ITIMER_PROF, seconds)
            violation = live(draw_options(seed)).violation
            signal.setitimer(signal.ITIMER_PROF, 0)
    except TooLong:
        violation = ("too-long", "")
    found = [violation[0], violation[1].strip().splitlines()[-1] if violation[1] else ""] if violation else None
    print(json.dumps([seed, found]), flush=True)
    if found and found[0] != "too-long":
        break
"""


@dataclass
class Lived:
    """What came of one planted bug so far. ``lived``: the last seed, from 1; ``left_out``: those that took too long.

    ``broken``: seeds that break an invariant without any bug as well, and so prove nothing. ``seed`` caught it, or None.
    """

    lived: int = 0
    left_out: list[int] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)
    seed: int | None = None
    invariant: str = ""
    finding: str = ""


def planted(bug: Bug | None, folder: Path) -> None:
    """Copy the package into the folder, with the bug in it; raise ValueError where the text is not there exactly once."""
    shutil.copytree(ROOT / "reconciler", folder / "reconciler", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "schemas", folder / "schemas")
    if bug is None:
        return
    file = folder / "reconciler" / bug.file
    text = file.read_text(encoding="utf-8")
    if text.count(bug.old) != 1:
        raise ValueError(f"{bug.name}: the text stands {text.count(bug.old)} times in {bug.file}")
    file.write_text(text.replace(bug.old, bug.new), encoding="utf-8")


def lives(folder: Path, first: int, last: int) -> Iterator[tuple[int, list[str] | None]]:
    """Yield seed by seed what a life of the package in the folder breaks, in a process of its own; end with the first."""
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", PROGRAM, str(first), str(last), str(MOST_SECONDS)]
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as run:
        for line in run.stdout or ():
            seed, found = json.loads(line)
            yield seed, found
    if run.returncode:
        raise RuntimeError(f"the program ends with {run.returncode}")


class Kept:
    """What was lived through with this code, on disk after every seed."""

    def __init__(self, file: Path) -> None:
        self._file, self._lock = file, threading.Lock()
        self.code = digest_of_code()
        read = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        same = read.get("code") == self.code
        self._bugs = {key: Lived(**one) for key, one in read["bugs"].items()} if same else {}
        self._clean: dict[str, bool] = read["clean"] if same else {}

    def of(self, bug: Bug) -> Lived:
        """Return what came of a bug; of one that was not tried, nothing."""
        return self._bugs.setdefault(sha256(repr(bug).encode()).hexdigest()[:16], Lived())

    def save(self) -> None:
        """Write it down."""
        with self._lock:
            bugs = {key: asdict(one) for key, one in sorted(self._bugs.items())}
            text = json.dumps({"code": self.code, "clean": self._clean, "bugs": bugs}, indent=1)
            self._file.write_text(text, encoding="utf-8")

    def is_clean(self, seed: int) -> bool:
        """Tell whether a seed breaks nothing where no bug is planted; lived through once."""
        if str(seed) not in self._clean:
            with tempfile.TemporaryDirectory() as name:
                planted(None, Path(name))
                self._clean[str(seed)] = all(found is None for _, found in lives(Path(name), seed, seed))
        return self._clean[str(seed)]


def digest_of_code() -> str:
    """Return the digest of every file of the package."""
    found = sha256()
    for file in sorted((ROOT / "reconciler").rglob("*.py")):
        found.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + file.read_bytes())
    return found.hexdigest()[:12]


def commit_of_code() -> str:
    """Return the last commit that changed the package, for people; and that it was changed since, where it was."""
    told = [
        subprocess.run(
            ["git", *command, "--", "reconciler"], cwd=ROOT, capture_output=True, text=True, check=False
        ).stdout.strip()
        for command in (("log", "-1", "--format=%h"), ("status", "--porcelain"))
    ]
    return f"commit `{told[0]}`" + (", with changes" if told[1] else "")


def try_out(bug: Bug, kept: Kept, most: int) -> Lived:
    """Plant a bug and live until a seed catches it."""
    lived = kept.of(bug)
    while lived.seed is None and lived.lived < most:
        with tempfile.TemporaryDirectory() as name:
            planted(bug, Path(name))
            for seed, found in lives(Path(name), lived.lived + 1, most):
                _take_in(lived, seed, found, kept)
                kept.save()
    return lived


def _take_in(lived: Lived, seed: int, found: list[str] | None, kept: Kept) -> None:
    lived.lived = seed
    if found is None:
        return
    if found[0] == "too-long":
        lived.left_out.append(seed)
    elif kept.is_clean(seed):
        lived.seed, lived.invariant, lived.finding = seed, *found
    else:
        lived.broken.append(seed)


def report(bugs: Sequence[Bug], kept: Kept) -> Iterator[str]:
    """The report, line by line."""
    rows = [(bug, kept.of(bug)) for bug in bugs]
    caught = [lived for _, lived in rows if lived.seed is not None]
    left_out = sorted({seed for _, lived in rows for seed in lived.left_out})
    broken = sorted({seed for _, lived in rows for seed in lived.broken})
    yield "# Planted bugs"
    yield ""
    yield "Written by `make planted-bugs`; do not edit. Each bug is one textual change to one production file"
    yield "(`tests/simulation/planted_bugs.py`), planted alone in a copy; then seeds 1, 2, 3, ... are lived through"
    yield f"([simulation.md](simulation.md)) until an invariant breaks. Lived on the package as of {commit_of_code()}."
    yield ""
    yield f"**{len(caught)} of {len(rows)} are caught** ({100 * len(caught) / len(rows):.0f} %)."
    yield f"The last seed that was needed is {max((lived.seed or 0 for lived in caught), default=0)}."
    yield ""
    yield f"Lives that took more than {MOST_SECONDS} s of CPU were left out: {_told(left_out, 'seeds')}."
    yield f"Lives that break an invariant without any bug count as not lived: {_told(broken, 'seeds')}."
    yield ""
    yield "| planted bug | file | seed | invariant | what the checker says |"
    yield "| --- | --- | --- | --- | --- |"
    for bug, lived in rows:
        finding = lived.finding.replace("|", "\\|")[:140]
        within = f"**not caught** within {lived.lived} seeds" if lived.lived else "**not tried**"
        yield f"| {bug.name} | `{bug.file}` | {lived.seed or within} | {lived.invariant} | {finding} |"


def _told(seeds: Sequence[int], word: str) -> str:
    return f"{word} {', '.join(map(str, seeds))}" if seeds else "none"


def main() -> None:
    """Try out every bug, or those that are named, and write the report after each."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=MOST_SEEDS, help="the most seeds for each bug")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=[], metavar="WORDS", help="only bugs whose names hold one of these")
    parser.add_argument("--no-report", action="store_true", help="leave docs/planted-bugs.md as it is")
    given = parser.parse_args()
    kept = Kept(KEPT)
    bugs = [bug for bug in BUGS if not given.only or any(words in bug.name for words in given.only)]
    with ThreadPoolExecutor(given.processes) as pool:
        for bug, lived in zip(bugs, pool.map(lambda bug: try_out(bug, kept, given.seeds), bugs), strict=True):
            told = f"{lived.seed or f'not within {lived.lived}'} {lived.invariant} {bug.name}: {lived.finding[:100]}"
            print(told, flush=True)  # noqa: T201
            if not given.no_report:
                REPORT.write_text("\n".join(report(BUGS, kept)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

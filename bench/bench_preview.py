"""Measure a preview of a large fleet as a pipeline runs it: two revisions from Git, a saved observation, a comment in markdown.

Run: ``python -m bench.bench_preview [MACHINES]``. The change moves one machine in 250 to the host beside its own; the answer is
checked before the time counts. Prints a table and, at the full size, writes ``bench/results/preview.md``.
"""

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic

from bench.bench_load import FULL, PER_HOST, SEED, documents_of, write_documents
from bench.machine import measured
from reconciler.simulator.generate import make_fleet

EVERY = 250
BOUND_SECONDS = 60


def main(arguments: list[str]) -> None:
    """Measure."""
    machines = int(arguments[0]) if arguments else FULL
    with tempfile.TemporaryDirectory() as name:
        repository = Path(name)
        moved = _commits(repository, machines)
        cold, warm = _preview(repository, moved), _preview(repository, moved)
    rows = [f"| {case} | {cpu:.1f} | {wall:.1f} | {BOUND_SECONDS} |" for case, (cpu, wall) in (("cold", cold), ("again", warm))]
    table = "\n".join(["| preview | CPU s | wall s | bound, wall s |", "|" + " --- |" * 4, *rows])
    about = f"{machines:,} machines, one file each, {len(moved):,} of them moved by the change. "
    about += measured("other work shares the machine")
    sys.stdout.write(f"{about}\n\n{table}\n")
    if machines == FULL:
        Path(__file__).with_name("results").joinpath("preview.md").write_text(f"# Preview\n\n{about}\n\n{table}\n", "utf-8")


def _commits(repository: Path, machines: int) -> set[str]:
    """Write two commits, and the observation that fits the first; return the machines that the second one moves."""
    observation = make_fleet(machines // PER_HOST, PER_HOST, SEED)
    folder = repository / "desired-state"
    write_documents(folder, list(documents_of(observation)), 1)
    (repository / "seen.json").write_text(json.dumps(observation.to_json()), "utf-8")
    _git(repository, "init", "--quiet")
    _git(repository, "add", "desired-state")
    _git(repository, "commit", "--quiet", "-m", "as it is")
    hosts = {host.name: other.name for host, other in zip(observation.hosts, _neighbours(observation.hosts), strict=True)}
    files = [file for file in sorted(folder.rglob("*.yaml")) if "kind: VirtualMachine" in file.read_text("utf-8")]
    for file in files[::EVERY]:
        text = file.read_text("utf-8")
        file.write_text(re.sub(r"host: (\S+)", lambda found: f"host: {hosts[found[1]]}", text), "utf-8")
    _git(repository, "commit", "--quiet", "-am", "move some")
    return {file.stem for file in files[::EVERY]}


def _neighbours(hosts: tuple) -> list:  # type: ignore[type-arg]
    """Return for each host another of its cluster, the next one in their order."""
    found = []
    for host in hosts:
        mates = [one for one in hosts if one.cluster == host.cluster]
        found.append(mates[(mates.index(host) + 1) % len(mates)])
    return found


def _preview(repository: Path, moved: set[str]) -> tuple[float, float]:
    command = [sys.executable, "-m", "reconciler", "preview", "--base", "HEAD^1", "--head", "HEAD", "-o", "markdown"]
    command += ["--observation", "seen.json", "--forge", "github", "--out", "preview.json"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1]), "RECONCILER_CACHE": str(repository / "cache")}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), monotonic()
    done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=False)
    wall, after = monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    preview = json.loads((repository / "preview.json").read_text("utf-8"))
    added = [one["step"] for one in preview["steps"] if one["change"] == "added"]
    names = {step["virtualMachine"]["name"] for step in added if "virtualMachine" in step}
    if not names <= moved or len(names) < len(moved) * 0.8:  # some have no room at the neighbour's, and are blocked
        raise SystemExit(f"wrong answer: of {len(moved)} machines {len(names)} move")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def _git(where: Path, *arguments: str) -> None:
    who = {f"GIT_{role}_{what}": "a@b.c" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(["git", "-c", "commit.gpgsign=false", *arguments], cwd=where, check=True, env=os.environ | who)


if __name__ == "__main__":
    main(sys.argv[1:])

"""Whether the same desired state and observation give the same bytes: other hash seeds, files written in another order.

Run: ``python -m bench.bench_same [FLEETS]``. Each fleet is written three times, its files and its observation's hosts and
machines in another order each time, and planned by three processes with hash seeds of their own. What is compared is the whole
plan as it is saved, but for the digest of the observation's file. Writes ``bench/results/same.md``.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random

from bench.bench_load import documents_of, write_documents
from bench.machine import measured
from reconciler.diff import find_drift
from reconciler.files import read_observation
from reconciler.folder import load_folder
from reconciler.model.observation import Observation
from reconciler.plan import make_plan
from reconciler.simulator.generate import make_fleet

FLEETS, HOSTS, PER_HOST = 100, 8, 8
HASH_SEEDS = ("0", "1", "20261128")


def main(arguments: list[str]) -> None:
    """Compare, or be a process that plans."""
    if arguments[:1] == ["--plan"]:
        os.chdir(arguments[1])  # a plan names the files of the desired state as they were given
        sys.stdout.write("\n".join(map(_planned, sorted(Path().iterdir()))) + "\n")
        return
    fleets = int(arguments[0]) if arguments else FLEETS
    with tempfile.TemporaryDirectory() as folder:
        answers = [_answers(Path(folder) / seed, seed, fleets) for seed in HASH_SEEDS]
    other = sum(len(set(row)) > 1 for row in zip(*answers, strict=True))
    steps = sum(int(answer.partition(" ")[0]) for answer in answers[0])
    assert steps > fleets, "the fleets leave nothing to plan"
    head = "| fleets | steps | processes each | plans with other bytes |\n| --- | --- | --- | --- |"
    table = f"{head}\n| {fleets} | {steps} | {len(HASH_SEEDS)} | {other} |"
    sys.stdout.write(table + "\n")
    of = f"{HOSTS} hosts and {HOSTS * PER_HOST} machines each; PYTHONHASHSEED {', '.join(HASH_SEEDS)}"
    about = measured(f"{of}; files, and what was observed, in another order each time")
    Path(__file__).with_name("results").joinpath("same.md").write_text(f"# The same bytes\n\n{about}\n\n{table}\n", "utf-8")


def _answers(folder: Path, hash_seed: str, fleets: int) -> list[str]:
    """Write all fleets, files in an order that hangs on the hash seed; return what one process says of each."""
    for number in range(fleets):
        _write(folder / f"fleet-{number:04}", number, Random(f"{hash_seed} {number}").shuffle)
    command, seed = [sys.executable, "-m", "bench.bench_same", "--plan", str(folder)], {"PYTHONHASHSEED": hash_seed}
    return subprocess.run(command, capture_output=True, check=True, text=True, env=os.environ | seed).stdout.split("\n")[:-1]


def _write(folder: Path, seed: int, shuffle: Callable[[list[object]], None]) -> None:
    observation, chance = make_fleet(HOSTS, PER_HOST, seed), Random(seed)
    names = [host.name for host in observation.hosts]
    documents: list[object] = [(name, _changed(text, names, chance)) for name, text in documents_of(observation)]
    shuffle(documents)
    write_documents(folder / "state", documents, 1)  # type: ignore[arg-type]
    (folder / "observation.json").write_text(_in_another_order(observation, shuffle), "utf-8")


def _changed(text: str, names: list[str], chance: Random) -> str:
    """Empty every eighth host; want every fourth machine on some other host, or on one of several."""
    if "kind: Host\n" in text:
        return text.replace("spec:\n", "spec:\n  maintenance: true\n") if chance.random() < 1 / 8 else text
    before, found, host = text.partition("    host: ")
    if not found:
        return text
    lines = host.splitlines(keepends=True)
    if chance.random() < 1 / 4:
        lines[0] = f"{chance.choice(names)}\n"
    several = f"    hosts: [{', '.join(dict.fromkeys([lines[0].strip(), *chance.sample(names, 3)]))}]\n"
    return before + (several if chance.random() < 1 / 2 else found + lines[0]) + "".join(lines[1:])


def _in_another_order(observation: Observation, shuffle: Callable[[list[object]], None]) -> str:
    data = observation.model_dump(mode="json", by_alias=True)
    for host in data["hosts"]:
        shuffle(host["virtualMachines"])
    shuffle(data["hosts"])
    return json.dumps(data)


def _planned(folder: Path) -> str:
    """Return the number of steps and a digest of the plan."""
    desired, observation = load_folder(folder / "state").desired, read_observation(folder / "observation.json")
    assert desired is not None
    plan = make_plan(desired, observation, find_drift(desired, observation)).to_json()
    plan["observation"].pop("digest")
    return f"{len(plan['steps'])} {sha256(json.dumps(plan).encode()).hexdigest()}"


if __name__ == "__main__":
    main(sys.argv[1:])

"""Measure loading in CPU seconds and memory: a folder of YAML read cold and from the cache, and a saved observation.

Run: ``python -m bench.bench_load [MACHINES]``. Every answer is checked before its time counts. Each reading is a process of
its own, as a command is. Prints a table and, at the full size, writes ``bench/results/load.md``.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import process_time

from bench.machine import loop_seconds, measured, peak_mebibytes, quickest
from reconciler.collector import collector_at_rest
from reconciler.files import read_observation
from reconciler.folder import FolderCache, load_folder
from reconciler.model import paths
from reconciler.model.observation import Observation
from reconciler.simulator.generate import make_fleet

FULL, PER_HOST, SEED = 25_000, 25, 1
HEAD = "# yaml-language-server: $schema=https://reconciler.dev/schemas/v1/{}.schema.json\napiVersion: reconciler/v1\n"
HOST = """kind: Host
metadata: {{name: {name}, labels: {{rack: r{rack}}}}}
spec:
  address: {address}
  cluster: {cluster}
  migration: {{performanceOption: Compression}}
  storage: {{locations: ['D:\\VMs']}}
"""
MACHINE = """kind: VirtualMachine
metadata:
  name: {name}
  labels: {{app: shop, tier: web}}
spec:
  id: {id}
  placement:
    host: {host}
  storage:
    path: {path}
  migration:
    whenOff: move
    priority: 50
"""


def main(arguments: list[str]) -> None:
    """Measure, or be the process that is measured."""
    if arguments[:1] == ["--read"]:
        _read(arguments[1], Path(arguments[2]), Path(arguments[3]), int(arguments[4]))
        return
    machines = int(arguments[0]) if arguments else FULL
    with tempfile.TemporaryDirectory() as folder:
        rows = list(_rows(Path(folder), machines))
    table = "\n".join(["| case | CPU s | bound s | ratio | loop s | peak MiB |", "|" + " --- |" * 6, *rows])
    sys.stdout.write(table + "\n")
    if machines == FULL:
        about = measured("CPU seconds, the quickest of 3 to 12 runs, and what that loop took in the same process (loop s)")
        Path(__file__).with_name("results").joinpath("load.md").write_text(f"# Loading\n\n{about}\n\n{table}\n", "utf-8")


def _rows(folder: Path, machines: int) -> Iterator[str]:
    observation = make_fleet(machines // PER_HOST, PER_HOST, SEED)
    for layout, size in (("one file a machine", 1), ("1,000 documents a file", 1000)):
        state = folder / f"state-{size}"
        write_documents(state, list(documents_of(observation)), size)
        for case, bound in (("cold", 8.0), ("cold, answer kept", None), ("unchanged, from the cache", 0.5)):
            cache = folder / ("none" if case == "cold" else f"cache-{size}")
            yield _row(f"{machines:,} machines, {layout}: {case}", bound, ("desired", state, cache, machines))
    seen = 4 * machines
    saved = folder / "observation.json"
    saved.write_text(make_fleet(seen // PER_HOST, PER_HOST, SEED).model_dump_json(by_alias=True), encoding="utf-8")
    yield _row(f"observation of {seen:,} machines", 2.0, ("observation", saved, folder / "none", seen))


def _row(name: str, bound: float | None, work: tuple[str, Path, Path, int]) -> str:
    command = [sys.executable, "-m", "bench.bench_load", "--read", *map(str, work)]

    def once() -> tuple[float, ...]:
        return tuple(map(float, subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()))

    seconds, loop, mebibytes = quickest(once) if bound else once()  # an answer is kept by the first reading alone
    compared = f"{bound} | {seconds / bound:.2f}" if bound else "- | -"
    return f"| {name} | {seconds:.2f} | {compared} | {loop:.2f} | {mebibytes:.0f} |"


@collector_at_rest()  # as the commands that end by themselves do
def _read(what: str, path: Path, cache: Path, machines: int) -> None:
    """Read once and print the CPU seconds and the peak of memory; fail where the answer is not the one expected."""
    start = process_time()
    found = _machines_of(what, path, cache)
    seconds = process_time() - start
    assert found == machines, (found, machines)
    sys.stdout.write(f"{seconds} {loop_seconds()} {peak_mebibytes()}\n")


def _machines_of(what: str, path: Path, cache: Path) -> int:
    if what == "observation":
        return sum(len(host.virtual_machines) for host in read_observation(path).hosts)
    loaded = load_folder(path, None if cache.name == "none" else FolderCache(cache))
    assert loaded.problems == (), loaded.problems[:3]
    assert loaded.desired is not None
    return len(loaded.desired.virtual_machines)


def write_documents(folder: Path, documents: list[tuple[str, str]], size: int) -> None:
    """Write documents below a folder, so many to a file, each file named after its first."""
    for number in range(0, len(documents), size):
        name, _ = documents[number]
        path = folder / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("---\n".join(text for _, text in documents[number : number + size]), encoding="utf-8")


def documents_of(observation: Observation) -> Iterator[tuple[str, str]]:
    """Give a name and the text of each document: what the observation would look like, committed as it is."""
    for cluster in observation.clusters:
        text = f"kind: Cluster\nmetadata: {{name: {cluster.name}}}\nspec: {{address: {cluster.name}.contoso.com}}\n"
        yield f"clusters/{cluster.name}", HEAD.format("cluster") + text
    for number, host in enumerate(observation.hosts):
        names = {"name": host.name, "address": host.address, "cluster": host.cluster or "null", "rack": number // 20}
        yield f"hosts/{host.name}", HEAD.format("host") + HOST.format(**names)
    for host, machine in observation.machines():
        path = paths.folder_of(paths.folder_of(machine.disks[0].path or ""))
        text = MACHINE.format(name=machine.name, id=machine.id, host=host.name, path=path)
        yield f"vms/{host.name}/{machine.name}", HEAD.format("virtual-machine") + text


if __name__ == "__main__":
    main(sys.argv[1:])

"""Measure a whole pass over a fleet in which nothing changed, beside diff, plan and audit alone, in CPU seconds.

Run: ``python -m bench.bench_pass``. A pass is what the service does at each look: put the hosts' reports together, settle,
think, decide. The reports come ready made: what the network and their decoding take is measured by ``bench_survey``. Both are
measured in turns on the same values, each pass is checked to have found nothing to do, and the store is a file.
"""

import gc
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import median
from time import process_time

from bench.fleets import Case, pinned
from bench.machine import measured
from reconciler.clock import Clock
from reconciler.collector import collector_at_rest
from reconciler.controller import Controller, Options
from reconciler.cycle import think
from reconciler.hosts.port import Answer, Call, HostReport
from reconciler.model.observation import Observation, Share
from reconciler.model.progress import Progress
from reconciler.simulation.timeline import ControllerClock, Timeline
from reconciler.store.sqlite import SqliteStore

HOSTS, MACHINES, ROUNDS, BOUND = 1000, 25_000, 5, 1.5


class ReadyMade:
    """Hosts that answer every survey at once with the same report."""

    def __init__(self, observation: Observation) -> None:
        clusters = {cluster.name.casefold(): cluster for cluster in observation.clusters}
        self._reports = {
            host.name: HostReport(
                host,
                clusters.get((host.cluster or "").casefold()),
                tuple(replace_hosts(share, host.name) for share in observation.shares if host.name in share.hosts),
            )
            for host in observation.hosts
        }

    def ask(self, calls: Sequence[Call]) -> list[Answer]:
        """Answer with what was seen: values of their own each time, which remember nothing of the time before."""
        reports = [self._reports[call.target.name] for call in calls]
        return [
            Answer(call, value=replace(report, host=report.host.model_copy()))
            for call, report in zip(calls, reports, strict=True)
        ]

    def close(self) -> None:
        """Nothing is held."""


class Silent:
    """A view for nobody."""

    def show(self, progress: Progress) -> None:
        """Show nothing."""

    def say(self, text: str) -> None:
        """Say nothing."""


def replace_hosts(share: Share, host: str) -> Share:
    """Return a share as one host reports it."""
    return share.model_copy(update={"hosts": (host,)})


def main() -> None:
    """Measure, print and write the result."""
    case = pinned(HOSTS, MACHINES, 0)
    passes, thoughts = _measured(case)
    ratio = median(passes) / median(thoughts)
    rows = [
        "| what | CPU s, each round | median |",
        "|" + " --- |" * 3,
        f"| a pass of the controller | {_told(passes)} | {median(passes):.2f} |",
        f"| diff, plan and audit alone | {_told(thoughts)} | {median(thoughts):.2f} |",
        "",
        f"A pass takes {ratio:.2f} times what planning alone takes (bound: {BOUND}).",
    ]
    text = "\n".join(rows) + "\n"
    sys.stdout.write(text)
    about = measured("CPU seconds, in turns")
    head = f"# A pass in which nothing changed\n\n{about} {HOSTS} hosts, {MACHINES} machines, all in place.\n\n"
    Path(__file__).with_name("results").joinpath("pass.md").write_text(head + text, encoding="utf-8")


@collector_at_rest()  # as the commands do
def _measured(case: Case) -> tuple[list[float], list[float]]:
    """Return the CPU seconds of each pass and of each thought; the first of both, which fills caches, does not count."""
    timeline = Timeline(case.observation.observed_at)
    passes, thoughts = [], []
    with tempfile.TemporaryDirectory() as folder:
        clock: Clock = ControllerClock(timeline)
        store = SqliteStore(Path(folder) / "state.sqlite3", clock)
        controller = Controller(ReadyMade(case.observation), store, clock, Silent(), Options(full_survey_seconds=None))
        for _ in range(ROUNDS + 1):
            timeline.sleep(300)
            gc.collect()
            began = process_time()
            result = controller.pass_once(case.desired)
            passes.append(process_time() - began)
            assert (result.over, result.started, result.thought.plan.steps) == (True, (), ())
            seen = result.thought.observation
            hosts = tuple(host.model_copy() for host in seen.hosts)  # as fresh as the pass had them
            observation = seen.model_copy(update={"observed_at": timeline.now() + timedelta(seconds=1), "hosts": hosts})
            assert len(observation.hosts) == HOSTS
            gc.collect()
            began = process_time()
            thought = think(case.desired, observation)
            thoughts.append(process_time() - began)
            assert thought.plan.summary.migrations == 0
        store.close()
    return passes[1:], thoughts[1:]


def _told(seconds: Sequence[float]) -> str:
    return ", ".join(f"{one:.2f}" for one in seconds)


if __name__ == "__main__":
    main()

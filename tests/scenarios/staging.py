"""Puts a scenario folder on stage: its desired state, its observation, its expected story; and carries it out over WinRM.

Time is virtual: the run and the simulated fleet share one clock that moves only when the run waits, so a scenario that takes
half an hour of fleet time takes a second, and always the same course. WinRM, NTLM and the endpoints are real.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from reconciler.clock import ManualClock
from reconciler.controller import Options, Run
from reconciler.cycle import think
from reconciler.desired import load_desired
from reconciler.files import read_folder, read_observation
from reconciler.hosts.port import Hosts
from reconciler.hosts.winrm.adapter import WinRmHosts
from reconciler.model.desired import Desired
from reconciler.model.observation import Observation
from reconciler.model.plan import Plan, SettingsStep, Step
from reconciler.model.progress import ApplyReport, Progress
from reconciler.observe import survey, targets_of
from reconciler.simulator.stage import Stage, staged
from reconciler.store import MemoryStore

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Scenario:
    """A folder: ``desired/``, ``observed.json``, and ``story.txt`` with one line for each expected step."""

    name: str

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return HERE / self.name

    @property
    def desired(self) -> Desired:
        """The desired state; it must be free of errors."""
        files, problems = read_folder(self.folder / "desired")
        loaded = load_desired(files)
        assert loaded.desired is not None, (problems, loaded.problems)
        return loaded.desired

    @property
    def observation(self) -> Observation:
        """What the hosts report at the beginning."""
        return read_observation(self.folder / "observed.json")

    @property
    def story(self) -> list[str]:
        """The steps that a person expects, in any order."""
        return (self.folder / "story.txt").read_text(encoding="utf-8").splitlines()

    def plan(self) -> Plan:
        """The plan made from the files alone."""
        return think(self.desired, self.observation).plan


def all_scenarios() -> list[str]:
    """The names of all scenario folders."""
    return sorted(file.parent.name for file in HERE.glob("*/story.txt"))


def telling(plan: Plan) -> list[str]:
    """The plan's steps in the words of ``story.txt``."""
    return [_line(step) for step in plan.steps]


def _line(step: Step) -> str:
    if isinstance(step, SettingsStep):
        changes = " ".join(f"{change.field}={change.target}" for change in step.settings)
        return f"{step.action} {step.host or step.cluster} {changes}"
    words = [step.action, step.virtual_machine.name, step.source]
    words += ["->", step.destination] if step.destination else []
    words += [",".join(sorted(move.file for move in step.storage))] if step.storage else []
    words += ["leaving", step.leaves_cluster] if step.leaves_cluster else []
    words += ["joining", step.joins_cluster] if step.joins_cluster else []
    words += ["by", step.performance_option] if step.performance_option not in (None, "Compression") else []
    return " ".join(words)


@dataclass
class Watcher:
    """A view that remembers; ``on_look`` is called at each look, to do in mid-run what people do."""

    looks: list[Progress] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    on_look: Callable[[Progress], None] = lambda _progress: None

    def show(self, progress: Progress) -> None:
        """Remember a look."""
        self.looks.append(progress)
        self.on_look(progress)

    def say(self, text: str) -> None:
        """Remember a sentence."""
        self.said.append(text)


@dataclass
class Theatre:
    """A scenario on stage, reachable over WinRM."""

    scenario: Scenario
    stage: Stage
    hosts: Hosts
    clock: ManualClock
    store: MemoryStore
    watcher: Watcher = field(default_factory=Watcher)

    def run(self, options: Options | None = None) -> Run:
        """A run of the production code, not yet executed."""
        return Run(self.scenario.desired, self.hosts, self.store, self.clock, self.watcher, options or Options(poll_seconds=6))

    def apply(self, options: Options | None = None) -> ApplyReport:
        """Carry the scenario out to its end."""
        return self.run(options).execute()

    def plan(self) -> Plan:
        """What is left to do now, from a fresh survey over WinRM."""
        desired = self.scenario.desired
        return think(desired, survey(self.hosts, targets_of(desired), self.clock)).plan


@contextmanager
def on_stage(name: str, edit: Callable[[Observation], Observation] = lambda seen: seen) -> Iterator[Theatre]:
    """Serve the scenario's fleet, changed by ``edit``, one WS-Man endpoint per host, and connect to it."""
    scenario = Scenario(name)
    observation = edit(scenario.observation)
    clock = ManualClock(observation.observed_at + timedelta(minutes=1))
    with staged(observation, clock) as stage:
        hosts = WinRmHosts(stage.config)
        try:
            yield Theatre(scenario, stage, hosts, clock, MemoryStore(clock))
        finally:
            hosts.close()

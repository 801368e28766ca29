"""What holds of every apply, whatever the fleet and whatever befalls it: it ends, it is safe on the way, and then it is silent.

The production run works on the simulated fleet, which refuses what hosts refuse. A refusal without a fault is a mistake of the
plan, so none may occur.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.clock import ManualClock
from reconciler.controller import Options, Run
from reconciler.cycle import think
from reconciler.hosts.port import Answer, Call, CancelMigration
from reconciler.model.exit_codes import ExitCode
from reconciler.model.observation import Observation
from reconciler.model.plan import Plan
from reconciler.model.progress import ApplyReport, OutcomeState, Progress
from reconciler.observe import survey, targets_of
from reconciler.simulator.fleet import SimulatedHosts
from reconciler.simulator.history import movers, over_limit
from reconciler.simulator.world import Refused, World
from reconciler.store import MemoryStore
from tests.laws.strategies_apply import Case, cases

EXAMPLES = int(os.environ.get("SWEEP_EXAMPLES", "0"))
LAWS = settings(
    max_examples=EXAMPLES or 50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    derandomize=not EXAMPLES,
    database=None,
    print_blob=False,
)
MOST_CALLS = 400  # a run of so small a fleet that asks more often goes round in circles


class Killed(BaseException):
    """The controller is no more; nothing in the program may catch this."""


class Silent:
    """A view for nobody."""

    def show(self, progress: Progress) -> None:
        """Show nothing."""

    def say(self, text: str) -> None:
        """Say nothing."""


@dataclass
class WatchedHosts:
    """Hosts on which something happens before or after the n-th call, by its number."""

    hosts: SimulatedHosts
    before: dict[int, list[Callable[[], None]]] = field(default_factory=dict)
    after: dict[int, list[Callable[[], None]]] = field(default_factory=dict)
    calls: int = 0

    def ask(self, calls: Sequence[Call]) -> list[Answer]:
        """Let happen what is due, and ask."""
        self.calls += 1
        assert self.calls < MOST_CALLS, "the run does not end"
        for happen in self.before.pop(self.calls, ()):
            happen()
        answers = self.hosts.ask(calls)
        for happen in self.after.pop(self.calls, ()):
            happen()
        return answers

    def close(self) -> None:
        """Nothing is held."""


class Play:
    """One case on stage: a world, its clock, a store, and runs against it one after another."""

    def __init__(self, case: Case) -> None:
        self.case, self.clock = case, ManualClock(case.observation.observed_at + timedelta(minutes=1))
        self.world = World(case.observation, self.clock)
        self.store = MemoryStore(self.clock)
        self.hosts = WatchedHosts(SimulatedHosts(self.world))

    def apply(self) -> ApplyReport | None:
        """Apply; None where the controller was killed."""
        try:
            return Run(self.case.desired, self.hosts, self.store, self.clock, Silent(), Options(poll_seconds=15)).execute()
        except Killed:
            return None

    def plan(self) -> Plan:
        """What is left to do now; raises UnsoundPlan where planner and auditor disagree."""
        desired = self.case.desired
        return think(desired, survey(self.hosts, targets_of(desired), self.clock)).plan

    def check(self) -> None:
        """What must hold at the end, and of everything on the way there."""
        assert self.world.check() == []
        assert over_limit(self.world.events) == []
        assert set(movers(self.world.events).values()) <= {1}
        now, before = states(self.world.observation()), states(self.case.observation)
        assert now.keys() == before.keys(), "a machine is gone, or there is one too many"
        for machine, state in before.items():
            assert now[machine] == state or (state != "Running" and now[machine] == "Running"), f"{machine} was {state}"


def states(observation: Observation) -> dict[str, str | None]:
    return {machine.name: machine.state for _, machine in observation.machines()}


def roles_missing(case: Case, world: World, blocked: set[str]) -> list[str]:
    """Machines that should have a role where they are, or had one and lost it without being told to."""
    asked = {machine.name.casefold(): machine.high_availability for machine in case.desired.virtual_machines}
    had = {machine.name for _, machine in case.observation.machines() if machine.highly_available}
    return [
        machine.name
        for host, machine in world.observation().machines()
        if host.cluster
        and not machine.highly_available
        and (asked[machine.name] or (asked[machine.name] is None and machine.name in had))
        and f"virtualMachine/{machine.name}".casefold() not in blocked
    ]


def assert_silent(play: Play, report: ApplyReport) -> None:
    """Nothing is left to do, the exit code says so, and applying again does nothing.

    Only a move out of a cluster may be left, while others lack the high availability that they should have and cannot,
    and whatever waits for such a move.
    """
    plan = play.plan()
    blocked = {one.subject.casefold() for one in plan.blocked}
    waiting = report.in_state(OutcomeState.WAITING)
    kept = {row.subject for row in waiting if "without high availability (" in row.detail}
    left = kept and kept | {row.subject for row in waiting if row.detail.startswith("waits for ")}
    assert {getattr(step, "subject", "") for step in plan.steps} <= left
    assert report.exit_code == (ExitCode.PARTLY if plan.blocked or left else ExitCode.DONE), report.exit_reason
    assert roles_missing(play.case, play.world, blocked) == []
    events = len(play.world.events)
    again = play.apply()
    assert again is not None
    assert again.exit_code == report.exit_code
    assert len(play.world.events) == events, "a second apply did something"


@LAWS
@given(cases())
def test_after_an_undisturbed_apply_everything_is_in_place_or_blocked(case: Case) -> None:
    """No host refuses anything, no limit is passed, and planning again gives no step."""
    play = Play(case)
    report = play.apply()
    assert report is not None
    play.check()
    assert [row.detail for row in report.in_state(OutcomeState.FAILED)] == []
    assert {row.state for row in report.outcomes} <= {OutcomeState.DONE, OutcomeState.WAITING}
    assert_silent(play, report)


@dataclass(frozen=True)
class Fault:
    """Something that befalls the fleet or the controller at its ``call``-th question. ``machine``, ``host`` are numbers."""

    kind: str
    call: int
    machine: int
    host: int
    share: float
    after: bool


FAULTS = st.builds(
    Fault,
    st.sampled_from(["move", "fail", "silence", "kill", "cancel", "busy", "forget"]),
    st.integers(1, 25),
    st.integers(0, 5),
    st.integers(0, 4),
    st.sampled_from([0.1, 0.5, 0.9]),
    st.booleans(),
)


def arrange(play: Play, fault: Fault) -> None:
    """Let a fault happen at its call; what ends by itself ends some calls later."""
    when = play.hosts.after if fault.after else play.hosts.before
    names, machines = play.world.host_names, [machine.id for _, machine in play.case.observation.machines()]
    host, machine = names[fault.host % len(names)], machines[fault.machine % len(machines)]

    def forget() -> None:
        play.store = MemoryStore(play.clock)
        raise Killed

    def kill() -> None:
        raise Killed

    happen: dict[str, Callable[[], object]] = {
        "move": lambda: unless_refused(lambda: play.world.person_moves(machine, host)),
        "fail": lambda: play.world.fail_next_migration(machine, 0x8007274C, "connection timed out", fault.share),
        "silence": lambda: play.world.set_unreachable(host, True),
        "kill": kill,
        "cancel": lambda: cancel(play, machine),
        "busy": lambda: play.world.set_operation(machine, "BackingUpVirtualMachine"),
        "forget": forget,
    }
    when.setdefault(fault.call, []).append(lambda: ignore(happen[fault.kind]()))
    over: dict[str, Callable[[], object]] = {
        "silence": lambda: play.world.set_unreachable(host, False),
        "busy": lambda: play.world.set_operation(machine, None),
    }
    if fault.kind in over:
        play.hosts.before.setdefault(fault.call + 6, []).append(lambda: ignore(over[fault.kind]()))


def ignore(_: object) -> None:
    """Nothing."""


def unless_refused(act: Callable[[], object]) -> None:
    """A person who is refused shrugs."""
    with suppress(Refused):
        act()


def cancel(play: Play, machine: str) -> None:
    """Somebody cancels whatever moves the machine."""
    for host in play.world.observation().hosts:
        for job in host.running_migrations:
            if job.virtual_machine == machine:
                play.world.execute(host.name, CancelMigration(job.id))


def calm(play: Play) -> None:
    """All faults are over, and what people started has ended."""
    play.hosts.before.clear()
    play.hosts.after.clear()
    play.hosts.calls = 0
    for name in play.world.host_names:
        play.world.set_unreachable(name, False)
    for _, machine in play.world.observation().machines():
        if machine.operation == "BackingUpVirtualMachine":
            play.world.set_operation(machine.id, None)
    while (end := play.world.next_end()) is not None:
        play.clock.sleep((end - play.clock.now()).total_seconds())
    play.clock.sleep(400)


@LAWS
@given(cases(), st.lists(FAULTS, min_size=1, max_size=4))
def test_once_faults_stop_the_fleet_converges_and_falls_silent(case: Case, faults: list[Fault]) -> None:
    """People move machines, migrations fail, hosts fall silent, the controller dies and forgets; then it is put right."""
    play = Play(case)
    for fault in faults:
        arrange(play, fault)
    for _ in range(len(faults) + 1):
        if play.apply() is not None:
            break
        play.clock.sleep(10)
    play.check()
    calm(play)

    report = play.apply()
    assert report is not None
    if report.exit_code == ExitCode.PARTLY:  # a failure that had been arranged may meet this run as well
        report = play.apply()
        assert report is not None

    play.check()
    assert_silent(play, report)

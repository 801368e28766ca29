"""One life from one seed: people commit and meddle, faults strike, controllers start and die; then all is calm.

The controller is the production one, started again and again as an operator or a service manager would. Whatever breaks an
invariant ends the life at once; the result tells which, with the log of all that led there.
"""

import random
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from reconciler.controller import Controller, PassResult, Run
from reconciler.controller import Options as ControllerOptions
from reconciler.cycle import Thought, UnsoundPlan
from reconciler.model.plan import MachineStep
from reconciler.model.progress import ApplyReport, Progress
from reconciler.simulation.checker import Violation, judge_pass, judge_report
from reconciler.simulation.checker.settled import Left
from reconciler.simulation.crash import Killed
from reconciler.simulation.network import SimulatedNetwork
from reconciler.simulation.options import Options
from reconciler.simulation.people import HOUR, People
from reconciler.simulation.quiet import come_right
from reconciler.simulation.stage import Stage
from reconciler.store import StoreError

ONCE = ControllerOptions(poll_seconds=20, refresh_seconds=300)
CRASH_RATE = 0.015
RESTARTS = 4  # before the operator gives up until the next look
LOOK_SOON_SECONDS = 60
MOST_AT_ONCE = 20  # passes of a service without any time in between: it goes round in circles


T = TypeVar("T")


@dataclass
class Result:
    """What came of a life: the broken invariant, if one was, its log, and how much happened in it."""

    options: Options
    violation: tuple[str, str] | None
    lines: list[str]
    digest: str
    numbers: dict[str, float] = field(default_factory=dict)


def live(options: Options, prepare: Callable[["Life"], None] | None = None) -> Result:
    """Live one life. ``prepare`` may put more on the stage beforehand (a crash point, say)."""
    life = Life(options)
    violation = None
    try:
        if prepare:
            prepare(life)
        life.run()
    except Violation as broken:
        violation = (broken.invariant, broken.finding)
    except Exception:
        violation = ("crash", traceback.format_exc())
    stage = life.stage
    stage.log.add("end", f"{violation[0]}: {violation[1]}" if violation else "as it should be")
    numbers = {
        "days": (stage.timeline.now() - life.began).total_seconds() / 86400,
        "runs": life.runs,
        "kills": life.kills,
        "events": len(stage.world.events),
        "changes": stage.changes_asked,
        "refusals": stage.refusals,
        "boundaries": stage.points.passed,
    }
    return Result(options, violation, stage.log.lines, stage.log.digest, numbers)


class Life:
    """The stage with people on it, and one controller process after another."""

    def __init__(self, options: Options, stage: Stage | None = None) -> None:
        self.stage = stage or Stage(options)
        self.began = self.stage.timeline.now()
        self.runs = self.kills = 0
        self.left: Left | None = None
        self._commit_came = False
        self._run: Run | None = None
        self.people = People(self.stage, self._committed)
        self.stage.points.dies = self._dies

    def run(self) -> None:
        """Live through the days of faults, then through the calm."""
        stage = self.stage
        self.people.schedule()
        end = self.began + timedelta(days=stage.options.days)
        while stage.timeline.now() < end:
            self._idle()
            for _ in range(RESTARTS):
                if self.serve(end) if stage.options.service else self.apply() is not None:
                    break
        come_right(self)

    def _idle(self, wake_at: datetime | None = None) -> None:
        """Sleep until the next look: at its hour, after a commit, or when by the controller's clock what waits may go on."""
        stage, luck = self.stage, self.stage.streams.of("looks")
        next_look = stage.timeline.now() + timedelta(seconds=luck.uniform(0.8, 1.2) * stage.options.look_every_hours * HOUR)
        next_look = min(next_look, wake_at - stage.clock.offset if wake_at else next_look)
        while stage.timeline.now() < next_look and not self._commit_came:
            stage.timeline.until(min(next_look, stage.timeline.now() + timedelta(seconds=LOOK_SOON_SECONDS)))
        stage.happened()

    def apply(self) -> ApplyReport | None:
        """Start ``apply`` and let it run to its end; None where it died."""
        stage = self.stage
        self._begin("apply")
        report = self._survived(lambda: self._run_once().execute())
        if report is None:
            return None
        stage.log.add("report", f"exit {report.exit_code} {report.exit_reason}")
        for row in report.outcomes:
            stage.log.add("outcome", f"{row.subject} {row.action} {row.state}: {row.detail}")
        waiting = {row.id or row.subject: row.detail for row in report.outcomes if row.state == "waiting"}
        self.left = Left(report.blocked, waiting)
        judge_report(report, stage.desired, stage.known)
        return report

    def serve(self, end: datetime) -> bool:
        """Start a service that looks again and again, with the newest commit each time; False where it died."""
        self._begin("service")
        return self._survived(lambda: self._passes(end)) is not None

    def _passes(self, end: datetime) -> bool:
        stage = self.stage
        controller = self._judged(
            Controller(SimulatedNetwork(stage, service=True), stage.store, stage.clock, Silent(), _always(stage.options))
        )
        began, at_once = stage.timeline.now(), 0
        while stage.timeline.now() < end:
            at_once = at_once + 1 if stage.timeline.now() == began else 0
            if at_once > MOST_AT_ONCE:
                raise Violation("L4", f"{MOST_AT_ONCE} looks one after the other, and no time passes")
            began = stage.timeline.now()
            self._take_newest()
            result = controller.pass_once(stage.desired)
            self.left = _left_by(result)
            stage.happened()
            if result.over:
                self._idle(min((row.until for row in result.decision.waiting if row.until), default=None))
                continue
            while stage.clock.now() < result.wake_at and not self._commit_came:
                stage.clock.sleep(controller.options.poll_seconds)
                if result.watch and controller.poll():
                    break
        return True

    def _run_once(self) -> Run:
        stage = self.stage
        self._run = Run(stage.desired, SimulatedNetwork(stage), stage.store, stage.clock, Silent(), ONCE)
        self._judged(self._run.controller)
        return self._run

    def _judged(self, controller: Controller) -> Controller:
        """Let the checker see every pass of a controller, whoever drives it."""
        stage, act = self.stage, controller.act

        def judged(thought: Thought) -> PassResult:
            decided_at = stage.clock.now()  # starting what was decided may take long
            result = act(thought)
            judge_pass(result, stage.desired, stage.known, decided_at, clock_jumps="clock-jump" in stage.faults)
            return result

        controller.act = judged  # type: ignore[method-assign]
        return controller

    def _begin(self, what: str) -> None:
        stage = self.stage
        self._take_newest()
        stage.known.forget()
        stage.log.add("start", f"{what} of {stage.desired.revision}")
        self.runs += 1

    def _take_newest(self) -> None:
        self.stage.desired, self._commit_came = self.stage.newest(), False

    def _survived(self, work: Callable[[], T]) -> T | None:
        """Let a process work; None where it was killed or could not write, after the time it takes to start another."""
        stage, luck = self.stage, self.stage.streams.of("operator")
        try:
            return work()
        except Killed as where:
            self.kills += 1
            stage.log.add("killed", str(where))
            self._lose_store(luck)
        except StoreError as error:
            stage.log.add("refused", str(error))
        except UnsoundPlan as unsound:
            raise Violation("S5", f"planner and auditor disagree: {unsound}") from unsound
        finally:
            self._run = None
            stage.happened()
        stage.timeline.sleep(luck.choice((1, 20, 300)))
        return None

    def _committed(self) -> None:
        self._commit_came = True
        impatient = self._run is not None and self.stage.streams.of("impatience").random() < 0.5
        if self._run is not None and (impatient or self.stage.wishes.urgent):
            self._run.stop()

    def _dies(self, _: int) -> bool:
        """At each boundary: killed, frozen, or neither."""
        stage = self.stage
        luck = stage.streams.of("fate")
        drawn, frozen = luck.random(), luck.random()
        if stage.calm:
            return False
        if "freeze" in stage.faults and frozen < CRASH_RATE / 4:
            stage.log.add("frozen")
            stage.known.disturb()
            stage.timeline.sleep(luck.choice((60, 400, 2 * HOUR)))
        return "crash" in stage.faults and drawn < CRASH_RATE

    def _lose_store(self, luck: random.Random) -> None:
        lost, torn = luck.random() < 0.3, luck.random() < 0.3
        if "store-lost" in self.stage.faults and lost:
            self.stage.store.lose()
            self.stage.log.add("store", "lost")
            self.stage.excused_roles |= set(self.stage.known.debts) | self._without_role()
            self.stage.known.debts.clear()
        elif "store-torn" in self.stage.faults and torn:
            self.stage.store.tear()
            self.stage.log.add("store", "torn")
            self.stage.excused_roles |= set(self.stage.known.debts) | self._without_role()

    def _without_role(self) -> set[str]:
        """Machines that lack the role they began with, owed in writing or not: only the store knew what it had set."""
        return {vm.id for _, vm in self.stage.world.observation().machines() if not vm.highly_available} & set(
            self.stage.saved_roles
        )


def _left_by(result: PassResult) -> Left:
    plan = result.thought.plan
    ids = {step.id: step.virtual_machine.id for step in plan.steps if isinstance(step, MachineStep)}
    return Left(plan.blocked, {ids.get(row.step_id, row.subject): row.finding for row in result.decision.waiting})


def _always(options: Options) -> ControllerOptions:
    """As ``reconciler serve`` runs it: nothing is given up, failures are remembered, most looks are at the hosts concerned."""
    return ControllerOptions(
        poll_seconds=20,
        refresh_seconds=300,
        attempts=None,
        remember_failures=True,
        full_survey_seconds=options.survey_seconds or None,
    )


class Silent:
    """A view for nobody."""

    def show(self, progress: Progress) -> None:
        """Show nothing."""

    def say(self, text: str) -> None:
        """Say nothing."""

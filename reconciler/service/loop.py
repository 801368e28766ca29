"""The service's life: follow the source, take passes when they are due, carry out orders, publish, and end without haste.

One thread does all of it, one thing after another, so nothing is ever decided twice at once. All effects come in from outside:
the same loop runs against a fleet and against a simulation on virtual time.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from reconciler.clock import Clock
from reconciler.controller import Controller, PassResult
from reconciler.cycle import UnsoundPlan
from reconciler.model.commit_report import CommitReport
from reconciler.model.plan import Plan
from reconciler.model.progress import Progress
from reconciler.model.status import Event
from reconciler.service.approvals import Approvals
from reconciler.service.commits import Commits
from reconciler.service.desk import Desk
from reconciler.service.following import Following
from reconciler.service.metrics import Metrics
from reconciler.service.orders import OrderBook
from reconciler.service.publisher import Publisher
from reconciler.service.telling import Standing, Teller
from reconciler.store import StoreError

_log = logging.getLogger("reconciler.service")

TRIM_EVERY = timedelta(days=1)
END_PATIENCE = timedelta(minutes=5)
SHORTEST_SECONDS = 0.05


class Waits(Protocol):
    """How the loop sleeps: until a time has passed, or somebody wants it to look at once."""

    def wait(self, seconds: float) -> bool:
        """Return after ``seconds``, or at once when hastened; tell whether it was."""
        ...


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often: the fleet at the latest after ``interval``, the source after ``poll`` (which gets a jitter from outside)."""

    interval: timedelta
    poll: Callable[[], timedelta]


@dataclass
class Service:
    """One running service. ``stop`` may be called from a signal handler."""

    following: Following
    controller: Controller
    approvals: Approvals
    desk: Desk
    orders: OrderBook
    teller: Teller
    metrics: Metrics
    clock: Clock
    waits: Waits
    rhythm: Rhythm
    mode: Literal["apply", "report"] = "apply"
    publisher: Publisher | None = None
    commits: Commits | None = None
    announce: Callable[[Sequence[CommitReport]], None] | None = None
    stopping: bool = False
    _last: PassResult | None = None
    _pass_due: datetime | None = None
    _source_due: datetime | None = None
    _trouble: str | None = None
    _trim_due: datetime | None = None
    _end_by: datetime | None = field(default=None)

    def run(self) -> None:
        """Live until stopped and no machine is without high availability because of us."""
        self._tell("service-started", f"mode {self.mode}")
        self.following.take_up()
        while not self._is_over():
            seconds = self.once()
            if not self._is_over() and self.waits.wait(seconds):
                self._source_due = None
        self._tell("service-stopped", "what runs on the hosts goes on, and the next start follows it")

    def stop(self) -> None:
        """Start nothing more and end soon."""
        self.stopping = True
        self.controller.stop()

    def once(self) -> float:
        """One round: orders, the source, a pass or a cheap look where one is due. Return for how many seconds to wait."""
        changed = self._carry_out_orders()
        now = self.clock.now()
        self._trim(now)
        if self._source_due is None or now >= self._source_due:
            changed |= self.following.look()
            if self.commits and self.announce:
                self.announce(self.commits.refused(self.following.status()))
            self._source_due = now + self.rhythm.poll()
        if changed or self._is_pass_due(now):
            self._pass()
        else:
            self.teller.between(self._standing(), self.clock.now())
        return self._seconds_left()

    def _trim(self, now: datetime) -> None:
        """Keep the store bounded: it was trimmed when it was opened, and a service may run for years."""
        if self._trim_due is None:
            self._trim_due = now + TRIM_EVERY
        if now >= self._trim_due:
            self._trim_due = now + TRIM_EVERY
            self.desk.trim()

    # -- passes

    def _is_pass_due(self, now: datetime) -> bool:
        if self._pass_due is None or now >= self._pass_due or self._last is None:
            return True
        return self._last.watch and self.controller.poll()

    def _pass(self) -> None:
        desired = self.following.desired
        now = self.clock.now()
        self._pass_due = now + self.rhythm.interval
        if desired is None:
            self._trouble = self.following.hold_back()
            self.teller.between(self._standing(), now)
            return
        try:
            self.desk.act_for(desired)
            thought = self.controller.look(desired)
            self._permit(thought.plan)
            self.desk.note_plan(thought.plan)
            result = self.controller.act(thought)
        except UnsoundPlan as unsound:
            self._fail("plan-unsound", unsound.findings[0].finding)
            return
        except StoreError as error:
            self._fail("store-failed", str(error.problem))
            return
        self._after(result)

    def _permit(self, plan: Plan) -> None:
        """Say what may start of a fresh plan, and if nothing, why."""
        approval, waits = self.approvals.permit(plan)
        self.controller.approval = approval
        report = "the service only reports (mode: report)" if self.mode == "report" else None
        paused = f"paused: {self.desk.paused}" if self.desk.paused is not None else None
        self.controller.hold_back = report or paused or self.following.hold_back() or waits

    def _after(self, result: PassResult) -> None:
        self._last, self._trouble = result, None
        now = self.clock.now()
        if not result.over or result.started:
            self._pass_due = min(now + self.rhythm.interval, result.wake_at)
        self.metrics.count("passes")
        for ended in result.ended:
            self.metrics.outcome(ended)
        for problem in result.thought.plan.problems:
            if problem.code.startswith("guardrail-"):
                self.metrics.count("guardrail", problem.code)
        self.teller.after_pass(result, self.controller.followed.tracked, self._standing(), now)
        if self.publisher:
            self.publisher.take(result.thought.observation)
        status = self.teller.status
        if self.commits and self.announce and status:
            running = len(self.controller.followed.tracked)
            self.announce(self.commits.after_pass(result, status, running, self.controller.hold_back, now))

    def _fail(self, name: str, message: str) -> None:
        """Something of ours is wrong: nothing was started; say so, and try again at the next interval."""
        self._trouble = message
        self.metrics.count("failures")
        self._tell(name, message)
        self.teller.between(self._standing(), self.clock.now())

    # -- orders and telling

    def _carry_out_orders(self) -> bool:
        given = self.orders.take()
        seen = self._last.thought.observation if self._last else None
        for one in given:
            self.teller.event(self.desk.carry_out(one, seen))
        return bool(given)

    def _standing(self) -> Standing:
        return Standing(
            source=self.following.status(),
            mode=self.mode,
            paused=self.desk.paused,
            ready=self._trouble,
            approval=self.approvals.waits_for,
            in_force=self.following.in_force,
        )

    def _tell(self, name: str, message: str) -> None:
        self.teller.event(Event(at=self.clock.now(), name=name, subject="service", message=message))

    # -- time

    def _seconds_left(self) -> float:
        now = self.clock.now()
        due = [moment for moment in (self._pass_due, self._source_due) if moment is not None]
        seconds = min((moment - now).total_seconds() for moment in due) if due else 0.0
        if self._last and self._last.watch:
            seconds = min(seconds, self.controller.options.poll_seconds)
        return max(SHORTEST_SECONDS, seconds)

    def _is_over(self) -> bool:
        if not self.stopping:
            return False
        now = self.clock.now()
        self._end_by = self._end_by or now + END_PATIENCE
        return not self.controller.followed.owes_protection or now >= self._end_by


class ProgressView:
    """The controller's view in a service: progress goes to the board, sentences to the log."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller

    def show(self, progress: Progress) -> None:
        """Publish how far things are."""
        self._teller.progress(progress)

    def say(self, text: str) -> None:
        """Log a sentence."""
        _log.info(text)

"""One apply, from the first look to the report: drives a controller until nothing is left that waiting could bring."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.clock import Clock
from reconciler.controller.controller import Controller, PassResult
from reconciler.controller.followed import GivenUp
from reconciler.controller.options import Options, View
from reconciler.controller.recall import last_names
from reconciler.controller.tracking import key_of, outcome
from reconciler.cycle import Thought
from reconciler.decide import Waiting, attempt_key, shrunken
from reconciler.hosts.port import Hosts
from reconciler.model.desired import Desired
from reconciler.model.exit_codes import ExitCode, exit_code_for
from reconciler.model.plan import Plan, PlanProblem
from reconciler.model.problem import Problem
from reconciler.model.progress import ApplyReport, OutcomeState
from reconciler.plan.solver import Solver
from reconciler.store import Store
from reconciler.store.kinds import APPLIED
from reconciler.store.plans import record_plan

LEFT_ALONE = frozenset({"held", "not-managed", "not-approved"})
NEEDS_A_PERSON = frozenset({"blocked-by-host", "migration-disabled", "unverified", "unknown-limits", "not-applicable"})


@dataclass
class Run:
    """One apply of one desired state. ``stop`` may be called from a signal handler."""

    desired: Desired
    hosts: Hosts
    store: Store
    clock: Clock
    view: View
    options: Options = field(default_factory=Options)
    solver: Solver | None = None
    problems: list[Problem] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.began = self.clock.now()
        self.controller = Controller(self.hosts, self.store, self.clock, self.view, self.options, self.solver)

    @property
    def stopping(self) -> bool:
        """Whether somebody has asked to stop."""
        return self.controller.stopping

    def stop(self) -> None:
        """Start nothing more; end as soon as no machine is without high availability because of us."""
        self.controller.stop()

    def execute(self) -> ApplyReport:
        """Run passes until nothing is left that waiting could bring, and report."""
        thought = self.controller.look(self.desired)
        refusal = self._refusal(thought.plan)
        if refusal:
            return self._report(thought, (), *refusal)
        self._write_down(thought.plan)
        record_plan(self.store, thought.plan)
        result = self.controller.act(thought)
        while not result.over:
            self._wait(result)
            result = self.controller.pass_once(self.desired)
        return self._report(result.thought, result.decision.waiting, *self._exit(result.thought))

    def _refusal(self, plan: Plan) -> tuple[ExitCode, str] | None:
        """Return why nothing may be done at all: a saved plan that does not fit any more, or a desired state that shrank."""
        stale = self.controller.approval.refuse(plan)
        if stale:
            return ExitCode.STALE, stale
        lost = shrunken(last_names(self.store.entries(kinds=(APPLIED,), limit=1)), self.desired)
        if lost and lost.code not in self.options.override:
            self.problems.append(lost)
            return ExitCode.GUARDRAIL, lost.finding
        return None

    def _write_down(self, plan: Plan) -> None:
        """What is acted upon, and for whom: the measure of a later desired state, and the end of a saved plan's use."""
        overridden = {problem.code for problem in plan.problems} & self.options.override
        if plan.applicable or overridden:
            machines = sorted(vm.name for vm in self.desired.virtual_machines)
            saved = self.options.approved
            used = {"plan": saved.fingerprint, "observedAt": saved.observation.observed_at.isoformat()} if saved else {}
            override = sorted(self.options.override)
            self.store.append(APPLIED, {"desired": self.desired.digest, "machines": machines, "override": override} | used)

    def _wait(self, result: PassResult) -> None:
        """Sleep until the next pass is due, watching what is under way."""
        poll_seconds = self.options.poll_seconds
        if not result.watch:
            if self.controller.followed.tracked or not self.stopping:
                self.clock.sleep(max(poll_seconds, self._until(result.wake_at)))
            return
        while self._until(result.wake_at) > 0:
            self.clock.sleep(poll_seconds)
            if self.controller.poll() or self.stopping:
                return

    def _until(self, moment: datetime) -> float:
        return (moment - self.clock.now()).total_seconds()

    # -- the end

    def _exit(self, thought: Thought) -> tuple[ExitCode, str]:
        if self.stopping:
            return ExitCode.INTERRUPTED, "interrupted; what runs on the hosts goes on, and the next run follows it"
        code, reason = exit_code_for(thought.plan, detailed=True, always=True)
        if code is ExitCode.CHANGES:
            return ExitCode.PARTLY, "some steps could not be carried out now"
        if code is ExitCode.DONE:
            left = "all is as desired but the drift that is left alone" if thought.plan.drift else "everything is as desired"
            return code, left
        return code, reason

    def _report(self, thought: Thought, waiting: Sequence[Waiting], code: ExitCode, reason: str) -> ApplyReport:
        followed = self.controller.followed
        reasons = {row.step_id: row for row in waiting}
        not_started = [
            outcome(step, *standing(followed.given_up.get(attempt_key(step)), reasons.get(step.id)))
            for step in thought.plan.steps
            if key_of(step) not in followed.tracked and code is not ExitCode.STALE
        ]
        peaks = self.controller.peaks
        return ApplyReport(
            outcomes=(*followed.outcomes, *followed.still_running(), *not_started),
            drift=thought.plan.drift,
            blocked=thought.plan.blocked,
            problems=(*thought.plan.problems, *map(PlanProblem.of, self.problems)),
            interrupted=self.stopping,
            exit_code=int(code),
            exit_reason=reason,
            seconds=-self._until(self.began),
            peak_slots=tuple(peaks[name] for name in sorted(peaks)),
        )


def standing(given_up: GivenUp | None, waiting: Waiting | None) -> tuple[OutcomeState, str]:
    """Return how a step that was not started stands, and why: skipped, blocked until somebody acts, or waiting."""
    if given_up is not None:
        return given_up.state, given_up.why
    if waiting is None:
        return OutcomeState.WAITING, "not started"
    if waiting.code in LEFT_ALONE:
        return OutcomeState.SKIPPED, waiting.finding
    return OutcomeState.BLOCKED if waiting.code in NEEDS_A_PERSON else OutcomeState.WAITING, waiting.finding

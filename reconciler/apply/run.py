"""The passes of one ``apply``: look, settle what was started, think, decide, start, watch; and the report at the end.

All effects come in from outside (hosts, journal, clock, view), so the same code runs on a fleet and in a simulation.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from reconciler.apply.approval import Approval
from reconciler.apply.recall import begun_steps, last_names
from reconciler.apply.start import Starter
from reconciler.apply.tracking import (
    Tracked,
    adopted_step,
    key_of,
    not_after,
    outcome,
    outcome_of,
    peak_of,
    row_of,
)
from reconciler.apply.verify import Judgement, Verdict, judge
from reconciler.clock import Clock
from reconciler.cycle import Thought, think
from reconciler.decide import Decision, Waiting, attempt_key, decide, shrunken
from reconciler.hosts.port import Call, Hosts, ListMigrations
from reconciler.journal import Journal
from reconciler.model.desired import Desired, VirtualMachine
from reconciler.model.drift import MachineDrift, MachineStatus
from reconciler.model.exit_codes import ExitCode, exit_code_for
from reconciler.model.observation import Observation
from reconciler.model.plan import MachineStep, Plan, PlanProblem, Step
from reconciler.model.problem import Problem
from reconciler.model.progress import ApplyReport, OutcomeState, PeakSlots, Progress, ProgressRow, StepOutcome
from reconciler.observe import survey, targets_of
from reconciler.plan.solver import Solver

# What waiting in this run can cure: a slot, room or a role that something already under way will free.
NOT_WORTH_WAITING = frozenset({"not-applicable", "window-closed", "held", "host-not-ok", "unknown-limits", "not-approved"})


class View(Protocol):
    """Whoever shows a run to people."""

    def show(self, progress: Progress) -> None:
        """Show how far things are; called at each look."""
        ...

    def say(self, text: str) -> None:
        """Say one sentence that stays."""
        ...


@dataclass(frozen=True, slots=True)
class Options:
    """How a run behaves. Times are in seconds, ``attempts`` per machine; ``override`` names guard rails to pass."""

    poll_seconds: float = 2
    refresh_seconds: float = 60
    patience_seconds: float = 600
    attempts: int = 3
    override: frozenset[str] = frozenset()
    approved: Plan | None = None


@dataclass
class Run:
    """One apply, from the first look to the report. ``stop`` may be called from a signal handler."""

    desired: Desired
    hosts: Hosts
    journal: Journal
    clock: Clock
    view: View
    options: Options = Options()
    solver: Solver | None = None
    tracked: dict[str, Tracked] = field(default_factory=dict)
    outcomes: list[StepOutcome] = field(default_factory=list)
    given_up: dict[str, str] = field(default_factory=dict)
    peaks: dict[str, PeakSlots] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    ended_rows: list[ProgressRow] = field(default_factory=list)
    stopping: bool = False

    def __post_init__(self) -> None:
        self.began = self.clock.now()
        self.starter = Starter(self.desired, self.hosts, self.journal, self.clock)
        self.approval = Approval(self.options.approved)
        self.begun = begun_steps(self.journal.entries())

    def stop(self) -> None:
        """Start nothing more; end as soon as no machine is without high availability because of us."""
        self.stopping = True

    def execute(self) -> ApplyReport:
        """Run passes until nothing is left that waiting could bring, and report."""
        thought = self._look()
        refusal = self._refusal(thought.plan)
        if refusal:
            return self._report(thought, (), *refusal)
        self._write_down(thought.plan)
        while True:
            decision = self._decide(thought)
            self._start(decision.starts, thought)
            if self._is_over(decision, thought):
                return self._report(thought, decision.waiting, *self._exit(thought))
            self._wait(decision)
            thought = self._look()

    def _refusal(self, plan: Plan) -> tuple[ExitCode, str] | None:
        """Return why nothing may be done at all: a saved plan that does not fit any more, or a desired state that shrank."""
        stale = self.approval.refuse(plan)
        if stale:
            return ExitCode.STALE, stale
        lost = shrunken(last_names(self.journal.entries()), self.desired)
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
            self.journal.append("applied", {"desired": self.desired.digest, "machines": machines, "override": override} | used)

    def _look(self) -> Thought:
        observation = survey(self.hosts, targets_of(self.desired), self.clock)
        self.peaks = peak_of(self.peaks, observation)
        self.starter.note_restored_roles(observation)
        self._settle(observation)
        thought = think(self.desired, observation, self.solver)
        self._adopt(thought)
        self._show(thought.plan)
        return thought

    # -- what was started

    def _settle(self, observation: Observation) -> None:
        for key, tracked in list(self.tracked.items()):
            self._settle_one(key, tracked, judge(tracked.step, tracked.state_before, observation), observation)

    def _settle_one(self, key: str, tracked: Tracked, seen: Judgement, observation: Observation) -> None:
        if seen.verdict is Verdict.RUNNING and seen.migration:
            self.tracked[key] = tracked.seen(seen.migration)
        elif seen.verdict is Verdict.DONE:
            self._arrive(key, tracked, observation)
        elif seen.verdict is Verdict.NOT_DONE:
            self._fail(key, tracked, seen.detail)
        elif self._since(tracked.started_at) > self.options.patience_seconds + tracked.step.estimated_seconds * 4:
            self._fail(key, tracked, f"cannot tell: {seen.detail}")

    def _arrive(self, key: str, tracked: Tracked, observation: Observation) -> None:
        """A machine that must be highly available at its destination is done when it is; the next step there adds the role."""
        restored = self.starter.role_restored_at.get(key)
        if tracked.is_unprotected and restored:
            tracked = replace(tracked, unprotected_until=restored)
        if tracked.is_unprotected and self._wants_role(tracked.step, observation):
            refused = self.given_up.get(f"role/{key}")
            if refused:
                self._finish(key, tracked, OutcomeState.FAILED, f"arrived, but its cluster role was {refused}")
                return
            self.tracked[key] = replace(tracked, arrived_at=tracked.arrived_at or observation.observed_at, percent=100)
            return
        if tracked.is_unprotected:
            self.starter.role_not_due(key)
        self._finish(key, tracked, OutcomeState.DONE, "taken over while it ran" if tracked.adopted else "")
        self.starter.succeeded(tracked.step)

    def _wants_role(self, step: Step, observation: Observation) -> bool:
        """Outside a cluster there is no role to wait for, whatever is asked."""
        host = observation.host(step.destination or step.source) if isinstance(step, MachineStep) else None
        asked = any(_means(vm, step) and vm.high_availability for vm in self.desired.virtual_machines)
        return asked and host is not None and host.cluster is not None

    def _fail(self, key: str, tracked: Tracked, detail: str) -> None:
        cancelled = detail.startswith("the migration ended as Terminated")
        state = OutcomeState.CANCELLED if cancelled else OutcomeState.FAILED
        self._finish(key, tracked, state, detail)
        failures = self.starter.failed(key, detail, attempt=attempt_key(tracked.step))
        if cancelled or failures >= self.options.attempts:
            why = "somebody cancelled its migration" if cancelled else f"failed {failures} times"
            self.given_up[attempt_key(tracked.step)] = why

    def _finish(self, key: str, tracked: Tracked, state: OutcomeState, detail: str) -> None:
        del self.tracked[key]
        ended = outcome_of(tracked, state, detail, self.clock.now())
        self.ended_rows.append(replace(row_of(tracked, self.clock.now()), state=state))
        self.journal.append("outcome", ended.to_json())
        self.outcomes.append(ended)

    def _adopt(self, thought: Thought) -> None:
        """Follow migrations that lead where the desired state points, whoever started them."""
        for machine in thought.drift.machines:
            if machine.migration is None or machine.host is None:
                continue
            key = machine.migration.virtual_machine.casefold()
            own = self._begun_here(key, machine)
            if key not in self.tracked and (own or machine.status is MachineStatus.MOVING):
                step = own or adopted_step(machine.host, machine.migration, machine.machine.name)
                self._track_adopted(key, machine, step)

    def _begun_here(self, key: str, machine: MachineDrift) -> MachineStep | None:
        """A hop leads to no place that anybody asked for; only what was written down tells that it is ours."""
        step = self.begun.get(key)
        ours = step is not None and step.destination is not None and machine.destination is not None
        return step if step and ours and str(step.destination).casefold() == str(machine.destination).casefold() else None

    def _track_adopted(self, key: str, machine: MachineDrift, step: MachineStep) -> None:
        assert machine.migration is not None
        away = step.destination and step.destination != step.source
        what = f"{step.virtual_machine.name} is" if away else f"The storage of {step.virtual_machine.name} is"
        self.view.say(f"{what} already on its way {f'to {step.destination}' if away else f'on {step.source}'}; following it")
        self.tracked[key] = Tracked(
            step=step,
            started_at=not_after(self.clock.now(), machine.migration.started_at),
            state_before=machine.observed.state if machine.observed else None,
            adopted=True,
            unprotected_from=self.starter.memory.unprotected_since.get(key),
        ).seen(machine.migration)

    # -- what starts now

    def _decide(self, thought: Thought) -> Decision:
        decision = decide(
            thought.plan,
            self.desired,
            thought.observation,
            self.starter.memory,
            self.clock.now(),
            override=self.options.override,
        )
        starts = [step for step in decision.starts if self._may_start(step)]
        kept_back = [
            Waiting(step.id, step.subject, "not-approved", "the saved plan does not hold this step", None)
            for step in decision.starts
            if not self.approval.covers(step)
        ]
        return Decision(tuple(starts), (*decision.waiting, *kept_back))

    def _may_start(self, step: Step) -> bool:
        key = key_of(step)
        if self.stopping and not (key in self.tracked and self.tracked[key].is_unprotected):
            return False
        return attempt_key(step) not in self.given_up and self.approval.covers(step)

    def _start(self, steps: Sequence[Step], thought: Thought) -> None:
        for started in self.starter.start(steps, thought.observation):
            key = key_of(started.step)
            if started.failure:
                self._record_refusal(started.step, started.failure)
            elif key not in self.tracked:
                self.tracked[key] = started.tracked
        if steps:
            self._show(thought.plan)

    def _record_refusal(self, step: Step, detail: str) -> None:
        key = attempt_key(step)
        failures = self.starter.memory.attempts[key].failures if key in self.starter.memory.attempts else 1
        self.outcomes.append(outcome(step, OutcomeState.FAILED, detail).model_copy(update={"ended_at": self.clock.now()}))
        if failures >= self.options.attempts:
            self.given_up[key] = f"refused {failures} times: {detail}"

    # -- waiting

    def _is_over(self, decision: Decision, thought: Thought) -> bool:
        if self.stopping:
            return not any(tracked.is_unprotected for tracked in self.tracked.values())
        if self.tracked or decision.starts:
            return False
        hopeless = {step.id for step in thought.plan.steps if not self._may_start(step)}
        curable = [row for row in decision.waiting if row.code not in NOT_WORTH_WAITING and row.step_id not in hopeless]
        someone_moves = any(host.running_migrations for host in thought.observation.hosts)
        look_again = any(row.code == "stale-observation" for row in curable)
        return not curable or not (someone_moves or look_again or any(row.until for row in curable))

    def _wait(self, decision: Decision) -> None:
        """Watch until a migration that we follow ends, a refresh is due, or somebody wants to stop."""
        if not self.tracked:
            self._pause(decision)
            return
        if not all(tracked.is_migration for tracked in self.tracked.values()):
            self.clock.sleep(self.options.poll_seconds)  # settings, roles and starts are quick, and others wait for them
            return
        refresh_at = self.clock.now() + timedelta(seconds=self.options.refresh_seconds)
        while self.clock.now() < refresh_at:
            self.clock.sleep(self.options.poll_seconds)
            if not self._poll() or self.stopping:
                return

    def _pause(self, decision: Decision) -> None:
        """Sleep until something that waits may go on."""
        if self.stopping:
            return
        now = self.clock.now()
        times = [row.until for row in decision.waiting if row.until and row.until > now]
        # What was refused just now has its next time only in the next decision; what changed just now wants another look.
        soon = decision.starts or any(row.code == "stale-observation" for row in decision.waiting)
        longest = self.options.poll_seconds if soon else self.options.refresh_seconds
        wake_at = min([*times, now + timedelta(seconds=longest)])
        self.clock.sleep(max(self.options.poll_seconds, (wake_at - now).total_seconds()))

    def _poll(self) -> bool:
        """Look at the jobs we follow; False when one of them is not running any more, or its host does not say."""
        followed = {key: tracked for key, tracked in self.tracked.items() if tracked.is_migration}
        sources = sorted({t.step.source for t in followed.values() if isinstance(t.step, MachineStep)})
        answers = self.hosts.ask([Call(self.starter.target(name), ListMigrations()) for name in sources])
        jobs = [job for answer in answers if isinstance(answer.value, tuple) for job in answer.value]
        running = {job.virtual_machine.casefold(): job for job in jobs if job.is_running}
        self.tracked |= {key: tracked.seen(running[key]) for key, tracked in followed.items() if key in running}
        self._show(None)
        return followed.keys() <= running.keys()

    # -- telling

    def _show(self, plan: Plan | None) -> None:
        now = self.clock.now()
        if plan is not None:
            self._planned = {key_of(step) for step in plan.steps}
        waiting = len(self._planned - self.tracked.keys())
        ended = [row for row in self.outcomes if row.state is OutcomeState.DONE]
        failed = [row for row in self.outcomes if row.state is OutcomeState.FAILED]
        ended_rows, self.ended_rows = self.ended_rows, []
        rows = (*ended_rows, *(row_of(tracked, now) for _, tracked in sorted(self.tracked.items())))
        total = len(ended) + len(self.tracked) + waiting
        self.view.show(Progress(now, tuple(rows), done=len(ended), failed=len(failed), waiting=waiting, total=total))

    def _exit(self, thought: Thought) -> tuple[ExitCode, str]:
        if self.stopping:
            return ExitCode.INTERRUPTED, "interrupted; what runs on the hosts goes on, and the next run follows it"
        code, reason = exit_code_for(thought.plan, detailed=True, always=True)
        if code is ExitCode.CHANGES:
            return ExitCode.PARTLY, "some steps could not be carried out now"
        if code is ExitCode.DONE:
            return (
                code,
                "all is as desired but the drift that is left alone" if thought.plan.drift else "everything is as desired",
            )
        return code, reason

    def _report(self, thought: Thought, waiting: Sequence[Waiting], code: ExitCode, reason: str) -> ApplyReport:
        left = {step.id: step for step in thought.plan.steps}
        reasons = {row.step_id: row.finding for row in waiting}
        running = [outcome_of(tracked, OutcomeState.RUNNING, "still on its way", None) for tracked in self.tracked.values()]
        not_started = [
            outcome(step, OutcomeState.WAITING, self.given_up.get(attempt_key(step)) or reasons.get(step.id, "not started"))
            for step in left.values()
            if key_of(step) not in self.tracked and code is not ExitCode.STALE
        ]
        return ApplyReport(
            outcomes=(*self.outcomes, *running, *not_started),
            drift=thought.plan.drift,
            blocked=thought.plan.blocked,
            problems=(*thought.plan.problems, *map(PlanProblem.of, self.problems)),
            interrupted=self.stopping,
            exit_code=int(code),
            exit_reason=reason,
            seconds=self._since(self.began),
            peak_slots=tuple(self.peaks[name] for name in sorted(self.peaks)),
        )

    def _since(self, moment: datetime) -> float:
        return (self.clock.now() - moment).total_seconds()


def _means(wanted: VirtualMachine, step: Step) -> bool:
    """Tell whether a step is about that machine: by VMId where one is given, else by its name without regard to case."""
    if not isinstance(step, MachineStep):
        return False
    machine = step.virtual_machine
    given, known = (wanted.id, machine.id) if wanted.id else (wanted.name, machine.name)
    return given.casefold() == known.casefold()

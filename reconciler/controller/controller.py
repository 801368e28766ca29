"""The engine: one pass after another, each complete in itself, and cheap looks in between. It never sleeps.

All effects come in from outside (hosts, store, clock, view), so the same code runs on a fleet, in a service and in a
simulation. ``hold_back`` is for whoever drives it: with a reason set nothing new starts, but roles that we owe are restored.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.clock import Clock
from reconciler.controller.approval import Approval
from reconciler.controller.followed import Followed
from reconciler.controller.looking import Looker
from reconciler.controller.options import Options, View
from reconciler.controller.recall import FAILURE_KINDS, STEP_KINDS, begun_steps, recall_failures
from reconciler.controller.start import Starter
from reconciler.controller.tracking import key_of, outcome, peak_of
from reconciler.cycle import Thought, think
from reconciler.decide import Decision, Reason, attempt_key, decide
from reconciler.desired.holding import staying, with_holds
from reconciler.hosts.port import Call, Hosts, ListMigrations
from reconciler.model.announced import announced_by
from reconciler.model.desired import Desired
from reconciler.model.drift import MachineStatus
from reconciler.model.observation import Host, Observation
from reconciler.model.plan import Plan, Step
from reconciler.model.progress import OutcomeState, PeakSlots, Progress, StepOutcome
from reconciler.model.words import Action
from reconciler.plan.solver import Solver
from reconciler.store import Store
from reconciler.store.holds import HOLD_KINDS, active_holds
from reconciler.store.plans import last_announced

# What waiting in this run can cure: a slot, room or a role that something already under way will free.
NOT_WORTH_WAITING = frozenset(
    {
        "not-applicable",
        "window-closed",
        "held",
        "host-not-ok",
        "unknown-limits",
        "not-approved",
        "held-back",
        "given-up",
        "stopping",
        "failure-budget",
        "host-quarantined",
    }
)


@dataclass(frozen=True, slots=True)
class PassResult:
    """What one pass came to. ``over``: nothing is under way and nothing that waiting could cure is left.

    ``wake_at`` is when the next pass is due at the latest; ``watch``: until then ``poll`` tells whether it is due sooner.
    ``ended`` are the steps that ended since the pass before.
    """

    thought: Thought
    decision: Decision
    started: tuple[Step, ...]
    ended: tuple[StepOutcome, ...]
    over: bool
    wake_at: datetime
    watch: bool


@dataclass
class Controller:
    """Drives one fleet. ``stop`` may be called from a signal handler."""

    hosts: Hosts
    store: Store
    clock: Clock
    view: View
    options: Options = field(default_factory=Options)
    solver: Solver | None = None
    hold_back: str | None = None
    stopping: bool = False
    peaks: dict[str, PeakSlots] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.starter = Starter(self.hosts, self.store, self.clock)
        self.approval = Approval(self.options.approved)
        newest = self.store.latest(STEP_KINDS)
        if self.options.remember_failures:
            self.starter.memory = recall_failures(self.starter.memory, self.store.entries(kinds=FAILURE_KINDS))
        self.followed = Followed(self.starter, self.store, self.clock, self.view, self.options, begun_steps(newest))
        self._planned: set[str] = set()
        self._told = 0
        self._looker = Looker(self.hosts, self.clock, self.options.full_survey_seconds)
        self._digest: str | None = None
        approved = self.options.approved
        self._announced = announced_by(approved.steps) if approved else last_announced(self.store)

    def stop(self) -> None:
        """Start nothing more; a machine that is without high availability because of us still gets its role."""
        self.stopping = True

    def pass_once(self, desired: Desired) -> PassResult:
        """Look, settle, think, decide and start, once. Raises UnsoundPlan where the audit disagrees with the planner."""
        return self.act(self.look(desired))

    def look(self, desired: Desired) -> Thought:
        """The first half of a pass: take a fresh look, settle what was started, and plan. Starts nothing."""
        self.starter.know(desired)
        self._forgive(desired)
        observation = self._looker.look(desired, self.followed.ends(), dict(self.starter.memory.changed_at))
        self.peaks = peak_of(self.peaks, observation)
        self.starter.note_restored_roles(observation)
        self.followed.settle(desired, observation)
        self.followed.close_begun(observation)
        thought = think(self._under_holds(desired, observation), observation, self.solver, self._announced)
        self._announce(thought.plan)
        self.followed.adopt(thought.drift)
        self.followed.intervene(thought.drift, desired.digest)
        self._let_go_of_debts(thought)
        self._show(thought.plan)
        return thought

    def _announce(self, plan: Plan) -> None:
        """What was announced stays so until a plan says something else; one that says less is the rest of it, or saw less."""
        planned = announced_by(plan.steps)
        if not set(planned) <= set(self._announced):
            self._announced = planned

    def _forgive(self, desired: Desired) -> None:
        """Another desired state is another question: what was given up, or left to whoever cancelled it, is tried again."""
        if self._digest not in (None, desired.digest):
            self.followed.given_up.clear()
        self._digest = desired.digest

    def _under_holds(self, desired: Desired, observation: Observation) -> Desired:
        """Holds are read anew at each look, for people place them while we run. None keeps a role from coming back.

        A machine that we owe its role and that stands in a cluster, as after a migration that failed, gets it there and stays;
        outside of clusters there is none to give back, so that the hold holds. What is on its way arrives.
        """
        now = self.clock.now()
        holds = active_holds(self.store.entries(kinds=HOLD_KINDS), now)
        if not holds:
            return desired
        places = standing_alone(observation, self.starter.memory.unprotected_since.keys())
        stays = {key: host.name for key, host in places.items() if host.cluster}
        owed = self.starter.memory.unprotected_since.keys() - (places.keys() - stays.keys())
        names = (vm.name.casefold() for _, vm in observation.machines() if vm.id.casefold() in owed)
        return with_holds(staying(desired, holds, stays), holds, now, exempt={*owed, *names})

    def _let_go_of_debts(self, thought: Thought) -> None:
        """A debt may outlive whoever followed the machine: where it is in place and no role is due there, nothing is owed."""
        owed = self.starter.memory.unprotected_since.keys() - self.followed.tracked.keys()
        for machine in thought.drift.machines if owed else ():
            host = thought.observation.host(machine.host) if machine.host else None
            if machine.status is not MachineStatus.IN_PLACE or machine.observed is None or host is None:
                continue
            is_due = host.cluster is not None and machine.machine.high_availability is not False
            if machine.observed.id.casefold() in owed and not is_due:
                self.starter.role_not_due(machine.observed.id.casefold())

    def act(self, thought: Thought) -> PassResult:
        """The second half: decide what may start now, and start it."""
        decision = self._decide(thought)
        self._start(decision.starts, thought)
        ended = tuple(self.followed.outcomes[self._told :])
        self._told = len(self.followed.outcomes)
        watch = bool(self.followed.tracked) and self.followed.is_all_migrations
        over, wake_at = self._is_over(decision, thought), self._wake_at(decision)
        if over and not self._looker.was_full:
            # Nothing is said to be over before the whole fleet was seen.
            self._looker.look_at_all()
            over, wake_at = False, self.clock.now()
        return PassResult(thought, decision, decision.starts, ended, over, wake_at, watch)

    def poll(self) -> bool:
        """Look at the jobs under way; True when a pass is due: one is not running any more, or its host does not say."""
        answers = self.hosts.ask([Call(self.starter.target(name), ListMigrations()) for name in self.followed.sources()])
        all_run = self.followed.see_jobs(answers)
        self._show(None)
        return not all_run

    # -- what starts now

    def _decide(self, thought: Thought) -> Decision:
        now, memory = self.clock.now(), self.starter.memory
        override = self.options.override
        kept_back = self._kept_back
        return decide(thought.plan, thought.desired, thought.observation, memory, now, override=override, kept_back=kept_back)

    def _kept_back(self, step: Step) -> Reason | None:
        """Asked before anything is granted, so that what will not start takes no slot from what could."""
        if self.hold_back is not None and not self._is_owed(step):
            return Reason("held-back", self.hold_back)
        if not self.approval.covers(step):
            return Reason("not-approved", "the saved plan does not hold this step")
        if self.stopping and not self._is_owed(step):
            return Reason("stopping", "asked to stop: nothing new starts")
        given_up = self.followed.given_up.get(attempt_key(step))
        return Reason("given-up", given_up.why) if given_up else None

    def may_start(self, step: Step) -> bool:
        """Tell whether this controller would start a step that ``decide`` lets start."""
        return self._kept_back(step) is None

    def _is_owed(self, step: Step) -> bool:
        """Protection that we took away is given back whatever else is held back."""
        return step.action is Action.ADD_CLUSTER_ROLE and key_of(step) in self.starter.memory.unprotected_since

    def _start(self, steps: Sequence[Step], thought: Thought) -> None:
        for started in self.starter.start(steps, thought.desired, thought.observation):
            key = key_of(started.step)
            if started.failure:
                self._record_refusal(started.step, started.failure)
            elif key not in self.followed.tracked:
                self.followed.tracked[key] = started.tracked
        if steps:
            self._show(thought.plan)

    def _record_refusal(self, step: Step, detail: str) -> None:
        attempt = self.starter.memory.attempts[attempt_key(step)]
        refused = outcome(step, OutcomeState.FAILED, detail).model_copy(update={"ended_at": self.clock.now()})
        self.followed.outcomes.append(refused)
        self.followed.count_failure(step, attempt, "refused")

    # -- when to look again

    def _is_over(self, decision: Decision, thought: Thought) -> bool:
        if self.stopping:
            return not self.followed.owes_protection
        if self.followed.tracked or decision.starts:
            return False
        hopeless = {step.id for step in thought.plan.steps if not self.may_start(step)}
        curable = [row for row in decision.waiting if row.code not in NOT_WORTH_WAITING and row.step_id not in hopeless]
        someone_moves = any(host.running_migrations for host in thought.observation.hosts)
        look_again = any(row.code == "stale-observation" for row in curable)
        return not curable or not (someone_moves or look_again or any(row.until for row in curable))

    def _wake_at(self, decision: Decision) -> datetime:
        now, options = self.clock.now(), self.options
        if self.followed.tracked:
            # Settings, roles and starts are quick, and others wait for them; migrations are polled meanwhile.
            return now + timedelta(seconds=options.refresh_seconds if self.followed.is_all_migrations else options.poll_seconds)
        times = [row.until for row in decision.waiting if row.until and row.until > now]
        # What was refused just now has its next time only in the next decision; what changed just now wants another look.
        soon = decision.starts or any(row.code == "stale-observation" for row in decision.waiting)
        longest = now + timedelta(seconds=options.poll_seconds if soon else options.refresh_seconds)
        return max(now + timedelta(seconds=options.poll_seconds), min([*times, longest]))

    # -- telling

    def _show(self, plan: Plan | None) -> None:
        if plan is not None:
            self._planned = {key_of(step) for step in plan.steps}
        rows, outcomes = self.followed.take_rows(), self.followed.outcomes
        done = sum(row.state is OutcomeState.DONE for row in outcomes)
        failed = sum(row.state is OutcomeState.FAILED for row in outcomes)
        waiting = len(self._planned - self.followed.tracked.keys())
        total = done + len(self.followed.tracked) + waiting
        self.view.show(Progress(self.clock.now(), rows, done=done, failed=failed, waiting=waiting, total=total))


def standing_alone(observation: Observation, machines: Set[str]) -> dict[str, Host]:
    """Return the hosts of those machines (VMIds in lower case) that are seen on one and on no way, by VMId and by name."""
    found: dict[str, Host] = {}
    moving = {job.virtual_machine.casefold() for host in observation.hosts for job in host.running_migrations}
    for key in machines - moving:
        seen = observation.sightings.get(key, ())
        if len(seen) == 1:
            ((host, machine),) = seen
            found |= {key: host, machine.name.casefold(): host}
    return found

"""What was started or taken over and has not ended: judged at each look, followed cheaply in between, told as progress.

A step ends here in one of three ways: it is seen done, it is seen not to be done, or patience with an answer that nobody can
give is over. What failed too often is given up, by the key that its attempts are counted by.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from reconciler.clock import Clock
from reconciler.controller.options import Options, View
from reconciler.controller.patience import is_stalled, why_end
from reconciler.controller.start import Starter
from reconciler.controller.tracking import Tracked, adopted_step, key_of, not_after, outcome, outcome_of, row_of
from reconciler.controller.verify import Judgement, Verdict, judge
from reconciler.decide import attempt_key
from reconciler.hosts.port import Answer
from reconciler.model.desired import Desired, VirtualMachine
from reconciler.model.drift import Drift, MachineDrift, MachineStatus
from reconciler.model.host_failures import Cause, diagnose
from reconciler.model.memory import Attempt
from reconciler.model.observation import Migration, Observation
from reconciler.model.plan import MachineStep, SettingsStep, Step
from reconciler.model.progress import OutcomeState, ProgressRow, StepOutcome
from reconciler.store import Store
from reconciler.store.kinds import OUTCOME

CANCELLED_JOB_STATES = ("Terminated", "Killed")


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Why a machine or setting is not tried again before the desired state changes; ``state``: skipped or blocked."""

    why: str
    state: OutcomeState


@dataclass
class Followed:
    """The steps under way, by what can have only one at a time (``key_of``), and the outcomes of those that ended."""

    starter: Starter
    store: Store
    clock: Clock
    view: View
    options: Options
    begun: dict[str, MachineStep]
    tracked: dict[str, Tracked] = field(default_factory=dict)
    outcomes: list[StepOutcome] = field(default_factory=list)
    given_up: dict[str, GivenUp] = field(default_factory=dict)
    _ended_rows: list[ProgressRow] = field(default_factory=list)

    @property
    def is_all_migrations(self) -> bool:
        """Whether everything under way has a job on a host that can be asked about cheaply."""
        return all(tracked.is_migration for tracked in self.tracked.values())

    @property
    def owes_protection(self) -> bool:
        """Whether a machine is without high availability because of a step under way."""
        return any(tracked.is_unprotected for tracked in self.tracked.values())

    # -- at each look

    def settle(self, desired: Desired, observation: Observation) -> None:
        """Judge everything under way by what was seen."""
        for key, tracked in list(self.tracked.items()):
            seen = judge(tracked.step, tracked.state_before, observation)
            self._settle_one(key, tracked, seen, desired, observation)

    def _settle_one(self, key: str, tracked: Tracked, seen: Judgement, desired: Desired, observation: Observation) -> None:
        if seen.verdict is Verdict.RUNNING and seen.migration:
            self._see(key, seen.migration)
        elif seen.verdict is Verdict.DONE:
            self._arrive(key, tracked, desired, observation)
        elif seen.verdict is Verdict.NOT_DONE:
            self._fail(key, tracked, seen.detail, seen.migration)
        elif tracked.untold_since is None:
            # However long it ran before: being handed over looks like that for a moment, and so does an outage.
            self.tracked[key] = replace(tracked, untold_since=self.clock.now())
        elif self._since(tracked.untold_since) > self.options.patience_seconds + tracked.step.estimated_seconds * 4:
            self._fail(key, tracked, f"cannot tell: {seen.detail}")

    def _arrive(self, key: str, tracked: Tracked, desired: Desired, observation: Observation) -> None:
        """A machine that must be highly available at its destination is done when it is; the next step there adds the role."""
        restored = self.starter.role_restored_at.get(key)
        if tracked.is_unprotected and restored:
            tracked = replace(tracked, unprotected_until=restored)
        if tracked.is_unprotected and wants_role(tracked.step, desired, observation):
            refused = self.given_up.get(f"role/{key}")
            if refused:
                self._finish(key, tracked, OutcomeState.FAILED, f"arrived, but its cluster role was {refused.why}")
                return
            self.tracked[key] = replace(tracked, arrived_at=tracked.arrived_at or observation.observed_at, percent=100)
            return
        if tracked.is_unprotected:
            self.starter.role_not_due(key)
        self._finish(key, tracked, OutcomeState.DONE, "taken over while it ran" if tracked.adopted else "")
        self.starter.succeeded(tracked.step)

    def _fail(self, key: str, tracked: Tracked, detail: str, job: Migration | None = None) -> None:
        asked, cancelled = tracked.asked_to_end, job is not None and job.state in CANCELLED_JOB_STATES
        if asked and asked.state is OutcomeState.SUPERSEDED:
            self._finish(key, tracked, OutcomeState.SUPERSEDED, asked.why)
            self.starter.let_go(tracked.step)
        elif cancelled and not asked:
            self._finish(key, tracked, OutcomeState.CANCELLED, detail)
            self.starter.let_go(tracked.step)
            self.given_up[attempt_key(tracked.step)] = GivenUp("somebody cancelled its migration", OutcomeState.SKIPPED)
        else:
            self._fail_attempt(key, tracked, asked.why if asked else detail, job)

    def _fail_attempt(self, key: str, tracked: Tracked, detail: str, job: Migration | None) -> None:
        step = tracked.step
        events = self.starter.events_of(step)
        diagnosis = diagnose(job.error_code, f"{detail} {' '.join(events)}") if job else diagnose(None, detail)
        told = f"{detail} — {diagnosis.cause}: {diagnosis.remedy}" if diagnosis.cause is not Cause.UNKNOWN else detail
        self._finish(key, tracked, OutcomeState.FAILED, told, events)
        self.count_failure(step, self.starter.failed(step, detail, diagnosis, events))

    def count_failure(self, step: Step, attempt: Attempt, verb: str = "failed") -> None:
        """Give up what failed too often, or what only a person can mend."""
        most = self.options.attempts
        if most is not None and (attempt.failures >= most or attempt.needs_a_person):
            remedy = f" — {attempt.cause}: {attempt.remedy}" if attempt.needs_a_person else ""
            times = max(1, attempt.failures)
            why = f"{verb} {times} time{'s' * (times > 1)}: {attempt.last_error}{remedy}"
            self.given_up[attempt_key(step)] = GivenUp(why, OutcomeState.BLOCKED)

    def _finish(self, key: str, tracked: Tracked, state: OutcomeState, detail: str, events: tuple[str, ...] = ()) -> None:
        del self.tracked[key]
        now = self.clock.now()
        ended = outcome_of(tracked, state, detail, now).model_copy(update={"events": events})
        self._ended_rows.append(replace(row_of(tracked, now), state=state))
        self.store.append(OUTCOME, ended.to_json())
        self.outcomes.append(ended)

    def close_begun(self, observation: Observation) -> None:
        """Write down what was begun before us and is seen done: it ended while no controller looked.

        Where high availability is owed, the machine is followed by its debt, which ends the same way.
        """
        for key, step in sorted(self.begun.items()):
            # Its state before is not known any more, and people may have changed it since: where it lies is what counts.
            state = next((machine.state for _, machine in observation.sightings.get(key, ())), None)
            verdict = judge(step, state, observation).verdict
            if key in self.tracked or key in self.starter.memory.unprotected_since or verdict is Verdict.RUNNING:
                continue
            if verdict is Verdict.DONE:
                del self.begun[key]
                ended = outcome(step, OutcomeState.DONE, "ended while no controller looked")
                self.store.append(OUTCOME, ended.to_json())
                self.outcomes.append(ended)
                self.starter.succeeded(step)

    # -- what should go on no longer

    def intervene(self, drift: Drift, digest: str) -> None:
        """Ask hosts to cancel what nobody wants any more, and what makes no progress beyond its time; each only once."""
        drifts = {one.observed.id.casefold(): one for one in drift.machines if one.observed} if self.tracked else {}
        now = self.clock.now()
        for key, tracked in sorted(self.tracked.items()):
            self._tell_of_stall(key, tracked, now)
            ending = why_end(tracked, drifts.get(key), digest, now)
            if ending and tracked.migration_id:
                self.tracked[key] = replace(self.tracked[key], asked_to_end=ending)
                refusal = self.starter.cancel(tracked.step, tracked.migration_id, ending.why)
                name = tracked.step.subject.partition("/")[2]
                self.view.say(f"{name}: {ending.why}" + (f" (its host says: {refusal})" if refusal else ""))

    def _tell_of_stall(self, key: str, tracked: Tracked, now: datetime) -> None:
        if is_stalled(tracked, now) and not tracked.stalled and tracked.progress_at:
            self.tracked[key] = replace(tracked, stalled=True)
            minutes = (now - tracked.progress_at).total_seconds() / 60
            name = tracked.step.subject.partition("/")[2]
            self.view.say(f"{name} has made no progress for {minutes:.0f} min; it is at {tracked.percent or 0} %")

    # -- what others started

    def adopt(self, drift: Drift) -> None:
        """Follow migrations that lead where the desired state points, whoever started them."""
        for machine in drift.unsettled:
            if machine.migration is None or machine.host is None:
                continue
            key = machine.migration.virtual_machine.casefold()
            own = self._begun_here(key, machine)
            if key not in self.tracked and (own or machine.status is MachineStatus.MOVING):
                self._take_over(key, machine, own or adopted_step(machine.host, machine.migration, machine.machine.name))

    def _begun_here(self, key: str, machine: MachineDrift) -> MachineStep | None:
        """A hop leads to no place that anybody asked for; only what was written down tells that it is ours."""
        step = self.begun.get(key)
        ours = step is not None and step.destination is not None and machine.destination is not None
        return step if step and ours and str(step.destination).casefold() == str(machine.destination).casefold() else None

    def _take_over(self, key: str, machine: MachineDrift, step: MachineStep) -> None:
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
            ours=key in self.begun,
        ).seen(machine.migration, self.clock.now())

    # -- in between

    def ends(self) -> set[str]:
        """Return the hosts at the ends of everything under way."""
        return {host for tracked in self.tracked.values() for host in _ends_of(tracked.step) if host}

    def sources(self) -> list[str]:
        """Return the hosts on which jobs that we follow run, sorted."""
        steps = (tracked.step for tracked in self.tracked.values() if tracked.is_migration)
        return sorted({step.source for step in steps if isinstance(step, MachineStep)})

    def see_jobs(self, answers: list[Answer]) -> bool:
        """Take in what the source hosts say of their jobs; False when one that we follow is not running any more."""
        jobs = [job for answer in answers if isinstance(answer.value, tuple) for job in answer.value]
        running = {job.virtual_machine.casefold(): job for job in jobs if job.is_running}
        followed = {key: tracked for key, tracked in self.tracked.items() if tracked.is_migration}
        for key in followed.keys() & running.keys():
            self._see(key, running[key])
        return followed.keys() <= running.keys()

    def _see(self, key: str, job: Migration) -> None:
        self.tracked[key] = self.tracked[key].seen(job, self.clock.now())

    def take_rows(self) -> tuple[ProgressRow, ...]:
        """Return the rows worth showing now: those that ended since they were last taken, then those under way."""
        ended, self._ended_rows = self._ended_rows, []
        now = self.clock.now()
        return (*ended, *(row_of(tracked, now) for _, tracked in sorted(self.tracked.items())))

    def still_running(self) -> Iterator[StepOutcome]:
        """Return an outcome for each step under way."""
        return (outcome_of(tracked, OutcomeState.RUNNING, "still on its way", None) for tracked in self.tracked.values())

    def _since(self, moment: datetime) -> float:
        return (self.clock.now() - moment).total_seconds()

    def is_tracked(self, step: Step) -> bool:
        """Tell whether a step of that machine, host or cluster is under way."""
        return key_of(step) in self.tracked


def _ends_of(step: Step) -> tuple[str | None, ...]:
    return (step.host, *step.hosts) if isinstance(step, SettingsStep) else (step.source, step.destination)


def wants_role(step: Step, desired: Desired, observation: Observation) -> bool:
    """Tell whether the machine must get a role where it arrives. Outside a cluster there is none, whatever is asked."""
    host = observation.host(step.destination or step.source) if isinstance(step, MachineStep) else None
    asked = any(_means(vm, step) and vm.high_availability for vm in desired.virtual_machines)
    return asked and host is not None and host.cluster is not None


def _means(wanted: VirtualMachine, step: Step) -> bool:
    """Tell whether a step is about that machine: by VMId where one is given, else by its name without regard to case."""
    if not isinstance(step, MachineStep):
        return False
    machine = step.virtual_machine
    given, known = (wanted.id, machine.id) if wanted.id else (wanted.name, machine.name)
    return given.casefold() == known.casefold()

"""Starting steps: the intent is written down, then the hosts are asked, then what they said is remembered.

A refusal is a failed attempt; a lost reply is neither success nor failure, and the next look decides. A machine whose role was
taken off and whose migration was then refused gets its role back at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.clock import Clock
from reconciler.controller.commands import calls_for
from reconciler.controller.recall import ROLE_KINDS, recall
from reconciler.controller.tracking import Tracked, key_of
from reconciler.decide import after_failure, after_success, attempt_key, hosts_at
from reconciler.hosts.port import (
    AddClusterRole,
    Answer,
    Call,
    CancelMigration,
    Failure,
    FailureKind,
    HostEvents,
    Hosts,
    ListEvents,
    ReadClusterRole,
    RemoveClusterRole,
    RoleSettings,
    Target,
)
from reconciler.model.desired import Desired
from reconciler.model.host_failures import Cause, Diagnosis, diagnose
from reconciler.model.memory import Attempt, Memory, SavedRole, StartedStep
from reconciler.model.observation import Observation
from reconciler.model.plan import MachineStep, Step
from reconciler.store import Store
from reconciler.store.kinds import ATTEMPT_FAILED, CANCEL, INTENT, ROLE_NOT_DUE, ROLE_READ, ROLE_REMOVED, ROLE_RESTORED

MOST_EVENTS = 5
# What went wrong on the way to a host says enough by itself. Windows locks an account after a few refused logons, so a refused
# credential is a matter for a person at once.
CAUSES = {FailureKind.LIMIT: Cause.LIMIT, FailureKind.AUTHENTICATION: Cause.CREDENTIALS}
Pending = Mapping[str, tuple[Step, list[Call]]]
# Nothing is wrong with machine or host: as with a slot that somebody else took, it is tried again soon.
TOO_OLD = Failure(FailureKind.LIMIT, "what was seen of its hosts is too old by now", "nothing to do: it is looked at again")


@dataclass(frozen=True, slots=True)
class Attempted:
    """What came of starting one step: something to track, or the sentence that says why not."""

    step: Step
    tracked: Tracked
    failure: str | None = None


class Starter:
    """Starts steps and keeps the memory that deciding needs; the store can rebuild what matters of it."""

    def __init__(self, hosts: Hosts, store: Store, clock: Clock) -> None:
        self._hosts, self._store, self._clock = hosts, store, clock
        self._targets: dict[str, Target] = {}
        self.memory: Memory = recall(store.entries(kinds=ROLE_KINDS))
        self.role_restored_at: dict[str, datetime] = {}

    def target(self, host: str) -> Target:
        """Return where to reach a host that something was started on, also when the desired state names it no more."""
        return self._targets[host.casefold()]

    def start(self, steps: Sequence[Step], desired: Desired, observation: Observation) -> list[Attempted]:
        """Start steps side by side; a step of several calls goes on only while each succeeds."""
        self.know(desired)
        for step in steps:
            self._store.append(INTENT, {"step": step.to_json()})
        began = {key_of(step): self._clock.now() for step in steps}
        pending = {key_of(step): (step, self._calls(step, desired, observation)) for step in steps}
        failures: dict[str, Failure] = {}
        while pending:
            stale = self._stale(pending, desired, observation)
            failures |= dict.fromkeys(stale, TOO_OLD)
            pending = {key: rest for key, rest in pending.items() if key not in stale}
            answers = self._hosts.ask([calls[0] for _, calls in pending.values()])
            for (key, (step, calls)), answer in zip(list(pending.items()), answers, strict=True):
                self._remember(key, step, answer)
                if answer.failure:
                    failures[key] = answer.failure
                pending[key] = (step, [] if answer.failure else calls[1:])
            pending = {key: (step, calls) for key, (step, calls) in pending.items() if calls}
        digest = desired.digest
        return [self._conclude(step, began[key_of(step)], failures.get(key_of(step)), observation, digest) for step in steps]

    def _stale(self, pending: Pending, desired: Desired, observation: Observation) -> list[str]:
        """Return what may not go on: writing or a slow host took so long that nobody knows any more what it would meet."""
        limit = timedelta(seconds=desired.policy.maximum_age_seconds)
        if abs(self._clock.now() - observation.observed_at) <= limit:
            return []
        return [key for key, (_, calls) in pending.items() if not isinstance(calls[0].operation, AddClusterRole)]

    def know(self, desired: Desired) -> None:
        """Learn where hosts are reached."""
        self._targets |= {host.name.casefold(): Target(host.name, host.address) for host in desired.hosts}

    def _calls(self, step: Step, desired: Desired, observation: Observation) -> list[Call]:
        role = self.memory.role_settings.get(key_of(step))
        return calls_for(step, desired, observation, dict(role.settings) if role else {})

    def _remember(self, key: str, step: Step, answer: Answer) -> None:
        """A change counts from the moment its reply came, or might have come."""
        now = self._clock.now()
        if isinstance(answer.call.operation, ReadClusterRole):
            self._role_is_read(key, step, answer)
            return
        for host in _hosts_of(step, answer.call.target.name):
            self.memory = self.memory.with_change(host, now)
        if isinstance(answer.call.operation, RemoveClusterRole) and isinstance(step, MachineStep):
            self._role_is_off(key, step, answer, now)
        if isinstance(answer.call.operation, AddClusterRole) and not answer.failure:
            self._role_is_on(key, now)

    def _role_is_read(self, key: str, step: Step, answer: Answer) -> None:
        """What a role has set goes with it: it is written down before the host is asked to take the role off."""
        if isinstance(answer.value, RoleSettings) and answer.value.settings and isinstance(step, MachineStep):
            self._keep_role(key, step, answer.value)
            self._store.append(ROLE_READ, {"machine": key, "cluster": step.leaves_cluster, "settings": answer.value.settings})

    def _keep_role(self, key: str, step: MachineStep, role: RoleSettings) -> None:
        self.memory = self.memory.with_role(key, SavedRole(step.leaves_cluster or "", role.settings))

    def _role_is_off(self, key: str, step: MachineStep, answer: Answer, now: datetime) -> None:
        if answer.failure and answer.failure.kind is not FailureKind.UNKNOWN:
            return
        if isinstance(answer.value, RoleSettings) and answer.value.settings:
            self._keep_role(key, step, answer.value)
        if step.is_crossing:
            self.memory = self.memory.with_unprotected(key, now)
        settings = answer.value.settings if isinstance(answer.value, RoleSettings) else {}
        crossing = {"machine": key, "cluster": step.leaves_cluster, "settings": settings, "owed": step.is_crossing}
        self._store.append(ROLE_REMOVED, crossing)

    def _role_is_on(self, key: str, now: datetime) -> None:
        self.memory = self.memory.without_role(key).without_unprotected(key)
        self.role_restored_at[key] = now
        self._store.append(ROLE_RESTORED, {"machine": key})

    def _conclude(
        self, step: Step, began: datetime, failure: Failure | None, observation: Observation, digest: str
    ) -> Attempted:
        key = key_of(step)
        if failure and failure.kind is not FailureKind.UNKNOWN:
            self._restore_role(key, step)
            self.failed(step, failure.finding, diagnosis_of(failure))
            return Attempted(step, _track(step, began, None, observation, digest), f"{failure.finding} — {failure.remedy}")
        if isinstance(step, MachineStep):
            self.memory = self.memory.with_started(key, _started(step, began))
        return Attempted(step, _track(step, began, self.memory.unprotected_since.get(key), observation, digest))

    def _restore_role(self, key: str, step: Step) -> None:
        """Protection first: the machine is still at its source, so its role belongs there until the next try."""
        owed = isinstance(step, MachineStep) and step.is_crossing and key in self.memory.unprotected_since
        if not owed or not isinstance(step, MachineStep):
            return
        role = self.memory.role_settings.get(key)
        call = Call(self.target(step.source), AddClusterRole(step.virtual_machine.id, dict(role.settings) if role else {}))
        self._remember(key, step, self._hosts.ask([call])[0])

    def failed(self, step: Step, detail: str, diagnosis: Diagnosis, events: Sequence[str] = ()) -> Attempt:
        """Remember a failed attempt, with what the host's log says of it; return what is now known of them."""
        counted, hosts = attempt_key(step), hosts_at(step)
        self.memory = after_failure(self.memory, counted, self._clock.now(), detail, diagnosis=diagnosis, hosts=hosts)
        self.memory = self.memory.without_started(key_of(step))
        data = {"key": counted, "detail": detail, "cause": diagnosis.cause, "remedy": diagnosis.remedy, "hosts": sorted(hosts)}
        self._store.append(ATTEMPT_FAILED, data | ({"events": list(events)} if events else {}))
        return self.memory.attempts[counted]

    def let_go(self, step: Step) -> None:
        """It ended because somebody wanted it to: nothing is held against machine or hosts."""
        self.memory = self.memory.without_started(key_of(step))

    def cancel(self, step: Step, migration_id: str, why: str) -> str | None:
        """Ask the source host to cancel a migration; return what it says against that. The next look shows what came of it."""
        self._store.append(CANCEL, {"id": key_of(step), "subject": step.subject, "migration": migration_id, "why": why})
        source = step.source if isinstance(step, MachineStep) else step.subject
        answer = self._hosts.ask([Call(self.target(source), CancelMigration(migration_id))])[0]
        return answer.failure.finding if answer.failure else None

    def events_of(self, step: Step) -> tuple[str, ...]:
        """Return what the logs of a migration's hosts lately said of errors, one sentence each; nothing where none answers."""
        ends = (step.source, step.destination) if isinstance(step, MachineStep) and step.migration_kind else ()
        calls = [Call(self.target(host), ListEvents()) for host in ends if host and host.casefold() in self._targets]
        return tuple(dict.fromkeys(line for answer in self._hosts.ask(calls) for line in _event_lines(answer)))

    def succeeded(self, step: Step) -> None:
        """Forget earlier failures of what is now done."""
        self.memory = after_success(self.memory, attempt_key(step), hosts_at(step)).without_started(key_of(step))

    def role_not_due(self, key: str) -> None:
        """The machine is where it is to be, and needs no role there."""
        self.memory = self.memory.without_role(key).without_unprotected(key)
        self._store.append(ROLE_NOT_DUE, {"machine": key})

    def note_restored_roles(self, observation: Observation) -> None:
        """A role that we owe and that is seen again is no longer owed, whoever restored it."""
        if not self.memory.unprotected_since:
            return
        protected = {vm.id.casefold() for _, vm in observation.machines() if vm.highly_available}
        for key in sorted(protected & self.memory.unprotected_since.keys()):
            self._role_is_on(key, observation.observed_at)


def diagnosis_of(failure: Failure) -> Diagnosis:
    """Return what a refusal means, with the remedy that came with it."""
    known = CAUSES.get(failure.kind)
    return Diagnosis(known or diagnose(failure.code, failure.finding).cause, failure.remedy)


def _event_lines(answer: Answer) -> list[str]:
    events = answer.value.entries[:MOST_EVENTS] if isinstance(answer.value, HostEvents) else ()
    host = answer.call.target.name
    return [f"{host} {one.at:%H:%M:%SZ} event {one.id}: {one.text}" if one.at else f"{host} event {one.id}" for one in events]


def _hosts_of(step: Step, asked: str) -> list[str]:
    """Return the hosts that a change concerns: any node carries out what belongs to its cluster, and it concerns every node."""
    ends = [step.source, step.destination] if isinstance(step, MachineStep) else step.hosts
    return sorted({asked, *(host for host in ends if host)})


def _track(step: Step, began: datetime, unprotected_from: datetime | None, observation: Observation, digest: str) -> Tracked:
    key = key_of(step)
    state = next((vm.state for _, vm in observation.machines() if vm.id.casefold() == key), None)
    return Tracked(step=step, started_at=began, state_before=state, unprotected_from=unprotected_from, digest=digest)


def _started(step: MachineStep, began: datetime) -> StartedStep:
    targets = tuple(move.target for move in step.storage)
    return StartedStep(step.id, step.action, step.source, step.destination, began, targets)

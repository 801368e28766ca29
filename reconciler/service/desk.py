"""Where operators' orders are carried out, one after another, in the loop's own thread; each goes into the audit trail."""

import logging
from dataclasses import replace
from datetime import datetime

from reconciler.clock import Clock
from reconciler.hosts.port import Call, Hosts, Target
from reconciler.hosts.port import CancelMigration as CancelJob
from reconciler.model.desired import Desired, VirtualMachine
from reconciler.model.hold import MachineHold
from reconciler.model.observation import Host, Migration, Observation
from reconciler.model.plan import Plan
from reconciler.model.status import Event
from reconciler.service.approvals import Approvals
from reconciler.service.following import Following
from reconciler.service.orders import (
    AcceptRevision,
    ApprovePlan,
    CancelMigration,
    Given,
    HoldMachine,
    Order,
    Pause,
    ReleaseMachine,
    Result,
    Resume,
)
from reconciler.store import Origin, Retention, Store, StoreError
from reconciler.store.holds import active_holds, hold_data, release_data
from reconciler.store.kinds import HOLD, PAUSED, RELEASE, RESUMED
from reconciler.store.plans import record_plan

ORDER = "order"
_log = logging.getLogger("reconciler.service")


class Desk:
    """Carries out orders. ``paused`` is the reason for which nothing starts, None where it may; it outlives a restart."""

    def __init__(
        self, store: Store, hosts: Hosts, clock: Clock, following: Following, approvals: Approvals, origin: Origin
    ) -> None:
        self._store, self._hosts, self._clock = store, hosts, clock
        self._following, self._approvals, self._origin = following, approvals, origin
        self._acting = origin
        last = store.entries(kinds=[PAUSED, RESUMED], limit=1)
        self.paused: str | None = str(last[-1].data["reason"]) if last and last[-1].kind == PAUSED else None

    def act_for(self, desired: Desired) -> None:
        """From now on entries say that they were made for this desired state."""
        self._origin = replace(self._origin, revision=desired.revision, digest=desired.digest)
        self._store.acting(self._origin)

    def trim(self) -> None:
        """Let go of entries that are older or more than a store keeps."""
        try:
            self._store.trim(Retention())
        except StoreError as error:
            _log.error("the store cannot be trimmed: %s", error.problem.finding)

    def note_plan(self, plan: Plan) -> None:
        """Keep what is planned, where it is new, for the history."""
        record_plan(self._store, plan)

    def carry_out(self, given: Given, seen: Observation | None) -> Event:
        """Carry one order out and answer it; return what to tell of it. Whoever gave it stands in every entry it makes."""
        self._acting = Origin(given.actor, "api", self._origin.revision, self._origin.digest)
        self._store.acting(self._acting)
        try:
            result = self._do(given.order, seen)
            self._store.append(
                ORDER, {"order": _name(given.order), **_fields(given.order), "result": result.message, "code": result.code}
            )
        except StoreError as error:
            result = Result(f"the store cannot be written: {error.problem.finding}", "store")
        finally:
            self._store.acting(self._origin)
        given.answer.set_result(result)
        data = {"order": _name(given.order), "actor": given.actor, "code": result.code}
        return Event(at=self._clock.now(), name="order", subject=_subject(given.order), message=result.message, data=data)

    def _do(self, order: Order, seen: Observation | None) -> Result:
        match order:
            case HoldMachine():
                return self._hold(order)
            case ReleaseMachine():
                return self._release(order)
            case CancelMigration():
                return self._cancel(order, seen)
            case Pause():
                return self._pause(order)
            case Resume():
                return self._resume()
            case ApprovePlan():
                return self._approve(order)
            case AcceptRevision():
                refused = self._following.accept(order.revision)
                return Result(refused, "not-refused") if refused else Result(f"revision {order.revision[:12]} is accepted")

    def _hold(self, order: HoldMachine) -> Result:
        machine = self._machine(order.machine)
        if machine is None:
            return _no_such(order.machine)
        if order.until is not None and order.until <= self._clock.now():
            return Result("until: that time has passed", "past")
        owner, now = self._acting.actor, self._clock.now()
        self._store.append(HOLD, hold_data(MachineHold(machine.name, owner, order.reason, now, machine.id, order.until)))
        return Result(f"{machine.name} is held" + (f" until {order.until.isoformat()}" if order.until else ""))

    def _release(self, order: ReleaseMachine) -> Result:
        entries = self._store.entries(kinds=[HOLD, RELEASE])
        held = [hold for hold in active_holds(entries, self._clock.now()) if hold.name.casefold() == order.machine.casefold()]
        for hold in held:
            self._store.append(RELEASE, release_data(hold))
        if not held:
            return Result(f"no hold of {order.machine} was given at run time; one in YAML is released there", "not-held")
        return Result(f"{held[0].name} is released")

    def _cancel(self, order: CancelMigration, seen: Observation | None) -> Result:
        found = _job_of(order.machine, seen)
        if found is None:
            return Result(f"no migration of {order.machine} was running when the fleet was last seen", "no-migration")
        host, job = found
        answer = self._hosts.ask([Call(Target(host.name, host.address or host.name), CancelJob(job.id))])[0]
        if answer.failure:
            return Result(f"{host.name}: {answer.failure.finding}; {answer.failure.remedy}", "refused")
        return Result(f"{host.name} was asked to cancel the migration of {order.machine}")

    def _pause(self, order: Pause) -> Result:
        self._store.append(PAUSED, {"reason": order.reason})
        self.paused = order.reason
        return Result("paused: nothing new starts")

    def _resume(self) -> Result:
        if self.paused is None:
            return Result("nothing was paused", "not-paused")
        self._store.append(RESUMED, {})
        self.paused = None
        return Result("resumed")

    def _approve(self, order: ApprovePlan) -> Result:
        waits = self._approvals.waits_for
        self._approvals.approve(order.fingerprint)
        # A review comes before the merge, so the plan may be one that nobody has made yet.
        later = "" if order.fingerprint == waits else "; it is not the one that waits now, and starts if it is planned"
        return Result(f"plan {order.fingerprint.removeprefix('sha256:')[:12]} is approved, for once{later}")

    def _machine(self, name: str) -> VirtualMachine | None:
        desired: Desired | None = self._following.desired
        machines = desired.virtual_machines if desired else ()
        return next((machine for machine in machines if machine.name.casefold() == name.casefold()), None)


def _no_such(name: str) -> Result:
    return Result(f"the desired state names no machine {name!r}", "no-such-machine")


def _job_of(machine: str, seen: Observation | None) -> tuple[Host, Migration] | None:
    ids = {vm.id.casefold() for _, vm in (seen.machines() if seen else ()) if vm.name.casefold() == machine.casefold()}
    jobs = ((host, job) for host in (seen.hosts if seen else ()) for job in host.running_migrations)
    return next(((host, job) for host, job in jobs if job.virtual_machine.casefold() in ids), None)


def _name(order: Order) -> str:
    return type(order).__name__


def _fields(order: Order) -> dict[str, str]:
    fields = {name: getattr(order, name) for name in order.__slots__}
    return {name: value.isoformat() if isinstance(value, datetime) else str(value) for name, value in fields.items() if value}


def _subject(order: Order) -> str:
    machine = getattr(order, "machine", None)
    return f"virtualMachine/{machine}" if machine else "fleet"

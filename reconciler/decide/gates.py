"""The gates that a step passes before any count is asked: state, freshness, holds, back-off, windows, settings.

Each gate is a function of the step and the facts that answers with a reason to wait, or None. Tables at the end list them in
the order in which people should hear of them.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta

from reconciler.decide.backoff import attempt_key
from reconciler.decide.decision import Reason
from reconciler.decide.facts import Facts
from reconciler.decide.failures import recent
from reconciler.decide.room import unverified
from reconciler.decide.traffic import Traffic
from reconciler.decide.windows import is_open, next_opening, unknown_zones
from reconciler.model.observation import Host
from reconciler.model.plan import MachineStep, SettingsStep, Step
from reconciler.model.words import HostStatus, MigrationKind

MOVES_A_RUNNING_MACHINE = (MigrationKind.LIVE, MigrationKind.LIVE_WITH_STORAGE)


def hosts_of(step: Step, facts: Facts) -> tuple[str, ...]:
    """Return the names of the hosts that a step concerns; of a cluster, its nodes that answer, be it in part.

    A node that does not answer at all is not waited for: it may be gone for weeks, and a cluster keeps its limit without it.
    """
    if isinstance(step, MachineStep):
        return (step.source,) if step.destination in (None, step.source) else (step.source, str(step.destination))
    if step.host is not None:
        return (step.host,)
    wanted = str(step.cluster).casefold()
    nodes = (host for host in facts.observation.hosts if (host.cluster or "").casefold() == wanted)
    return tuple(sorted((host.name for host in nodes if host.status is not HostStatus.UNREACHABLE), key=str.casefold))


def host_not_ok(step: Step, traffic: Traffic) -> Reason | None:
    """Unknown never justifies an action: every host concerned must have answered in full."""
    names = hosts_of(step, traffic.facts)
    if not names:
        return Reason("host-not-ok", f"no node of {step.subject} answers")
    return next((reason for name in names for reason in _not_ok(name, step, traffic.facts)), None)


def _not_ok(name: str, step: Step, facts: Facts) -> Iterator[Reason]:
    host = facts.observation.host(name)
    if host is None or host.status != "ok":
        state = f"is {host.status.value}" if host else "was not observed"
        yield Reason("host-not-ok", f"{name} {state}" + (f": {host.problem}" if host and host.problem else ""))
    elif _receives(step, name) and host.node_state not in (None, "Up"):
        yield Reason("host-not-ok", f"cluster node {name} is {host.node_state}")


def _receives(step: Step, name: str) -> bool:
    return isinstance(step, MachineStep) and step.destination == name and step.source != name


def stale(step: Step, traffic: Traffic) -> Reason | None:
    """Facts must be younger than the policy's limit and taken after our last change on each host concerned."""
    facts = traffic.facts
    hosts = (facts.observation.host(name) for name in hosts_of(step, facts))
    return next((reason for host in hosts if host for reason in _stale_facts(host, facts)), None)


def _stale_facts(host: Host, facts: Facts) -> Iterator[Reason]:
    taken, changed = facts.taken_at(host), facts.memory.last_change(host.name)
    limit = timedelta(seconds=facts.desired.policy.maximum_age_seconds)
    # A clock that runs ahead is no fresher than one that lags.
    if abs(facts.now - taken) > limit:
        yield Reason("stale-observation", f"{host.name} was observed at {taken.isoformat()}, too far from now to act upon")
    elif changed is not None and taken <= changed:
        yield Reason("stale-observation", f"{host.name} has not been observed since our change at {changed.isoformat()}")


def held(step: MachineStep, traffic: Traffic) -> Reason | None:
    """Hands off machines that are held, only reported on, or not managed at all."""
    wanted = traffic.facts.managed.get(step.virtual_machine.id.casefold())
    if wanted is None:
        return Reason("not-managed", f"the desired state names no machine {step.virtual_machine.name}")
    hold = wanted.hold
    if hold is not None and hold.is_active(traffic.facts.now):
        return Reason("held", f"held by {hold.owner}: {hold.reason}", hold.until)
    return None if wanted.drift == "correct" else Reason("held", f"drift of this machine is set to {wanted.drift.value}")


def backing_off(step: Step, traffic: Traffic) -> Reason | None:
    """After a failure a machine, or the settings of a host or cluster ("host/h1"), are left alone for a while."""
    facts = traffic.facts
    attempt = facts.memory.attempts.get(attempt_key(step))
    if attempt is None or attempt.next_try_at <= facts.now:
        return None
    finding = f"failed {max(attempt.failures, 1)} time(s), last: {attempt.last_error}"
    if attempt.needs_a_person:
        return Reason("blocked-by-host", f"{finding} — {attempt.cause}: {attempt.remedy}", attempt.next_try_at)
    return Reason("backing-off", finding, attempt.next_try_at)


def host_quarantined(step: MachineStep, traffic: Traffic) -> Reason | None:
    """A host that fails repeatedly is left alone for a while; giving back a role is not held up by it."""
    facts = traffic.facts
    names = hosts_of(step, facts) if step.migration_kind is not None else ()
    found = [one for name in names if (one := facts.quarantines.get(name.casefold()))]
    if not found:
        return None
    worst = max(found, key=lambda one: one.until)
    name = next(name for name in names if name.casefold() == worst.host)
    machines = len({failure.key for failure in worst.failures})
    last = worst.failures[-1].detail
    finding = f"{len(worst.failures)} failures of {machines} machines at {name}, none done there since; last: {last}"
    return Reason("host-quarantined", finding, worst.until)


def budget_spent(step: MachineStep, traffic: Traffic) -> Reason | None:
    """Too many failures in the whole fleet: something is wrong that more migrations would only spread."""
    facts, limits = traffic.facts, traffic.facts.desired.policy.failures
    if step.migration_kind is None or facts.budget_spent_until is None:
        return None
    counted = len(recent(facts.memory, limits, facts.now))
    finding = f"{counted} failures in {limits.within_minutes:g} minutes; {limits.budget} stop all further starts"
    return Reason("failure-budget", finding, facts.budget_spent_until)


def machine_busy(step: MachineStep, traffic: Traffic) -> Reason | None:
    """One mover a machine, and none while Hyper-V is busy with it."""
    machine = step.virtual_machine.id.casefold()
    if machine in traffic.busy_machines:
        return Reason("machine-busy", "another migration or change of this machine is under way")
    operations = sorted(vm.operation for _, vm in traffic.facts.seen.get(machine, ()) if vm.operation)
    return Reason("machine-busy", f"the machine is busy: {operations[0]}") if operations else None


def not_as_planned(step: MachineStep, traffic: Traffic) -> Reason | None:
    """The machine must be on the step's source alone, in the state that this kind of move needs."""
    found = traffic.facts.seen.get(step.virtual_machine.id.casefold(), ())
    if [host.name.casefold() for host, _ in found] != [step.source.casefold()]:
        where = ", ".join(host.name for host, _ in found) or "no host"
        return Reason("not-as-planned", f"the machine is seen on {where}, the step expects {step.source}")
    machine = found[0][1]
    wrong = step.migration_kind in MOVES_A_RUNNING_MACHINE and not machine.is_running
    needs_off = step.migration_kind == "offline" or step.action == "startVirtualMachine"
    wrong = wrong or (needs_off and not machine.is_off)
    return Reason("not-as-planned", f"the machine is {machine.state or 'in an unknown state'}") if wrong else None


def checks_missing(step: Step, traffic: Traffic) -> Reason | None:
    """Policy says whether a step may start although a check could not be made."""
    findings = (unverified(traffic.facts, check, f"could not be checked: {check}") for check in step.unverified)
    return next((reason for reason in findings if reason), None)


def settings_in_use(step: SettingsStep, traffic: Traffic) -> Reason | None:
    """Settings never change while a migration uses them."""
    using = [name for name in hosts_of(step, traffic.facts) if traffic.in_use_by_settings(name.casefold())]
    return Reason("settings-in-use", f"a migration runs on {using[0]}") if using else None


def settings_changing(step: MachineStep, traffic: Traffic) -> Reason | None:
    """A host whose settings change in this very pass is looked at again before anything moves there."""
    if step.migration_kind is None:
        return None
    changing = [name for name in hosts_of(step, traffic.facts) if name.casefold() in traffic.changing_hosts]
    return Reason("settings-in-use", f"settings of {changing[0]} are being changed") if changing else None


def window_closed(step: MachineStep, traffic: Traffic) -> Reason | None:
    """Windows gate starts of migrations only, never what gives a machine its protection back."""
    facts = traffic.facts
    windows = facts.desired.policy.windows
    if step.migration_kind is None or is_open(windows, facts.now):
        return None
    opens, strange = next_opening(windows, facts.now), unknown_zones(windows)
    when = f"the next window opens at {opens.isoformat()}" if opens else "no window opens"
    return Reason("window-closed", when + (f"; unknown time zone: {', '.join(strange)}" if strange else ""), opens)


def migration_disabled(step: MachineStep, traffic: Traffic) -> Reason | None:
    """Migration must be enabled at both ends; that it is not known to be counts as not."""
    if step.migration_kind in (None, MigrationKind.STORAGE):
        return None
    hosts = (traffic.facts.observation.host(name) for name in hosts_of(step, traffic.facts))
    off = [host for host in hosts if host and host.migration.enabled is not True]
    if not off:
        return None
    state = "is not enabled" if off[0].migration.enabled is False else "is not known to be enabled"
    return Reason("migration-disabled", f"migration {state} on {off[0].name}")


MachineGate = Callable[[MachineStep, Traffic], Reason | None]
SettingsGate = Callable[[SettingsStep, Traffic], Reason | None]

MACHINE_GATES: tuple[MachineGate, ...] = (
    held,
    budget_spent,
    backing_off,
    host_quarantined,
    host_not_ok,
    stale,
    machine_busy,
    not_as_planned,
    settings_changing,
    window_closed,
    checks_missing,
    migration_disabled,
)
SETTINGS_GATES: tuple[SettingsGate, ...] = (backing_off, host_not_ok, stale, settings_in_use, checks_missing)

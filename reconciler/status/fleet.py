"""The status of everything the desired state names, made anew at each look from the one before: conditions, causes, ages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from reconciler.model.desired import Desired
from reconciler.model.drift import Drift, MachineDrift
from reconciler.model.observation import Observation
from reconciler.model.plan import Blocked, Plan
from reconciler.model.status import ConditionType, DriftCause, FleetStatus, ObjectStatus, SourceStatus, Truth
from reconciler.status.causes import Before, cause_of
from reconciler.status.conditions import Finding, Findings, host_findings, machine_findings, sum_of, with_ages


@dataclass(frozen=True, slots=True)
class Facts:
    """All that one look gives. ``progress`` says by subject (lower case) what is under way or why it waits.

    ``ours`` are the VMIds, in lower case, of machines that are on their way because of us.
    """

    at: datetime
    desired: Desired
    observation: Observation
    drift: Drift
    plan: Plan
    source: SourceStatus
    mode: Literal["apply", "report"] = "apply"
    paused: str | None = None
    progress: Mapping[str, Finding] = field(default_factory=dict)
    ours: frozenset[str] = frozenset()


def fleet_status(facts: Facts, before: FleetStatus | None, last_look: Before | None) -> FleetStatus:
    """Return the status now. ``before`` gives conditions their age, ``last_look`` tells causes; both None at the first look."""
    told = _Teller(facts, before, last_look)
    hosts = tuple(told.host(name) for name in told.host_names())
    machines = tuple(told.machine(drift) for drift in facts.drift.machines)
    known = before.fleet if before else ObjectStatus(subject="fleet")
    fleet = known.model_copy(update={"observed_at": facts.observation.observed_at})
    status = FleetStatus(
        at=facts.at, mode=facts.mode, paused=facts.paused, source=facts.source, fleet=fleet, hosts=hosts, machines=machines
    )
    return with_source(status, facts.source, facts.at)


def with_source(status: FleetStatus, source: SourceStatus, now: datetime) -> FleetStatus:
    """Return the status with the source as it stands now; hosts and machines stay as they were seen."""
    findings = {**sum_of((*status.hosts, *status.machines)), **_source_findings(source)}
    conditions = with_ages(findings, status.fleet if status.fleet.conditions else None, now)
    fleet = status.fleet.model_copy(update={"conditions": conditions})
    return status.model_copy(update={"at": now, "source": source, "fleet": fleet})


def _source_findings(source: SourceStatus) -> Findings:
    """A fleet that follows an old desired state because the new one is no good is not ready, however well it stands."""
    if source.problems:
        return {ConditionType.READY: Finding(Truth.FALSE, "SourceRefused", "; ".join(source.problems[:3]))}
    return {}


class _Teller:
    """Tells of one object after another; a class only because each needs the same look-ups."""

    def __init__(self, facts: Facts, before: FleetStatus | None, last_look: Before | None) -> None:
        self._facts, self._last_look = facts, last_look
        self._before = {one.subject.casefold(): one for one in before.objects()} if before else {}
        self._blocked = {_key(blocked.subject, blocked.id): blocked for blocked in facts.plan.blocked}
        self._settings = {drift.subject.casefold(): drift for drift in facts.drift.settings}

    def host_names(self) -> list[str]:
        """Return the hosts that the desired state names, sorted."""
        return sorted((host.name for host in self._facts.desired.hosts), key=str.casefold)

    def host(self, name: str) -> ObjectStatus:
        """Return the status of one host."""
        subject = f"host/{name}"
        seen = self._facts.observation.host(name)
        key = subject.casefold()
        drift, progress = self._settings.get(key), self._facts.progress.get(key)
        findings = host_findings(seen, name, drift, self._blocked.get(key), progress)
        before = self._before.get(key)
        observed_at = (seen.observed_at or self._facts.observation.observed_at) if seen and seen.status == "ok" else None
        return ObjectStatus(
            subject=subject,
            observed_at=observed_at or (before.observed_at if before else None),
            conditions=with_ages(findings, before, self._facts.at),
        )

    def machine(self, drift: MachineDrift) -> ObjectStatus:
        """Return the status of one machine."""
        key = drift.subject.casefold()
        blocked = self._block_of(drift)
        findings = machine_findings(drift, blocked, self._facts.progress.get(key))
        before = self._before.get(key)
        cause, since = self._cause(drift, findings, before)
        return ObjectStatus(
            subject=drift.subject,
            id=drift.observed.id if drift.observed else drift.machine.id,
            host=drift.host or (before.host if before else None),
            observed_at=self._seen_at(drift) or (before.observed_at if before else None),
            conditions=with_ages(findings, before, self._facts.at),
            cause=cause,
            drifted_since=since,
        )

    def _block_of(self, drift: MachineDrift) -> Blocked | None:
        by_id = self._blocked.get(_key(drift.subject, drift.observed.id if drift.observed else drift.machine.id))
        return by_id or self._blocked.get(drift.subject.casefold())

    def _seen_at(self, drift: MachineDrift) -> datetime | None:
        host = self._facts.observation.host(drift.host) if drift.host else None
        return (host.observed_at or self._facts.observation.observed_at) if host else None

    def _cause(
        self, drift: MachineDrift, findings: Findings, before: ObjectStatus | None
    ) -> tuple[DriftCause | None, datetime | None]:
        """A machine that stays drifted keeps its first cause and moment; while it cannot be seen nothing is forgotten."""
        drifted = findings.get(ConditionType.DRIFTED)
        if drifted is None:
            return None, None
        if before and before.drifted_since:
            return before.cause, before.drifted_since
        if drifted.status is not Truth.TRUE:
            return None, None
        facts = self._facts
        return cause_of(drift, self._last_look, facts.observation, facts.desired.digest, facts.ours), facts.at


def _key(subject: str, machine_id: str | None) -> str:
    return f"{subject}#{machine_id}".casefold() if machine_id else subject.casefold()

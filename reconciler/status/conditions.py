"""From how one machine or host stands to its conditions. READY holds only where all could be seen and is as committed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from reconciler.model.drift import MachineDrift, MachineStatus, SettingDrift
from reconciler.model.observation import Host
from reconciler.model.plan import Blocked
from reconciler.model.status import Condition, ConditionType, ObjectStatus, Truth
from reconciler.model.words import Handling, HostStatus

NOT_SEEN = frozenset({MachineStatus.UNKNOWN, MachineStatus.MISSING, MachineStatus.AMBIGUOUS, MachineStatus.DUPLICATE})
LEFT_ALONE = {Handling.REPORT: "ReportOnly", Handling.IGNORE: "Ignored", Handling.HOLD: "Held"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What holds of one condition, before its age is known."""

    status: Truth
    reason: str
    message: str = ""


Findings = Mapping[ConditionType, Finding]

CLEAR = Finding(Truth.FALSE, "None")


def with_ages(findings: Findings, before: ObjectStatus | None, now: datetime) -> tuple[Condition, ...]:
    """Return the conditions in their fixed order; one whose status is what it was keeps its ``since``."""
    known = {condition.type: condition for condition in before.conditions} if before else {}
    return tuple(_aged(kind, findings.get(kind, CLEAR), known.get(kind), now) for kind in ConditionType)


def _aged(kind: ConditionType, finding: Finding, before: Condition | None, now: datetime) -> Condition:
    since = before.since if before and before.status is finding.status else now
    return Condition(type=kind, status=finding.status, reason=finding.reason, message=finding.message, since=since)


def machine_findings(drift: MachineDrift, blocked: Blocked | None, progress: Finding | None) -> Findings:
    """Return what holds of a machine. ``progress`` says what is under way or waits for it, None where nothing is."""
    if drift.status is MachineStatus.UNKNOWN:
        return unknown("NotSeen", drift.finding)
    findings: dict[ConditionType, Finding] = {}
    if drift.status in NOT_SEEN or drift.differs or drift.status is MachineStatus.FOREIGN:
        findings[ConditionType.DRIFTED] = Finding(Truth.TRUE, _drift_reason(drift), drift.finding or _what_differs(drift))
    if blocked:
        findings[ConditionType.BLOCKED] = Finding(Truth.TRUE, blocked.code, f"{blocked.finding} — {blocked.remedy}")
    if progress and not blocked:
        findings[ConditionType.RECONCILING] = progress
    findings[ConditionType.READY] = _ready(drift, findings)
    return findings


def _drift_reason(drift: MachineDrift) -> str:
    if drift.handling in LEFT_ALONE:
        return LEFT_ALONE[drift.handling]
    if drift.status in NOT_SEEN or drift.status is MachineStatus.FOREIGN:
        return drift.status.value[0].upper() + drift.status.value[1:]
    return "Differs"


def _what_differs(drift: MachineDrift) -> str:
    parts = [f"on {drift.host}, where it may not be"] if drift.wrong_host else []
    parts += [f"on {drift.host}, which is in maintenance"] if drift.draining else []
    parts += [f"files out of place: {', '.join(file.file for file in drift.files)}"] if drift.files else []
    parts += [f"cluster role to {drift.role.value}"] if drift.role else []
    return "; ".join(parts)


def _ready(drift: MachineDrift, findings: Findings) -> Finding:
    """What people asked to be ignored is as they want it; what they only want reported, or hold, is not."""
    for kind in (ConditionType.BLOCKED, ConditionType.RECONCILING, ConditionType.DRIFTED):
        found = findings.get(kind)
        if found and not (kind is ConditionType.DRIFTED and drift.handling is Handling.IGNORE):
            return Finding(Truth.FALSE, kind.value if kind is not ConditionType.DRIFTED else found.reason, found.message)
    return Finding(Truth.TRUE, "InPlace", f"on {drift.host}" if drift.host else "")


def host_findings(
    host: Host | None, name: str, drift: SettingDrift | None, blocked: Blocked | None, progress: Finding | None
) -> Findings:
    """Return what holds of a host: whether it answers in full, and whether its settings are as committed."""
    if host is None or host.status is not HostStatus.OK:
        return unknown("NotSeen", _why_not_seen(host, name))
    findings: dict[ConditionType, Finding] = {}
    if drift:
        message = ", ".join(f"{change.field}: {change.source} instead of {change.target}" for change in drift.changes)
        findings[ConditionType.DRIFTED] = Finding(Truth.TRUE, LEFT_ALONE.get(drift.handling, "Differs"), message)
    if blocked:
        findings[ConditionType.BLOCKED] = Finding(Truth.TRUE, blocked.code, f"{blocked.finding} — {blocked.remedy}")
    if progress and not blocked:
        findings[ConditionType.RECONCILING] = progress
    worst = next((findings[kind] for kind in (ConditionType.BLOCKED, ConditionType.RECONCILING) if kind in findings), None)
    worst = worst or (findings.get(ConditionType.DRIFTED) if drift and drift.handling is not Handling.IGNORE else None)
    ready = Finding(Truth.FALSE, worst.reason, worst.message) if worst else Finding(Truth.TRUE, "AsCommitted")
    return {**findings, ConditionType.READY: ready}


def _why_not_seen(host: Host | None, name: str) -> str:
    if host is None:
        return f"{name} is not in the observation"
    return f"{name} is {host.status.value}" + (f": {host.problem}" if host.problem else "")


def unknown(reason: str, message: str) -> Findings:
    """Return the findings of something that could not be seen: unknown, hence not ready, and nothing else can be told."""
    finding = Finding(Truth.UNKNOWN, reason, message)
    others = dict.fromkeys((ConditionType.RECONCILING, ConditionType.DRIFTED, ConditionType.BLOCKED), finding)
    return {**others, ConditionType.UNKNOWN: Finding(Truth.TRUE, reason, message), ConditionType.READY: finding}


def sum_of(objects: Iterable[ObjectStatus]) -> dict[ConditionType, Finding]:
    """Return what holds of a fleet: a condition holds where it holds of anything; ready only where everything is."""
    shown = tuple(objects)
    findings: dict[ConditionType, Finding] = {}
    for kind in (ConditionType.RECONCILING, ConditionType.DRIFTED, ConditionType.BLOCKED, ConditionType.UNKNOWN):
        holding = [one.subject for one in shown if one.is_true(kind)]
        if holding:
            findings[kind] = Finding(
                Truth.TRUE, kind.value, f"{len(holding)}: {', '.join(holding[:5])}{', ...' * (len(holding) > 5)}"
            )
    findings[ConditionType.READY] = _fleet_ready(shown, findings)
    return findings


def _fleet_ready(shown: tuple[ObjectStatus, ...], findings: Findings) -> Finding:
    not_ready = [one for one in shown if not one.is_true(ConditionType.READY)]
    if not not_ready:
        return Finding(Truth.TRUE, "AllReady", f"{len(shown)} hosts and machines")
    status = Truth.UNKNOWN if ConditionType.UNKNOWN in findings else Truth.FALSE
    return Finding(status, "NotAllReady", f"{len(not_ready)} of {len(shown)} hosts and machines are not ready")

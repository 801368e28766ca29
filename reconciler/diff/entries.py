"""The published list of differences: one entry for each field that is not as committed, with what is done about it."""

from collections.abc import Iterator

from reconciler.model.desired import Desired
from reconciler.model.drift import MachineDrift, MachineStatus, RoleChange, RuleDrift, SettingDrift
from reconciler.model.plan import DriftEntry, HoldRef
from reconciler.model.words import Handling

# Of a machine that is to be corrected these are blocked; of any other, nobody would tell.
NOT_FOUND = (MachineStatus.MISSING, MachineStatus.AMBIGUOUS, MachineStatus.DUPLICATE)


def entries_of(
    desired: Desired,
    machines: tuple[MachineDrift, ...],
    settings: tuple[SettingDrift, ...],
    rules: tuple[RuleDrift, ...],
) -> tuple[DriftEntry, ...]:
    """Return settings first, then rules, then machines, each by name."""
    found = [entry for drift in settings for entry in _of_settings(drift)]
    found += [_of_rule(desired, drift) for drift in rules]
    telling = (drift for drift in machines if drift.differs or drift.status in NOT_FOUND)
    found += [entry for drift in telling for entry in _of_machine(drift)]
    return tuple(found)


def _of_settings(drift: SettingDrift) -> Iterator[DriftEntry]:
    for change in drift.changes:
        yield DriftEntry(
            subject=drift.subject,
            field=change.field,
            desired=change.target,
            observed=change.source,
            handling=drift.handling,
            because=drift.because,
        )


def _of_rule(desired: Desired, drift: RuleDrift) -> DriftEntry:
    return DriftEntry(
        subject=f"placementRule/{drift.rule.name}",
        field="type",
        desired=f"{drift.rule.type.value} on {drift.rule.topology}",
        observed=list(drift.machines),
        handling=desired.policy.drift,
        because=str(drift.rule.source.place),
    )


def _of_machine(drift: MachineDrift) -> Iterator[DriftEntry]:
    placement = drift.machine.placement
    if drift.status in NOT_FOUND and drift.handling is not Handling.CORRECT:
        yield _entry(
            drift, "id" if drift.machine.id else "metadata.name", drift.machine.id or drift.machine.name, drift.finding
        )
    if drift.wrong_host and placement is not None:
        hosts = placement.hosts[0] if placement.field == "host" else list(placement.hosts)
        yield _entry(drift, f"placement.{placement.field}", hosts, drift.host)
    elif drift.draining:
        yield _entry(drift, "placement", f"any host but {drift.host}, which is in maintenance", drift.host)
    for file in drift.files:
        yield _entry(drift, file.field, file.folder, file.path)
    if drift.role is not None:
        yield _entry(drift, "highAvailability", drift.role is RoleChange.ADD, drift.role is not RoleChange.ADD)


def _entry(drift: MachineDrift, field: str, desired: object, observed: object) -> DriftEntry:
    return DriftEntry(
        subject=drift.subject,
        id=drift.observed.id if drift.observed else None,
        field=field,
        desired=desired,
        observed=observed,
        handling=drift.handling,
        because=str(drift.machine.source.of(field)),
        hold=_hold(drift),
    )


def _hold(drift: MachineDrift) -> HoldRef | None:
    hold = drift.machine.hold
    if hold is None or drift.handling is not Handling.HOLD:
        return None
    return HoldRef(owner=hold.owner, reason=hold.reason, until=hold.until, placed_at=hold.placed_at)

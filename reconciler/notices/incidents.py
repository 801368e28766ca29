"""Which incidents a status amounts to: a table of causes, each with the objects it concerns."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from reconciler.model.status import ConditionType, FleetStatus, ObjectStatus


class Key(NamedTuple):
    """What an incident is kept by: its cause, and the object it is rooted in ("" where several share one cause)."""

    cause: str
    object: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that is wrong now. ``objects`` are the subjects concerned, sorted; ``detail`` is one sentence for people."""

    key: Key
    headline: str
    detail: str
    objects: tuple[str, ...]


def incidents_of(status: FleetStatus) -> tuple[Incident, ...]:
    """Return everything that is wrong, most basic cause first; nothing is part of two incidents of one cause."""
    return (
        *_refused_source(status),
        *_silent_hosts(status),
        *_lost_machines(status),
        *_blocked(status),
        *_drifted(status),
    )


def _refused_source(status: FleetStatus) -> Iterator[Incident]:
    source = status.source
    if source.problems:
        what = f"revision {source.refused[:12]} is not followed" if source.refused else "the desired state cannot be read"
        yield Incident(Key("desired-state-refused"), f"Desired state refused: {what}", "; ".join(source.problems), ("source",))


def _silent_hosts(status: FleetStatus) -> Iterator[Incident]:
    """Hosts that do not answer, with the machines that cannot be seen because of it."""
    silent = [host for host in status.hosts if host.is_true(ConditionType.UNKNOWN)]
    if not silent:
        return
    names = {host.subject.partition("/")[2].casefold() for host in silent}
    behind = [vm for vm in _unknown_machines(status) if not vm.host or vm.host.casefold() in names]
    yield Incident(
        Key("hosts-unknown"),
        f"{_count(len(silent), 'host')} cannot be seen"
        + (f", and {_count(len(behind), 'machine')} with them" if behind else ""),
        silent[0].condition(ConditionType.UNKNOWN).message,
        _subjects((*silent, *behind)),
    )


def _lost_machines(status: FleetStatus) -> Iterator[Incident]:
    """Machines unknown although all hosts answer."""
    if any(host.is_true(ConditionType.UNKNOWN) for host in status.hosts):
        return
    lost = list(_unknown_machines(status))
    if lost:
        detail = lost[0].condition(ConditionType.UNKNOWN).message
        yield Incident(Key("machines-unknown"), f"{_count(len(lost), 'machine')} cannot be seen", detail, _subjects(lost))


def _unknown_machines(status: FleetStatus) -> Iterator[ObjectStatus]:
    return (machine for machine in status.machines if machine.is_true(ConditionType.UNKNOWN))


def _blocked(status: FleetStatus) -> Iterator[Incident]:
    """One incident for each reason: what blocks ten machines alike is mended once."""
    by_reason: dict[str, list[ObjectStatus]] = defaultdict(list)
    for one in (*status.hosts, *status.machines):
        if one.is_true(ConditionType.BLOCKED):
            by_reason[one.condition(ConditionType.BLOCKED).reason].append(one)
    for reason, held in sorted(by_reason.items()):
        detail = held[0].condition(ConditionType.BLOCKED).message
        yield Incident(Key("blocked", reason), f"{_count(len(held), 'object')} blocked: {reason}", detail, _subjects(held))


def _drifted(status: FleetStatus) -> Iterator[Incident]:
    """Drift that nobody is mending; what is being mended, held or only reported is no incident."""
    left = [
        one
        for one in (*status.hosts, *status.machines)
        if one.is_true(ConditionType.DRIFTED)
        and not one.is_true(ConditionType.RECONCILING)
        and not one.is_true(ConditionType.BLOCKED)
        and one.condition(ConditionType.DRIFTED).reason not in ("Held", "Ignored")
    ]
    if left:
        detail = left[0].condition(ConditionType.DRIFTED).message
        yield Incident(Key("drifted"), f"{_count(len(left), 'object')} not as committed", detail, _subjects(left))


def _subjects(objects: Iterable[ObjectStatus]) -> tuple[str, ...]:
    return tuple(sorted(one.subject for one in objects))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

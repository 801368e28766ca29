"""What happened between two statuses, one event for each fact: conditions that changed, the source, the mode.

The names are part of what people alert on (docs/service.md); each is used for one kind of fact and never for another.
"""

from collections.abc import Iterator

from reconciler.model.status import Condition, ConditionType, Event, FleetStatus, ObjectStatus, SourceStatus, Truth

BEGUN = {
    ConditionType.READY: "ready",
    ConditionType.RECONCILING: "reconciling",
    ConditionType.DRIFTED: "drifted",
    ConditionType.BLOCKED: "blocked",
    ConditionType.UNKNOWN: "unknown",
}
ENDED = {
    ConditionType.READY: "not-ready",
    ConditionType.RECONCILING: "settled",
    ConditionType.DRIFTED: "drift-ended",
    ConditionType.BLOCKED: "unblocked",
    ConditionType.UNKNOWN: "seen-again",
}


def events_between(before: FleetStatus | None, now: FleetStatus) -> tuple[Event, ...]:
    """Return the events in a fixed order: source, fleet, hosts, machines. The first look tells only what is odd."""
    known = {one.subject.casefold(): one for one in before.objects()} if before else {}
    changes = (event for one in now.objects() for event in _changes(known.get(one.subject.casefold()), one, now))
    return (*_of_source(before.source if before else None, now), *changes)


def _changes(before: ObjectStatus | None, now: ObjectStatus, status: FleetStatus) -> Iterator[Event]:
    for condition in now.conditions:
        old = _last_told(before, condition.type)
        if old is condition.status or condition.status is Truth.UNKNOWN:
            continue  # that a thing cannot be seen is told once, by the event of that name
        name = (BEGUN if condition.status is Truth.TRUE else ENDED)[condition.type]
        yield Event(at=status.at, name=name, subject=now.subject, message=condition.message, data=_data(now, condition))


def _last_told(before: ObjectStatus | None, kind: ConditionType) -> Truth:
    """Before the first look, and while a thing cannot be seen, people suppose the usual."""
    usual = Truth.TRUE if kind is ConditionType.READY else Truth.FALSE
    old = before.condition(kind).status if before else usual
    return usual if old is Truth.UNKNOWN else old


def _data(now: ObjectStatus, condition: Condition) -> dict[str, str]:
    data = {"reason": condition.reason}
    if condition.type is ConditionType.DRIFTED and now.cause:
        data["cause"] = now.cause.value
    if now.host:
        data["host"] = now.host
    return data


def _of_source(before: SourceStatus | None, now: FleetStatus) -> Iterator[Event]:
    source = now.source
    if source.revision != (before.revision if before else None) or source.digest != (before.digest if before else None):
        data = {"revision": source.revision or "", "digest": source.digest or ""}
        yield Event(at=now.at, name="desired-state-changed", subject="source", message=source.location, data=data)
    was_refused = (before.refused, before.problems) if before else (None, ())
    if (source.refused, source.problems) != was_refused:
        name = "desired-state-refused" if source.problems else "desired-state-accepted"
        data = {"revision": source.refused or source.revision or ""}
        yield Event(at=now.at, name=name, subject="source", message="; ".join(source.problems), data=data)

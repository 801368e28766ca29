"""When to tell people of an incident: once it has lasted, again only when it has grown, and once more when it is over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from reconciler.notices.incidents import Incident, Key

MOST_OBJECTS = 20  # beyond that a list is not read


@dataclass(frozen=True, slots=True)
class Settings:
    """``settle``: how long an incident must last before it is told (drift longer than ``settle_drift``, because mending takes
    time); ``repeat``: how soon one that has grown may be told again."""

    settle: timedelta = timedelta(minutes=1)
    settle_drift: timedelta = timedelta(minutes=15)
    repeat: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Open:
    """An incident that is known: since when, as it was seen last, and what people were told of it and when."""

    incident: Incident
    since: datetime
    told_at: datetime | None = None
    told: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Told:
    """What is open now, by key; the memory between two looks."""

    open: Mapping[Key, Open] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Message:
    """One message. ``kind`` says whether it opens an incident, adds to one or ends it."""

    kind: Literal["opened", "grown", "recovered"]
    key: Key
    title: str
    body: str
    objects: tuple[str, ...]


def tell(incidents: Sequence[Incident], told: Told, now: datetime, settings: Settings) -> tuple[tuple[Message, ...], Told]:
    """Return the messages that are due now, and the memory with them taken as sent."""
    seen = {incident.key: incident for incident in incidents}
    messages = [_recovered(known, now) for key, known in told.open.items() if key not in seen and known.told_at]
    still: dict[Key, Open] = {}
    for key, incident in seen.items():
        known = told.open.get(key) or Open(incident, now)
        message = _due(replace(known, incident=incident), now, settings)
        told_now = replace(known, incident=incident)
        if message:
            messages.append(message)
            told_now = replace(told_now, told_at=now, told=known.told | set(incident.objects))
        still[key] = told_now
    return tuple(messages), Told(still)


def _due(known: Open, now: datetime, settings: Settings) -> Message | None:
    settle = settings.settle_drift if known.incident.key.cause == "drifted" else settings.settle
    if known.told_at is None:
        return _message("opened", known) if now - known.since >= settle else None
    has_grown = not known.told.issuperset(known.incident.objects)
    return _message("grown", known) if has_grown and now - known.told_at >= settings.repeat else None


def _message(kind: Literal["opened", "grown"], known: Open) -> Message:
    incident = known.incident
    body = "\n".join((incident.detail, f"Since {known.since:%Y-%m-%d %H:%M} UTC.", *_listed(incident.objects)))
    return Message(kind, incident.key, incident.headline, body, incident.objects)


def _recovered(known: Open, now: datetime) -> Message:
    incident = known.incident
    minutes = max(1, round((now - known.since).total_seconds() / 60))
    body = "\n".join((f"It lasted about {minutes} min.", *_listed(incident.objects)))
    return Message("recovered", incident.key, f"Over: {incident.headline}", body, incident.objects)


def _listed(objects: Sequence[str]) -> list[str]:
    more = len(objects) - MOST_OBJECTS
    return [*(f"- {name}" for name in objects[:MOST_OBJECTS]), *([f"- and {more} more"] if more > 0 else [])]

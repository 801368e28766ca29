"""Entries as history: what was planned, what was started, what came of it, by whom and for which commit. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from reconciler.model.history import HistoryEvent
from reconciler.store.kinds import (
    APPLIED,
    ATTEMPT_FAILED,
    HOLD,
    INTENT,
    OUTCOME,
    PLANNED,
    RELEASE,
    ROLE_NOT_DUE,
    ROLE_READ,
    ROLE_REMOVED,
    ROLE_RESTORED,
    TRIMMED,
)
from reconciler.store.port import Entry

WORDS: Final = {
    APPLIED: "applied",
    PLANNED: "planned",
    INTENT: "started",
    ATTEMPT_FAILED: "attempt failed",
    ROLE_READ: "role read",
    ROLE_REMOVED: "role off",
    ROLE_RESTORED: "role on",
    ROLE_NOT_DUE: "role not due",
    HOLD: "held",
    RELEASE: "released",
    TRIMMED: "trimmed",
}


def events_of(entries: Iterable[Entry]) -> tuple[HistoryEvent, ...]:
    """Return one event an entry; kinds that are not known here appear under their own name. Names are found by VMId."""
    listed = list(entries)
    names = {entry.subject: _shown_name(entry) for entry in listed if entry.subject and entry.name}
    return tuple(_event(entry, names) for entry in listed)


def passed_guard_rails(entries: Iterable[Entry]) -> dict[str, int]:
    """Return how often each guard rail was passed by its name, as the entries say."""
    counted = Counter(code for entry in entries if entry.kind == APPLIED for code in entry.data.get("override", ()))
    return dict(sorted(counted.items()))


def concerns(entry: Entry, name: str) -> bool:
    """Tell whether a plan that was recorded has a step for that machine or host, by name or VMId, or blocks it."""
    rows = [*entry.data.get("steps", ()), *entry.data.get("blocked", ())]
    wanted = name.casefold()
    return any(
        wanted in (str(row["subject"]).casefold(), str(row["subject"]).partition("/")[2].casefold())
        or wanted == str(row.get("machine")).casefold()
        for row in rows
    )


def _shown_name(entry: Entry) -> str:
    step = entry.data.get("step")
    machine = step.get("virtualMachine") if isinstance(step, dict) else None
    shown = machine["name"] if machine else str(entry.data.get("name") or entry.data.get("subject") or entry.name)
    return shown.removeprefix("virtualMachine/")


def _event(entry: Entry, names: Mapping[str, str]) -> HistoryEvent:
    origin, facts = entry.origin, entry.data.get("step") if entry.kind == INTENT else entry.data
    facts = facts if isinstance(facts, dict) else {}
    return HistoryEvent(
        number=entry.number,
        at=entry.at,
        what=str(entry.data.get("state", "ended")) if entry.kind == OUTCOME else WORDS.get(entry.kind, entry.kind),
        subject=names.get(entry.subject) or _shown_name(entry) or entry.subject or None,
        id=entry.subject or None,
        actor=origin.actor,
        command=origin.command,
        revision=origin.revision,
        digest=origin.digest or _digest(entry),
        action=facts.get("action"),
        source=facts.get("from") or facts.get("source"),
        destination=facts.get("to") or facts.get("destination"),
        detail=_detail(entry),
        because=facts.get("because"),
        seconds=_seconds(entry.data),
        overrides=tuple(entry.data.get("override", ())),
        seal=entry.seal,
    )


def _digest(entry: Entry) -> str | None:
    given = entry.data.get("desired")
    return given if isinstance(given, str) else given.get("digest") if isinstance(given, dict) else None


def _detail(entry: Entry) -> str:
    data = entry.data
    if entry.kind == PLANNED:
        return f"{len(data['steps'])} steps, {len(data['blocked'])} blocked, plan {_short(data['fingerprint'])}"
    if entry.kind == APPLIED:
        plan = f", by the saved plan {_short(data['plan'])}" if data.get("plan") else ""
        return f"{len(data['machines'])} machines managed{plan}"
    if entry.kind in (HOLD, RELEASE):
        until = f" until {datetime.fromisoformat(data['until']):%Y-%m-%d %H:%MZ}" if data.get("until") else ""
        return f"for {data['owner']}{until}" + (f" ({data['reason']})" if data.get("reason") else "")
    if entry.kind == TRIMMED:
        return f"{data['entries']} old entries let go"
    return str(data.get("detail") or "")


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]


def _seconds(data: Mapping[str, Any]) -> float | None:
    began, ended = data.get("startedAt"), data.get("endedAt")
    if not began or not ended:
        return None
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds()

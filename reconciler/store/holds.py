"""Runtime holds as entries: one for each machine and owner; a later one of the same owner replaces the earlier. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from reconciler.model.hold import MachineHold
from reconciler.store.kinds import HOLD, RELEASE
from reconciler.store.port import Entry

HOLD_KINDS: Final = (HOLD, RELEASE)


def standing(entries: Iterable[Entry]) -> dict[tuple[str, str], Entry]:
    """Return the entries, oldest first, of holds that nobody released, lapsed ones among them; by name and owner."""
    found: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        if entry.kind in HOLD_KINDS:
            key = (entry.name, str(entry.data["owner"]).casefold())
            found.pop(key, None)
            found.update({key: entry} if entry.kind == HOLD else {})
    return found


def active_holds(entries: Iterable[Entry], now: datetime) -> tuple[MachineHold, ...]:
    """Return the holds that stand at that moment, in the order in which they were placed."""
    holds = (_hold(entry) for entry in standing(entries).values())
    return tuple(hold for hold in holds if hold.is_active(now))


def hold_data(hold: MachineHold) -> dict[str, Any]:
    """Return what to append under ``HOLD``; when and by whom it was placed is the entry's own time and origin."""
    until = hold.until.isoformat() if hold.until else None
    return {"machine": hold.id, "name": hold.name, "owner": hold.owner, "reason": hold.reason, "until": until}


def release_data(hold: MachineHold) -> dict[str, Any]:
    """Return what to append under ``RELEASE``."""
    return {"machine": hold.id, "name": hold.name, "owner": hold.owner}


def _hold(entry: Entry) -> MachineHold:
    data, until = entry.data, entry.data.get("until")
    return MachineHold(
        name=data["name"],
        owner=data["owner"],
        reason=data["reason"],
        placed_at=entry.at,
        id=data.get("machine"),
        until=datetime.fromisoformat(until) if until else None,
        placed_by=entry.origin.actor,
    )

"""What the API shows beyond the published documents: hosts with their slots, drift with its cause, what runs and waits."""

from collections.abc import Sequence
from typing import Any

from reconciler.model.observation import Observation
from reconciler.model.plan import Plan
from reconciler.model.progress import ProgressRow
from reconciler.model.status import FleetStatus
from reconciler.service.snapshot import Numbered, Snapshot


def hosts_view(status: FleetStatus, observation: Observation) -> dict[str, Any]:
    """Return every host: conditions, when it was seen, and slots in use beside their limits."""
    return {"hosts": [shown.to_json() | {"slots": _slots(shown.subject, observation)} for shown in status.hosts]}


def _slots(subject: str, observation: Observation) -> dict[str, Any] | None:
    host = observation.host(subject.partition("/")[2])
    if host is None:
        return None
    facts = host.migration
    return {
        "live": {"used": facts.active_virtual_machine_migrations, "limit": facts.maximum_virtual_machine_migrations},
        "storage": {"used": facts.active_storage_migrations, "limit": facts.maximum_storage_migrations},
    }


def drift_view(plan: Plan, status: FleetStatus) -> dict[str, Any]:
    """Return the plan's differences; those of machines with their cause and since when."""
    causes = {shown.subject.casefold(): shown for shown in status.machines}
    entries = []
    for entry in plan.drift:
        shown = causes.get(entry.subject.casefold())
        since = shown.drifted_since.isoformat() if shown and shown.drifted_since else None
        entries.append(entry.to_json() | {"cause": shown.cause if shown else None, "since": since})
    return {"drift": entries, "blocked": [blocked.to_json() for blocked in plan.blocked]}


def migrations_view(snapshot: Snapshot) -> dict[str, Any]:
    """Return what is under way with its progress, and what waits with its reason."""
    rows = snapshot.progress.rows if snapshot.progress else ()
    waiting = [
        {"step": one.step_id, "subject": one.subject, "code": one.code, "finding": one.finding, "until": _at(one.until)}
        for one in snapshot.waiting
    ]
    return {"at": _at(snapshot.pulse), "migrations": [row_view(row) for row in rows], "waiting": waiting}


def row_view(row: ProgressRow) -> dict[str, Any]:
    """Return one step that runs, nulls where nothing is known."""
    return {
        "id": row.id,
        "name": row.name,
        "kind": str(row.kind),
        "source": row.source,
        "destination": row.destination,
        "percent": row.percent,
        "bytesDone": row.bytes_done,
        "bytesTotal": row.bytes_total,
        "secondsLeft": row.seconds_left,
        "state": str(row.state),
    }


def events_view(events: Sequence[Numbered]) -> dict[str, Any]:
    """Return events with their numbers, oldest first."""
    return {"events": [{"number": one.number} | one.event.to_json() for one in events]}


def _at(moment: Any) -> str | None:
    return moment.isoformat() if moment else None

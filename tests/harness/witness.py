"""What the fleet's own log must show after every round, read from its lines alone: no code of the program judges here."""

from collections import Counter
from typing import Any

ENDS = ("migrationCompleted", "migrationFailed", "migrationCancelled")


def wrongs(events: list[dict[str, Any]], ha_wanted: set[str]) -> list[str]:
    """Return a sentence for everything in the log that must not be; ``ha_wanted``: VMIds that have a role at the end."""
    found: list[str] = []
    running: dict[str, dict[str, Any]] = {}
    roles: dict[str, bool] = {}
    for event in events:
        if event["kind"] == "migrationStarted":
            if any(other["vm"] == event["vm"] for other in running.values()):
                found.append(f"{event['vm']} moves twice at once")
            running[event["detail"]["migration"]] = event
            found += _over_limit(event, running)
        elif event["kind"] in ENDS:
            running.pop(event["detail"]["migration"], None)
        elif event["kind"] in ("roleRemoved", "roleAdded"):
            roles[event["vm"]] = event["kind"] == "roleAdded"
        elif event["kind"] == "machineStopped":
            found.append(f"{event['vm']} was stopped")
    found += [f"{machine} never got its role back" for machine in sorted(ha_wanted) if roles.get(machine) is False]
    return found


def _over_limit(started: dict[str, Any], running: dict[str, dict[str, Any]]) -> list[str]:
    found = []
    for word in ("live", "storage"):
        used = Counter(host for one in running.values() for host in one["detail"][word])
        found += [
            f"{used[host]} {word} migrations on {host}, limit {limit}"
            for host, limit in started["detail"][word].items()
            if used[host] > limit
        ]
    return found

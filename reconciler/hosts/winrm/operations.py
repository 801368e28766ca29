"""Which script carries out which operation, with what parameters, and how its result becomes a value. A table; pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from reconciler.hosts.port import (
    AddClusterRole,
    CancelMigration,
    CheckMigration,
    ConfigureCluster,
    ConfigureHost,
    Diagnose,
    Echo,
    ListEvents,
    ListMigrations,
    Operation,
    ReadClusterRole,
    RemoveClusterRole,
    StartMachine,
    StartMigration,
    Survey,
    Target,
    Value,
)
from reconciler.hosts.winrm.decode import decode_events, decode_migrations, decode_role, decode_started, decode_survey
from reconciler.hosts.winrm.decode_diagnosis import decode_diagnosis, decode_echo

Params = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Script:
    """One operation's script: its name, its parameters, how its result is read. ``changes``: it changes something."""

    name: str
    changes: bool
    params: Callable[[Any], Params]
    decode: Callable[[Any, Target], Value]


def script_of(operation: Operation) -> Script:
    """Return the script that carries out an operation."""
    return SCRIPT_OF[type(operation)]


def _nothing(_result: Any, _target: Target) -> None:
    return None


def _no_params(_operation: Operation) -> Params:
    return {}


def _machine(operation: Any) -> Params:
    return {"machineId": operation.machine_id}


def _diagnose(operation: Diagnose) -> Params:
    return {"peers": list(operation.peers), "shares": list(operation.shares)}


def _echo(operation: Echo) -> Params:
    return {"texts": list(operation.texts), "filler": operation.filler}


def _check(operation: CheckMigration) -> Params:
    return {"machineId": operation.machine_id, "kind": operation.kind.value, "destination": operation.destination}


def _start(operation: StartMigration) -> Params:
    option = operation.performance_option
    return {
        "machineId": operation.machine_id,
        "kind": operation.kind.value,
        "destination": operation.destination,
        "storage": [{"file": move.file, "from": move.source, "to": move.target} for move in operation.storage],
        "performanceOption": option.value if option else None,
    }


SCRIPT_OF: Final[dict[type, Script]] = {
    Survey: Script("Get-Survey", False, _no_params, decode_survey),
    ListMigrations: Script("Get-Migrations", False, _no_params, lambda result, _: decode_migrations(result)),
    ListEvents: Script("Get-Events", False, _no_params, lambda result, _: decode_events(result)),
    Diagnose: Script("Get-Diagnosis", False, _diagnose, lambda result, _: decode_diagnosis(result)),
    Echo: Script("Get-Echo", False, _echo, lambda result, _: decode_echo(result)),
    CheckMigration: Script("Test-Migration", False, _check, _nothing),
    StartMigration: Script("Start-Migration", True, _start, lambda result, _: decode_started(result)),
    CancelMigration: Script(
        "Stop-Migration",
        True,
        lambda cancel: {"migrationId": cancel.migration_id},
        _nothing,
    ),
    ConfigureHost: Script(
        "Set-HostSettings",
        True,
        lambda configure: {"settings": dict(sorted(configure.settings.items()))},
        _nothing,
    ),
    ConfigureCluster: Script(
        "Set-ClusterSettings",
        True,
        lambda configure: {"maximumParallelMigrations": configure.maximum_parallel_migrations},
        _nothing,
    ),
    StartMachine: Script("Start-Machine", True, _machine, _nothing),
    ReadClusterRole: Script("Get-ClusterRole", False, _machine, lambda result, _: decode_role(result)),
    RemoveClusterRole: Script(
        "Remove-ClusterRole",
        True,
        _machine,
        lambda result, _: decode_role(result),
    ),
    AddClusterRole: Script(
        "Add-ClusterRole",
        True,
        lambda add: {"machineId": add.machine_id, "settings": add.settings},
        _nothing,
    ),
}
"""What carries out what."""

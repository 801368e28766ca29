"""What the shipped scripts do, done by a simulated host that knows them by name: parameters in, payload out.

The payload is what the script would have written on Windows: enumerations as numbers, results as one object, refusals as
errors with our ids. A host that cannot be reached raises through: it has no payload.
"""

from collections.abc import Callable
from typing import Any

from reconciler.hosts.port import HostReport, Operation, RoleSettings, Started, Value
from reconciler.hosts.winrm.encode import encode_migrations, encode_survey
from reconciler.hosts.winrm.operations import SCRIPT_OF
from reconciler.simulator.refusal import Refused

Payload = dict[str, Any]

_BY_NAME = {script.name: script for script in SCRIPT_OF.values()}


def run_script(world_execute: Callable[[Operation], Value], name: str, params: dict[str, Any]) -> Payload:
    """Return the payload of the script of that name, carried out by ``world_execute``; KeyError for an unknown name."""
    script = _BY_NAME[name]
    try:
        value = world_execute(script.operation(params))
    except Refused as refused:
        return {"ok": False, "error": _error(refused, params)}
    return {"ok": True, "result": _result(name, value)}


def _result(name: str, value: Value) -> Payload:
    if isinstance(value, HostReport):
        return encode_survey(value)
    if isinstance(value, tuple):
        return {"migrations": encode_migrations(value)}
    if isinstance(value, Started):
        return {"migrationId": value.migration_id, "alreadyRunning": value.already_running}
    if isinstance(value, RoleSettings):
        return {"settings": value.settings}
    return {"migratable": True} if name == "Test-Migration" else {}


def _error(refused: Refused, params: dict[str, Any]) -> Payload:
    return {
        "category": "OperationStopped",  # what PowerShell calls everything that is thrown
        "id": refused.error_id,
        "code": refused.code,
        "message": refused.message,
        "target": str(params.get("machineId") or ""),
    }

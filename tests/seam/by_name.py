"""Hosts for tests of the channel alone: requests are read and answered in the scripts' place, whatever they say.

The payload is what the script would have written on Windows: enumerations as numbers, results as one object, refusals as
errors with our ids. Scripts themselves are run by the simulated fleet, see ``reconciler.simulator.windows``.
"""

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from reconciler.hosts.port import (
    AddClusterRole,
    CancelMigration,
    CheckMigration,
    ConfigureCluster,
    ConfigureHost,
    HostReport,
    ListMigrations,
    Operation,
    ReadClusterRole,
    RemoveClusterRole,
    RoleSettings,
    Started,
    StartMachine,
    StartMigration,
    Survey,
    Value,
)
from reconciler.hosts.winrm.frame import build_frame, parse_request
from reconciler.model.plan import StorageMove
from reconciler.model.words import MigrationKind, PerformanceOption
from reconciler.simulator.endpoint import CommandResult, Outlet, Process, Program
from reconciler.simulator.endpoint.programs import carry_out
from reconciler.simulator.refusal import Refused
from tests.seam.encode import encode_migrations, encode_survey

Payload = dict[str, Any]

Script = Callable[[str, Payload], Payload]
"""Answers a script's name and parameters with a payload, ``{"ok": ...}``."""


def answer_scripts(answer: Script) -> Program:
    """Return a program that answers each request by the name of its script, one after the other while its input is open."""
    return _ByName(answer)


class _ByName:
    def __init__(self, answer: Script) -> None:
        self._answer = answer

    def start(self, line: str, outlet: Outlet, executor: Executor) -> Process:
        return _Reader(self._answer, outlet, executor)


class _Reader:
    """A process that reads requests, each ended by an empty line or by the end of its input."""

    def __init__(self, answer: Script, outlet: Outlet, executor: Executor) -> None:
        self._answer, self._outlet, self._executor, self._input = answer, outlet, executor, b""

    def feed(self, data: bytes, *, ended: bool) -> None:
        self._input += data
        *whole, self._input = self._input.split(b"\n\n")
        if ended:
            whole, self._input = [*whole, self._input], b""
        requests = [one for one in whole if one.strip()]
        if requests or ended:
            self._executor.submit(carry_out, lambda: self._serve(requests, ended), _StaysOpen(self._outlet, ended))

    def _serve(self, requests: list[bytes], ended: bool) -> CommandResult:
        for one in requests:
            request = parse_request(one)
            self._outlet.write(build_frame(request.op, self._answer(request.name, request.params)))
        return CommandResult()

    def kill(self) -> None:
        """Nothing runs on."""

    def wait(self) -> None:
        """Nothing runs on."""


class _StaysOpen:
    """An outlet that a process ends only when its input has ended, or where it fails."""

    def __init__(self, outlet: Outlet, ended: bool) -> None:
        self._outlet, self._ended = outlet, ended

    def write(self, stdout: bytes, stderr: bytes = b"") -> None:
        self._outlet.write(stdout, stderr)

    def end(self, result: CommandResult) -> None:
        if self._ended or result.exit_code:
            self._outlet.end(result)

    def lose(self) -> None:
        self._outlet.lose()


def operation_of(name: str, params: Payload) -> Operation:
    """Return the operation that a request was made from; KeyError for an unknown script."""
    return _OPERATIONS[name](params)


def _to_start(params: Payload) -> StartMigration:
    option = params["performanceOption"]
    return StartMigration(
        params["machineId"],
        MigrationKind(params["kind"]),
        params["destination"],
        tuple(StorageMove.model_validate(move) for move in params["storage"]),
        PerformanceOption(option) if option else None,
    )


_OPERATIONS: dict[str, Callable[[Payload], Operation]] = {
    "Get-Survey": lambda _: Survey(),
    "Get-Migrations": lambda _: ListMigrations(),
    "Test-Migration": lambda p: CheckMigration(p["machineId"], MigrationKind(p["kind"]), p["destination"]),
    "Start-Migration": _to_start,
    "Stop-Migration": lambda p: CancelMigration(p["migrationId"]),
    "Set-HostSettings": lambda p: ConfigureHost(p["settings"]),
    "Set-ClusterSettings": lambda p: ConfigureCluster(p["maximumParallelMigrations"]),
    "Start-Machine": lambda p: StartMachine(p["machineId"]),
    "Get-ClusterRole": lambda p: ReadClusterRole(p["machineId"]),
    "Remove-ClusterRole": lambda p: RemoveClusterRole(p["machineId"]),
    "Add-ClusterRole": lambda p: AddClusterRole(p["machineId"], p["settings"]),
}


def run_script(world_execute: Callable[[Operation], Value], name: str, params: dict[str, Any]) -> Payload:
    """Return the payload of the script of that name, carried out by ``world_execute``; KeyError for an unknown name."""
    try:
        value = world_execute(operation_of(name, params))
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

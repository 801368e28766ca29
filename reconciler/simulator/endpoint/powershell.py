"""As much of PowerShell as our one command line needs: read the request from standard input, run the script, print the frame.

The script's text is not interpreted: the simulated host knows the shipped scripts by name. Any other command line is answered
as cmd.exe answers a program it cannot find, so nothing passes here that was never implemented.
"""

import base64
import binascii
import re
import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Protocol

from reconciler.hosts.port import Operation, Value
from reconciler.hosts.winrm.bootstrap import SCRIPTS
from reconciler.hosts.winrm.frame import FrameError, build_frame, parse_request
from reconciler.simulator.endpoint.wsman import CommandResult, LostReplyError, RunCommand
from reconciler.simulator.refusal import HostUnreachable

RunScript = Callable[[str, dict[str, Any]], dict[str, Any]]
"""Runs a shipped script by name with its parameters; returns the payload, ``{"ok": ...}``."""

RunByName = Callable[[Callable[[Operation], Value], str, dict[str, Any]], dict[str, Any]]
"""``reconciler.simulator.by_name.run_script``: the same, given how to execute an operation at the host."""

_COMMAND = re.compile(r"\s*powershell(?:\.exe)?\s.*-EncodedCommand\s+(\S+)\s*", re.IGNORECASE)
_MARKER = "#<reconciler:1 "
_PROGRESS = (
    b'#< CLIXML\r\n<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04"><Obj S="progress" RefId="0">'
    b'<TN RefId="0"><T>System.Management.Automation.PSCustomObject</T><T>System.Object</T></TN><MS><I64 N="SourceId">1</I64>'
    b'<PR N="Record"><AV>Preparing modules for first use.</AV><AI>0</AI><Nil /><PI>-1</PI><PC>-1</PC><T>Completed</T>'
    b"<SR>-1</SR><SD> </SD></PR></MS></Obj></Objs>"
)


class World(Protocol):
    """What is needed of the simulated fleet. It is not thread safe and need not be."""

    def execute(self, host_name: str, operation: Operation) -> Value:
        """Carry out an operation at a host."""
        ...


def answer_scripts(run_script: RunScript) -> RunCommand:
    """A command runner that knows our bootstrap and nothing else; scripts go to ``run_script``.

    What ``run_script`` raises is passed on: it is a bug, and the client then finds no frame.
    """

    def run(command_line: str, stdin: bytes) -> CommandResult:
        if not is_bootstrap(command_line):
            program = (command_line.split() or [""])[0]
            text = f"'{program}' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n"
            return CommandResult(stderr=text.encode(), exit_code=1)
        return CommandResult(stdout=_frame(stdin, run_script), stderr=_PROGRESS)

    return run


def hosts_of(world: World, host_names: Iterable[str], run_by_name: RunByName) -> dict[str, RunCommand]:
    """A command runner per host of a simulated fleet, ready for ``serve_fleet``. One lock keeps the fleet single-threaded."""
    lock = threading.Lock()

    def run_script(host_name: str, name: str, params: dict[str, Any]) -> dict[str, Any]:
        with lock:
            try:
                return run_by_name(partial(world.execute, host_name), name, params)
            except HostUnreachable as silence:  # it went away after the connection was taken
                raise LostReplyError from silence

    return {host_name: answer_scripts(partial(run_script, host_name)) for host_name in sorted(host_names)}


def is_bootstrap(command_line: str) -> bool:
    """Whether a command line is the controller's: PowerShell with an encoded command that writes our frames."""
    match = _COMMAND.fullmatch(command_line)
    try:
        return match is not None and _MARKER in base64.b64decode(match[1], validate=True).decode("utf-16-le")
    except (binascii.Error, UnicodeDecodeError):
        return False


def _frame(stdin: bytes, run_script: RunScript) -> bytes:
    try:
        request = parse_request(stdin)
    except FrameError as problem:
        return build_frame("", _refusal("NotSpecified", "FormatException", str(problem), ""))
    if request.name not in SCRIPTS:
        text = f"The simulated host does not know the script {request.name}."
        return build_frame(request.op, _refusal("ObjectNotFound", "reconciler.refused", text, request.name))
    return build_frame(request.op, run_script(request.name, request.params))


def _refusal(category: str, error_id: str, message: str, target: str) -> dict[str, Any]:
    error = {"category": category, "id": error_id, "code": None, "message": message, "target": target}
    return {"ok": False, "error": error}

"""The program that command lines start on a simulated host: powershell.exe with an encoded command, run for what it says.

What was sent is decoded and interpreted (``simulator.powershell``) on the host's own Windows (``simulator.windows``). Any other
program is answered as cmd.exe answers one that it cannot find, so nothing passes here that was never implemented.
"""

import base64
import binascii
import re
import threading
from collections.abc import Callable, Iterable

from reconciler.simulator.endpoint.wsman import CommandResult, LostReplyError, RunCommand
from reconciler.simulator.powershell import PowerShellError, Session, run
from reconciler.simulator.refusal import HostUnreachable

NewSession = Callable[[str, bytes], Session]
"""Returns a new PowerShell process on a host, given the host's name and what is on standard input."""

_COMMAND = re.compile(r"\s*powershell(?:\.exe)?\s(?P<switches>.*)-EncodedCommand\s+(?P<code>\S+)\s*", re.IGNORECASE)
_PROGRESS = (
    b'#< CLIXML\r\n<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04"><Obj S="progress" RefId="0">'
    b'<TN RefId="0"><T>System.Management.Automation.PSCustomObject</T><T>System.Object</T></TN><MS><I64 N="SourceId">1</I64>'
    b'<PR N="Record"><AV>Preparing modules for first use.</AV><AI>0</AI><Nil /><PI>-1</PI><PC>-1</PC><T>Completed</T>'
    b"<SR>-1</SR><SD> </SD></PR></MS></Obj></Objs>"
)


def run_programs(new_session: Callable[[bytes], Session]) -> RunCommand:
    """A command runner that knows one program, PowerShell.

    A script that uses what is not implemented raises NotInSubsetError through here: that is a bug of ours, and the client
    finds no frame.
    """

    def answer(command_line: str, stdin: bytes) -> CommandResult:
        code = encoded_command(command_line)
        if code is None:
            program = (command_line.split() or [""])[0]
            text = f"'{program}' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n"
            return CommandResult(stderr=text.encode(), exit_code=1)
        session = new_session(stdin)
        try:
            written = run(code, session)
        except PowerShellError as error:
            return CommandResult(bytes(session.stdout), _PROGRESS + error.message.encode(), 1)
        text = "".join(f"{one}\r\n" for one in written)
        return CommandResult(stdout=bytes(session.stdout) + text.encode(), stderr=_PROGRESS)

    return answer


def hosts_of(host_names: Iterable[str], new_session: NewSession) -> dict[str, RunCommand]:
    """A command runner per host, ready for ``serve_fleet``. One lock keeps the fleet single-threaded, a whole script long."""
    lock = threading.Lock()

    def on(host_name: str) -> RunCommand:
        programs = run_programs(lambda stdin: new_session(host_name, stdin))

        def answer(command_line: str, stdin: bytes) -> CommandResult:
            with lock:
                try:
                    return programs(command_line, stdin)
                except HostUnreachable as silence:  # it went away after the connection was taken
                    raise LostReplyError from silence

        return answer

    return {host_name: on(host_name) for host_name in sorted(host_names)}


def encoded_command(command_line: str) -> str | None:
    """Return the code in a command line of PowerShell; None where it is another program or no code can be read."""
    match = _COMMAND.fullmatch(command_line)
    try:
        return base64.b64decode(match["code"], validate=True).decode("utf-16-le") if match else None
    except (binascii.Error, UnicodeDecodeError):
        return None

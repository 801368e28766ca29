"""The program that command lines start on a simulated host: powershell.exe with an encoded command, run for what it says.

What was sent is decoded and interpreted (``simulator.powershell``) on the host's own Windows (``simulator.windows``), in a
thread for each process, because a script may wait for its next line of input. Any other program is answered as cmd.exe
answers one that it cannot find, so nothing passes here that was never implemented.
"""

import base64
import binascii
import re
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Executor

from reconciler.simulator.endpoint.programs import CommandResult, LostReplyError, Outlet, Process, Program, carry_out
from reconciler.simulator.powershell import PowerShellError, Session, run
from reconciler.simulator.powershell.console import StandardInput, text_of_bytes
from reconciler.simulator.refusal import HostUnreachable

NewSession = Callable[[StandardInput], Session]
"""Returns a new PowerShell process, given its standard input."""

_COMMAND = re.compile(r"\s*powershell(?:\.exe)?\s(?P<switches>.*)-EncodedCommand\s+(?P<code>\S+)\s*", re.IGNORECASE)
_PROGRESS = (
    b'#< CLIXML\r\n<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04"><Obj S="progress" RefId="0">'
    b'<TN RefId="0"><T>System.Management.Automation.PSCustomObject</T><T>System.Object</T></TN><MS><I64 N="SourceId">1</I64>'
    b'<PR N="Record"><AV>Preparing modules for first use.</AV><AI>0</AI><Nil /><PI>-1</PI><PC>-1</PC><T>Completed</T>'
    b"<SR>-1</SR><SD> </SD></PR></MS></Obj></Objs>"
)


class PowerShellHost:
    """What a host runs. ``lock`` is held while a script runs and free while it waits for input, so that hosts take turns.

    A script that uses what is not implemented ends its process with a traceback in the log: that is a bug of ours, and the
    client finds no frame.
    """

    def __init__(self, new_session: NewSession, lock: "threading.Lock | None" = None) -> None:
        self._new_session, self._lock = new_session, lock or threading.Lock()

    def start(self, line: str, outlet: Outlet, executor: Executor) -> Process:  # noqa: ARG002 - the form of all programs
        """Start a process; one that is no PowerShell has ended already."""
        code = encoded_command(line)
        stdin = PipedInput(self._lock)
        process = _PowerShellProcess(stdin, lambda: self._run(line, code, stdin, outlet), outlet)
        process.begin()
        return process

    def _run(self, line: str, code: str | None, stdin: StandardInput, outlet: Outlet) -> CommandResult:
        if code is None:
            program = (line.split() or [""])[0]
            text = f"'{program}' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n"
            return CommandResult(stderr=text.encode(), exit_code=1)
        with self._lock:
            try:
                return self._interpret(code, self._new_session(stdin), outlet)
            except HostUnreachable as silence:  # it went away after the connection was taken
                raise LostReplyError from silence

    def _interpret(self, code: str, session: Session, outlet: Outlet) -> CommandResult:
        def flush() -> None:
            outlet.write(bytes(session.stdout), _PROGRESS)
            session.stdout.clear()

        session.flush = flush
        try:
            written = run(code, session)
        except PowerShellError as error:
            return CommandResult(bytes(session.stdout), _PROGRESS + error.message.encode(), 1)
        text = "".join(f"{one}\r\n" for one in written)
        return CommandResult(stdout=bytes(session.stdout) + text.encode(), stderr=_PROGRESS)


class PipedInput:
    """Standard input that somebody sends piece by piece. A process that waits for it lets go of the lock meanwhile."""

    def __init__(self, lock: threading.Lock) -> None:
        self._lock, self._changed = lock, threading.Condition()
        self._data, self._has_ended = bytearray(), False

    def feed(self, data: bytes, *, ended: bool) -> None:
        """Add to the input, from any thread."""
        with self._changed:
            self._data += data
            self._has_ended = self._has_ended or ended
            self._changed.notify_all()

    def read_line(self) -> str | None:
        """Return the next line, once it is there; None when the input has ended before."""
        self._await(lambda: self._has_ended or b"\n" in self._data)
        with self._changed:
            if not self._data:
                return None
            line, _, rest = bytes(self._data).partition(b"\n")
            self._data = bytearray(rest)
        return text_of_bytes(line.removesuffix(b"\r"))

    def read_all(self) -> str:
        """Return the whole rest, once the input has ended."""
        self._await(lambda: self._has_ended)
        with self._changed:
            data, self._data = bytes(self._data), bytearray()
        return text_of_bytes(data)

    def _await(self, is_there: Callable[[], bool]) -> None:
        self._lock.release()
        try:
            with self._changed:
                self._changed.wait_for(is_there)
        finally:
            self._lock.acquire()


class _PowerShellProcess:
    """A PowerShell in a thread of its own."""

    def __init__(self, stdin: PipedInput, run: Callable[[], CommandResult], outlet: Outlet) -> None:
        self._stdin = stdin
        self._thread = threading.Thread(target=carry_out, args=(run, outlet), name="simulated-powershell", daemon=True)

    def begin(self) -> None:
        """Start the thread."""
        self._thread.start()

    def feed(self, data: bytes, *, ended: bool) -> None:
        self._stdin.feed(data, ended=ended)

    def kill(self) -> None:
        """End the input: a script that waits for it ends there."""
        self._stdin.feed(b"", ended=True)

    def wait(self) -> None:
        self._thread.join()


def hosts_of(host_names: Iterable[str], new_session: Callable[[str, StandardInput], Session]) -> dict[str, Program]:
    """What each host runs, ready for ``serve_fleet``. One lock keeps the fleet single-threaded, a whole script long."""
    lock = threading.Lock()

    def on(host_name: str) -> Program:
        return PowerShellHost(lambda stdin: new_session(host_name, stdin), lock)

    return {host_name: on(host_name) for host_name in sorted(host_names)}


def encoded_command(command_line: str) -> str | None:
    """Return the code in a command line of PowerShell; None where it is another program or no code can be read."""
    match = _COMMAND.fullmatch(command_line)
    try:
        return base64.b64decode(match["code"], validate=True).decode("utf-16-le") if match else None
    except (binascii.Error, UnicodeDecodeError):
        return None

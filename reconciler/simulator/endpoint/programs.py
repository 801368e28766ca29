"""Programs that command lines start on a simulated host: what a process is to the shell service, and the simplest of them.

A process takes input as it is sent and gives output as it writes, so one may serve many requests before it ends, as a
PowerShell does that reads them line by line. What it prints and how it ends goes through its ``Outlet``.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Protocol

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a command left behind when it ended, beside what it had written before."""

    stdout: bytes = b""
    stderr: bytes = b""
    exit_code: int = 0


class LostReplyError(Exception):
    """The connection must drop in place of a reply."""


class Outlet(Protocol):
    """Where a process writes. Every method may be called from any thread."""

    def write(self, stdout: bytes, stderr: bytes = b"") -> None:
        """Print."""
        ...

    def end(self, result: CommandResult) -> None:
        """Print the last and be over. Only the first end counts."""
        ...

    def lose(self) -> None:
        """Be over, the connection of whoever waits for output dropped."""
        ...


class Process(Protocol):
    """A running command. Called from the service's event loop only, so nothing here may wait, except ``wait``."""

    def feed(self, data: bytes, *, ended: bool) -> None:
        """Take more of the standard input; ``ended``: it is closed after that."""
        ...

    def kill(self) -> None:
        """End soon; what is printed from now on is of no interest."""
        ...

    def wait(self) -> None:
        """Return when all of it has ended. Called elsewhere than on the event loop, after ``kill``."""
        ...


class Program(Protocol):
    """What a host runs when it is given a command line."""

    def start(self, line: str, outlet: Outlet, executor: Executor) -> Process:
        """Start a process; short work may be given to the executor, which all hosts share."""
        ...


RunCommand = Callable[[str, bytes], CommandResult]
"""Runs one command line with all of its standard input; called on a worker thread.

It may raise ``LostReplyError``: whoever waits for the output then loses the connection instead.
"""


class Batch:
    """The program that reads all of its input, then answers and ends."""

    def __init__(self, run: RunCommand) -> None:
        self._run = run

    def start(self, line: str, outlet: Outlet, executor: Executor) -> Process:
        """Start a process that does nothing until its input is closed."""
        return _BatchProcess(lambda stdin: self._run(line, stdin), outlet, executor)


class _BatchProcess:
    def __init__(self, run: Callable[[bytes], CommandResult], outlet: Outlet, executor: Executor) -> None:
        self._run, self._outlet, self._executor, self._input = run, outlet, executor, bytearray()

    def feed(self, data: bytes, *, ended: bool) -> None:
        self._input += data
        if ended:
            self._executor.submit(carry_out, lambda: self._run(bytes(self._input)), self._outlet)

    def kill(self) -> None:
        """Nothing to do: a run that has begun goes on to its end, unheard."""

    def wait(self) -> None:
        """Nothing to do: whoever closes the executor waits for it."""


def carry_out(run: Callable[[], CommandResult], outlet: Outlet) -> None:
    """Run something to its end and say how it ended, also where the simulated host itself fails at it."""
    try:
        outlet.end(run())
    except LostReplyError:
        outlet.lose()
    except Exception:
        # A bug in the simulated host, not a way for hosts to behave: say so in the log, print no frame to the client.
        _log.exception("a simulated host failed at a command")
        outlet.end(CommandResult(exit_code=1))


def as_program(run: RunCommand | Program) -> Program:
    """Return a program; a plain function becomes one that reads all of its input first."""
    return run if hasattr(run, "start") else Batch(run)

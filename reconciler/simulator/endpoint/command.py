"""One command of a shell, as its service sees it: the input still open, the output not yet received, and whether it is over.

What was received is gone, for Receive is never acknowledged. Faults of the output strike here, between process and client.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.simulator.endpoint.faults import FaultSwitch, spoil
from reconciler.simulator.endpoint.programs import CommandResult, Process


@dataclass(slots=True)
class Command:
    """One command. ``piped``: its input is a pipe. ``something`` is set while there is output or the command is over.

    It is the ``Outlet`` of its process, whose methods may be called from any thread; all else belongs to the event loop.
    """

    id: str
    line: str
    piped: bool
    faults: FaultSwitch
    loop: asyncio.AbstractEventLoop
    process: Process | None = None
    has_input: bool = False
    input_ended: bool = False
    aborted: bool = False
    is_over: bool = False
    exit_code: int | None = None
    something: asyncio.Event = field(default_factory=asyncio.Event)
    pending: list[tuple[str, memoryview]] = field(default_factory=list)
    _has_written: bool = False
    _is_lost: bool = False

    # What the service asks

    def feed(self, data: bytes, *, ended: bool) -> None:
        """Give the process more input."""
        self.has_input, self.input_ended = True, ended
        if self.process is not None:
            self.process.feed(data, ended=ended)

    def take(self, budget: int) -> list[tuple[str, bytes]]:
        """The next output, at most ``budget`` bytes of it."""
        taken = []
        while self.pending and budget > 0:
            name, data = self.pending.pop(0)
            taken.append((name, bytes(data[:budget])))
            if len(data) > budget:
                self.pending.insert(0, (name, data[budget:]))
            budget -= len(data)
        self._settle()
        return taken

    @property
    def is_read_out(self) -> bool:
        """Whether the command is over and nothing is left to receive."""
        return self.is_over and not self.pending

    @property
    def is_running(self) -> bool:
        """Whether a process may still be at work."""
        return self.process is not None and not self.is_over

    def forget_lost(self) -> bool:
        """Whether output is to be lost with the connection; it is forgotten then."""
        lost, self._is_lost = self._is_lost, False
        if lost:
            self.pending = []
            self._settle()
        return lost

    def kill(self) -> None:
        """End without a result: a Receive that waits is told so."""
        self.aborted, self.pending = not self.is_over, []
        if self.process is not None:
            self.process.kill()
        self.is_over = True
        self._settle()

    def wait(self) -> None:
        """Return when the process of a killed command has ended."""
        if self.process is not None:
            self.process.wait()

    # What the process says

    def write(self, stdout: bytes, stderr: bytes = b"") -> None:
        """Print."""
        self._on_loop(lambda: self._print(stdout, stderr))

    def end(self, result: CommandResult) -> None:
        """Print the last and be over."""
        self._on_loop(lambda: self._end(result))

    def lose(self) -> None:
        """Be over, the output lost with the connection."""
        self._on_loop(self._lose)

    def _on_loop(self, work: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the service is closed, and nobody waits any more
            self.loop.call_soon_threadsafe(work)

    def _end(self, result: CommandResult) -> None:
        if not self.is_over:
            if result.stdout or not self._has_written:
                self._print(result.stdout, result.stderr)
            else:
                self._keep("stderr", result.stderr)
            self._be_over(result.exit_code)

    def _print(self, stdout: bytes, stderr: bytes) -> None:
        """Take an answer of the process as the faults in force leave it; one that spoils it also ends the process."""
        if self.is_over:
            return
        self._has_written = True
        self._is_lost = self.faults.loses_next_output() or self._is_lost
        faults = self.faults.for_output()
        self._keep("stdout", spoil(stdout, faults))
        self._keep("stderr", stderr)
        self.something.set()
        if faults.half_frame or faults.garbage or faults.exit_code is not None:
            self._be_over(1 if faults.exit_code is None else faults.exit_code)

    def _keep(self, name: str, data: bytes) -> None:
        if data:
            self.pending.append((name, memoryview(data)))

    def _lose(self) -> None:
        if not self.is_over:
            self._is_lost = True
            self._be_over(1)

    def _be_over(self, exit_code: int) -> None:
        if not self.is_over:
            self.is_over, self.exit_code = True, exit_code
            self._settle()
            if self.process is not None:
                self.process.kill()

    def _settle(self) -> None:
        if self.is_over or self.pending or self._is_lost:
            self.something.set()
        else:
            self.something.clear()

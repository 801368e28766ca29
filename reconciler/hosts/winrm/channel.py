"""One host's connection: a warm shell, one call at a time, a deadline of our own, and every outcome as a value.

One owner at a time: two threads on one encrypted connection ruin it, so a lock asserts that there is only one. Nothing that
changes a host is ever run twice. What is repeated, once, is reading, and a change whose script could not yet have begun.
"""

import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from winrm.exceptions import InvalidCredentialsError, WinRMOperationTimeoutError

from reconciler.hosts.port import Failure, Target
from reconciler.hosts.winrm.bootstrap import command_line, script
from reconciler.hosts.winrm.breaker import Breaker
from reconciler.hosts.winrm.config import WinRmConfig
from reconciler.hosts.winrm.failures import (
    DeadlineError,
    TooLargeError,
    failure_of,
    leaves_connection_sound,
    place_of,
    wants_fresh_start,
)
from reconciler.hosts.winrm.frame import Reply, Request, build_request, parse_frame
from reconciler.hosts.winrm.transport import PywinrmWire, Wire, knock

CHUNK_BYTES: Final = 100_000  # 133 KB in an envelope: the oldest hosts take 150
MAXIMUM_OUTPUT_BYTES: Final = 64 * 1024 * 1024
COMMANDS_PER_SHELL: Final = 200  # Windows counts 1,500 per user and never gives them back while the shell lives
SHELL_SECONDS: Final = 15 * 60
IDLE_SECONDS: Final = 4 * 60  # the host closes a shell that has been idle for five minutes
FAREWELL_SECONDS: Final = 5  # nobody waits longer than that for a thank you

Monotonic = Callable[[], float]


@dataclass(slots=True)
class _Shell:
    """An open shell: what it is called, since when it is open, when it was last used, how often."""

    id: str
    opened: float
    used: float
    commands: int = 0

    def is_worn(self, now: float) -> bool:
        """Tell whether the shell is due for replacement."""
        too_old = now - self.opened >= SHELL_SECONDS or now - self.used >= IDLE_SECONDS
        return too_old or self.commands >= COMMANDS_PER_SHELL


@dataclass(slots=True)
class _Order:
    """One call on its way. ``sent``: the last of its input went out, so that the script may run."""

    op: str
    input: bytes
    ends: float
    sent: bool = False


class HostChannel:
    """The only way to one host. ``wire``, ``knock`` and ``monotonic`` can be replaced, for tests."""

    def __init__(
        self,
        target: Target,
        config: WinRmConfig,
        breaker: Breaker,
        *,
        wire: Callable[[str, WinRmConfig], Wire] = PywinrmWire,
        knock: Callable[[str, float], None] = knock,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._url, self._config, self._breaker = config.url_of(target), config, breaker
        self._make_wire, self._knock, self._now = wire, knock, monotonic
        self._wire: Wire | None = None
        self._shell: _Shell | None = None
        self._owner = threading.Lock()

    def __repr__(self) -> str:
        return f"HostChannel({self._url!r})"

    def run(self, name: str, params: dict[str, Any], *, changes: bool) -> Reply | Failure:
        """Run a shipped script and return what it answered, or why there is no answer.

        ``changes`` says whether the script changes anything; it decides what a lost answer means and what may be repeated.
        Raises RuntimeError when two threads use the channel at once.
        """
        if not self._owner.acquire(blocking=False):
            raise RuntimeError(f"two threads use the channel to {self._url} at once")
        try:
            return self._run(name, params, changes)
        finally:
            self._owner.release()

    def close(self) -> None:
        """Give the shell back and drop the connection; trouble on the way is of no interest any more."""
        with self._owner:
            self._close_shell()
            self._drop()

    def _run(self, name: str, params: dict[str, Any], changes: bool) -> Reply | Failure:
        ends = self._now() + self._config.deadline_seconds
        used_before = self._shell is not None
        order = self._order(name, params, ends)
        outcome = self._try(order)
        if not isinstance(outcome, Exception):
            return outcome
        if used_before and wants_fresh_start(outcome) and not (changes and order.sent):
            order = self._order(name, params, ends)
            outcome = self._try(order)
        return failure_of(outcome, self._url, changes=changes, sent=order.sent) if isinstance(outcome, Exception) else outcome

    def _order(self, name: str, params: dict[str, Any], ends: float) -> _Order:
        op = uuid.uuid4().hex
        return _Order(op, build_request(Request(op, name, script(name), params)), ends)

    def _try(self, order: _Order) -> Reply | Exception:
        """Return the reply, or what went wrong, the connection then dropped.

        Whatever a host sends passes through several parsers that raise what they like (KeyError, AssertionError, ...), so
        every exception of the conversation is taken for the conversation's, never raised.
        """
        try:
            return self._converse(order)
        except Exception as problem:
            if isinstance(problem, InvalidCredentialsError):
                self._breaker.refuse(place_of(self._url))
            if leaves_connection_sound(problem):
                self._close_shell()
            self._shell = None
            self._drop()
            return problem

    def _converse(self, order: _Order) -> Reply:
        self._breaker.check(place_of(self._url))
        shell = self._ready_shell(order)
        wire = self._wire_until(order)
        command = wire.run(shell.id, command_line())
        shell.commands += 1
        try:
            self._send(shell.id, command, order)
            output = self._receive(shell.id, command, order)
        except Exception:
            with suppress(Exception):
                wire.limit(1)
                wire.end(shell.id, command)
            raise
        shell.used = self._now()
        self._end(shell, command)
        return parse_frame(output, order.op)

    def _send(self, shell: str, command: str, order: _Order) -> None:
        starts = range(0, len(order.input), CHUNK_BYTES)
        for start in starts:
            last = start == starts[-1]
            wire = self._wire_until(order)
            order.sent = last
            wire.send(shell, command, order.input[start : start + CHUNK_BYTES], last=last)

    def _receive(self, shell: str, command: str, order: _Order) -> bytes:
        output, done = bytearray(), False
        while not done:
            wire = self._wire_until(order)
            # A host that has nothing to say yet says so every twenty seconds.
            with suppress(WinRMOperationTimeoutError):
                piece, done = wire.receive(shell, command)
                output += piece
            if len(output) > MAXIMUM_OUTPUT_BYTES:
                raise TooLargeError
        return bytes(output)

    def _end(self, shell: _Shell, command: str) -> None:
        """End the command. The answer is in hand by then, so trouble here costs the connection and nothing else."""
        try:
            if self._wire:
                self._wire.limit(FAREWELL_SECONDS)
                self._wire.end(shell.id, command)
        except Exception:
            self._shell = None
            self._drop()

    def _ready_shell(self, order: _Order) -> _Shell:
        if self._shell and self._shell.is_worn(self._now()):
            self._close_shell()
        if self._shell is None:
            self._shell = self._open(order)
        return self._shell

    def _open(self, order: _Order) -> _Shell:
        if self._wire is None:
            self._knock(self._url, min(self._config.connect_seconds, self._left(order)))
            self._wire = self._make_wire(self._url, self._config)
        with self._breaker.attempt(place_of(self._url), self._left(order)):
            wire = self._wire_until(order)
            try:
                opened = wire.open_shell()
            except InvalidCredentialsError:
                self._breaker.refuse(place_of(self._url))
                raise
        return _Shell(opened, self._now(), self._now())

    def _wire_until(self, order: _Order) -> Wire:
        """Return the connection, its next request limited to what is left of the order's time."""
        wire = self._wire
        assert wire is not None, "a shell is opened before anything else"
        wire.limit(self._left(order))
        return wire

    def _left(self, order: _Order) -> float:
        left = order.ends - self._now()
        if left <= 0:
            raise DeadlineError
        return left

    def _close_shell(self) -> None:
        shell, self._shell = self._shell, None
        if shell and self._wire:
            with suppress(Exception):
                self._wire.limit(FAREWELL_SECONDS)
                self._wire.close_shell(shell.id)

    def _drop(self) -> None:
        wire, self._wire = self._wire, None
        if wire:
            with suppress(Exception):
                wire.drop()

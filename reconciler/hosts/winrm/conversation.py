"""What is open towards one host: a connection, a shell in it, and in the shell a PowerShell that waits for requests.

A request is sent and its answer received in two steps, so that many hosts can be asked before the first answer is fetched.
Warm, a call is two round trips: Send and Receive. Where no process is kept, each request has a process of its own, and
costs two more. Nothing here decides what may be repeated; every trouble is raised as it comes.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from winrm.exceptions import InvalidCredentialsError, WinRMOperationTimeoutError

from reconciler.hosts.winrm.bootstrap import command_line
from reconciler.hosts.winrm.breaker import Breaker
from reconciler.hosts.winrm.config import WinRmConfig
from reconciler.hosts.winrm.failures import DeadlineError, TooLargeError, place_of
from reconciler.hosts.winrm.frame import Reply, end_of_frame, parse_frame
from reconciler.hosts.winrm.transport import PywinrmWire, Wire, knock

MAXIMUM_OUTPUT_BYTES: Final = 64 * 1024 * 1024
CALLS_PER_SHELL: Final = 200  # Windows counts 1,500 commands per user and never gives them back while the shell lives
SHELL_SECONDS: Final = 15 * 60
IDLE_SECONDS: Final = 4 * 60  # the host closes a shell that has been idle for five minutes
FAREWELL_SECONDS: Final = 5  # nobody waits longer than that for a thank you

Monotonic = Callable[[], float]
MakeWire = Callable[[str, WinRmConfig], Wire]
Knock = Callable[[str, float], None]


@dataclass(slots=True)
class Order:
    """One request on its way, ``pieces`` of input that are sent one by one; the script begins when it has the last.

    ``keeps``: it goes to the process that is kept. ``sent``: the last piece went out, so the script may run.
    """

    op: str
    pieces: tuple[bytes, ...]
    ends: float
    keeps: bool
    command: str = ""
    sent: bool = False


@dataclass(slots=True)
class _Shell:
    """An open shell: what it is called, since when it is open, when it was last used, how often, and its process, if any."""

    id: str
    opened: float
    used: float
    calls: int = 0
    process: str | None = None

    def is_worn(self, now: float) -> bool:
        """Tell whether the shell is due for replacement, its process with it."""
        too_old = now - self.opened >= SHELL_SECONDS or now - self.used >= IDLE_SECONDS
        return too_old or self.calls >= CALLS_PER_SHELL


class Conversation:
    """The talk with one host. One owner at a time. ``monotonic`` gives seconds; deadlines of orders count on it."""

    def __init__(
        self,
        url: str,
        config: WinRmConfig,
        breaker: Breaker,
        *,
        wire: MakeWire = PywinrmWire,
        knock: Knock = knock,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._url, self._config, self._breaker = url, config, breaker
        self._make_wire, self._knock, self._now = wire, knock, monotonic
        self._wire: Wire | None = None
        self._shell: _Shell | None = None

    @property
    def is_open(self) -> bool:
        """Whether a shell is open."""
        return self._shell is not None

    def send(self, order: Order) -> None:
        """Send a request, opening first what is not open. Raises whatever goes wrong; ``order.sent`` tells how far it came."""
        self._breaker.check(place_of(self._url))
        shell = self._ready_shell(order)
        order.command = self._ready_command(shell, order)
        shell.calls += 1
        with _Ended(self, shell, order):
            for number, piece in enumerate(order.pieces, 1):
                wire = self._wire_until(order)
                order.sent = number == len(order.pieces)
                wire.send(shell.id, order.command, piece, last=order.sent and not order.keeps)

    def receive(self, order: Order) -> Reply:
        """Return the answer to a request that was sent; FrameError where it is none. Raises whatever goes wrong."""
        shell = self._shell
        assert shell is not None, "an answer is fetched from the shell that has the request"
        with _Ended(self, shell, order):
            output, has_ended = self._read(shell, order)
        shell.used = self._now()
        if has_ended:
            shell.process = None
            self._thank(shell, order)
        return parse_frame(output, order.op)

    def close(self) -> None:
        """Give the shell back; trouble on the way is of no interest any more. The connection stays."""
        shell, self._shell = self._shell, None
        if shell and self._wire:
            with suppress(Exception):
                self._wire.limit(FAREWELL_SECONDS)
                self._wire.close_shell(shell.id)

    def drop(self) -> None:
        """Drop the connection; a shell that is still open is left to its host."""
        wire, self._wire, self._shell = self._wire, None, None
        if wire:
            with suppress(Exception):
                wire.drop()

    def _read(self, shell: _Shell, order: Order) -> tuple[bytes, bool]:
        """Return the output up to the end of the frame or of the process, and whether it was the process."""
        output, has_ended, end = bytearray(), False, end_of_frame(order.op)
        while not has_ended and not (order.keeps and end in output):
            wire = self._wire_until(order)
            # A host that has nothing to say yet says so every twenty seconds.
            with suppress(WinRMOperationTimeoutError):
                piece, has_ended = wire.receive(shell.id, order.command)
                output += piece
            if len(output) > MAXIMUM_OUTPUT_BYTES:
                raise TooLargeError
        return bytes(output), has_ended

    def _thank(self, shell: _Shell, order: Order) -> None:
        """End the command. The answer is in hand by then, so trouble here costs the connection and nothing else."""
        try:
            if self._wire:
                self._wire.limit(FAREWELL_SECONDS)
                self._wire.end(shell.id, order.command)
        except Exception:
            self.drop()

    def abandon(self, shell: _Shell, order: Order) -> None:
        """Tell the host that a command is of no more interest, as far as it still listens."""
        shell.process = None
        if self._wire:
            with suppress(Exception):
                self._wire.limit(1)
                self._wire.end(shell.id, order.command)

    def _ready_command(self, shell: _Shell, order: Order) -> str:
        if order.keeps and shell.process is not None:
            return shell.process
        command = self._wire_until(order).run(shell.id, command_line())
        if order.keeps:
            shell.process = command
        return command

    def _ready_shell(self, order: Order) -> _Shell:
        if self._shell and self._shell.is_worn(self._now()):
            self.close()
        if self._shell is None:
            self._shell = self._open(order)
        return self._shell

    def _open(self, order: Order) -> _Shell:
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

    def _wire_until(self, order: Order) -> Wire:
        """Return the connection, its next request limited to what is left of the order's time."""
        wire = self._wire
        assert wire is not None, "a shell is opened before anything else"
        wire.limit(self._left(order))
        return wire

    def _left(self, order: Order) -> float:
        left = order.ends - self._now()
        if left <= 0:
            raise DeadlineError
        return left


class _Ended:
    """Surrounds a part of a command's life: where it breaks, the host is told that the command is of no more interest."""

    def __init__(self, conversation: Conversation, shell: _Shell, order: Order) -> None:
        self._conversation, self._shell, self._order = conversation, shell, order

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Abandon the command where something was raised."""
        if kind is not None:
            self._conversation.abandon(self._shell, self._order)

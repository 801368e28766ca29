"""What may go wrong with a host, as data: tests and simulations set it at run time, the endpoint obeys.

Faults of the wire (a dropped connection, an HTTP status, a delay) strike requests; faults of the output (half a frame,
garbage, noise) strike what a command printed. Nothing here is random: whoever wants chance draws it and sets the outcome.
"""

import threading
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong, on which requests, and how often. Without arguments: nothing.

    ``actions`` names the requests struck (Create, Command, Send, Receive, Signal, Delete, Get, Identify, and ``Authenticate``
    for what comes before an envelope can be read); empty means all. ``times`` is how many strikes are left, None for no
    end; one strike is one request, or for faults of the output one command.

    Wire: ``delay_seconds`` before anything else; ``drop_before`` closes the connection with nothing done, ``drop_after`` once
    it is done but before the reply; ``http_status`` (400, 401, 500, 503) answers in place of the service; ``shells_gone``
    forgets every shell first, as a restart of the service does; ``stuck_receive`` keeps output back until the client's time
    is up.

    Output: ``half_frame`` cuts standard output in the middle; ``garbage`` replaces it; ``noise_bytes`` surrounds it with that
    much chatter; ``code_page`` ("cp437") is what the console writes in, whatever was asked for;
    ``exit_code`` replaces the command's. ``lose_output_of`` n: the n-th command counted from now takes effect,
    and the connection drops in place of its output, which is gone for good.
    """

    actions: tuple[str, ...] = ()
    times: int | None = None
    delay_seconds: float = 0.0
    drop_before: bool = False
    drop_after: bool = False
    http_status: int | None = None
    shells_gone: bool = False
    stuck_receive: bool = False
    half_frame: bool = False
    garbage: bool = False
    noise_bytes: int = 0
    code_page: str | None = None
    exit_code: int | None = None
    lose_output_of: int | None = None

    @property
    def strike_requests(self) -> bool:
        """Whether any fault of the wire is set."""
        return bool(
            self.delay_seconds
            or self.drop_before
            or self.drop_after
            or self.http_status
            or self.shells_gone
            or self.stuck_receive
        )

    @property
    def strike_output(self) -> bool:
        """Whether any fault of the output is set."""
        return bool(self.half_frame or self.garbage or self.noise_bytes or self.code_page or self.exit_code is not None)


NONE = Faults()


class FaultSwitch:
    """The faults in force at one host; set from any thread, consulted by the endpoint's."""

    def __init__(self, faults: Faults = NONE) -> None:
        self._lock, self._faults, self._commands = threading.Lock(), faults, 0

    def set(self, faults: Faults) -> None:
        """Put these faults in force in place of the former; commands are counted afresh."""
        with self._lock:
            self._faults, self._commands = faults, 0

    def clear(self) -> None:
        """Let everything work again."""
        self.set(NONE)

    def for_request(self, action: str) -> Faults:
        """The faults that strike this request; uses up one strike."""
        with self._lock:
            faults = self._faults
            if not faults.strike_requests or (faults.actions and action not in faults.actions):
                return NONE
            return self._strike()

    def for_output(self) -> Faults:
        """The faults that strike the output of a command that has just ended; uses up one strike."""
        with self._lock:
            return self._strike() if self._faults.strike_output else NONE

    def loses_next_output(self) -> bool:
        """Count a command; whether its output is the one to be lost."""
        with self._lock:
            self._commands += 1
            return self._faults.lose_output_of == self._commands

    def _strike(self) -> Faults:
        faults = self._faults
        if faults.times is None:
            return faults
        if faults.times <= 0:
            return NONE
        self._faults = replace(faults, times=faults.times - 1)
        return faults


def spoil(stdout: bytes, faults: Faults) -> bytes:
    """Standard output as these faults leave it."""
    if faults.garbage:
        stdout = b"\xff\xfe#<reconciler:1 \x00 what is this\r\n" * 3
    if faults.half_frame:
        stdout = stdout[: len(stdout) // 2]
    if faults.code_page:
        stdout = stdout.decode("utf-8", "replace").encode(faults.code_page, "replace")
    line = "WARNING: a profile that talks too much, and \u00fcber alles.\r\n".encode(faults.code_page or "utf-8", "replace")
    noise = (line * (faults.noise_bytes // len(line) + 1))[: faults.noise_bytes]
    return b"".join((noise, b"\r\n", stdout, b"\r\n", noise)) if noise else stdout

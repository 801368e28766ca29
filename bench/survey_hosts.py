"""Many simulated hosts in a process of their own, each answering a survey after a time without interpreting it again.

Run: ``python -m bench.survey_hosts COUNT MACHINES SECONDS USER PASSWORD``. Prints the addresses as JSON and serves until its
input ends. The answer is what the interpreted script gave once; request and answer are whole ones, sealed as on Windows.
"""

import asyncio
import json
import sys
from concurrent.futures import Executor

from reconciler.clock import ManualClock
from reconciler.hosts.winrm.bootstrap import PROGRAM, command_line, script
from reconciler.hosts.winrm.frame import Request, build_request, parse_request
from reconciler.simulator.endpoint import Credentials, Outlet, Process, serve_fleet
from reconciler.simulator.endpoint.powershell import encoded_command
from reconciler.simulator.generate import make_fleet
from reconciler.simulator.powershell import run
from reconciler.simulator.powershell.console import GivenInput
from reconciler.simulator.windows import WindowsHost, session_of
from reconciler.simulator.world import World

OP = "0" * 32


class Canned:
    """A program that answers every request with the same payload, some time after it came."""

    def __init__(self, frame: bytes, seconds: float) -> None:
        self.frame, self.seconds = frame, seconds

    def start(self, line: str, outlet: Outlet, executor: Executor) -> Process:  # noqa: ARG002 - the form of all programs
        """Start a process that waits for requests."""
        assert line.startswith(PROGRAM)
        return _Waiting(self, outlet)


class _Waiting:
    def __init__(self, program: Canned, outlet: Outlet) -> None:
        self._program, self._outlet, self._input = program, outlet, b""

    def feed(self, data: bytes, *, ended: bool) -> None:  # noqa: ARG002 - only kept processes are measured
        """Take input; an empty line ends a request."""
        self._input += data
        if self._input.endswith(b"\n\n"):
            frame = self._program.frame.replace(OP.encode(), parse_request(self._input).op.encode())
            self._input = b""
            asyncio.get_running_loop().call_later(self._program.seconds, self._outlet.write, frame)

    def kill(self) -> None:
        """Nothing runs on."""

    def wait(self) -> None:
        """Nothing runs on."""


def survey_frame(machines: int) -> bytes:
    """Return the frame that bootstrap and script, interpreted, give for a host with that many machines."""
    seen = make_fleet(1, machines, seed=1)
    host = seen.hosts[0].name
    windows = WindowsHost(host, World(seen, ManualClock(seen.observed_at)))
    request = build_request(Request(OP, "Get-Survey", script("Get-Survey"), {}))
    session = session_of(windows, GivenInput(request))
    code = encoded_command(command_line())
    assert code is not None
    run(code, session)
    return bytes(session.stdout)


def main(count: int, machines: int, seconds: float, account: Credentials) -> None:
    """Serve until standard input ends."""
    program = Canned(survey_frame(machines), seconds)
    names = [f"hv{number:05}" for number in range(count)]
    with serve_fleet(dict.fromkeys(names, program), account, allow_basic=True) as fleet:
        sys.stdout.write(json.dumps(fleet.urls) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), Credentials(sys.argv[4], sys.argv[5]))

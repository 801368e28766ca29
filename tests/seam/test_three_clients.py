"""WinRM clients that we did not write drive the simulated hosts: what they took for Windows, others would."""

import asyncio
import base64
import warnings
from collections.abc import Iterator

import pytest

from reconciler.clock import ManualClock
from reconciler.hosts.winrm.bootstrap import command_line, script
from reconciler.hosts.winrm.frame import Request, build_request, parse_frame
from reconciler.simulator.endpoint import Credentials, EndpointFleet, hosts_of, serve_fleet
from reconciler.simulator.fleets import load_fleet
from reconciler.simulator.windows import WindowsHost, session_of
from reconciler.simulator.world import World
from tests.seam.endpoint_client import client, run_to_end

ACCOUNT = Credentials("svc-reconciler", "Simulated1")
HOST, OP = "StandAlone1", "0123456789abcdef" * 2
REQUEST = build_request(Request(OP, "Get-Survey", script("Get-Survey"), {})) + b"\n\n"
ONE_LINER = "@(Get-VM | ForEach-Object { [string]$_.Name })"


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch) -> Iterator[EndpointFleet]:
    """The demo fleet; no proxies, which these clients would use."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    seen = load_fleet("demo")
    world = World(seen, ManualClock(seen.observed_at))
    windows = {host.name: WindowsHost(host.name, world) for host in seen.hosts}
    with serve_fleet(hosts_of(windows, lambda name, stdin: session_of(windows[name], stdin)), ACCOUNT) as fleet:
        yield fleet


def port_of(fleet: EndpointFleet) -> int:
    return fleet.endpoints[HOST].port


def machines_in(stdout: bytes) -> list[str]:
    """The names of the machines in a frame with a survey."""
    return [machine["name"] for machine in parse_frame(stdout, OP).result["host"]["virtualMachines"]]


def test_pywinrm_surveys_a_host(fleet: EndpointFleet) -> None:
    """NTLM with message encryption; our bootstrap and script over standard input."""
    with client(fleet.urls[HOST], ACCOUNT.user, ACCOUNT.password) as winrm:
        stdout, _, code = run_to_end(winrm, winrm.open_shell(), command_line(), REQUEST)

    assert (machines_in(stdout), code) == (["StandAloneVM1"], 0)


def test_pypsrp_surveys_a_host(fleet: EndpointFleet) -> None:
    """Its own WS-Man stack and its own shells: NTLM with message encryption again, all written anew."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pypsrp.shell import Process, SignalCode, WinRS
        from pypsrp.wsman import WSMan

        wsman = WSMan(
            "127.0.0.1",
            port=port_of(fleet),
            username=ACCOUNT.user,
            password=ACCOUNT.password,
            ssl=False,
            auth="ntlm",
            encryption="always",
            no_proxy=True,
        )
        with wsman, WinRS(wsman, codepage=65001) as shell:
            program, _, rest = command_line().partition(" ")
            process = Process(shell, program, rest.split(" "), no_shell=False)
            process.begin_invoke()
            process.send(REQUEST, end=True)
            process.poll_invoke()
            while process.rc is None:
                process.poll_invoke()
            process.signal(SignalCode.TERMINATE)

    assert (machines_in(process.stdout), process.rc) == (["StandAloneVM1"], 0)


def test_awinrm_runs_powershell_on_a_host(fleet: EndpointFleet) -> None:
    """A third stack, asynchronous, with NTLM inside SPNEGO."""
    import awinrm  # type: ignore[import-untyped]

    async def ask() -> tuple[bytes, int]:
        code = base64.b64encode(ONE_LINER.encode("utf-16-le")).decode()
        url = f"http+ntlm-password://{ACCOUNT.user}:{ACCOUNT.password}@127.0.0.1:{port_of(fleet)}"
        async with awinrm.Session(url) as session:
            stdout, _, status = await session.run_cmd("powershell.exe", ["-NoProfile", "-EncodedCommand", code])
        return stdout, status

    stdout, code = asyncio.run(ask())
    assert (stdout.split(), code) == ([b"StandAloneVM1"], 0)

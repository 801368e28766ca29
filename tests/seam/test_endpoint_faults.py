"""Faults of a simulated host, set at run time: what a client sees of each, and that the host has done what it had to do."""

from typing import cast

import pytest
import requests
from winrm.exceptions import InvalidCredentialsError, WinRMOperationTimeoutError, WinRMTransportError, WSManFaultError
from winrm.protocol import Protocol

from reconciler.hosts.winrm.bootstrap import command_line, script
from reconciler.hosts.winrm.frame import FrameError, Request, build_request, parse_frame
from reconciler.simulator.endpoint import CommandResult, EndpointFleet, Faults, hosts_of, serve_fleet
from reconciler.simulator.refusal import HostUnreachable
from reconciler.simulator.windows import WindowsHost, session_of
from reconciler.simulator.windows.host import Fleet
from tests.seam.by_name import answer_scripts
from tests.seam.endpoint_client import ACCOUNT, client, echo, one_host, run_to_end

OP = "fedcba9876543210" * 2
ASKED = build_request(Request(OP, "Get-Migrations", script("Get-Migrations"), {}))


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """pywinrm warns of proxies that it finds in the environment, and warnings are errors here."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def scripted() -> EndpointFleet:
    """A host that answers every script with an empty list of migrations."""
    return one_host(answer_scripts(lambda name, params: {"ok": True, "result": {"migrations": ["m" * 2000]}}))


def ask(winrm: Protocol, shell: str) -> bytes:
    return run_to_end(winrm, shell, command_line(), ASKED)[0]


def test_a_connection_dropped_before_the_request_leaves_nothing_done() -> None:
    """One strike on the Command request: it is lost, and the shell is there for a new connection."""
    ran: list[str] = []

    def run(line: str, stdin: bytes) -> CommandResult:
        ran.append(line)
        return CommandResult()

    with one_host(run) as fleet, client(fleet.urls["hv-01"]) as winrm:
        shell = winrm.open_shell()
        fleet.set_faults("hv-01", Faults(actions=("Send",), times=1, drop_before=True))
        command = winrm.run_command(shell, "move", console_mode_stdin=False)
        with pytest.raises(requests.ConnectionError):
            winrm.send_command_input(shell, command, b"", end=True)
        assert ran == []
        winrm.transport.close_session()
        assert run_to_end(winrm, shell, "again", b"")[2] == 0
        assert ran == ["again"]


def test_a_connection_dropped_after_the_request_hides_what_was_done() -> None:
    """The reply to Create is lost, yet the shell exists: a client that opens another has two."""
    with one_host() as fleet, client(fleet.urls["hv-01"]) as winrm:
        fleet.set_faults("hv-01", Faults(actions=("Create",), times=1, drop_after=True))
        with pytest.raises(requests.ConnectionError):
            winrm.open_shell()
        winrm.transport.close_session()
        winrm.open_shell()
        assert fleet.endpoints["hv-01"].shell_count == 2


def test_a_client_that_keeps_its_old_keys_gets_bad_request_until_it_starts_afresh() -> None:
    """What pywinrm is known for: after a dropped connection everything is 400, until the session is closed."""
    with one_host() as fleet, client(fleet.urls["hv-01"]) as winrm:
        shell = winrm.open_shell()
        fleet.endpoints["hv-01"].faults.set(Faults(actions=("Command",), times=1, drop_before=True))
        with pytest.raises(requests.ConnectionError):
            winrm.run_command(shell, "whoami")
        for _ in range(2):
            with pytest.raises(WinRMTransportError, match="400"):
                winrm.run_command(shell, "whoami")
        winrm.transport.close_session()
        assert run_to_end(winrm, shell)[2] == 3


@pytest.mark.parametrize("status", [400, 500, 503])
def test_an_http_status_comes_in_place_of_an_answer(status: int) -> None:
    """An empty answer with a status, as from a service in trouble; once cleared, all is well."""
    with one_host() as fleet, client(fleet.urls["hv-01"]) as winrm:
        shell = winrm.open_shell()
        fleet.set_faults("hv-01", Faults(http_status=status))
        with pytest.raises(WinRMTransportError) as error:
            winrm.run_command(shell, "whoami")
        assert error.value.code == status
        fleet.endpoints["hv-01"].faults.clear()
        assert run_to_end(winrm, shell)[2] == 3


def test_an_account_can_be_refused_without_a_wrong_password() -> None:
    """401 at the logon itself; it is no failed logon, for no password was looked at."""
    with one_host() as fleet, client(fleet.urls["hv-01"]) as winrm:
        fleet.set_faults("hv-01", Faults(actions=("Authenticate",), http_status=401))
        with pytest.raises(InvalidCredentialsError):
            winrm.open_shell()
        assert (fleet.endpoints["hv-01"].failed_logons, fleet.endpoints["hv-01"].logons) == (0, 0)


def test_a_stuck_receive_keeps_the_client_waiting_and_the_output_safe() -> None:
    """The poll times out although the command has ended; the next one gets it all."""
    with one_host() as fleet, client(fleet.urls["hv-01"], timeout=1) as winrm:
        fleet.set_faults("hv-01", Faults(actions=("Receive",), times=1, stuck_receive=True))
        shell = winrm.open_shell()
        command = winrm.run_command(shell, "whoami")
        with pytest.raises(WinRMOperationTimeoutError):
            winrm.get_command_output_raw(shell, command)
        assert winrm.get_command_output_raw(shell, command) == (b"whoami|", b"complaint", 3, True)


def test_shells_are_gone_after_a_restart_of_the_service() -> None:
    """The connection lives, the shell does not: the client must open another."""
    with one_host() as fleet, client(fleet.urls["hv-01"]) as winrm:
        shell = winrm.open_shell()
        fleet.set_faults("hv-01", Faults(shells_gone=True, times=1))
        with pytest.raises(WSManFaultError) as error:
            winrm.run_command(shell, "whoami")
        assert error.value.wsman_fault_code == 2150858843
        assert run_to_end(winrm, winrm.open_shell())[2] == 3


def test_a_reboot_takes_connections_and_shells() -> None:
    """Called from any thread; afterwards the host takes new connections at once."""
    with one_host() as fleet, client(fleet.urls["hv-01"]) as winrm:
        winrm.open_shell()
        fleet.endpoints["hv-01"].reboot()
        with pytest.raises((requests.ConnectionError, WinRMTransportError)):
            winrm.open_shell()
        winrm.transport.close_session()
        winrm.open_shell()
        assert fleet.endpoints["hv-01"].shell_count == 1


@pytest.mark.parametrize(
    ("faults", "finding"),
    [
        (Faults(half_frame=True), "breaks off"),
        (Faults(garbage=True), "no frame"),
        (Faults(garbage=True, noise_bytes=1000), "no frame"),
    ],
)
def test_a_spoilt_frame_is_no_answer(faults: Faults, finding: str) -> None:
    """Half a frame or something else altogether: the client cannot know what became of the call."""
    with scripted() as fleet, client(fleet.urls["hv-01"]) as winrm:
        shell = winrm.open_shell()
        fleet.set_faults("hv-01", faults)
        with pytest.raises(FrameError, match=finding):
            parse_frame(ask(winrm, shell), OP)


def test_noise_and_a_wrong_exit_code_do_not_hide_a_good_frame() -> None:
    """Profiles print, wrappers change exit codes; the frame alone decides."""
    with scripted() as fleet, client(fleet.urls["hv-01"]) as winrm:
        fleet.set_faults("hv-01", Faults(noise_bytes=200_000, exit_code=9))
        stdout, _, code = run_to_end(winrm, winrm.open_shell(), command_line(), ASKED)
        assert (len(stdout) > 400_000, code) == (True, 9)
        assert parse_frame(stdout, OP).error is None


def test_the_output_of_the_nth_command_is_lost_after_it_took_effect() -> None:
    """Receive is never acknowledged: the connection drops, the command has run, and its output never comes back."""
    ran: list[str] = []

    def run(line: str, stdin: bytes) -> CommandResult:
        ran.append(line)
        return CommandResult(line.encode())

    with one_host(run) as fleet, client(fleet.urls["hv-01"]) as winrm:
        shell = winrm.open_shell()
        fleet.set_faults("hv-01", Faults(lose_output_of=2))
        assert run_to_end(winrm, shell, "first")[0] == b"first"
        command = winrm.run_command(shell, "second")
        with pytest.raises(requests.ConnectionError):
            winrm.get_command_output_raw(shell, command)
        assert ran == ["first", "second"]
        winrm.transport.close_session()
        assert winrm.get_command_output_raw(shell, command) == (b"", b"", 0, True)
        assert run_to_end(winrm, shell, "third")[0] == b"third"


def test_a_host_that_goes_away_in_the_middle_of_a_call_says_nothing() -> None:
    """The simulated fleet finds it unreachable only when asked: the client loses the connection, not an argument."""

    class Gone:
        def execute(self, host_name: str, operation: object) -> None:
            raise HostUnreachable(host_name)

    windows = WindowsHost("hv-01", cast("Fleet", Gone()))
    runs = hosts_of(["hv-01"], lambda _, stdin: session_of(windows, stdin))
    with serve_fleet(runs, ACCOUNT) as fleet, client(fleet.urls["hv-01"]) as winrm, pytest.raises(requests.ConnectionError):
        ask(winrm, winrm.open_shell())


def test_a_delay_holds_up_only_its_own_host() -> None:
    """While one host is slow to the point of time-out, another on the same event loop answers."""
    with serve_fleet({"hv-01": echo, "hv-02": echo}, ACCOUNT) as fleet:
        fleet.set_faults("hv-01", Faults(delay_seconds=3600))
        with client(fleet.urls["hv-01"]) as slow, client(fleet.urls["hv-02"]) as quick:
            slow.transport.read_timeout_sec = 0.1  # type: ignore[assignment]
            with pytest.raises(requests.ReadTimeout):
                slow.open_shell()
            assert run_to_end(quick, quick.open_shell())[2] == 3

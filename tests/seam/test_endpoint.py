"""The simulated hosts' WinRM service, spoken to by the real pywinrm over NTLM with message encryption."""

import os
import time
from base64 import b64decode, b64encode
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

import pytest
import requests
import spnego
from requests_ntlm.requests_ntlm import ShimSessionSecurity
from winrm.encryption import Encryption
from winrm.exceptions import InvalidCredentialsError, WinRMOperationTimeoutError, WSManFaultError

from reconciler.clock import ManualClock
from reconciler.hosts.winrm.bootstrap import command_line
from reconciler.hosts.winrm.frame import Request, build_request, parse_frame
from reconciler.simulator import powershell as ps
from reconciler.simulator.endpoint import (
    CommandResult,
    Credentials,
    Limits,
    PowerShellHost,
    hosts_of,
    serve_fleet,
)
from reconciler.simulator.powershell import Session
from reconciler.simulator.powershell.console import StandardInput
from tests.seam.endpoint_client import ACCOUNT, client, echo, harden, one_host, run_to_end

OP = "0123456789abcdef" * 2
IDENTIFY = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:i="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"><s:Body><i:Identify/></s:Body></s:Envelope>'
)


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """pywinrm warns of proxies and certificate bundles that it finds in the environment, and warnings are errors here."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NTLM_USER_FILE"):
        monkeypatch.delenv(name, raising=False)


def fault_code(error: pytest.ExceptionInfo[WSManFaultError]) -> int | None:
    return error.value.wsman_fault_code


def test_a_command_goes_through_a_whole_encrypted_session() -> None:
    """Shell, command, input in two parts, output, error stream, exit code, signal, close: as on Windows."""
    with one_host() as fleet, client(fleet.urls["hv-01"]) as winrm:
        shell = winrm.open_shell(codepage=65001, idle_timeout="PT300S", env_vars={"A": "b"})
        command = winrm.run_command(shell, "sort", ["/r", "<&>"], console_mode_stdin=False)
        winrm.send_command_input(shell, command, b"first,")
        winrm.send_command_input(shell, command, b"second", end=True)
        assert winrm.get_command_output(shell, command) == (b"sort /r <&>|first,second", b"complaint", 3)
        winrm.cleanup_command(shell, command)
        winrm.close_shell(shell)
        assert fleet.endpoints["hv-01"].shell_count == 0


def test_everything_after_the_logon_travels_sealed() -> None:
    """Neither the command line nor its output can be read on the wire."""
    seen: list[object] = []

    def remember(response: requests.Response, *_: object, **__: object) -> None:
        seen.extend((response.request.body or b"", response.content))

    with one_host() as fleet, client(fleet.urls["hv-01"]) as winrm:
        winrm.transport.build_session().hooks["response"].append(remember)
        run_to_end(winrm, winrm.open_shell(), "top-secret")
    assert len(seen) == 8
    assert not any(b"secret" in part or b"Envelope" in part for part in seen if isinstance(part, bytes))


@pytest.mark.parametrize("user", ["svc-reconciler", r".\svc-reconciler", r"HV-01\SVC-Reconciler", r"CONTOSO\svc-reconciler"])
def test_a_local_account_is_known_under_any_domain(user: str) -> None:
    """Windows does not look at the domain of a local account, nor at case."""
    with one_host() as fleet, client(fleet.urls["hv-01"], user) as winrm:
        assert winrm.open_shell()
        assert fleet.endpoints["hv-01"].failed_logons == 0


def test_the_account_may_itself_be_given_with_a_domain() -> None:
    """Whoever sets up the endpoint writes the account as the controller's configuration has it."""
    account = Credentials(r"CONTOSO\svc", "word")
    with serve_fleet({"hv-01": echo}, account) as fleet, client(fleet.urls["hv-01"], account.user, "word") as winrm:
        assert winrm.open_shell()


@pytest.mark.parametrize(("user", "password"), [(ACCOUNT.user, "guess"), ("nobody", ACCOUNT.password)])
def test_a_wrong_logon_is_refused_and_counted_once(user: str, password: str) -> None:
    """Accounts lock after a few failures, so tests must see how often one was tried."""
    with one_host() as fleet, client(fleet.urls["hv-01"], user, password) as winrm:
        with pytest.raises(InvalidCredentialsError):
            winrm.open_shell()
        endpoint = fleet.endpoints["hv-01"]
        assert (endpoint.failed_logons, endpoint.logons, endpoint.shell_count) == (1, 0, 0)


def test_basic_is_refused_unless_asked_for() -> None:
    """Windows ships with Basic off; asked for, it works, and a wrong password counts as a failed logon."""
    with one_host() as fleet, client(fleet.urls["hv-01"], transport="basic", encryption="never") as winrm:
        with pytest.raises(InvalidCredentialsError):
            winrm.open_shell()
        assert fleet.endpoints["hv-01"].failed_logons == 0
    with one_host(allow_basic=True) as fleet:
        with client(fleet.urls["hv-01"], transport="basic", encryption="never") as winrm:
            assert run_to_end(winrm, winrm.open_shell()) == (b"whoami|", b"complaint", 3)
        stranger = client(fleet.urls["hv-01"], "x", "y", transport="basic", encryption="never")
        with stranger as winrm, pytest.raises(InvalidCredentialsError):
            winrm.open_shell()
        assert fleet.endpoints["hv-01"].failed_logons == 1


def test_a_clear_body_is_refused_after_a_good_logon() -> None:
    """AllowUnencrypted is false by default: the password was right, the message still does not pass."""
    with one_host() as fleet, client(fleet.urls["hv-01"], encryption="never") as winrm:
        with pytest.raises(InvalidCredentialsError):
            winrm.open_shell()
        assert (fleet.endpoints["hv-01"].logons, fleet.endpoints["hv-01"].failed_logons) == (1, 0)
    with one_host(allow_unencrypted=True) as fleet, client(fleet.urls["hv-01"], encryption="never") as winrm:
        assert winrm.open_shell()


def test_operations_are_never_given_back_by_signal() -> None:
    """The trap of long-lived shells: finished and signalled commands still count, until their shell is deleted."""
    with one_host(limits=Limits(operations_per_user=3)) as fleet, client(fleet.urls["hv-01"]) as winrm:
        shell, other = winrm.open_shell(), winrm.open_shell()
        for _ in range(3):
            run_to_end(winrm, shell)
        with pytest.raises(WSManFaultError) as error:
            winrm.run_command(other, "whoami")
        assert fault_code(error) == 2150859174
        winrm.close_shell(shell, close_session=False)
        assert run_to_end(winrm, other)[2] == 3


def test_shells_are_counted_per_user_and_forgotten_when_idle() -> None:
    """Shells of a crashed controller stay until their idle time is over, and then are gone for good."""
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    with one_host(limits=Limits(shells_per_user=2), clock=clock) as fleet, client(fleet.urls["hv-01"]) as winrm:
        old = winrm.open_shell(idle_timeout="PT2M")
        winrm.open_shell(idle_timeout="PT1H")
        with pytest.raises(WSManFaultError) as error:
            winrm.open_shell()
        assert fault_code(error) == 2150859173
        clock.sleep(120)
        assert winrm.open_shell()
        with pytest.raises(WSManFaultError) as error:
            winrm.run_command(old, "whoami")
        assert fault_code(error) == 2150858843


def test_an_envelope_over_the_quota_is_refused() -> None:
    """500 KB hold 380,000 bytes of input and not 400,000; the shell is none the worse."""
    with one_host() as fleet, client(fleet.urls["hv-01"]) as winrm:
        shell = winrm.open_shell()
        command = winrm.run_command(shell, "cat", console_mode_stdin=False)
        with pytest.raises(WSManFaultError) as error:
            winrm.send_command_input(shell, command, b"x" * 400_000)
        assert fault_code(error) == 2150858824
        winrm.send_command_input(shell, command, b"x" * 380_000, end=True)
        assert winrm.get_command_output(shell, command)[0] == b"cat|" + b"x" * 380_000


def test_long_output_comes_in_parts_no_larger_than_the_client_takes() -> None:
    """Every reply fits the client's envelope size; the end and the exit code come with the last part."""
    result = CommandResult(os.urandom(400_000), os.urandom(1000), 7)
    with one_host(lambda line, stdin: result) as fleet, client(fleet.urls["hv-01"]) as winrm:
        sizes: list[int] = []
        winrm.transport.build_session().hooks["response"].append(lambda reply, *_, **__: sizes.append(len(reply.content)))
        shell = winrm.open_shell()
        assert run_to_end(winrm, shell) == (result.stdout, result.stderr, 7)
        assert max(sizes) < 153_600 + 1000
        assert len([size for size in sizes if size > 50_000]) == 4


def test_a_command_that_takes_longer_than_the_poll_times_out_and_goes_on() -> None:
    """A long poll ends with the time-out fault, and the next one finds the result."""
    result: Future[CommandResult] = Future()
    with one_host(lambda line, stdin: result.result(10)) as fleet, client(fleet.urls["hv-01"], timeout=1) as winrm:
        shell = winrm.open_shell()
        command = winrm.run_command(shell, "slow", console_mode_stdin=False)
        winrm.send_command_input(shell, command, b"", end=True)
        with pytest.raises(WSManFaultError, match="pipe has been ended"):
            winrm.send_command_input(shell, command, b"more")
        with pytest.raises(WinRMOperationTimeoutError):
            winrm.get_command_output_raw(shell, command)
        result.set_result(CommandResult(b"late"))
        assert winrm.get_command_output_raw(shell, command) == (b"late", b"", 0, True)


def test_a_command_line_longer_than_cmd_takes_is_not_run() -> None:
    """8191 characters are cmd.exe's end: no fault, just an error on the error stream."""
    with one_host() as fleet, client(fleet.urls["hv-01"]) as winrm:
        shell = winrm.open_shell()
        assert run_to_end(winrm, shell, "x" * 8192) == (b"", b"The command line is too long.\r\n", 1)
        assert run_to_end(winrm, shell, "x" * 8191)[2] == 3


def test_a_document_type_definition_is_refused() -> None:
    """Entities are how XML is turned against its reader: good without its DTD, the request is refused with it."""
    with one_host() as fleet, client(fleet.urls["hv-01"]) as winrm:
        assert b"OS: 10.0" in winrm.send_message(IDENTIFY)
        for nonsense in (f'<!DOCTYPE s [<!ENTITY b "b">]>{IDENTIFY}', "not xml", "\x01"):
            with pytest.raises(WSManFaultError) as error:
                winrm.send_message(nonsense)
            assert fault_code(error) == 2150858819
        assert winrm.open_shell()


def test_nobody_sees_the_shell_of_another_host() -> None:
    """Each endpoint is a host of its own."""
    fleet = serve_fleet({"hv-01": echo, "hv-02": echo}, ACCOUNT)
    with fleet, client(fleet.urls["hv-01"]) as one, client(fleet.urls["hv-02"]) as two:
        shell = one.open_shell()
        with pytest.raises(WSManFaultError) as error:
            two.run_command(shell, "whoami")
        assert fault_code(error) == 2150858843


def test_clients_on_their_own_connections_do_not_disturb_each_other() -> None:
    """Keys belong to the connection; two clients at once, many commands each."""

    def work(number: int) -> list[bytes]:
        with client(fleet.urls["hv-01"]) as winrm:
            shell = winrm.open_shell()
            return [run_to_end(winrm, shell, f"{number}-{turn}")[0] for turn in range(10)]

    with one_host() as fleet, ThreadPoolExecutor(2) as pool:
        results = list(pool.map(work, (1, 2)))
    assert results == [[f"{number}-{turn}|".encode() for turn in range(10)] for number in (1, 2)]


def test_a_host_that_is_not_reachable_closes_the_connection_until_it_is() -> None:
    """No HTTP status, no fault: the connection just ends, and works again when the host is back."""
    down = {"hv-01"}
    with serve_fleet({"hv-01": echo}, ACCOUNT, is_reachable=lambda name: name not in down) as fleet:
        with client(fleet.urls["hv-01"]) as winrm, pytest.raises(requests.ConnectionError):
            winrm.open_shell()
        assert fleet.endpoints["hv-01"].requests == 0
        down.clear()
        with client(fleet.urls["hv-01"]) as winrm:
            winrm.open_shell()
            down.add("hv-01")
            with pytest.raises(requests.ConnectionError):
                winrm.open_shell()
        assert fleet.endpoints["hv-01"].shell_count == 1


def test_identify_is_answered_without_a_logon_and_says_little() -> None:
    """As `Test-WSMan` asks; anything else without a logon is offered Negotiate and no more."""
    with one_host() as fleet, requests.Session() as session:
        harden(session)
        answer = session.post(fleet.urls["hv-01"], IDENTIFY, headers={"WSMANIDENTIFY": "unauthenticated"})
        assert (answer.status_code, "OS: 0.0.0" in answer.text) == (200, True)
        refused = session.post(fleet.urls["hv-01"], IDENTIFY)
        assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Negotiate")


def test_nothing_is_left_behind() -> None:
    """The file of accounts and the variable that names it are gone with the last endpoint, and held no password."""
    with one_host() as fleet, client(fleet.urls["hv-01"]) as winrm:
        assert winrm.open_shell()
        path = os.environ["NTLM_USER_FILE"]
        assert os.stat(path).st_mode & 0o777 == 0o600
        assert os.path.getsize(path) == 0
    assert "NTLM_USER_FILE" not in os.environ
    assert not os.path.exists(path)


def test_ports_may_be_chosen_and_a_taken_one_is_an_error() -> None:
    """Ports count up by host name; a taken port stops the start, and what was begun is undone."""
    with one_host() as taken:
        port = taken.endpoints["hv-01"].port
        with pytest.raises(OSError, match="address already in use"):
            serve_fleet({"hv-02": echo, "hv-03": echo}, ACCOUNT, first_port=port).__enter__()
        with client(taken.urls["hv-01"]) as winrm:
            assert winrm.open_shell()


def test_our_bootstrap_runs_the_script_that_was_sent_and_answers_with_a_frame() -> None:
    """The controller's own command line, request and frame; progress records on the error stream, as Windows has them."""
    text = 'param($Request)\n@{ doubled = 2 * $Request.number; name = "$($Request.name)!" }'
    stdin = build_request(Request(OP, "any name", text, {"number": 21, "name": "ä✓"}))
    with one_host(PowerShellHost(lambda stdin: Session(stdin=stdin))) as fleet, client(fleet.urls["hv-01"]) as winrm:
        stdout, stderr, code = run_to_end(winrm, winrm.open_shell(), command_line(), stdin)
    assert parse_frame(stdout, OP).result == {"doubled": 42, "name": "ä✓!"}
    assert stderr.startswith(b"#< CLIXML")
    assert code == 0


def test_what_a_script_throws_comes_back_in_the_frame() -> None:
    """Our own ids stand before a colon; what the simulated PowerShell says itself has its own."""
    stdin = build_request(Request(OP, "", "throw 'reconciler.busy: Not now.'", {}))
    with one_host(PowerShellHost(lambda stdin: Session(stdin=stdin))) as fleet, client(fleet.urls["hv-01"]) as winrm:
        error = parse_frame(run_to_end(winrm, winrm.open_shell(), command_line(), stdin)[0], OP).error
    assert error is not None
    assert (error.id, error.message, error.category) == ("reconciler.busy", "Not now.", "OperationStopped")


def test_what_was_never_implemented_is_an_error() -> None:
    """Unknown programs are answered as cmd.exe does it; an unknown cmdlet gives no frame, and no script can catch it."""
    with one_host(PowerShellHost(lambda stdin: Session(stdin=stdin))) as fleet, client(fleet.urls["hv-01"]) as winrm:
        shell = winrm.open_shell()
        assert run_to_end(winrm, shell, "format c:")[1].startswith(b"'format' is not recognized")
        stdin = build_request(Request(OP, "", "try { Remove-VM -Name x } catch { $null }\n@{}", {}))
        assert run_to_end(winrm, shell, command_line(), stdin) == (b"", b"", 1)


def test_a_fleet_runs_one_script_at_a_time_on_the_right_host() -> None:
    """The simulated fleet is single-threaded: whoever comes second waits, whichever host it is."""
    inside, asked = [0], []

    def session(name: str, stdin: StandardInput) -> Session:
        def work(call: ps.Call) -> list[object]:
            inside[0] += 1
            assert inside[0] == 1
            asked.append(name)
            time.sleep(0.005)
            inside[0] -= 1
            return []

        return Session(cmdlets={"get-work": ps.Cmdlet("Get-Work", work)}, stdin=stdin)

    def work(name: str) -> None:
        with client(fleet.urls[name]) as winrm:
            stdin = build_request(Request(OP, "", "Get-Work", {}))
            assert parse_frame(run_to_end(winrm, winrm.open_shell(), command_line(), stdin)[0], OP).error is None

    names = ["hv-01", "hv-02", "hv-03"]
    with serve_fleet(hosts_of(names, session), ACCOUNT) as fleet, ThreadPoolExecutor(3) as pool:
        list(pool.map(work, names))
    assert sorted(asked) == names


def test_a_logon_inside_spnego_works_as_the_bare_one_does() -> None:
    """Other clients wrap NTLM in SPNEGO, and send their first sealed envelope together with the last token."""
    keys = spnego.client(ACCOUNT.user, ACCOUNT.password, protocol="negotiate", options=spnego.NegotiateOptions.use_negotiate)
    sealing = SimpleNamespace(auth=SimpleNamespace(session_security=ShimSessionSecurity(keys)))
    wire = Encryption(cast("requests.Session", sealing), "ntlm")
    with one_host() as fleet, requests.Session() as session:
        harden(session)
        url, token = fleet.urls["hv-01"], keys.step()
        while not keys.complete:
            offer = session.post(url, headers=negotiate(token)).headers["WWW-Authenticate"]
            token = keys.step(b64decode(offer.removeprefix("Negotiate ")))
        sealed = wire.prepare_encrypted_request(session, url, IDENTIFY.encode())
        sealed.headers.update(negotiate(token) if token else {})
        assert b"OS: 10.0" in wire.parse_encrypted_response(session.send(sealed))
        assert fleet.endpoints["hv-01"].logons == 1


def negotiate(token: bytes | None) -> dict[str, str]:
    return {"Authorization": f"Negotiate {b64encode(token or b'').decode()}"}

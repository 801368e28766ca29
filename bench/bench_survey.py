"""Measure a survey of many hosts by the production client, beside what plain ``requests`` takes for the same messages.

Run: ``python -m bench.bench_survey [HOSTS]``. The hosts are simulated, in a second process, and take two seconds for a call.
The floor is taken in the same run from the same endpoints: ``requests`` alone, Basic, in clear, on as many threads, sending
one fixed Send and one fixed Receive to each host and looking at neither answer. Reports are checked before their time counts.
"""

import base64
import json
import platform
import secrets
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from statistics import median

import requests

from reconciler.hosts.port import Call, HostReport, Survey, Target
from reconciler.hosts.winrm.adapter import MAXIMUM_THREADS, WinRmHosts
from reconciler.hosts.winrm.bootstrap import command_line, script
from reconciler.hosts.winrm.breaker import Breakers
from reconciler.hosts.winrm.config import Secret, WinRmConfig
from reconciler.hosts.winrm.frame import Request, build_request

FULL, MACHINES, REMOTE_SECONDS, ROUNDS, USER = 1000, 25, 2.0, 3, "bench"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
ENVELOPE = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
    'xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" xmlns:r="' + SHELL + '"><s:Header><a:Action>{action}</a:Action>'
    "<a:MessageID>uuid:{id}</a:MessageID><w:ResourceURI>" + SHELL + "/cmd</w:ResourceURI>"
    "<w:OperationTimeout>PT20S</w:OperationTimeout><w:MaxEnvelopeSize>153600</w:MaxEnvelopeSize>{header}</s:Header>"
    "<s:Body>{body}</s:Body></s:Envelope>"
)
SELECTOR = '<w:SelectorSet><w:Selector Name="ShellId">{}</w:Selector></w:SelectorSet>'
PIPED = '<w:OptionSet><w:Option Name="WINRS_CONSOLEMODE_STDIN">FALSE</w:Option></w:OptionSet>'


def main(count: int) -> None:
    """Measure and print; write the results where the whole size was measured."""
    with served(count) as (urls, word):
        text = "\n".join(measured(urls, word))
    sys.stdout.write(text + "\n")
    if count == FULL:
        about = (
            f"Measured {date.today()} on {platform.machine()}, Python {platform.python_version()}; {MACHINES} machines a host, "
        )
        about += f"{REMOTE_SECONDS:.0f} s of remote time a call, {MAXIMUM_THREADS} threads, NTLM with encryption; "
        about += "the hosts in a second process on the same two cores."
        Path(__file__).parent.joinpath("results", "survey.md").write_text(f"# Survey\n\n{about}\n\n{text}\n", encoding="utf-8")


def measured(urls: dict[str, str], word: str) -> Iterator[str]:
    """First contact with a quarter, half and all of the hosts; then warm surveys and the floor in turns: same weather."""
    config = WinRmConfig(username=USER, password=Secret(word), scheme="http", endpoints=urls, deadline_seconds=300)
    hosts, names, empty = WinRmHosts(config, breakers=Breakers()), list(urls), resident_kb()
    yield "| hosts | what | wall s | client CPU s | memory of the client, KB a host |"
    yield "|" + " --- |" * 5
    kept: list[object] = []
    for part in (names[: len(names) // 4], names[: len(names) // 2], names):
        wall, cpu, kept = survey(hosts, part)
        memory = (resident_kb() - empty) / len(part)
        yield f"| {len(part)} | first contact with those not yet met | {wall:.2f} | {cpu:.2f} | {memory:.0f} |"
    kept.clear()
    plain, ours, floors = Plain(urls, word), list[tuple[float, float]](), list[tuple[float, float]]()
    for _ in range(ROUNDS):
        floors.append(plain.floor())
        *pair, _reports = survey(hosts, names)
        ours.append((pair[0], pair[1]))
    for what, pairs in (("warm survey", ours), ("the floor: plain `requests`, the same messages", floors)):
        for wall, cpu in pairs:
            yield f"| {len(names)} | {what} | {wall:.2f} | {cpu:.2f} | - |"
    plain.close()
    hosts.close()
    yield from ("", verdict(len(names), [wall for wall, _ in ours], [wall for wall, _ in floors]))


def verdict(count: int, ours: list[float], floors: list[float]) -> str:
    """Medians against each other."""
    warm, floor = median(ours), median(floors)
    return (
        f"Medians: plain `requests` {2 * count / floor:.0f} requests/s, so the {2 * count} messages take {floor:.2f} s; "
        f"a warm survey, two round trips a host, {warm:.2f} s with its {REMOTE_SECONDS:.0f} s of remote time: "
        f"{warm / floor:.2f} times the floor (bound: 2)."
    )


@contextmanager
def served(hosts: int) -> Iterator[tuple[dict[str, str], str]]:
    """Serve that many hosts from another process; yield their addresses and the password."""
    word = secrets.token_urlsafe(12)
    command = [sys.executable, "-m", "bench.survey_hosts", str(hosts), str(MACHINES), str(REMOTE_SECONDS), USER, word]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        yield json.loads(server.stdout.readline()), word
        server.stdin.close()
        server.wait()


def survey(hosts: WinRmHosts, names: list[str]) -> tuple[float, float, list[object]]:
    """Survey these hosts; wall and CPU seconds of this process, and the reports, which hold all their machines."""
    calls = [Call(Target(name, name), Survey()) for name in names]
    begun, worked = time.monotonic(), time.process_time()
    answers = hosts.ask(calls)
    wall, cpu = time.monotonic() - begun, time.process_time() - worked
    for answer in answers:
        assert isinstance(answer.value, HostReport), answer.failure
        assert len(answer.value.host.virtual_machines) == MACHINES
    return wall, cpu, [answer.value for answer in answers]


def resident_kb() -> int:
    """Memory of this process, in KB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


class Plain:
    """Plain ``requests`` for all hosts, on as many threads."""

    def __init__(self, urls: dict[str, str], word: str) -> None:
        self._pool = ThreadPoolExecutor(MAXIMUM_THREADS)
        self._clients = list(self._pool.map(lambda url: PlainClient(url, word), urls.values()))

    def floor(self) -> tuple[float, float]:
        """Wall and CPU seconds for a Send and a Receive to each host. Remote time is left out: it is waited for in between."""
        begun, worked = time.monotonic(), time.process_time()
        list(self._pool.map(PlainClient.send, self._clients))
        sent = time.monotonic()
        time.sleep(REMOTE_SECONDS + 0.5)
        ready = time.monotonic()
        assert all(list(self._pool.map(PlainClient.receive, self._clients)))
        return sent - begun + time.monotonic() - ready, time.process_time() - worked

    def close(self) -> None:
        """Drop all connections."""
        for client in self._clients:
            client.close()
        self._pool.shutdown()


class PlainClient:
    """``requests`` and nothing else: one session for each host, as there is one connection for each."""

    def __init__(self, url: str, word: str) -> None:
        self._url, self._session = url, requests.Session()
        self._session.trust_env = False
        self._session.auth = (USER, word)
        self._session.headers["Content-Type"] = "application/soap+xml;charset=UTF-8"
        shell = uuid.uuid4().hex
        self._selector = SELECTOR.format(shell)
        self._post("http://schemas.xmlsoap.org/ws/2004/09/transfer/Create", f'<r:Shell ShellId="{shell}"/>')
        program, _, rest = command_line().partition(" ")
        self._post(
            f"{SHELL}/Command",
            f'<r:CommandLine CommandId="c"><r:Command>{program}</r:Command><r:Arguments>{rest}</r:Arguments></r:CommandLine>',
            PIPED,
        )
        request = build_request(Request("f" * 32, "Get-Survey", script("Get-Survey"), {})) + b"\n\n"
        self._input = base64.b64encode(request).decode()

    def send(self) -> bool:
        """Send the request."""
        stream = f'<r:Stream Name="stdin" CommandId="c">{self._input}</r:Stream>'
        return self._post(f"{SHELL}/Send", f"<r:Send>{stream}</r:Send>")

    def receive(self) -> bool:
        """Receive the answer."""
        stream = '<r:DesiredStream CommandId="c">stdout stderr</r:DesiredStream>'
        return self._post(f"{SHELL}/Receive", f"<r:Receive>{stream}</r:Receive>")

    def close(self) -> None:
        """Drop the connection."""
        self._session.close()

    def _post(self, action: str, body: str, options: str = "") -> bool:
        text = ENVELOPE.format(action=action, id=uuid.uuid4(), header=self._selector + options, body=body)
        answer = self._session.post(self._url, data=text.encode(), timeout=60)
        assert answer.status_code == 200, answer.text[:500]
        return bool(answer.content)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else FULL)

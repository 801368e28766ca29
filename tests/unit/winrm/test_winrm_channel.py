"""What a channel does when the conversation goes wrong, with a wire and a clock made of nothing."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from winrm.exceptions import InvalidCredentialsError, WinRMOperationTimeoutError, WinRMTransportError, WSManFaultError

from reconciler.hosts.port import Failure, FailureKind, Target
from reconciler.hosts.winrm import conversation
from reconciler.hosts.winrm.breaker import Breaker
from reconciler.hosts.winrm.channel import HostChannel
from reconciler.hosts.winrm.config import Secret, WinRmConfig
from reconciler.hosts.winrm.frame import Reply, build_frame, parse_request

CONFIG = WinRmConfig(username="operator", password=Secret("s3cret!"), deadline_seconds=60)
TARGET = Target("hv1", "hv1.contoso.com")
Trouble = Callable[[], Exception]


@dataclass
class FakeHost:
    """A host on a wire: answers every script with its name, unless told what to raise where, and keeps a diary."""

    seconds: float = 0.0
    trouble: dict[str, list[Trouble | None]] = field(default_factory=dict)
    diary: list[str] = field(default_factory=list)
    limits: list[float] = field(default_factory=list)
    input: bytes = b""
    knocks: list[Exception] = field(default_factory=list)
    silent: bool = False
    stays: bool = False

    def channel(self, breaker: Breaker | None = None, **config: Any) -> HostChannel:
        """A channel to this host."""
        settings = WinRmConfig(
            username="operator", password=CONFIG.password, **({"deadline_seconds": 60, "keep_process": False} | config)
        )
        return HostChannel(
            TARGET,
            settings,
            breaker or Breaker(),
            wire=lambda _url, _config: self,
            knock=self.knock,
            monotonic=lambda: self.seconds,
        )

    def note(self, what: str) -> None:
        self.diary.append(what)
        planned = self.trouble.get(what, [])
        problem = planned.pop(0) if planned else None
        if problem:
            raise problem()

    def knock(self, _url: str, _seconds: float) -> None:
        if self.knocks:
            raise self.knocks.pop(0)

    def limit(self, seconds: float) -> None:
        self.limits.append(seconds)

    def open_shell(self) -> str:
        self.note("open")
        return "shell"

    def run(self, shell: str, command_line: str) -> str:
        self.note("run")
        return "command"

    def send(self, shell: str, command: str, data: bytes, *, last: bool) -> None:
        self.note("send" if last else "send part")
        self.input = data if self.input.endswith(b"\n\n") else self.input + data

    def receive(self, shell: str, command: str) -> tuple[bytes, bool]:
        self.note("receive")
        if self.silent:
            self.seconds += 20
            raise WinRMOperationTimeoutError
        request = parse_request(self.input)
        return build_frame(request.op, {"ok": True, "result": request.name}), not self.stays

    def end(self, shell: str, command: str) -> None:
        self.note("end")

    def close_shell(self, shell: str) -> None:
        self.note("close")

    def drop(self) -> None:
        self.note("drop")

    @property
    def runs(self) -> int:
        return self.diary.count("run")


def fault(code: int) -> Trouble:
    """A WS-Management fault."""
    return lambda: WSManFaultError(500, "m", "<r/>", "reason", wsman_fault_code=code)


def kind_of(outcome: Reply | Failure) -> FailureKind:
    """The kind of a failure, which it must be."""
    assert isinstance(outcome, Failure)
    return outcome.kind


def read(channel: HostChannel) -> Reply | Failure:
    return channel.run("Get-Survey", {}, changes=False)


def change(channel: HostChannel) -> Reply | Failure:
    return channel.run("Start-Migration", {"machineId": "x"}, changes=True)


def test_a_shell_is_kept_warm_and_given_back() -> None:
    """Two calls, one shell; closing deletes it, so that it does not count against the host's quota."""
    host = FakeHost()
    channel = host.channel()

    assert (read(channel), change(channel)) == (Reply("Get-Survey"), Reply("Start-Migration"))
    channel.close()

    assert host.diary == ["open", *["run", "send", "receive", "end"] * 2, "close", "drop"]


@pytest.mark.parametrize(("calls", "pause"), [(201, 0.0), (2, 241.0), (5, 225.0)])
def test_a_worn_shell_is_replaced(calls: int, pause: float) -> None:
    """After 200 commands, after four idle minutes, after a quarter of an hour."""
    host = FakeHost()
    channel = host.channel()
    for _ in range(calls):
        assert isinstance(read(channel), Reply)
        host.seconds += pause

    assert host.diary.count("open") == 2
    assert host.diary.count("close") == 1


@pytest.mark.parametrize(("calls", "pause"), [(201, 0.0), (2, 241.0), (5, 225.0)])
def test_a_process_is_kept_as_long_as_its_shell(calls: int, pause: float) -> None:
    """One start for many calls, and no word at the end of each; replaced with the shell, by the same rules."""
    host = FakeHost(stays=True)
    channel = host.channel(keep_process=True)
    for _ in range(calls):
        assert read(channel) == Reply("Get-Survey")
        host.seconds += pause

    assert host.diary[:5] == ["open", "run", "send part", "receive", "send part" if not pause else host.diary[4]]
    assert (host.runs, host.diary.count("end"), host.diary.count("open")) == (2, 0, 2)


@pytest.mark.parametrize("trouble", [requests.ConnectionError, lambda: WinRMTransportError("http", 400, ""), fault(2150859174)])
@pytest.mark.parametrize("where", ["run", "receive"])
def test_reading_is_repeated_once_over_a_new_connection(trouble: Trouble, where: str) -> None:
    """A connection that was good before may have been dropped; what comes after the second try is believed."""
    host = FakeHost()
    channel = host.channel()
    read(channel)
    host.trouble[where] = [trouble]

    assert read(channel) == Reply("Get-Survey")

    host.trouble[where] = [trouble, trouble]
    assert kind_of(read(channel)) in (FailureKind.UNREACHABLE, FailureKind.GARBLED)


@pytest.mark.parametrize(
    "trouble", [requests.ConnectionError, lambda: WinRMTransportError("http", 400, ""), requests.ReadTimeout]
)
@pytest.mark.parametrize("where", ["send", "receive"])
def test_a_change_that_may_have_begun_is_never_repeated(trouble: Trouble, where: str) -> None:
    """Once the last of its input is on its way, a change may happen: its lost answer means unknown, and that is all."""
    host = FakeHost()
    channel = host.channel()
    read(channel)
    host.trouble[where] = [trouble]

    assert kind_of(change(channel)) is FailureKind.UNKNOWN
    assert host.runs == 2


def test_a_change_that_cannot_have_begun_gets_a_new_shell() -> None:
    """A shell that the host has forgotten costs nothing but a new one."""
    host = FakeHost()
    channel = host.channel()
    read(channel)
    host.trouble["run"] = [fault(2150858843)]

    assert change(channel) == Reply("Start-Migration")
    assert host.runs == 3


def test_a_change_whose_input_was_cut_short_did_not_begin() -> None:
    """The script starts when all of its input has arrived; before that the host was merely out of reach."""
    host = FakeHost(trouble={"send part": [None, requests.ReadTimeout]})

    outcome = host.channel().run("Set-HostSettings", {"settings": {"x": "y" * 300_000}}, changes=True)

    assert kind_of(outcome) is FailureKind.UNREACHABLE


def test_a_silent_host_is_left_at_the_deadline() -> None:
    """A host may say `not yet` for ever; our own clock ends that, signals the command and drops the connection."""
    host = FakeHost(silent=True)
    channel = host.channel(deadline_seconds=90)

    assert kind_of(read(channel)) is FailureKind.GARBLED
    assert host.seconds == 100
    assert host.diary[-2:] == ["end", "drop"]
    assert host.limits[:3] == [90, 90, 90]
    assert 10 in host.limits

    assert kind_of(change(channel)) is FailureKind.UNKNOWN


def test_an_endless_answer_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a most that is ever kept of one answer."""
    host = FakeHost()
    monkeypatch.setattr(conversation, "MAXIMUM_OUTPUT_BYTES", 10)

    outcome = read(host.channel())

    assert kind_of(outcome) is FailureKind.GARBLED
    assert isinstance(outcome, Failure)
    assert "too large" in outcome.finding


@pytest.mark.parametrize(("changes", "kind"), [(False, FailureKind.GARBLED), (True, FailureKind.UNKNOWN)])
def test_a_broken_frame_decides_nothing(changes: bool, kind: FailureKind, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half an answer is none: of a read garbled, of a change unknown. The host still listens, so it gets its shell back."""
    host = FakeHost()
    monkeypatch.setattr(host, "receive", lambda shell, command: (b"\xff\xfe#<reconciler:1 what", True))

    outcome = host.channel().run("Get-Survey", {}, changes=changes)

    assert kind_of(outcome) is kind
    assert host.runs == 1
    assert host.diary[-2:] == ["close", "drop"]


def test_nobody_home_says_where_and_what_to_check() -> None:
    """The finding names address and port; the remedy is something a person can do."""
    host = FakeHost(knocks=[ConnectionRefusedError()])

    outcome = read(host.channel())

    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.UNREACHABLE
    assert outcome.finding == "hv1.contoso.com:5986 cannot be asked: the connection is refused"
    assert "firewall" in outcome.remedy


def test_one_refused_password_is_one_failed_logon_for_all_hosts() -> None:
    """After the first 401 no other host is asked with that credential: a domain locks accounts after a few failures."""
    breaker = Breaker()
    hosts = [FakeHost(trouble={"open": [lambda: InvalidCredentialsError("no")] * 3}) for _ in range(3)]

    outcomes = [read(host.channel(breaker)) for host in (*hosts, hosts[0])]

    assert [kind_of(outcome) for outcome in outcomes] == [FailureKind.AUTHENTICATION] * 4
    assert [host.diary.count("open") for host in hosts] == [1, 0, 0]
    assert all("locks accounts" in outcome.remedy for outcome in outcomes if isinstance(outcome, Failure))


def test_an_untried_password_is_tried_at_one_host_at_a_time() -> None:
    """Hosts are asked side by side; with a wrong password that would be as many failures at once."""
    breaker, second = Breaker(), FakeHost()
    meanwhile: list[Reply | Failure] = []

    def refuse() -> Exception:
        meanwhile.append(read(second.channel(breaker, deadline_seconds=0.01)))
        return InvalidCredentialsError("no")

    first = FakeHost(trouble={"open": [refuse]})

    assert kind_of(read(first.channel(breaker))) is FailureKind.AUTHENTICATION
    assert [kind_of(outcome) for outcome in meanwhile] == [FailureKind.UNREACHABLE]
    assert second.diary == ["drop"]


def at(place: str) -> dict[str, Any]:
    """Configuration that puts a fake host at another address."""
    return {"endpoints": {TARGET.name: f"https://{place}:5986/wsman"}}


def test_one_host_that_refuses_a_proven_password_is_left_alone_and_stops_nobody() -> None:
    """A host that lost the trust of its domain answers 401 to everybody; that says nothing about the password."""
    breaker = Breaker()
    sound, broken = FakeHost(), FakeHost(trouble={"open": [lambda: InvalidCredentialsError("no")] * 3})
    read(sound.channel(breaker, **at("sound")))

    outcomes = [read(broken.channel(breaker, **at("broken"))) for _ in range(3)]

    assert [kind_of(outcome) for outcome in outcomes] == [FailureKind.AUTHENTICATION] * 3
    assert broken.diary.count("open") == 1
    assert isinstance(read(sound.channel(breaker, **at("sound"))), Reply)


def test_a_proven_password_that_two_hosts_in_a_row_refuse_is_tried_nowhere_any_more() -> None:
    """It has been changed since; with an acceptance in between it would be two hosts with trouble of their own."""
    hosts = [FakeHost(trouble={"open": [None, lambda: InvalidCredentialsError("no")]}) for _ in range(3)]
    breaker = Breaker()
    for number, host in enumerate(hosts):
        read(host.channel(breaker, **at(f"hv{number}")))

    outcomes = [read(host.channel(breaker, **at(f"hv{number}"))) for number, host in enumerate(hosts)]

    assert [kind_of(outcome) for outcome in outcomes] == [FailureKind.AUTHENTICATION] * 3
    assert [host.diary.count("open") for host in hosts] == [2, 2, 1]


def test_an_acceptance_between_two_refusals_keeps_the_password_in_use() -> None:
    """Two hosts with trouble of their own do not take the rest of the fleet with them."""
    breaker, sound = Breaker(), FakeHost()
    read(sound.channel(breaker, **at("sound")))
    for name in ("broken1", "broken2"):
        read(FakeHost(trouble={"open": [lambda: InvalidCredentialsError("no")]}).channel(breaker, **at(name)))
        assert isinstance(read(sound.channel(breaker, **at("sound"))), Reply)


def test_two_owners_of_a_channel_are_a_bug() -> None:
    """Two threads on one encrypted connection ruin it, so the second one is told at once."""
    host = FakeHost()
    channel = host.channel()
    seen: list[str] = []

    def intrude() -> Exception | None:
        try:
            read(channel)
        except RuntimeError as problem:
            seen.append(str(problem))
        return None

    host.trouble["receive"] = [lambda: intrude() or requests.ReadTimeout()]
    read(channel)

    assert len(seen) == 1
    assert "two threads" in seen[0]


def test_the_password_is_shown_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    """Neither in texts of the objects, nor in what is reported, nor in logs of any level."""
    caplog.set_level(logging.DEBUG)
    host = FakeHost(trouble={"open": [lambda: InvalidCredentialsError("no")]})
    channel = host.channel()

    shown = [repr(CONFIG), str(CONFIG.password), f"{CONFIG.password!r}", repr(channel), repr(read(channel)), caplog.text]

    assert not any("s3cret" in text for text in shown)


class Queue:
    """A lock that tells when somebody comes to wait for it."""

    def __init__(self) -> None:
        self._lock, self.came = threading.Lock(), threading.Semaphore(0)

    def acquire(self, timeout: float) -> bool:
        self.came.release()
        return self._lock.acquire(timeout=timeout)

    def release(self) -> None:
        self._lock.release()


def test_whoever_waited_for_the_first_logon_goes_with_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty hosts that waited must not then log on one by one, each holding up the next."""
    breaker, together, queue = Breaker(), threading.Barrier(2), Queue()
    monkeypatch.setattr(breaker, "_lock", queue)

    def wait_and_meet() -> None:
        with breaker.attempt("later", 5):
            together.wait(5)  # breaks where the other is not inside at the same time

    with ThreadPoolExecutor(2) as pool:
        with breaker.attempt("first", 5):
            later = [pool.submit(wait_and_meet) for _ in range(2)]
            assert all(queue.came.acquire(timeout=5) for _ in range(3))
        assert [one.result() for one in later] == [None, None]

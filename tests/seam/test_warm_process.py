"""A PowerShell that waits on each host: two round trips a call, and what becomes of calls when it does not behave."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from reconciler.clock import ManualClock
from reconciler.hosts.port import Call, FailureKind, HostReport, ListMigrations, Operation, StartMachine, Survey, Target
from reconciler.hosts.winrm.adapter import MAXIMUM_THREADS, WinRmHosts
from reconciler.hosts.winrm.breaker import Breakers
from reconciler.hosts.winrm.config import Secret, WinRmConfig
from reconciler.hosts.winrm.frame import build_frame, parse_request
from reconciler.simulator.endpoint import EndpointFleet, Faults, Outlet, Process, hosts_of, serve_fleet
from reconciler.simulator.fleets import load_fleet
from reconciler.simulator.windows import WindowsHost, session_of
from reconciler.simulator.world import World
from tests.seam.by_name import answer_scripts
from tests.seam.endpoint_client import ACCOUNT

HOST = Target("StandAlone1", "standalone1.contoso.com")


def config_of(fleet: EndpointFleet, **options: Any) -> WinRmConfig:
    return WinRmConfig(username=ACCOUNT.user, password=Secret(ACCOUNT.password), scheme="http", endpoints=fleet.urls, **options)


@contextmanager
def asking(config: WinRmConfig) -> Iterator[WinRmHosts]:
    hosts = WinRmHosts(config, breakers=Breakers())
    try:
        yield hosts
    finally:
        hosts.close()


@pytest.fixture
def fleet() -> Iterator[EndpointFleet]:
    """The demo fleet, on which bootstrap and scripts are interpreted."""
    seen = load_fleet("demo")
    world = World(seen, ManualClock(seen.observed_at))
    windows = {host.name: WindowsHost(host.name, world) for host in seen.hosts}
    with serve_fleet(hosts_of(windows, lambda name, stdin: session_of(windows[name], stdin)), ACCOUNT) as fleet:
        yield fleet


def test_a_warm_survey_is_two_round_trips(fleet: EndpointFleet) -> None:
    """Send and Receive: the logon, the shell and the start of PowerShell are paid once, by the first survey."""
    with asking(config_of(fleet)) as hosts:
        trips = []
        for _ in range(3):
            before = fleet.endpoints[HOST.name].requests
            (answer,) = hosts.ask([Call(HOST, Survey())])
            assert isinstance(answer.value, HostReport)
            trips.append(fleet.endpoints[HOST.name].requests - before)

    assert trips[0] > 2
    assert trips[1:] == [2, 2]


def test_a_process_starts_afresh_with_each_request(fleet: EndpointFleet) -> None:
    """What one script leaves behind (variables, functions, an error) is nothing to the next; answers are as from new ones."""
    operations: list[Operation] = [Survey(), StartMachine("00000000-0000-0000-0000-000000000000"), ListMigrations(), Survey()]
    calls = [Call(HOST, operation) for operation in operations]
    with asking(config_of(fleet)) as hosts, asking(config_of(fleet, keep_process=False)) as others:
        warm, cold = hosts.ask(calls), others.ask(calls)

    assert [(answer.value, answer.failure) for answer in warm] == [(answer.value, answer.failure) for answer in cold]
    assert warm[1].failure is not None
    assert warm[1].failure.code == "reconciler.machine-not-found"


class Rig:
    """Hosts that answer nothing before all of them have been asked."""

    def __init__(self, count: int) -> None:
        self.names = [f"hv{number:03}" for number in range(count)]
        self.waiting: list[Callable[[], None]] = []

    def start(self, line: str, outlet: Outlet, executor: Executor) -> Process:
        return _Held(self, outlet)

    def arrive(self, answer: Callable[[], None]) -> None:
        self.waiting.append(answer)
        if len(self.waiting) >= len(self.names):
            for one in self.waiting:
                one()


class _Held:
    def __init__(self, rig: Rig, outlet: Outlet) -> None:
        self._rig, self._outlet = rig, outlet

    def feed(self, data: bytes, *, ended: bool) -> None:
        if data.strip():
            frame = build_frame(parse_request(data).op, {"ok": True, "result": {"migrations": []}})
            self._rig.arrive(lambda: self._outlet.write(frame))

    def kill(self) -> None:
        """Nothing runs on."""

    def wait(self) -> None:
        """Nothing runs on."""


def test_all_hosts_are_asked_before_the_first_answer_is_waited_for() -> None:
    """More hosts than threads, and not one answers until the last has been asked: waiting first would wait for ever."""
    rig = Rig(MAXIMUM_THREADS + 8)
    with (
        serve_fleet(dict.fromkeys(rig.names, rig), ACCOUNT) as fleet,
        asking(config_of(fleet, deadline_seconds=20)) as hosts,
    ):
        answers = hosts.ask([Call(Target(name, name), ListMigrations()) for name in rig.names])

    assert [answer.failure for answer in answers] == [None] * len(rig.names)


@pytest.mark.parametrize("action", ["Send", "Receive"])
def test_a_change_over_a_connection_that_has_died_meanwhile_is_done_once(action: str) -> None:
    """Dropped before its last piece went out it is sent again; dropped later, nobody knows, and nobody sends it again."""
    done: list[str] = []

    def answer(name: str, params: dict[str, Any]) -> dict[str, Any]:
        done.append(name)
        return {"ok": True, "result": {"migrations": []}}

    with serve_fleet({"hv1": answer_scripts(answer)}, ACCOUNT) as fleet, asking(config_of(fleet)) as hosts:
        host = Target("hv1", "hv1")
        assert hosts.ask([Call(host, ListMigrations())])[0].failure is None
        fleet.set_faults("hv1", Faults(actions=(action,), times=1, drop_before=True))
        failure = hosts.ask([Call(host, StartMachine("x"))])[0].failure

    assert done == ["Get-Migrations", "Start-Machine"]
    assert (failure and failure.kind) == (None if action == "Send" else FailureKind.UNKNOWN)


def test_a_host_that_does_not_feed_a_waiting_process_is_asked_the_old_way() -> None:
    """Some hosts may hand over input only when it has ended: the read is repeated with a process of its own, then all are."""
    ended: list[bool] = []

    class Deaf:
        """A program that reads all of its input before it looks at any of it."""

        def start(self, line: str, outlet: Outlet, executor: Executor) -> Process:
            inner = answer_scripts(lambda name, params: {"ok": True, "result": {"migrations": []}})
            return _Deaf(inner.start(line, outlet, executor), ended)

    with (
        serve_fleet({"hv1": Deaf()}, ACCOUNT) as fleet,
        asking(config_of(fleet, deadline_seconds=3)) as hosts,
    ):
        answers = hosts.ask([Call(Target("hv1", "hv1"), operation) for operation in (ListMigrations(), StartMachine("x"))])

    assert [answer.failure for answer in answers] == [None, None]
    assert ended == [True, True]


class _Deaf:
    def __init__(self, inner: Process, ended: list[bool]) -> None:
        self._inner, self._ended, self._input = inner, ended, b""

    def feed(self, data: bytes, *, ended: bool) -> None:
        self._input += data
        if ended:
            self._ended.append(True)
            self._inner.feed(self._input, ended=True)

    def kill(self) -> None:
        self._inner.kill()

    def wait(self) -> None:
        self._inner.wait()


def test_a_change_is_never_given_to_a_process_that_has_not_answered_yet() -> None:
    """Whether the host feeds waiting processes is found out by reading, where nothing is lost."""
    nothing = answer_scripts(lambda name, params: {"ok": True, "result": {"migrations": []}})
    with serve_fleet({"hv1": nothing}, ACCOUNT) as fleet, asking(config_of(fleet)) as hosts:
        trips = []
        operations: list[Operation] = [
            StartMachine("x"),
            StartMachine("x"),
            ListMigrations(),
            StartMachine("x"),
            ListMigrations(),
        ]
        for operation in operations:
            before = fleet.endpoints["hv1"].requests
            assert hosts.ask([Call(Target("hv1", "hv1"), operation)])[0].failure is None
            trips.append(fleet.endpoints["hv1"].requests - before)

    # Command, Send, Receive, Signal; then the process is started by the read; a change to it has one message more.
    assert trips[1:] == [4, 3, 3, 2]


def test_a_process_that_dies_is_started_again() -> None:
    """Half an answer of a read is garbled; the next read has a process again, and a change is not given to a dead one."""
    with (
        serve_fleet({"hv1": answer_scripts(lambda name, params: {"ok": True, "result": {"migrations": []}})}, ACCOUNT) as fleet,
        asking(replace(config_of(fleet), deadline_seconds=10)) as hosts,
    ):
        host = Target("hv1", "hv1")
        kinds = []
        for faults in (Faults(), Faults(half_frame=True, times=1), Faults(), Faults(garbage=True, times=1), Faults()):
            fleet.set_faults("hv1", faults)
            failure = hosts.ask([Call(host, ListMigrations())])[0].failure
            kinds.append(failure and failure.kind)

    assert kinds == [None, FailureKind.GARBLED, None, FailureKind.GARBLED, None]

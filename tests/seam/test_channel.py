"""The production client against a real WS-Management service on loopback: NTLM, message encryption, shells, faults."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from reconciler.hosts.port import (
    AddClusterRole,
    Answer,
    Call,
    CancelMigration,
    CheckMigration,
    ConfigureCluster,
    ConfigureHost,
    FailureKind,
    HostReport,
    ListMigrations,
    Operation,
    ReadClusterRole,
    RemoveClusterRole,
    RoleSettings,
    Started,
    StartMachine,
    StartMigration,
    Survey,
    Target,
    Value,
)
from reconciler.hosts.winrm.adapter import WinRmHosts
from reconciler.hosts.winrm.breaker import Breaker, Breakers
from reconciler.hosts.winrm.channel import HostChannel
from reconciler.hosts.winrm.config import Secret, WinRmConfig
from reconciler.model.observation import Host, Migration, VirtualMachine
from reconciler.model.plan import StorageMove
from reconciler.model.words import MigrationKind, PerformanceOption
from reconciler.simulator.endpoint.auth import Credentials
from reconciler.simulator.endpoint.faults import Faults
from reconciler.simulator.endpoint.server import EndpointFleet, serve_fleet
from reconciler.simulator.refusal import LIMIT_REACHED, OTHER, Refused
from tests.seam.by_name import answer_scripts, run_script

PASSWORD = "w1nrm-Pass"
MACHINE = "1a2b3c4d-0000-0000-0000-000000000001"
ONE, TWO = Target("hv1", "hv1.contoso.com"), Target("hv2", "hv2.contoso.com")


class Recorder:
    """A world that notes what it is asked to do and answers what it was told to."""

    def __init__(self) -> None:
        self.done: list[tuple[str, Operation]] = []
        self.answers: dict[type, Any] = {
            Survey: lambda name: HostReport(Host(name=name, virtual_machines=(VirtualMachine(id=MACHINE, name="wéb✓"),))),
            ListMigrations: lambda _: (
                Migration(id="j", virtual_machine=MACHINE, kind=MigrationKind.OFFLINE, destination="hv2"),
            ),
            StartMigration: lambda _: Started("j"),
            ReadClusterRole: lambda _: RoleSettings({"priority": 2000}),
            RemoveClusterRole: lambda _: RoleSettings({"priority": 2000, "preferredOwners": ["n1"]}),
        }

    def execute(self, host_name: str, operation: Operation) -> Value:
        self.done.append((host_name, operation))
        answer: Value = self.answers.get(type(operation), lambda _: None)(host_name)
        return answer

    def count(self, kind: type) -> int:
        """How often an operation of that kind was carried out."""
        return sum(isinstance(operation, kind) for _, operation in self.done)


@pytest.fixture
def world() -> Recorder:
    return Recorder()


@pytest.fixture
def fleet(world: Recorder) -> Iterator[EndpointFleet]:
    runs = {name: answer_scripts(partial(run_script, partial(world.execute, name))) for name in ("hv1", "hv2")}
    with serve_fleet(runs, Credentials("operator", PASSWORD)) as fleet:
        yield fleet


@pytest.fixture
def config(fleet: EndpointFleet) -> WinRmConfig:
    return WinRmConfig(username="operator", password=Secret(PASSWORD), scheme="http", endpoints=fleet.urls)


@pytest.fixture
def hosts(config: WinRmConfig) -> Iterator[WinRmHosts]:
    hosts = WinRmHosts(config, breakers=Breakers())
    yield hosts
    hosts.close()


def ask(hosts: WinRmHosts, operation: Operation, target: Target = ONE) -> Answer:
    """Ask one host for one thing."""
    return hosts.ask([Call(target, operation)])[0]


def kind_of(answer: Answer) -> FailureKind:
    """The kind of a failure, which it must be."""
    assert answer.failure is not None
    return answer.failure.kind


@pytest.mark.parametrize(
    "operation",
    [
        CheckMigration(MACHINE, MigrationKind.LIVE_WITH_STORAGE, "hv2"),
        StartMigration(MACHINE, MigrationKind.STORAGE),
        StartMigration(
            MACHINE,
            MigrationKind.LIVE_WITH_STORAGE,
            "hv2.contoso.com",
            (StorageMove(file="os.vhdx", source=r"D:\a'b\os.vhdx", target=r"\\fs.contoso.com\s\$(x)\“q”\os.vhdx"),),
            PerformanceOption.SMB,
        ),
        CancelMigration("j"),
        ConfigureHost({"migration.enabled": True, "migration.networks": ["10.0.0.0/8"]}),
        ConfigureCluster(4),
        StartMachine(MACHINE),
        ReadClusterRole(MACHINE),
        RemoveClusterRole(MACHINE),
        AddClusterRole(MACHINE, {"priority": 3000}),
    ],
    ids=lambda operation: type(operation).__name__,
)
def test_an_order_arrives_as_it_was_given(hosts: WinRmHosts, world: Recorder, operation: Operation) -> None:
    """Quotes, dollars and foreign letters included: parameters are data all the way."""
    answer = ask(hosts, operation)

    assert answer.failure is None
    assert world.done == [("hv1", operation)]


def test_answers_come_in_the_order_of_the_calls(hosts: WinRmHosts) -> None:
    """Several hosts side by side, several calls of one in their order; names keep their letters."""
    answers = hosts.ask(
        [Call(TWO, Survey()), Call(ONE, ListMigrations()), Call(TWO, StartMigration(MACHINE, MigrationKind.LIVE))]
    )

    assert [answer.failure for answer in answers] == [None, None, None]
    first, second, third = (answer.value for answer in answers)
    assert isinstance(first, HostReport)
    assert [machine.name for machine in first.host.virtual_machines] == ["wéb✓"]
    assert isinstance(second, tuple)
    assert second[0].kind is MigrationKind.OFFLINE
    assert third == Started("j")


def test_a_refusal_keeps_its_reason(hosts: WinRmHosts, world: Recorder) -> None:
    """Over the limit means later; all else means no, in the host's own words."""

    def refuse(error_id: str) -> Any:
        def answer(_: str) -> Value:
            raise Refused(error_id, "0x8009030E", "no credentials")

        return answer

    world.answers[StartMachine] = refuse(OTHER)
    world.answers[StartMigration] = refuse(LIMIT_REACHED)

    refused, later = ask(hosts, StartMachine(MACHINE)).failure, ask(hosts, StartMigration(MACHINE, MigrationKind.LIVE))

    assert kind_of(later) is FailureKind.LIMIT
    assert refused is not None
    assert (refused.kind, refused.finding, refused.code) == (FailureKind.REFUSED, "no credentials", OTHER)
    assert "delegation" in refused.remedy


def test_shells_stay_warm_and_are_given_back(hosts: WinRmHosts, fleet: EndpointFleet) -> None:
    """One logon and one shell serve all calls; closing leaves nothing on the host."""
    for _ in range(3):
        assert ask(hosts, Survey()).failure is None
    assert (fleet.endpoints["hv1"].logons, fleet.endpoints["hv1"].shell_count) == (1, 1)

    hosts.close()

    assert fleet.endpoints["hv1"].shell_count == 0


@pytest.mark.parametrize("action", ["Command", "Send", "Receive"])
def test_a_dropped_connection_does_not_stop_reading(hosts: WinRmHosts, fleet: EndpointFleet, action: str) -> None:
    """With encryption a dropped connection spoils every later request, unless it is left for a new one."""
    assert ask(hosts, Survey()).failure is None
    fleet.set_faults("hv1", Faults(actions=(action,), times=1, drop_before=True))

    assert ask(hosts, Survey()).failure is None


def test_a_restarted_host_gets_a_new_shell(hosts: WinRmHosts, fleet: EndpointFleet, world: Recorder) -> None:
    """Shells do not survive a restart; neither reading nor a change that could not have begun suffers."""
    assert ask(hosts, Survey()).failure is None
    fleet.endpoints["hv1"].reboot()
    assert ask(hosts, StartMachine(MACHINE)).failure is None

    assert world.count(StartMachine) == 1


@pytest.mark.parametrize("faults", [Faults(half_frame=True), Faults(garbage=True), Faults(lose_output_of=1)])
def test_a_lost_answer_of_a_change_is_unknown_and_the_change_is_done_once(
    hosts: WinRmHosts, fleet: EndpointFleet, world: Recorder, faults: Faults
) -> None:
    """The order was carried out; only looking again can tell."""
    assert ask(hosts, Survey()).failure is None
    fleet.set_faults("hv1", replace(faults, times=1))

    assert kind_of(ask(hosts, StartMigration(MACHINE, MigrationKind.LIVE, "hv2"))) is FailureKind.UNKNOWN
    assert world.count(StartMigration) == 1


def test_half_a_survey_is_garbled_and_noise_around_a_whole_one_is_not(hosts: WinRmHosts, fleet: EndpointFleet) -> None:
    """Only the frame decides; chatter and exit codes do not."""
    fleet.set_faults("hv1", Faults(half_frame=True))
    assert kind_of(ask(hosts, Survey())) is FailureKind.GARBLED

    fleet.set_faults("hv1", Faults(noise_bytes=200_000, exit_code=1))
    assert ask(hosts, Survey()).failure is None


def test_a_stuck_host_is_left_at_the_deadline(config: WinRmConfig, fleet: EndpointFleet) -> None:
    """The operation's own deadline ends what the service would let hang."""
    hosts = WinRmHosts(replace(config, deadline_seconds=1.5), breakers=Breakers())
    fleet.set_faults("hv1", Faults(actions=("Receive",), stuck_receive=True))

    assert kind_of(ask(hosts, Survey())) is FailureKind.GARBLED
    assert kind_of(ask(hosts, StartMachine(MACHINE))) is FailureKind.UNKNOWN
    hosts.close()


def test_a_wrong_password_is_tried_once_for_the_whole_fleet(config: WinRmConfig, fleet: EndpointFleet) -> None:
    """One failed logon in all, not one a host: accounts lock."""
    hosts = WinRmHosts(replace(config, password=Secret("wrong")), breakers=Breakers())

    answers = hosts.ask([Call(target, Survey()) for target in (ONE, TWO)] * 2)
    hosts.close()

    assert [kind_of(answer) for answer in answers] == [FailureKind.AUTHENTICATION] * 4
    assert sum(endpoint.failed_logons for endpoint in fleet.endpoints.values()) == 1


def test_a_host_that_is_gone_does_not_hold_up_the_others(config: WinRmConfig) -> None:
    """The finding says where nobody answered; the other host's survey is whole."""
    elsewhere = replace(config, endpoints={**config.endpoints, "hv2": "http://127.0.0.1:9/wsman"})
    hosts = WinRmHosts(elsewhere, breakers=Breakers())

    present, gone = hosts.ask([Call(ONE, Survey()), Call(TWO, Survey())])
    hosts.close()

    assert present.failure is None
    assert gone.failure is not None
    assert gone.failure.kind is FailureKind.UNREACHABLE
    assert gone.failure.finding == "127.0.0.1:9 cannot be asked: the connection is refused"


def test_the_environment_is_not_consulted(hosts: WinRmHosts, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that somebody's shell names would get to see domain credentials."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)

    assert ask(hosts, Survey()).failure is None


def test_a_host_outside_the_allowed_domains_is_never_contacted(config: WinRmConfig) -> None:
    """Not even a connection is opened."""
    contacted = []

    def make_channel(target: Target, settings: WinRmConfig, breaker: Breaker) -> HostChannel:
        contacted.append(target)
        return HostChannel(target, settings, breaker)

    strict = replace(config, endpoints={}, allowed_domains=("contoso.com",))
    hosts = WinRmHosts(strict, breakers=Breakers(), make_channel=make_channel)

    failure = ask(hosts, Survey(), Target("hv1", "hv1.evil.net")).failure
    hosts.close()

    assert failure is not None
    assert (failure.kind, failure.code, contacted) == (FailureKind.REFUSED, "host-not-allowed", [])

"""CredSSP, as a host offers it that must hand our password on: pyspnego's own acceptor answers, in a handshake inside HTTP."""

from typing import Any

import pytest

from reconciler.hosts.port import Answer, Call, FailureKind, HostReport, Survey, Target
from reconciler.hosts.winrm.adapter import WinRmHosts
from reconciler.hosts.winrm.breaker import Breakers
from reconciler.hosts.winrm.config import Secret, WinRmConfig
from reconciler.model.observation import Host
from reconciler.simulator.endpoint import Credentials, EndpointFleet, serve_fleet
from tests.seam.by_name import answer_scripts, run_script

pytest.importorskip("requests_credssp", reason="CredSSP needs requests-credssp: pip install 'reconciler[credssp]'")

ACCOUNT = Credentials("svc-reconciler", "p:ä ss")
TWO = ("hv1", "hv2")
LONG = tuple(f"9.{number}" for number in range(10_000))  # an answer of several TLS records


def serving(**options: Any) -> EndpointFleet:
    def answer(host: str) -> Any:
        report = HostReport(Host(name=host, supported_configuration_versions=LONG))
        return answer_scripts(lambda name, params: run_script(lambda _: report, name, params))

    return serve_fleet({name: answer(name) for name in TWO}, ACCOUNT, **options)


def survey(fleet: EndpointFleet, password: str = ACCOUNT.password, user: str = ACCOUNT.user) -> list[Answer]:
    config = WinRmConfig(username=user, password=Secret(password), transport="credssp", endpoints=fleet.urls)
    hosts = WinRmHosts(config, breakers=Breakers())
    try:
        return hosts.ask([Call(Target(name, name), Survey()) for name in TWO])
    finally:
        hosts.close()


def test_a_survey_passes_sealed_by_the_handshake_in_as_many_parts_as_it_needs() -> None:
    with serving(allow_credssp=True) as fleet:
        answers = survey(fleet)

    for answer in answers:
        assert isinstance(answer.value, HostReport), answer.failure
        assert answer.value.host.supported_configuration_versions == LONG


def test_a_wrong_password_is_tried_once_for_all_hosts() -> None:
    """As with every other way in: domains lock accounts after a few."""
    with serving(allow_credssp=True) as fleet:
        failures = [answer.failure for answer in survey(fleet, "wr0ng")]
        tries = sum(endpoint.failed_logons for endpoint in fleet.endpoints.values())

    assert [failure and failure.kind for failure in failures] == [FailureKind.AUTHENTICATION] * 2
    assert tries == 1


def test_a_host_that_does_not_offer_it_is_named_with_the_command_that_enables_it() -> None:
    """No password has been sent, so the other hosts are still asked."""
    with serving() as fleet:
        failures = [answer.failure for answer in survey(fleet)]

    assert all(failure is not None and "Enable-WSManCredSSP -Role Server" in failure.remedy for failure in failures)

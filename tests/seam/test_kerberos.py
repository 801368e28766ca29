"""Kerberos with a real key distribution centre: MIT's, in a temporary folder, on loopback.

Skips where the centre (`apt install krb5-kdc krb5-admin-server krb5-user`) or the libraries (`pip install
'reconciler[kerberos]' 'pyspnego[kerberos]'`) are missing; `make ways-in` brings the libraries. What Windows adds (delegation,
its own realm) is not settled by it.
"""

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import spnego

from reconciler.hosts.port import Answer, Call, FailureKind, HostReport, Survey, Target
from reconciler.hosts.winrm.adapter import WinRmHosts
from reconciler.hosts.winrm.breaker import Breakers
from reconciler.hosts.winrm.config import WinRmConfig, kerberos_environment
from reconciler.model.observation import Host
from reconciler.simulator.endpoint import Credentials, EndpointFleet, serve_fleet
from tests.seam.by_name import answer_scripts, run_script
from tests.seam.test_https import an_authority

pytest.importorskip("kerberos", reason="Kerberos needs pykerberos: pip install 'reconciler[kerberos]'")
pytest.importorskip("gssapi", reason="the simulated hosts take tickets with gssapi: pip install 'pyspnego[kerberos]'")
PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
TOOLS = {name: shutil.which(name, path=PATH) for name in ("krb5kdc", "kdb5_util", "kadmin.local", "kinit")}
pytestmark = pytest.mark.skipif(
    not all(TOOLS.values()), reason="there is no key distribution centre: apt install krb5-kdc krb5-admin-server krb5-user"
)

REALM = "RECONCILER.TEST"
ACCOUNT = Credentials("svc-reconciler", "not used: the realm knows it")
PRINCIPAL = f"{ACCOUNT.user}@{REALM}"
TWO = ("hv1", "hv2")
CLIENT = """\
[libdefaults]
 default_realm = {realm}
 dns_lookup_kdc = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
 forwardable = true
 default_ccache_name = FILE:{folder}/unused-tickets
[realms]
 {realm} = {{
  kdc = 127.0.0.1:{port}
 }}
[domain_realm]
 localhost = {realm}
"""
CENTRE = """\
[kdcdefaults]
 kdc_listen = 127.0.0.1:{port}
 kdc_tcp_listen = 127.0.0.1:{port}
[realms]
 {realm} = {{
  database_name = {folder}/principal
  key_stash_file = {folder}/stash
  acl_file = {folder}/acl
 }}
[logging]
 kdc = FILE:{folder}/kdc.log
"""


@dataclass
class Centre:
    """A running centre, with the variables by which everybody finds it."""

    folder: Path
    variables: dict[str, str]

    def run(self, tool: str, *words: str) -> None:
        program = TOOLS[tool]
        assert program is not None
        subprocess.run(
            [program, *words],
            env={**os.environ, **self.variables},
            check=True,
            capture_output=True,
            timeout=20,
            stdin=subprocess.DEVNULL,
        )

    def admin(self, query: str) -> None:
        self.run("kadmin.local", "-r", REALM, "-q", query)

    def keytab(self, name: str, principal: str) -> str:
        """A file with the principal's key, which stays as it is."""
        file = self.folder / f"{name}.keytab"
        self.admin(f"ktadd -k {file} -norandkey {principal}")
        file.chmod(0o600)
        return str(file)

    def log(self) -> str:
        return (self.folder / "kdc.log").read_text()


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    folder = tmp_path_factory.mktemp("centre")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for name, text in {"krb5.conf": CLIENT, "kdc.conf": CENTRE}.items():
        (folder / name).write_text(text.format(realm=REALM, folder=folder, port=port))
    files = {"KRB5_CONFIG": str(folder / "krb5.conf"), "KRB5_KDC_PROFILE": str(folder / "kdc.conf")}
    centre = Centre(folder, files)
    centre.run("kdb5_util", "create", "-s", "-r", REALM, "-P", "of a test")
    for principal in (f"HTTP/localhost@{REALM}", f"stranger@{REALM}"):
        centre.admin(f"addprinc -randkey {principal}")
    centre.admin(f"addprinc -randkey +requires_preauth {PRINCIPAL}")
    centre.variables["KRB5_KTNAME"] = "FILE:" + centre.keytab("hosts", f"HTTP/localhost@{REALM}")
    program = TOOLS["krb5kdc"]
    assert program is not None
    # -n keeps it ours; it answers once its port is open, and the client tries again until then.
    process = subprocess.Popen(
        [program, "-n", "-r", REALM, "-P", str(folder / "pid")],
        env={**os.environ, **files},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield centre
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def variables(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process find the centre, the hosts their keytab, and nobody what whoever runs the tests has."""
    for name, value in centre.variables.items():
        monkeypatch.setenv(name, value)
    for name in ("KRB5CCNAME", "KRB5_CLIENT_KTNAME"):
        monkeypatch.delenv(name, raising=False)


def serving(**options: Any) -> EndpointFleet:
    """Two hosts that take tickets. Both are called localhost, on ports of their own."""
    report = HostReport(Host(name="hv1", address="wéb✓" * 20_000))
    program = answer_scripts(lambda name, params: run_script(lambda _: report, name, params))
    return serve_fleet(dict.fromkeys(TWO, program), ACCOUNT, allow_kerberos=True, **options)


@pytest.fixture
def fleet(variables: None) -> Iterator[EndpointFleet]:
    with serving() as fleet:
        yield fleet


def survey(fleet: EndpointFleet, monkeypatch: pytest.MonkeyPatch, **options: Any) -> list[Answer]:
    urls = {name: url.replace("127.0.0.1", "localhost") for name, url in fleet.urls.items()}
    config = WinRmConfig(transport="kerberos", endpoints=urls, **options)
    for name, value in kerberos_environment(config).items():
        monkeypatch.setenv(name, value)
    hosts = WinRmHosts(config, breakers=Breakers())
    try:
        return hosts.ask([Call(Target(name, name), Survey()) for name in TWO])
    finally:
        hosts.close()


@pytest.mark.parametrize("user", ["", PRINCIPAL])
def test_a_keytab_gets_the_ticket_and_messages_are_sealed_with_it(
    centre: Centre, fleet: EndpointFleet, monkeypatch: pytest.MonkeyPatch, user: str
) -> None:
    """Over http nothing goes in clear: the simulated hosts refuse a body that is not sealed."""
    keytab, cache = centre.keytab("svc", PRINCIPAL), f"FILE:{centre.folder}/tickets-of-keytab{len(user)}"

    for answer in survey(fleet, monkeypatch, keytab=keytab, ticket_cache=cache, username=user):
        assert isinstance(answer.value, HostReport), answer.failure


def test_over_https_the_ticket_is_as_good(
    centre: Centre, variables: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority, keytab = an_authority(tmp_path, "fleet"), centre.keytab("svc", PRINCIPAL)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*authority.issue("hv1", dns="localhost"))
    options = {"keytab": keytab, "ticket_cache": f"FILE:{centre.folder}/tickets-https", "ca_path": authority.path}

    with serving(tls=tls) as fleet:
        answers = survey(fleet, monkeypatch, **options)

    for answer in answers:
        assert isinstance(answer.value, HostReport), answer.failure


@pytest.mark.parametrize("delegation", [False, True])
def test_the_ticket_is_handed_on_only_where_that_is_asked_for(
    centre: Centre, fleet: EndpointFleet, monkeypatch: pytest.MonkeyPatch, delegation: bool
) -> None:
    """Whoever has it may act as us everywhere. Handed on, it needs a ticket that may be (`forwardable` in krb5.conf)."""
    contexts: list[spnego.ContextProxy] = []
    make = spnego.server

    def server(**options: Any) -> spnego.ContextProxy:
        contexts.append(make(**options))
        return contexts[-1]

    monkeypatch.setattr(spnego, "server", server)
    cache = f"FILE:{centre.folder}/tickets-handed-on-{delegation}"
    survey(fleet, monkeypatch, keytab=centre.keytab("svc", PRINCIPAL), ticket_cache=cache, kerberos_delegation=delegation)

    assert [bool(context.context_attr & spnego.ContextReq.delegate) for context in contexts] == [delegation] * 2


def test_two_accounts_of_one_keytab_take_turns(centre: Centre, fleet: EndpointFleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """What looks and what changes may be two; their tickets need a cache that holds several (``DIR:``)."""
    (centre.folder / "caches").mkdir(mode=0o700)
    keytab, cache = centre.keytab("both", f"stranger@{REALM}"), f"DIR:{centre.folder}/caches"
    centre.keytab("both", PRINCIPAL)

    kinds = [
        [
            answer.failure and answer.failure.kind
            for answer in survey(fleet, monkeypatch, keytab=keytab, ticket_cache=cache, username=user)
        ]
        for user in (PRINCIPAL, f"stranger@{REALM}", PRINCIPAL)
    ]

    assert kinds == [[None] * 2, [FailureKind.AUTHENTICATION] * 2, [None] * 2]
    assert "stranger" in centre.log()


def test_a_cache_of_one_account_does_not_do_for_two(
    centre: Centre, fleet: EndpointFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file holds tickets of one account only, and a file is what most systems have: the remedy names the others."""
    cache = f"FILE:{centre.folder}/tickets-of-one"
    centre.run("kinit", "-k", "-t", centre.keytab("stranger", f"stranger@{REALM}"), "-c", cache, f"stranger@{REALM}")

    failures = [answer.failure for answer in survey(fleet, monkeypatch, ticket_cache=cache, username=PRINCIPAL)]
    keytab = centre.keytab("svc", PRINCIPAL)
    failures += [answer.failure for answer in survey(fleet, monkeypatch, ticket_cache=cache, username=PRINCIPAL, keytab=keytab)]

    assert all(failure is not None and "DIR:" in failure.remedy for failure in failures)


def test_a_ticket_cache_is_enough(centre: Centre, fleet: EndpointFleet, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = f"FILE:{centre.folder}/tickets"
    centre.run("kinit", "-k", "-t", centre.keytab("svc", PRINCIPAL), "-c", cache, PRINCIPAL)

    for answer in survey(fleet, monkeypatch, ticket_cache=cache):
        assert isinstance(answer.value, HostReport), answer.failure


def test_without_a_ticket_no_host_is_logged_on_to(
    centre: Centre, fleet: EndpointFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [answer.failure for answer in survey(fleet, monkeypatch, ticket_cache=f"FILE:{centre.folder}/none")]

    assert [failure and failure.kind for failure in failures] == [FailureKind.AUTHENTICATION] * 2
    assert all(failure is not None and "kinit" in failure.remedy for failure in failures)
    assert all(endpoint.logons == 0 for endpoint in fleet.endpoints.values())


def test_another_account_is_refused_by_the_host(centre: Centre, fleet: EndpointFleet, monkeypatch: pytest.MonkeyPatch) -> None:
    keytab, cache = centre.keytab("stranger", f"stranger@{REALM}"), f"FILE:{centre.folder}/tickets-of-stranger"

    failures = [answer.failure for answer in survey(fleet, monkeypatch, keytab=keytab, ticket_cache=cache)]

    assert [failure and failure.kind for failure in failures] == [FailureKind.AUTHENTICATION] * 2


def test_an_old_keytab_is_tried_once(centre: Centre, fleet: EndpointFleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that has been changed since is a wrong password, and counts as one where accounts lock."""
    keytab, cache = centre.keytab("old", PRINCIPAL), f"FILE:{centre.folder}/tickets-of-old"
    centre.admin(f"change_password -randkey {PRINCIPAL}")
    before = centre.log().count("PREAUTH_FAILED")

    failures = [answer.failure for answer in survey(fleet, monkeypatch, keytab=keytab, ticket_cache=cache)]

    assert [failure and failure.kind for failure in failures] == [FailureKind.AUTHENTICATION] * 2
    assert centre.log().count("PREAUTH_FAILED") - before == 1

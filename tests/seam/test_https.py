"""HTTPS as a fleet has it: an authority of its own, certificates that must be right, and logon by certificate."""

import datetime as dt
import ipaddress
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from reconciler.hosts.port import Answer, Call, FailureKind, HostReport, Survey, Target
from reconciler.hosts.winrm.adapter import WinRmHosts
from reconciler.hosts.winrm.breaker import Breakers
from reconciler.hosts.winrm.config import Secret, WinRmConfig
from reconciler.model.observation import Host
from reconciler.simulator.endpoint import EndpointFleet, serve_fleet
from tests.seam.by_name import answer_scripts, run_script
from tests.seam.endpoint_client import ACCOUNT

REPORT = HostReport(Host(name="hv1"))
ANSWERS = answer_scripts(lambda name, params: run_script(lambda _: REPORT, name, params))
DAY = dt.timedelta(days=1)


@dataclass
class Authority:
    """An issuer of certificates for a test, with its files in a folder."""

    folder: Path
    name: str
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def path(self) -> str:
        return str(self.folder / f"{self.name}.pem")

    def issue(self, name: str, *, address: str = "127.0.0.1", dns: str | None = None, expired: bool = False) -> tuple[str, str]:
        """Files with a certificate for an address, or a name where one is given, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = dt.datetime.now(dt.UTC)
        begin, end = (now - 3 * DAY, now - DAY) if expired else (now - DAY, now + DAY)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        place = x509.DNSName(dns) if dns else x509.IPAddress(ipaddress.ip_address(address))
        names = x509.SubjectAlternativeName([place])
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self.certificate.subject)
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(begin).not_valid_after(end).add_extension(names, critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        builder = builder.add_extension(issuer, critical=False)
        certificate = builder.sign(self.key, hashes.SHA256())
        return _written(self.folder, name, key, certificate)


def an_authority(folder: Path, name: str) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - DAY).not_valid_after(now + DAY)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    builder = builder.add_extension(usage, critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    _written(folder, name, key, certificate)
    return Authority(folder, name, key, certificate)


def _written(folder: Path, name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> tuple[str, str]:
    files = folder / f"{name}.pem", folder / f"{name}.key"
    pem = serialization.Encoding.PEM
    files[0].write_bytes(certificate.public_bytes(pem))
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    files[1].write_bytes(key.private_bytes(pem, form, plain))
    return str(files[0]), str(files[1])


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return an_authority(tmp_path, "fleet")


@pytest.fixture
def fleet(authority: Authority) -> Iterator[EndpointFleet]:
    """A host with a good certificate, that also takes certificates of its authority as a logon."""
    with serving(authority, *authority.issue("hv1")) as fleet:
        yield fleet


def serving(
    authority: Authority,
    certificate: str,
    key: str,
    verify: ssl.VerifyMode = ssl.CERT_OPTIONAL,
    highest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    **options: Any,
) -> EndpointFleet:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    tls.load_verify_locations(authority.path)
    tls.verify_mode, tls.maximum_version = verify, highest
    return serve_fleet({"hv1": ANSWERS}, ACCOUNT, tls=tls, **options)


def ask(fleet: EndpointFleet, *, name: str = "127.0.0.1", **options: Any) -> Answer:
    """A survey of the host, called by its address or by a name."""
    urls = {host: url.replace("127.0.0.1", name) for host, url in fleet.urls.items()}
    config = WinRmConfig(username=ACCOUNT.user, password=Secret(ACCOUNT.password), endpoints=urls, **options)
    hosts = WinRmHosts(config, breakers=Breakers())
    try:
        return hosts.ask([Call(Target("hv1", "hv1"), Survey())])[0]
    finally:
        hosts.close()


def test_ntlm_over_https_needs_no_encryption_of_its_own(fleet: EndpointFleet, authority: Authority) -> None:
    """The way is encrypted already; the certificate is checked against the authority that was named."""
    assert ask(fleet, ca_path=authority.path).failure is None


def test_a_host_is_held_to_the_name_that_it_is_called_by(authority: Authority) -> None:
    """What the authority has issued for one name is no proof of another."""
    with serving(authority, *authority.issue("hv1", dns="localhost")) as fleet:
        good = ask(fleet, name="localhost", ca_path=authority.path)
    with serving(authority, *authority.issue("hv2", dns="hv2.contoso.com")) as fleet:
        bad = ask(fleet, name="localhost", ca_path=authority.path).failure
        logons = fleet.endpoints["hv1"].logons

    assert isinstance(good.value, HostReport)
    assert bad is not None
    assert "certificate is not accepted" in bad.finding
    assert logons == 0


def test_basic_goes_over_https_where_the_host_takes_it(authority: Authority) -> None:
    with serving(authority, *authority.issue("hv1"), allow_basic=True) as fleet:
        assert ask(fleet, transport="ssl", ca_path=authority.path).failure is None


@pytest.mark.parametrize("why", ["another authority", "expired", "another address", "no authority named"])
def test_a_certificate_that_is_not_right_is_refused_before_any_logon(authority: Authority, tmp_path: Path, why: str) -> None:
    """Whoever answers there may be anybody; no password is on its way, and the remedy names what to look at."""
    other = an_authority(tmp_path, "other")
    wrong = {"expired": {"expired": True}, "another address": {"address": "10.1.2.3"}}.get(why, {})
    path = {"another authority": other.path, "no authority named": None}.get(why, authority.path)
    with serving(authority, *authority.issue("hv1", **wrong)) as fleet:  # type: ignore[arg-type]
        failure = ask(fleet, ca_path=path).failure
        logons = fleet.endpoints["hv1"].logons

    assert failure is not None
    assert (failure.kind, logons) == (FailureKind.UNREACHABLE, 0)
    assert "certificate is not accepted" in failure.finding
    assert "ca_path" in failure.remedy


def test_unchecked_certificates_are_taken_only_where_that_was_asked_for_by_name(authority: Authority) -> None:
    with serving(authority, *authority.issue("hv1", expired=True)) as fleet:
        answer = ask(fleet, server_cert_validation="ignore", allow_ignored_certificates=True)

    assert answer.failure is None


def test_a_certificate_is_a_logon_of_its_own(fleet: EndpointFleet, authority: Authority) -> None:
    """No password travels; a certificate of an authority that the host does not trust is none."""
    certificate, key = authority.issue("controller")
    options = {"transport": "certificate", "ca_path": authority.path}

    good = ask(fleet, certificate_path=certificate, certificate_key_path=key, **options)
    stranger, stranger_key = an_authority(authority.folder, "stranger").issue("intruder")
    bad = ask(fleet, certificate_path=stranger, certificate_key_path=stranger_key, **options)

    assert good.failure is None
    assert bad.failure is not None


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_listener_that_wants_a_certificate_before_anything_else(authority: Authority, version: ssl.TLSVersion) -> None:
    """A certificate of another authority, or none, ends the handshake there, and nobody logs on."""
    controller, key = authority.issue("controller")
    stranger, strange_key = an_authority(authority.folder, "stranger").issue("intruder")
    ca: Any = {"transport": "certificate", "ca_path": authority.path}
    with serving(authority, *authority.issue("hv1"), verify=ssl.CERT_REQUIRED, highest=version) as fleet:
        good = ask(fleet, certificate_path=controller, certificate_key_path=key, **ca)
        logons = fleet.endpoints["hv1"].logons
        foreign = ask(fleet, certificate_path=stranger, certificate_key_path=strange_key, **ca).failure
        none = ask(fleet, ca_path=authority.path).failure

        assert fleet.endpoints["hv1"].logons == logons
    assert isinstance(good.value, HostReport), good.failure
    assert [failure and failure.kind for failure in (foreign, none)] == [FailureKind.UNREACHABLE] * 2


def test_a_handshake_that_the_host_ends_is_not_laid_at_its_certificate(authority: Authority) -> None:
    """The remedy is about ours. (With TLS 1.3 the end may come as a broken connection: the handshake was over for us.)"""
    with serving(authority, *authority.issue("hv1"), verify=ssl.CERT_REQUIRED, highest=ssl.TLSVersion.TLSv1_2) as fleet:
        failure = ask(fleet, ca_path=authority.path).failure

    assert failure is not None
    assert "broke off the TLS handshake" in failure.finding
    assert "certificate_path" in failure.remedy

"""Where the controller's own configuration comes from, and what it refuses."""

from pathlib import Path

import pytest

from reconciler.hosts.port import Target
from reconciler.hosts.winrm.config import Purpose, Secret, WinRmConfig, WinRmConfigError, config_from

ENVIRONMENT = {"RECONCILER_WINRM_USERNAME": r"CONTOSO\svc", "RECONCILER_WINRM_PASSWORD": "s3cret!"}


def a_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    """A configuration file."""
    file = folder / "winrm.yaml"
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    return file


def test_the_environment_has_the_last_word(tmp_path: Path) -> None:
    """A file for what rarely changes, variables for what a scheduler hands in."""
    file = a_file(
        tmp_path, "username: old\nport: 15986\nallowed_domains: [contoso.com]\nendpoints: {hv1: 'https://127.0.0.1:1/wsman'}\n"
    )

    config = config_from(ENVIRONMENT | {"RECONCILER_WINRM_DEADLINE_SECONDS": "90"}, file)

    assert (config.username, config.password.reveal()) == (r"CONTOSO\svc", "s3cret!")
    assert (config.port, config.deadline_seconds, config.allowed_domains) == (15986, 90, ("contoso.com",))
    assert config.url_of(Target("HV1", "hv1.contoso.com")) == "https://127.0.0.1:1/wsman"
    assert config.url_of(Target("hv2", "hv2.contoso.com")) == "https://hv2.contoso.com:15986/wsman"


def test_a_password_in_a_readable_file_is_refused(tmp_path: Path) -> None:
    """The remedy is the command to run; without a password anybody may read the file."""
    with pytest.raises(WinRmConfigError, match="chmod 600"):
        config_from({}, a_file(tmp_path, "password: s3cret!\n", 0o640))

    assert config_from({}, a_file(tmp_path, "username: svc\n", 0o644)).username == "svc"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("password: [s3cret!\n", "is not YAML"),
        ("password: 's3cret!'\npasword: 1\n", "unknown fields"),
        ("- s3cret!\n", "holds no fields"),
        ("password: {a: s3cret!}\n", "password is not understood"),
        ("transport: telnet\n", "use one of ntlm"),
        ("scheme: ftp\n", "use http or https"),
        ("port: many\n", "port is not understood"),
        ("deadline_seconds: 0\n", "greater than 0"),
        ("endpoints: {hv1: '127.0.0.1'}\n", "no http or https URL"),
    ],
)
def test_a_mistake_is_named_and_the_password_is_not(tmp_path: Path, text: str, words: str) -> None:
    """Parsers like to quote the line that they stumbled over; here they do not."""
    with pytest.raises(WinRmConfigError, match=words) as caught:
        config_from({}, a_file(tmp_path, text))

    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("transport", ["basic", "ssl"])
def test_a_password_never_goes_in_clear_by_accident(transport: str) -> None:
    """Basic over plain HTTP must be asked for by name, also where one endpoint alone would use it."""
    with pytest.raises(WinRmConfigError, match="readable by anyone"):
        WinRmConfig(transport=transport, scheme="http")
    with pytest.raises(WinRmConfigError, match="readable by anyone"):
        WinRmConfig(transport=transport, endpoints={"hv1": "http://127.0.0.1:5985/wsman"})

    assert WinRmConfig(transport=transport, scheme="http", allow_basic_over_http=True).scheme == "http"


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("hv1.contoso.com", True),
        ("HV1.CONTOSO.COM.", True),
        ("hv1.eu.contoso.com", True),
        ("hv1.evilcontoso.com", False),
        ("contoso.com.evil.net", False),
        ("10.0.0.1", False),
    ],
)
def test_only_addresses_in_allowed_domains_are_contacted(address: str, allowed: bool) -> None:
    """Whoever may change a host's address must not be able to point our credentials at a machine of their own."""
    assert WinRmConfig(allowed_domains=(".contoso.com",)).allows(Target("hv1", address)) is allowed


def test_a_secret_shows_itself_only_when_asked() -> None:
    """Not in formatted text, and not as part of a larger value."""
    secret = Secret("s3cret!")

    assert f"{secret} {secret!r} {[secret]}" == "Secret('***') Secret('***') [Secret('***')]"
    assert secret.reveal() == "s3cret!"


def test_looking_and_changing_may_have_identities_of_their_own(tmp_path: Path) -> None:
    """The section wins over what is said for both, and a variable for one purpose over all; the rest is common."""
    file = a_file(tmp_path, "username: both\nport: 15986\nread: {username: reader, transport: kerberos}\n")
    secret = {"RECONCILER_WINRM_PASSWORD": "one", "RECONCILER_WINRM_WRITE_PASSWORD": "two"}

    reader, writer = (config_from(secret, file, purpose) for purpose in Purpose)

    assert (reader.username, reader.transport, reader.port, reader.password.reveal()) == ("reader", "kerberos", 15986, "one")
    assert (writer.username, writer.transport, writer.port, writer.password.reveal()) == ("both", "ntlm", 15986, "two")


@pytest.mark.parametrize("text", ["read: reader\n", "write: {port: 1}\n", "read: {usename: svc}\n"])
def test_an_identity_is_a_mapping_of_what_identities_have(tmp_path: Path, text: str) -> None:
    with pytest.raises(WinRmConfigError, match=r"read and write hold an identity each|unknown fields"):
        config_from({}, a_file(tmp_path, text))


def test_a_password_in_a_section_is_kept_from_others_too(tmp_path: Path) -> None:
    with pytest.raises(WinRmConfigError, match="chmod 600"):
        config_from({}, a_file(tmp_path, "write: {password: s3cret!}\n", 0o640))

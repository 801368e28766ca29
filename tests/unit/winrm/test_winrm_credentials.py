"""Where the password comes from, what is asked for by name only, and that no mistake shows a secret."""

import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.hosts.winrm import credentials
from reconciler.hosts.winrm.config import Purpose, WinRmConfig, WinRmConfigError, config_from, kerberos_environment

PREFIX = "RECONCILER_WINRM_"


def printing(code: str) -> str:
    """A command line that runs a line of Python."""
    return f'{sys.executable} -c "{code}"'


def test_a_password_comes_from_a_file_that_only_its_owner_can_read(tmp_path: Path) -> None:
    """The line end that editors add is not part of it."""
    file = tmp_path / "password"
    file.write_text("s3cret! \n", encoding="utf-8")
    file.chmod(0o600)
    assert config_from({PREFIX + "PASSWORD_FILE": str(file)}).password.reveal() == "s3cret! "

    file.chmod(0o640)
    with pytest.raises(WinRmConfigError, match="chmod 600"):
        config_from({PREFIX + "PASSWORD_FILE": str(file)})


def test_a_password_comes_from_the_first_line_of_a_command() -> None:
    """A vault's client prints it; no shell is between."""
    command = printing("print('s3cret! $HOME'); print('more')")

    assert config_from({PREFIX + "PASSWORD_COMMAND": command}).password.reveal() == "s3cret! $HOME"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (printing("print('s3cret'); raise SystemExit(3)"), "failed with 3"),
        (printing("pass"), "printed nothing"),
        ("/nowhere/vault s3cret", "cannot be started"),
        (printing("import time; print('s3cret', flush=True); time.sleep(60)"), "more than 0.5 s"),
    ],
)
def test_a_command_that_gives_no_password_says_why_and_nothing_else(
    command: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither what it printed nor how it was called, for either may be the secret."""
    if "sleep" in command:
        monkeypatch.setattr(credentials, "COMMAND_SECONDS", 0.5)
    with pytest.raises(WinRmConfigError, match=words) as caught:
        config_from({PREFIX + "PASSWORD_COMMAND": command})

    assert "s3cret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_one_source_is_named_and_the_environment_replaces_the_files(tmp_path: Path) -> None:
    """Two in one place are a mistake; one in the environment stands for all of them in the file."""
    file = tmp_path / "winrm.yaml"
    file.write_text("password: old\n", encoding="utf-8")
    file.chmod(0o600)

    assert config_from({PREFIX + "PASSWORD_COMMAND": printing("print('new')")}, file).password.reveal() == "new"
    with pytest.raises(WinRmConfigError, match="password and password_command are both given"):
        config_from({PREFIX + "PASSWORD": "a", PREFIX + "PASSWORD_COMMAND": "b"})


@pytest.mark.parametrize(
    ("variables", "extra"),
    [
        ({"TRANSPORT": "kerberos"}, r"reconciler\[kerberos\]"),
        ({"TRANSPORT": "credssp"}, r"reconciler\[credssp\]"),
        ({"PASSWORD_KEYRING": "reconciler"}, r"reconciler\[keyring\]"),
    ],
)
def test_a_library_that_is_missing_is_named_with_the_command_that_brings_it(
    variables: dict[str, str], extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(WinRmConfigError, match=extra):
        kerberos_environment(config_from({PREFIX + name: value for name, value in variables.items()}))


def test_kerberos_finds_its_keytab_and_its_tickets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the variables that the Kerberos library reads; a keytab that others may read is a password that they may read."""
    keytab = tmp_path / "svc.keytab"
    keytab.write_bytes(b"x")
    keytab.chmod(0o600)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    config = WinRmConfig(transport="kerberos", keytab=str(keytab), ticket_cache="FILE:/run/tickets")

    assert kerberos_environment(config) == {"KRB5_CLIENT_KTNAME": f"FILE:{keytab}", "KRB5CCNAME": "FILE:/run/tickets"}
    assert kerberos_environment(WinRmConfig(keytab=str(keytab))) == {}
    keytab.chmod(0o644)
    with pytest.raises(WinRmConfigError, match="chmod 600"):
        kerberos_environment(config)


def test_kerberos_has_no_name_with_a_backslash() -> None:
    """The library would drop the backslash and ask for an account that nobody has."""
    with pytest.raises(WinRmConfigError, match="user@REALM"):
        WinRmConfig(transport="kerberos", username=r"CONTOSO\svc")


@dataclass
class SafePlace:
    """What a keyring in memory knows by service and account, and what it raises where it is locked."""

    known: dict[tuple[str, str], str]
    trouble: Exception | None = None

    def get(self, service: str, username: str) -> str | None:
        if self.trouble:
            raise self.trouble
        return self.known.get((service, username))


@pytest.fixture
def safe_place() -> Iterator[SafePlace]:
    """The keyring of this process, put back afterwards."""
    why = "the library is missing: pip install 'reconciler[keyring]'"
    keyring = pytest.importorskip("keyring", reason=why)
    base: Any = pytest.importorskip("keyring.backend", reason=why).KeyringBackend
    place = SafePlace({})

    class InMemory(base):  # type: ignore[misc]
        priority = 1.0
        set_password = None

        def get_password(self, service: str, username: str) -> str | None:
            return place.get(service, username)

    before = keyring.get_keyring()
    keyring.set_keyring(InMemory())
    yield place
    keyring.set_keyring(before)


def test_a_password_comes_from_the_keyring_for_the_account_that_is_named(safe_place: SafePlace) -> None:
    """Each identity has an entry of its own under the same service."""
    safe_place.known = {("reconciler", "svc"): "s3cret!", ("reconciler", "reader"): "other"}
    variables = {PREFIX + "PASSWORD_KEYRING": "reconciler", PREFIX + "USERNAME": "svc", PREFIX + "READ_USERNAME": "reader"}

    reader, writer = (config_from(variables, None, purpose) for purpose in Purpose)

    assert (reader.password.reveal(), writer.password.reveal()) == ("other", "s3cret!")


def test_a_keyring_that_gives_nothing_says_why_and_nothing_else(safe_place: SafePlace) -> None:
    """Its own words may hold what it knows."""
    variables = {PREFIX + "PASSWORD_KEYRING": "reconciler", PREFIX + "USERNAME": "svc"}
    with pytest.raises(WinRmConfigError, match="keyring set reconciler svc"):
        config_from(variables)

    safe_place.trouble = RuntimeError("locked, s3cret!")
    with pytest.raises(WinRmConfigError, match="is it unlocked") as caught:
        config_from(variables)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_what_weakens_the_connection_is_asked_for_by_name_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(WinRmConfigError, match="allow_ignored_certificates"):
        WinRmConfig(server_cert_validation="ignore")

    config_from({PREFIX + "SERVER_CERT_VALIDATION": "ignore", PREFIX + "ALLOW_IGNORED_CERTIFICATES": "true"})
    config_from({PREFIX + "TRANSPORT": "basic", PREFIX + "SCHEME": "http", PREFIX + "ALLOW_BASIC_OVER_HTTP": "true"})

    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert "certificates of hosts are not checked" in caplog.text
    assert "plain http" in caplog.text


@pytest.mark.parametrize("options", [{}, {"certificate_path": "a", "certificate_key_path": "b", "scheme": "http"}])
def test_a_logon_by_certificate_needs_both_files_and_https(options: dict[str, str]) -> None:
    with pytest.raises(WinRmConfigError, match="transport certificate"):
        WinRmConfig(transport="certificate", **options)  # type: ignore[arg-type]

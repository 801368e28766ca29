"""Where the controller's password comes from: a variable, a file that only its owner can read, a keyring, or a command.

Never from the desired state. Exactly one source is named; what goes wrong is said without a word of what was read. Libraries
that only some ways in need are looked for before anything is tried with them.
"""

import importlib.util
import os
import shlex
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

SOURCES: Final = ("password", "password_file", "password_command", "password_keyring")
COMMAND_SECONDS: Final = 30
NEEDS: Final = {
    "kerberos": ("kerberos", "kerberos"),
    "credssp": ("requests_credssp", "credssp"),
}
"""By transport: the library that it needs, and the extra of this package that brings it."""


class CredentialError(Exception):
    """There is no password to be had; the message says why and what to do, and nothing of the password."""


def read_password(values: Mapping[str, Any]) -> str:
    """Return the password from the one source that is named; empty where none is (tickets and certificates need none)."""
    named = [source for source in SOURCES if values.get(source)]
    if len(named) > 1:
        raise CredentialError(f"{' and '.join(named)} are both given; keep one of them")
    if not named:
        return ""
    readers = {"password_file": _from_file, "password_command": _from_command}
    source = named[0]
    if source == "password_keyring":
        return _from_keyring(str(values[source]), str(values.get("username") or ""))
    return readers[source](values[source]) if source in readers else str(values[source])


def check_library(transport: str) -> None:
    """Raise CredentialError where a way in needs a library that is not installed."""
    library, extra = NEEDS.get(transport, ("", ""))
    if library and importlib.util.find_spec(library) is None:
        raise CredentialError(f"transport {transport} needs a library that is not here; run: pip install 'reconciler[{extra}]'")


def kerberos_variables(keytab: str | None, ticket_cache: str | None) -> dict[str, str]:
    """Return the variables by which the Kerberos library finds keytab and ticket cache. CredentialError for a bad keytab."""
    if keytab is not None:
        _check_private(Path(keytab), "the keytab")
    names = {"KRB5_CLIENT_KTNAME": keytab and f"FILE:{keytab}", "KRB5CCNAME": ticket_cache}
    return {name: value for name, value in names.items() if value}


def _from_file(name: Any) -> str:
    file = Path(str(name))
    _check_private(file, "the password file")
    return file.read_text(encoding="utf-8").rstrip("\r\n")


def _check_private(file: Path, what: str) -> None:
    try:
        mode = file.stat().st_mode
    except OSError as problem:
        raise CredentialError(f"{what} {file} cannot be read ({problem.strerror}); check the path and its rights") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO) and os.name == "posix":
        raise CredentialError(f"{what} {file} may be read by others; run: chmod 600 {file}")


def _from_command(command: Any) -> str:
    """Return the first line that a command prints. It is not run by a shell, and its own complaints are not repeated."""
    words = [str(word) for word in command] if isinstance(command, list) else shlex.split(str(command))
    try:
        done = subprocess.run(words, capture_output=True, timeout=COMMAND_SECONDS, check=False, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        raise CredentialError(f"the password command took more than {COMMAND_SECONDS} s; run it by hand") from None
    except (OSError, ValueError):
        raise CredentialError("the password command cannot be started; check its path and its rights") from None
    if done.returncode:
        raise CredentialError(f"the password command failed with {done.returncode}; run it by hand")
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    if not lines or not lines[0]:
        raise CredentialError("the password command printed nothing; its first line is the password")
    return lines[0]


def _from_keyring(service: str, username: str) -> str:
    if importlib.util.find_spec("keyring") is None:
        raise CredentialError("the keyring needs a library that is not here; run: pip install 'reconciler[keyring]'")
    keyring = importlib.import_module("keyring")
    try:
        found = keyring.get_password(service, username)
    except Exception:  # backends raise what they like, and their words may hold what they know
        raise CredentialError("the keyring cannot be read; is it unlocked?") from None
    if not found:
        raise CredentialError(f"the keyring has nothing for {service} and {username}; run: keyring set {service} {username}")
    return str(found)

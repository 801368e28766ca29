"""The controller's own configuration of WinRM: who it is, how it connects, whom it may talk to.

Never part of the desired state. Comes from environment variables ``RECONCILER_WINRM_*`` or a YAML file; the password also
from a file of its own, a keyring or a command (``credentials``). Every mistake is a ``WinRmConfigError`` with a remedy; none
of them ever shows the password. What weakens the connection must be asked for by name, and is logged.
"""

import logging
import os
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from reconciler.hosts.port import Target
from reconciler.hosts.winrm.credentials import SOURCES, CredentialError, check_library, kerberos_variables, read_password

_log = logging.getLogger(__name__)

PREFIX: Final = "RECONCILER_WINRM_"
TRANSPORTS: Final = ("ntlm", "kerberos", "credssp", "certificate", "ssl", "basic")
CLEAR_TRANSPORTS: Final = ("basic", "ssl")  # these do not encrypt messages themselves
PORTS: Final = {"http": 5985, "https": 5986}


# Who the controller is; the sections ``read`` and ``write`` may hold these.
IDENTITY: Final = ("username", *SOURCES, "transport", "certificate_path", "certificate_key_path")


class Purpose(StrEnum):
    """What an identity is for: to look, or to change. Commands that only look never load the other one."""

    READ = "read"
    WRITE = "write"


class WinRmConfigError(Exception):
    """The configuration cannot be used; the message says why and what to do."""


class Secret:
    """A text that shows itself to nobody who does not ask for it by name."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "Secret('***')"


@dataclass(frozen=True, slots=True)
class WinRmConfig:
    """How to reach hosts. ``endpoints`` maps host names to URLs of their own, for simulated fleets on loopback.

    ``allowed_domains`` are suffixes of addresses ("contoso.com"); where given, no other address is ever contacted.
    ``deadline_seconds`` bounds one whole operation, whatever the network does. ``keep_process``: one PowerShell on each host
    serves many calls; else each call starts its own.
    """

    username: str = ""
    password: Secret = field(default_factory=lambda: Secret(""))
    transport: str = "ntlm"
    scheme: str = "https"
    port: int | None = None
    ca_path: str | None = None
    server_cert_validation: str = "validate"
    certificate_path: str | None = None
    certificate_key_path: str | None = None
    keytab: str | None = None
    ticket_cache: str | None = None
    kerberos_delegation: bool = False
    allow_basic_over_http: bool = False
    allow_ignored_certificates: bool = False
    allowed_domains: tuple[str, ...] = ()
    deadline_seconds: float = 60
    connect_seconds: float = 10
    keep_process: bool = True
    endpoints: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_config(self)

    def url_of(self, target: Target) -> str:
        """Return the URL of a host's WinRM service."""
        own = {name.casefold(): url for name, url in self.endpoints.items()}.get(target.name.casefold())
        host = f"[{target.address}]" if ":" in target.address else target.address
        return own or f"{self.scheme}://{host}:{self.port or PORTS[self.scheme]}/wsman"

    def allows(self, target: Target) -> bool:
        """Tell whether the host may be contacted: it has an endpoint of its own, or its address is in an allowed domain."""
        if not self.allowed_domains or target.name.casefold() in {name.casefold() for name in self.endpoints}:
            return True
        address = target.address.casefold().rstrip(".")
        suffixes = [domain.casefold().strip(".") for domain in self.allowed_domains]
        return any(address == suffix or address.endswith(f".{suffix}") for suffix in suffixes)


NAMES: Final = frozenset(item.name for item in fields(WinRmConfig)) | frozenset(SOURCES)


def check_config(config: WinRmConfig) -> None:
    """Raise WinRmConfigError for what can never work or would send a password in clear."""
    if config.transport not in TRANSPORTS:
        raise WinRmConfigError(f"transport is {config.transport!r}; use one of {', '.join(TRANSPORTS)}")
    if config.scheme not in PORTS:
        raise WinRmConfigError(f"scheme is {config.scheme!r}; use http or https")
    if config.server_cert_validation not in ("validate", "ignore"):
        raise WinRmConfigError("server_cert_validation must be validate or ignore")
    if config.server_cert_validation == "ignore" and not config.allow_ignored_certificates:
        raise WinRmConfigError(
            "server_cert_validation ignore lets anyone on the way pose as a host; name the hosts' authority with ca_path, "
            "or set allow_ignored_certificates where the way is this machine alone"
        )
    _check_identity(config)
    if config.deadline_seconds <= 0 or config.connect_seconds <= 0:
        raise WinRmConfigError("deadline_seconds and connect_seconds must be greater than 0")
    schemes = {urlsplit(url).scheme for url in config.endpoints.values()} | {config.scheme}
    if not schemes <= set(PORTS):
        raise WinRmConfigError("an endpoint is no http or https URL")
    if config.transport in CLEAR_TRANSPORTS and "http" in schemes and not config.allow_basic_over_http:
        raise WinRmConfigError(
            f"transport {config.transport} over http sends the password readable by anyone on the way; "
            "use https, or ntlm or kerberos, or set allow_basic_over_http where the way is this machine alone"
        )


def _check_identity(config: WinRmConfig) -> None:
    if config.transport == "certificate" and not (config.certificate_path and config.certificate_key_path):
        raise WinRmConfigError("transport certificate needs certificate_path and certificate_key_path, both PEM files")
    if config.transport == "certificate" and "http" in {urlsplit(url).scheme for url in config.endpoints.values()} | {
        config.scheme
    }:
        raise WinRmConfigError("transport certificate works over https only; set scheme https")
    if config.transport == "kerberos" and "\\" in config.username:
        raise WinRmConfigError(
            "transport kerberos knows accounts as user@REALM, not as DOMAIN\\user; leave the name out to be whom the keytab or "
            "the ticket is for"
        )


def config_from(environment: Mapping[str, str], file: Path | None = None, purpose: Purpose = Purpose.READ) -> WinRmConfig:
    """Return the configuration that a file (if given) and the environment describe; the environment has the last word.

    Variables are the field names in upper case after ``RECONCILER_WINRM_``; lists are separated by commas. The identity
    for ``purpose`` (the section of that name, variables with its name in between) wins over the one for both.
    """
    values = _from_file(file) if file else {}
    own = {each: values.pop(each.value, None) or {} for each in Purpose}[purpose]
    names = NAMES - {"endpoints"}
    layers = (
        _from_environment(environment, PREFIX, names),
        own,
        _from_environment(environment, f"{PREFIX}{purpose.value.upper()}_", IDENTITY),
    )
    for layer in layers:
        values = _over(values, layer)
    typed = {name: _value(name, value) for name, value in sorted(values.items())}
    try:
        secret = Secret(read_password({name: _shown(value) for name, value in typed.items()}))
        config = WinRmConfig(**{name: value for name, value in typed.items() if name not in SOURCES}, password=secret)
    except CredentialError as problem:
        raise WinRmConfigError(str(problem)) from None
    _tell_of_weakness(config)
    return config


def kerberos_environment(config: WinRmConfig) -> dict[str, str]:
    """Return the variables that the Kerberos library reads.

    WinRmConfigError where the keytab cannot be used, or the library that the transport needs is not installed.
    """
    try:
        check_library(config.transport)
        return kerberos_variables(config.keytab, config.ticket_cache) if config.transport == "kerberos" else {}
    except CredentialError as problem:
        raise WinRmConfigError(str(problem)) from None


def _shown(value: Any) -> Any:
    return value.reveal() if isinstance(value, Secret) else value


def _tell_of_weakness(config: WinRmConfig) -> None:
    """Log what was allowed by name and makes the connection weaker, each time it is used."""
    schemes = {urlsplit(url).scheme for url in config.endpoints.values()} | {config.scheme}
    if config.transport in CLEAR_TRANSPORTS and "http" in schemes:
        _log.warning("the password goes over plain http, because allow_basic_over_http is set")
    if config.server_cert_validation == "ignore":
        _log.warning("certificates of hosts are not checked, because allow_ignored_certificates is set")


def _over(values: dict[str, Any], layer: dict[str, Any]) -> dict[str, Any]:
    """Return the values with a layer over them; a password there, wherever it comes from, replaces the one below."""
    covered = SOURCES if any(source in layer for source in SOURCES) else ()
    return {name: value for name, value in values.items() if name not in covered} | layer


def _from_environment(environment: Mapping[str, str], prefix: str, names: Iterable[str]) -> dict[str, Any]:
    return {name: environment[prefix + name.upper()] for name in names if prefix + name.upper() in environment}


def _from_file(file: Path) -> dict[str, Any]:
    try:
        mode, text = file.stat().st_mode, file.read_text(encoding="utf-8")
    except OSError as problem:
        raise WinRmConfigError(f"{file} cannot be read ({problem.strerror}); check the path and its rights") from None
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError:
        # The parser's message quotes the lines it stumbled over, and one of them may be the password.
        raise WinRmConfigError(f"{file} is not YAML; correct its syntax") from None
    if not isinstance(values, dict):
        raise WinRmConfigError(f"{file} holds no fields; write `username: ...` and the like")
    sections = [values, *_identities(file, values)]
    if any("password" in section for section in sections) and mode & (stat.S_IRWXG | stat.S_IRWXO) and os.name == "posix":
        raise WinRmConfigError(f"{file} holds a password and others may read it; run: chmod 600 {file}")
    known = {*NAMES, *Purpose}
    unknown = sorted(str(name) for name in values if name not in known)
    unknown += sorted(str(name) for section in sections[1:] for name in section if name not in IDENTITY)
    if unknown:
        raise WinRmConfigError(f"{file} has unknown fields ({', '.join(unknown)}); see docs/winrm.md for the known ones")
    return values


def _identities(file: Path, values: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the sections ``read`` and ``write``, as far as they are given."""
    sections = [values[purpose] for purpose in Purpose if values.get(purpose) is not None]
    if not all(isinstance(section, dict) for section in sections):
        raise WinRmConfigError(f"{file}: read and write hold an identity each; write `read: {{username: ..., password: ...}}`")
    return sections


def _value(name: str, value: Any) -> Any:
    """Return a value of the field's type from a text or from YAML."""
    convert: Callable[[Any], Any] = _CONVERSIONS.get(name, _text)
    try:
        return convert(value)
    except (TypeError, ValueError):
        raise WinRmConfigError(f"{name} is not understood; see docs/winrm.md for what it may be") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _flag(value: Any) -> bool:
    words = {True: True, False: False, "true": True, "false": False}
    folded = value.casefold() if isinstance(value, str) else value
    if folded not in words or not isinstance(folded, str | bool):
        raise ValueError
    return words[folded]


def _suffixes(value: Any) -> tuple[str, ...]:
    items = value.split(",") if isinstance(value, str) else value
    return tuple(_text(item).strip() for item in items if item)


def _endpoints(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise TypeError
    return {_text(name): _text(url) for name, url in value.items()}


_CONVERSIONS: Final[dict[str, Callable[[Any], Any]]] = {
    "password": lambda value: Secret(_text(value)),
    "port": int,
    "deadline_seconds": float,
    "connect_seconds": float,
    "password_command": lambda value: value if isinstance(value, list) else _text(value),
    "allow_basic_over_http": _flag,
    "allow_ignored_certificates": _flag,
    "kerberos_delegation": _flag,
    "keep_process": _flag,
    "allowed_domains": _suffixes,
    "endpoints": _endpoints,
}

"""What exceptions of the layers below mean to the program: a Failure with a finding and a remedy. Pure.

The kind follows from one question: could the script have begun? Before the last piece of its input has been sent it could
not, so the host is merely out of reach. After that, a lost answer of a change is ``UNKNOWN`` and of a read ``GARBLED``.
No text of a password is ever part of these exceptions; their own messages are still shown only where they are known.
"""

import re
from typing import Final
from urllib.parse import urlsplit

import requests
from winrm.exceptions import InvalidCredentialsError, WinRMOperationTimeoutError, WinRMTransportError, WSManFaultError

from reconciler.hosts.port import Failure, FailureKind
from reconciler.hosts.winrm.breaker import CredentialBusyError, CredentialRefusedError
from reconciler.hosts.winrm.config import PORTS
from reconciler.hosts.winrm.frame import FrameError, RemoteError
from reconciler.model.host_failures import Cause, diagnose

SHELL_GONE, TOO_MANY_SHELLS, TOO_MANY_OPERATIONS, ACCESS_DENIED = 2150858843, 2150859173, 2150859174, 5
FRESH_SHELL_HELPS: Final = frozenset({SHELL_GONE, TOO_MANY_OPERATIONS})

CHECK_ADDRESS = "check the host's address, that it runs, and that its firewall lets this machine in"
CHECK_PASSWORD = (
    "correct the user name, password or keytab and start again; it is tried only once, because Windows locks accounts "
    "after a few failures"
)
LOOK_AGAIN = "nothing is repeated blindly: the next observation shows whether it took effect"
ASK_AGAIN = "it is asked again with the next survey; if it stays so, run `reconciler doctor`"

# Remedies of ids that say nothing about why a migration fails; the rest are in ``model/host_failures``.
REMEDIES: Final = {
    "reconciler.machine-not-found": "observe again: the machine is on another host by now",
    "reconciler.not-found": "observe again: the migration has ended",
    "reconciler.not-a-cluster-node": "place highly available machines on cluster nodes",
    "reconciler.file-clash": "give each machine a folder of its own",
}


class DeadlineError(Exception):
    """The operation's own deadline has passed."""


class TooLargeError(Exception):
    """The command wrote more than is ever read of it."""


class LogonRefusedError(InvalidCredentialsError):
    """The credentials were refused in another way than by HTTP 401; ``how`` says which. It counts where accounts lock."""

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


def refusal_of_logon(problem: Exception) -> LogonRefusedError | None:
    """Return what an exception of a logon library means where it means refused credentials, else None.

    Without it a wrong password would be tried at every host: only ``InvalidCredentialsError`` stops the others. The libraries
    may not be installed, so their exceptions are known by name.
    """
    text, origin = str(problem), f"{type(problem).__module__}.{type(problem).__name__}"
    if origin == "winrm.vendor.requests_kerberos.exceptions.KerberosExchangeError" and _REFUSED_BY_CENTRE.search(text):
        return LogonRefusedError(f"Kerberos: {_reason_of(problem)}")
    if origin == "requests_credssp.exceptions.NTStatusException" or (
        origin == "requests_credssp.exceptions.AuthenticationException" and text.startswith(NO_TOKEN)
    ):
        return LogonRefusedError("CredSSP")
    return None


NO_TOKEN: Final = "Server did not response with a CredSSP token"
NO_OFFER: Final = "The server did not response CredSSP being an available authentication method"
# KDC_ERR_CLIENT_REVOKED, KDC_ERR_KEY_EXPIRED, KDC_ERR_PREAUTH_FAILED, KRB_AP_ERR_BAD_INTEGRITY (krb5.h: -1765328384 + code)
_REFUSED_BY_CENTRE: Final = re.compile(r"-17653283(66|61|60|53)\b")
_GSS_WORDS: Final = re.compile(r"""(?:'([^']*)'|"([^"]*)"), -?\d+\)""")


def _reason_of(problem: Exception) -> str:
    """Return the last words of a GSSAPI error, which are the Kerberos library's own."""
    found = _GSS_WORDS.findall(str(problem))
    return next((one or other for one, other in reversed(found)), type(problem).__name__)[:200]


def place_of(url: str) -> str:
    """Return ``host:port`` of a URL."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or PORTS.get(parts.scheme, 0)}"


def failure_of(problem: Exception, url: str, *, changes: bool, sent: bool) -> Failure:
    """Return what an exception means. ``sent``: the script may have run. ``changes``: it changes something."""
    logon = _logon_failure(problem, url)
    if sent and changes:
        finding = f"{place_of(url)} got the order, and its answer was lost ({explain(problem)})"
        return Failure(FailureKind.UNKNOWN, finding, LOOK_AGAIN)
    if logon:
        return logon
    if sent:
        return Failure(FailureKind.GARBLED, f"{place_of(url)} gave no whole answer: {explain(problem)}", ASK_AGAIN)
    return Failure(FailureKind.UNREACHABLE, f"{place_of(url)} cannot be asked: {explain(problem)}", _way_in(problem))


def _logon_failure(problem: Exception, url: str) -> Failure | None:
    if isinstance(problem, CredentialRefusedError):
        finding = f"{place_of(url)} was not asked: {problem.host} refused the user name or password before"
    elif isinstance(problem, LogonRefusedError):
        finding = f"the credentials for {place_of(url)} were refused ({problem.how})"
    elif isinstance(problem, InvalidCredentialsError):
        finding = f"{place_of(url)} refused the user name or password (HTTP 401)"
    elif isinstance(problem, WSManFaultError) and problem.wsman_fault_code == ACCESS_DENIED:
        remedy = "make the account a member of Remote Management Users and Hyper-V Administrators on the host"
        return Failure(FailureKind.AUTHENTICATION, f"{place_of(url)} denies the account access", remedy)
    elif "kerberos" in type(problem).__module__:
        remedy = "get a ticket (kinit), and use the name that the host's service principal has"
        if re.search("does not match desired name|in cache collection", str(problem)):
            remedy = (
                "get a ticket for this account (kinit); where there are two, name a ticket_cache that holds several (DIR:...)"
            )
        finding = f"Kerberos gave no ticket for {place_of(url)}: {_reason_of(problem)}"
        return Failure(FailureKind.AUTHENTICATION, finding, remedy)
    elif str(problem).startswith(NO_OFFER):
        remedy = "run on the host: Enable-WSManCredSSP -Role Server -Force; or use another transport"
        return Failure(FailureKind.AUTHENTICATION, f"{place_of(url)} does not offer CredSSP", remedy)
    else:
        return None
    return Failure(FailureKind.AUTHENTICATION, finding, CHECK_PASSWORD)


def explain(problem: Exception) -> str:
    """Return in few words what happened."""
    if isinstance(problem, FrameError):
        return str(problem)
    if isinstance(problem, WSManFaultError):
        return f"WS-Management fault {problem.wsman_fault_code or problem.wmierror_code}: {problem.reason.strip()[:200]}"
    if isinstance(problem, WinRMTransportError):
        return f"HTTP status {problem.code}"
    if _is_broken_handshake(problem):
        return "it broke off the TLS handshake"
    return next(
        (words for kind, words in _WORDS if isinstance(problem, kind)), f"the conversation broke ({type(problem).__name__})"
    )


_WORDS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (DeadlineError, "it did not answer in time"),
    (TooLargeError, "its answer is too large"),
    (CredentialBusyError, "the first logon with these credentials, at another host, is still waiting for its answer"),
    (InvalidCredentialsError, "it refused the credentials"),
    (WinRMOperationTimeoutError, "it did not answer in time"),
    (requests.exceptions.SSLError, "its certificate is not accepted"),
    (requests.exceptions.Timeout, "it did not answer in time"),
    (requests.exceptions.ConnectionError, "the connection broke"),
    (TimeoutError, "nothing answers there"),
    (ConnectionRefusedError, "the connection is refused"),
    (OSError, "the address cannot be reached or its name is not known"),
)


def _is_broken_handshake(problem: Exception) -> bool:
    """Tell whether it was the host that ended a TLS handshake; else it was us, for its certificate."""
    return isinstance(problem, requests.exceptions.SSLError) and _BROKEN_OFF.search(str(problem)) is not None


_BROKEN_OFF: Final = re.compile(r"EOF|ALERT|WRONG_VERSION_NUMBER")


def _way_in(problem: Exception) -> str:
    if _is_broken_handshake(problem):
        return (
            "look whether the host wants a certificate of ours (transport certificate, certificate_path) and trusts the issuer "
            "of the one it got, and whether its https listener is at this port"
        )
    if isinstance(problem, requests.exceptions.SSLError):
        return "name the issuing authority with ca_path, and use the name that the certificate has"
    if isinstance(problem, WSManFaultError) and TOO_MANY_SHELLS in (problem.wsman_fault_code, problem.wmierror_code):
        return "wait five minutes for left-over shells to go, or raise MaxShellsPerUser on the host"
    return CHECK_ADDRESS


def leaves_connection_sound(problem: Exception) -> bool:
    """Tell whether the host still listens after it, so that its shell can be given back instead of counting on for minutes."""
    if isinstance(problem, WSManFaultError):
        return SHELL_GONE not in (problem.wsman_fault_code, problem.wmierror_code) and problem.code != 400
    return isinstance(problem, FrameError | TooLargeError)


def wants_fresh_start(problem: Exception) -> bool:
    """Tell whether a new connection or shell may help: a dropped connection, a stale encryption, a shell that is gone."""
    if isinstance(problem, WSManFaultError):
        return bool(FRESH_SHELL_HELPS & {problem.wsman_fault_code, problem.wmierror_code}) or problem.code == 400
    if isinstance(problem, WinRMTransportError):
        return bool(problem.code == 400)
    return isinstance(problem, requests.exceptions.ConnectionError) and not isinstance(problem, requests.exceptions.SSLError)


def refusal_of(error: RemoteError) -> Failure:
    """Return what an error that the script reported means. Our own ids decide; Windows' codes only help the remedy."""
    kind = FailureKind.LIMIT if error.id == "reconciler.limit-reached" else FailureKind.REFUSED
    ours = error.id.startswith("reconciler.")
    code = error.id if ours else error.code or error.id
    by_windows = diagnose(error.code, error.message)
    remedy = by_windows.remedy if by_windows.cause is not Cause.UNKNOWN else REMEDIES.get(error.id) or diagnose(error.id).remedy
    return Failure(kind, error.message or "the host refused without a word", remedy, code=code or None)

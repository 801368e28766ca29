"""The parts of .NET that scripts use without a cmdlet: static members, error records, streams, hashes."""

import base64
import binascii
import hashlib
from collections.abc import Callable
from typing import Any

from reconciler.simulator.powershell.convert import to_text
from reconciler.simulator.powershell.failures import NotInSubsetError, PowerShellError
from reconciler.simulator.powershell.scope import Session
from reconciler.simulator.powershell.values import NOTHING, Enumeration, NetObject, StringCollection, net_object

# fmt: off
CATEGORIES = (
    "NotSpecified", "OpenError", "CloseError", "DeviceError", "DeadlockDetected", "InvalidArgument", "InvalidData",
    "InvalidOperation", "InvalidResult", "InvalidType", "MetadataError", "NotImplemented", "NotInstalled", "ObjectNotFound",
    "OperationStopped", "OperationTimeout", "SyntaxError", "ParserError", "PermissionDenied", "ResourceBusy",
    "ResourceExists", "ResourceUnavailable", "ReadError", "WriteError", "FromStdErr", "SecurityError", "ProtocolError",
    "ConnectionError", "AuthenticationError", "LimitsExceeded", "QuotaExceeded", "NotEnabled",
)
# fmt: on


def error_record(error: PowerShellError) -> NetObject:
    """Return what ``$_`` is in a catch."""
    if error.category not in CATEGORIES:
        raise NotInSubsetError(f"error category {error.category}")
    category = Enumeration("ErrorCategory", error.category, CATEGORIES.index(error.category))
    return net_object(
        "System.Management.Automation.ErrorRecord",
        {
            "Exception": net_object(error.exception, {"Message": error.message, "HResult": error.hresult}, text=error.message),
            "CategoryInfo": net_object("ErrorCategoryInfo", {"Category": category, "TargetName": to_text(error.target)}),
            "FullyQualifiedErrorId": error.error_id,
            "TargetObject": error.target,
        },
        text=error.message,
    )


def call_static(session: Session, type_name: str, member: str, arguments: list[Any] | None) -> Any:
    """Return a static property (``arguments`` None) or call a static method; what is not implemented stops the run."""
    folded = type_name.casefold().removeprefix("system.")
    if (own := session.statics.get(folded)) is not None:
        return own(member, arguments)
    if (found := _STATICS.get((folded, member.casefold(), arguments is not None))) is None:
        raise NotInSubsetError(f"[{type_name}]::{member}")
    return found(session, arguments or [])


def _encoding(name: str) -> NetObject:
    def decode(arguments: list[Any]) -> str:
        return bytes(arguments[0]).decode(name)

    def encode(arguments: list[Any]) -> list[int]:
        return list(to_text(arguments[0]).encode(name, "replace"))

    return NetObject("System.Text.Encoding", methods={"GetString": decode, "GetBytes": encode})


def _from_base64(_: Session, arguments: list[Any]) -> list[int]:
    try:
        return list(base64.b64decode("".join(to_text(arguments[0]).split()), validate=True))
    except binascii.Error:
        text = "The input is not a valid Base-64 string as it contains a non-base 64 character."
        raise PowerShellError(text, "FormatException") from None


def _to_base64(_: Session, arguments: list[Any]) -> str:
    return base64.b64encode(bytes(arguments[0])).decode()


def _hex(_: Session, arguments: list[Any]) -> str:
    return "-".join(f"{byte:02X}" for byte in arguments[0])


def _console_in(session: Session, _: list[Any]) -> NetObject:
    reader = {"ReadToEnd": lambda _: session.stdin.read_all(), "ReadLine": lambda _: session.stdin.read_line()}
    return NetObject("System.IO.TextReader", methods=reader)


def _console_out(session: Session, _: list[Any]) -> NetObject:
    def write(arguments: list[Any]) -> Any:
        data, start, length = arguments
        session.stdout += bytes(data[start : start + length])
        return NOTHING

    def flush(_: list[Any]) -> Any:
        session.flush()
        return NOTHING

    return NetObject("System.IO.Stream", methods={"Write": write, "Flush": flush})


def _script_block(_: Session, arguments: list[Any]) -> Any:
    from reconciler.simulator.powershell.statements import compile_script

    return compile_script(to_text(arguments[0]))


def _stopwatch(session: Session, _: list[Any]) -> NetObject:
    started = session.now()

    def elapsed() -> NetObject:
        return net_object("System.TimeSpan", {"TotalSeconds": session.now() - started})

    return NetObject("System.Diagnostics.Stopwatch", {"Elapsed": elapsed})


def new_object(type_name: str) -> Any:
    """Return what New-Object makes; NotInSubsetError for types that are not implemented."""
    folded = type_name.casefold().removeprefix("system.")
    if folded == "security.cryptography.sha256cryptoserviceprovider":
        compute = {"ComputeHash": lambda arguments: list(hashlib.sha256(bytes(arguments[0])).digest())}
        return NetObject("System.Security.Cryptography.SHA256CryptoServiceProvider", methods=compute)
    raise NotInSubsetError(f"New-Object {type_name}")


_STATICS: dict[tuple[str, str, bool], Callable[[Session, list[Any]], Any]] = {
    ("text.encoding", "utf8", False): lambda _, __: _encoding("utf-8"),
    ("text.encoding", "ascii", False): lambda _, __: _encoding("ascii"),
    ("convert", "frombase64string", True): _from_base64,
    ("convert", "tobase64string", True): _to_base64,
    ("bitconverter", "tostring", True): _hex,
    ("console", "in", False): _console_in,
    ("console", "openstandardoutput", True): _console_out,
    ("scriptblock", "create", True): _script_block,
    ("diagnostics.stopwatch", "startnew", True): _stopwatch,
    ("collections.specialized.stringcollection", "new", True): lambda _, __: StringCollection(),
}

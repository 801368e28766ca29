"""The network, the directory and remote management, as far as a diagnosis looks at them.

Everything comes from the host's own diagnosis by the simulated fleet; here it only takes the form that Windows gives it.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from reconciler.model.diagnosis import HostDiagnosis, Quotas
from reconciler.simulator.powershell import Call, Cmdlet, NotInSubsetError, PowerShellError
from reconciler.simulator.powershell.convert import to_text
from reconciler.simulator.powershell.scope import Session, Statics
from reconciler.simulator.powershell.values import NOTHING, Hashtable, NetObject, net_object
from reconciler.simulator.windows.host import WindowsHost, known, unreadable
from reconciler.simulator.windows.published import published

MIGRATION_PORT = 6600
TRUSTED_TO_AUTHENTICATE = 0x1000000
WORKSTATION_TRUST = 0x1000
NO_SERVER = "MethodInvocationException"


def cmdlets(host: WindowsHost) -> list[Cmdlet]:
    """Return the cmdlets of this part of Windows."""

    def get_instance(call: Call) -> Iterable[Any]:
        quotas = known(host.diagnosis().quotas, "winrm/config", "WsManError,Microsoft.WSMan.Management.GetWSManInstanceCommand")
        return [_configuration(quotas, to_text(call.get("ResourceURI")))]

    def get_module(call: Call) -> Iterable[Any]:
        if not call.get("ListAvailable") or [to_text(name) for name in call.get("Name")] != ["Hyper-V"]:
            raise NotInSubsetError("Get-Module for anything but the Hyper-V module on disk")
        error_id = "Modules_ModuleNotFound,Microsoft.PowerShell.Commands.GetModuleCommand"
        versions = known(host.diagnosis().hyper_v_modules, "the folder of modules", error_id)
        return [net_object("System.Management.Automation.PSModuleInfo", {"Version": version}) for version in versions]

    def get_date(_: Call) -> Iterable[Any]:
        return [datetime.fromtimestamp(host.seconds(), UTC)]

    def test_path(call: Call) -> Iterable[Any]:
        path = to_text(call.get("LiteralPath"))
        return [bool(host.diagnosis(shares=(path,)).shares[0].reachable)]

    return [
        published("Get-WSManInstance", get_instance, "ResourceURI"),
        published("Get-Module", get_module, "ListAvailable", "Name"),
        published("Get-Date", get_date),
        published("Test-Path", test_path, "LiteralPath"),
    ]


def casts(host: WindowsHost) -> dict[str, Callable[[Any], Any]]:
    """Return the type accelerator ``[adsisearcher]``: asks the directory for the host's own account."""

    def searcher(value: Any) -> Any:
        if f"sAMAccountName={host.name}$" not in to_text(value):
            raise NotInSubsetError(f"[adsisearcher] of {to_text(value)}")
        return NetObject(
            "System.DirectoryServices.DirectorySearcher", methods={"FindOne": lambda _: _account(host.diagnosis())}
        )

    return {"adsisearcher": searcher}


def statics(host: WindowsHost, session: Session) -> Statics:
    """Return the static members of the types of this part: a TCP client can be made."""

    def of_client(member: str, arguments: list[Any] | None) -> NetObject:
        if member.casefold() != "new" or arguments != []:
            raise NotInSubsetError(f"[Net.Sockets.TcpClient]::{member}")
        return _client(host, session)

    return {"net.sockets.tcpclient": of_client}


def _configuration(quotas: Quotas, uri: str) -> NetObject:
    if uri == "winrm/config/winrs":
        return net_object(
            "System.Xml.XmlElement",
            {
                "MaxShellsPerUser": str(quotas.shells_per_user),
                "MaxProcessesPerShell": str(quotas.processes_per_shell),
                "MaxMemoryPerShellMB": str(quotas.memory_per_shell_mb),
            },
        )
    if uri == "winrm/config/service":
        return net_object("System.Xml.XmlElement", {"MaxConcurrentOperationsPerUser": str(quotas.operations_per_user)})
    raise NotInSubsetError(f"Get-WSManInstance of {uri}")


def _account(diagnosis: HostDiagnosis) -> NetObject:
    if diagnosis.delegation is None:
        raise PowerShellError("The server is not operational.", NO_SERVER, category="NotSpecified")
    flags = WORKSTATION_TRUST | (TRUSTED_TO_AUTHENTICATE if diagnosis.delegation.any_protocol else 0)
    properties = Hashtable({"msds-allowedtodelegateto": list(diagnosis.delegation.services), "useraccountcontrol": [flags]})
    return net_object("System.DirectoryServices.SearchResult", {"Properties": properties})


def _client(host: WindowsHost, session: Session) -> NetObject:
    """A client whose connection comes about while it is waited for; where nobody answers, the whole wait is spent."""
    state = {"answers": False, "connected": False}

    def wait(arguments: list[Any]) -> bool:
        if arguments[0] < 0:
            raise PowerShellError(
                "The time-out must not be negative.", NO_SERVER, exception="System.ArgumentOutOfRangeException"
            )
        if not state["answers"]:
            session.sleep(arguments[0] / 1000)
        state["connected"] = state["answers"]
        return state["connected"]

    def begin(arguments: list[Any]) -> NetObject:
        address, port = to_text(arguments[0]), arguments[1]
        if port != MIGRATION_PORT:
            raise NotInSubsetError(f"a connection to port {port}")
        state["answers"] = bool(host.diagnosis(peers=(address,)).ports[0].open)
        handle = NetObject("System.Threading.WaitHandle", methods={"WaitOne": wait})
        return net_object("System.IAsyncResult", {"AsyncWaitHandle": handle})

    return NetObject(
        "System.Net.Sockets.TcpClient",
        {"Connected": lambda: state["connected"]},
        methods={"BeginConnect": begin, "Close": lambda _: NOTHING},
    )


def computer(host: WindowsHost) -> list[Any]:
    """Return the instances of Win32_ComputerSystem."""
    domain = host.diagnosis().domain
    if domain is None:
        raise unreadable("Win32_ComputerSystem", "HRESULT 0x80041001")
    return [net_object("Win32_ComputerSystem", {"PartOfDomain": bool(domain), "Domain": domain or "WORKGROUP"})]


def known_domains(host: WindowsHost) -> list[Any]:
    """Return the instances of Win32_NTDomain: the computer's own accounts, which are in no forest, and the domains it knows."""
    forests = host.diagnosis().forests
    if forests is None:
        raise unreadable("Win32_NTDomain", "HRESULT 0x80041001")
    return [net_object("Win32_NTDomain", {"DNSForestName": name}) for name in (None, *forests)]


def device_guard(host: WindowsHost) -> list[Any]:
    """Return the instances of Win32_DeviceGuard; service 1 is Credential Guard, 2 protects code integrity."""
    guarded = host.diagnosis().credential_guard
    if guarded is None:
        raise unreadable("Win32_DeviceGuard", "HRESULT 0x80041010")
    return [net_object("Win32_DeviceGuard", {"SecurityServicesRunning": [1, 2] if guarded else [2]})]

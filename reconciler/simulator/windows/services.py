"""Windows services, as far as scripts ask for them: the cluster service."""

from collections.abc import Iterable
from typing import Any

from reconciler.simulator.powershell import Call, Cmdlet, PowerShellError
from reconciler.simulator.powershell.values import Enumeration, net_object
from reconciler.simulator.windows.host import WindowsHost
from reconciler.simulator.windows.published import published

RUNNING, STOPPED = Enumeration("ServiceControllerStatus", "Running", 4), Enumeration("ServiceControllerStatus", "Stopped", 1)
AUTOMATIC, DISABLED = Enumeration("ServiceStartMode", "Automatic", 2), Enumeration("ServiceStartMode", "Disabled", 4)
STATES = {"Running": (RUNNING, AUTOMATIC), "Stopped": (STOPPED, AUTOMATIC), "Disabled": (STOPPED, DISABLED)}


def cmdlets(host: WindowsHost) -> list[Cmdlet]:
    """Return the cmdlets of this part of Windows."""

    def get_service(call: Call) -> Iterable[Any]:
        name = " ".join(call.get("Name"))
        if name.casefold() != "clussvc" or host.report().cluster is None:
            text = f"Cannot find any service with service name '{name}'."
            error_id = "NoServiceFoundForGivenName,Microsoft.PowerShell.Commands.GetServiceCommand"
            raise PowerShellError(text, error_id, category="ObjectNotFound", target=name, terminating=False)
        status, start = STATES[host.cluster_service]
        return [net_object("System.ServiceProcess.ServiceController", {"Status": status, "StartType": start})]

    return [published("Get-Service", get_service, "Name")]

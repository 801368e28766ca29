"""A true WinRM service per simulated host, on loopback: what the real client speaks to when no Windows is at hand.

Here belong the HTTP listener, logon and message encryption, the WS-Management engine with Windows' quotas, the faults that
tests ask for, and the little of PowerShell that turns our one command line into a call of the simulated fleet. What a host
*does* when asked is the fleet's business, and it knows nothing of this package.
"""

from reconciler.simulator.endpoint.auth import Credentials
from reconciler.simulator.endpoint.faults import Faults
from reconciler.simulator.endpoint.powershell import PowerShellHost, hosts_of
from reconciler.simulator.endpoint.programs import CommandResult, Outlet, Process, Program, RunCommand
from reconciler.simulator.endpoint.server import Endpoint, EndpointFleet, serve_fleet
from reconciler.simulator.endpoint.wsman import Limits

__all__ = [
    "CommandResult",
    "Credentials",
    "Endpoint",
    "EndpointFleet",
    "Faults",
    "Limits",
    "Outlet",
    "PowerShellHost",
    "Process",
    "Program",
    "RunCommand",
    "hosts_of",
    "serve_fleet",
]

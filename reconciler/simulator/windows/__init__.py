"""The Windows that scripts meet on a simulated host: cmdlets and WMI classes that read and change the simulated fleet.

``host`` is one host as all of them see it; ``hyper_v``, ``management`` (CIM and WMI) with ``migration_service``, and
``clustering`` are the parts of Windows, each with what it can do; ``session_of`` puts a PowerShell process together. What is
not implemented here stops a script loudly (``NotInSubsetError``).
"""

from reconciler.simulator.powershell import Session
from reconciler.simulator.powershell.console import GivenInput, StandardInput
from reconciler.simulator.powershell.language import CMDLETS
from reconciler.simulator.powershell.values import Hashtable
from reconciler.simulator.windows import clustering, event_log, hyper_v, management, services, surroundings
from reconciler.simulator.windows.host import WindowsHost
from reconciler.simulator.windows.published import in_published_sets

__all__ = ["WindowsHost", "session_of"]


def session_of(host: WindowsHost, stdin: StandardInput | None = None) -> Session:
    """Return a new PowerShell process on a host, with the given standard input."""
    language = [in_published_sets(cmdlet) for cmdlet in CMDLETS]
    parts = (hyper_v, management, clustering, services, event_log, surroundings)
    windows = [cmdlet for part in parts for cmdlet in part.cmdlets(host)]
    session = Session(
        cmdlets={cmdlet.name.casefold(): cmdlet for cmdlet in [*language, *windows]},
        casts=management.casts(host) | surroundings.casts(host),
        variables={"psversiontable": Hashtable({"PSVersion": "5.1.20348.1"})},
        environment={"COMPUTERNAME": host.name},
        now=host.seconds,
        stdin=stdin or GivenInput(),
    )
    session.statics = surroundings.statics(host, session)
    return session

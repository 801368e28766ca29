"""The event log of a simulated host: what its management service wrote about migrations that failed."""

from collections.abc import Iterable
from typing import Any

from reconciler.hosts.port import HostEvent, HostEvents, ListEvents
from reconciler.simulator.powershell import Call, Cmdlet, NotInSubsetError, PowerShellError
from reconciler.simulator.powershell.values import net_object
from reconciler.simulator.windows.host import WindowsHost
from reconciler.simulator.windows.published import published

LOG = "Microsoft-Windows-Hyper-V-VMMS-Admin"
RECENT = "*[System[(Level=2 or Level=3) and TimeCreated[timediff(@SystemTime) <= 900000]]]"


def cmdlets(host: WindowsHost) -> list[Cmdlet]:
    """Return the cmdlets of this part of Windows. The one query that scripts send is known; any other stops them."""

    def get_events(call: Call) -> Iterable[Any]:
        if call.get("LogName") not in (LOG, [LOG]) or call.get("FilterXPath") != RECENT:
            raise NotInSubsetError(f"Get-WinEvent -LogName {call.get('LogName')} -FilterXPath {call.get('FilterXPath')}")
        listed = host.execute(ListEvents())
        assert isinstance(listed, HostEvents)
        if not listed.entries:
            text = "No events were found that match the specified selection criteria."
            error_id = "NoMatchingEventsFound,Microsoft.PowerShell.Commands.GetWinEventCommand"
            raise PowerShellError(text, error_id, category="ObjectNotFound", terminating=False)
        return [_record(one) for one in listed.entries[: call.get("MaxEvents")]]

    return [published("Get-WinEvent", get_events, "LogName", "FilterXPath", "MaxEvents")]


def _record(event: HostEvent) -> Any:
    facts = {"Id": event.id, "Level": event.level, "Message": event.text, "TimeCreated": event.at}
    return net_object("System.Diagnostics.Eventing.Reader.EventLogRecord", facts)

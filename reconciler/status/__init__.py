"""How machines, hosts and the fleet stand, told as conditions with an age; what changed since the last look; and why.

Pure: a status is made from one pass of thought, what waits and runs, and the status before. ``conditions`` judges one object,
``fleet`` all of them, ``causes`` says where a difference came from, ``events`` what is new. Nothing here touches a host.
"""

from reconciler.status.causes import Before
from reconciler.status.conditions import Finding
from reconciler.status.events import events_between
from reconciler.status.fleet import Facts, fleet_status, with_source

__all__ = ["Before", "Facts", "Finding", "events_between", "fleet_status", "with_source"]

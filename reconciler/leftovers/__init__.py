"""The ledger of leftovers: what store and hosts together say that migrations left behind, with the commands that clean it.

Pure. What was copied is known from the steps that were written down, what is in use from the observation. Nothing here or
anywhere else in the product removes anything.
"""

from collections.abc import Iterable

from reconciler.leftovers.copies import copied_files
from reconciler.leftovers.machines import planned_machines, second_registrations
from reconciler.model.desired import Desired
from reconciler.model.leftover import Leftover, Leftovers
from reconciler.model.observation import Observation
from reconciler.model.words import HostStatus
from reconciler.store import Entry

__all__ = ["find_leftovers"]


def find_leftovers(entries: Iterable[Entry], desired: Desired, observation: Observation) -> Leftovers:
    """Return the ledger. ``entries`` are those of ``recall.STEP_KINDS``, oldest first."""

    def address_of(name: str) -> str:
        wanted = desired.host(name)
        return (wanted.address if wanted else None) or name

    found: list[Leftover] = [
        *planned_machines(observation, address_of),
        *second_registrations(observation, address_of),
        *copied_files(entries, observation, address_of),
    ]
    unseen = sorted((host.name for host in observation.hosts if host.status is not HostStatus.OK), key=str.casefold)
    return Leftovers(observed_at=observation.observed_at, items=tuple(found), unseen=tuple(unseen))

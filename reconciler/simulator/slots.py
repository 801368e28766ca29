"""Migration slots: which a migration takes, how many a host has, how many are in use. Incoming and outgoing count together.

Live and storage are counted apart. A stopped machine that changes its host takes what a running one would: no source
says otherwise, and counting it is the careful answer.
"""

from collections.abc import Iterable

from reconciler.model.words import MigrationKind
from reconciler.simulator.refusal import LIMIT_REACHED, Refused
from reconciler.simulator.state import FleetState, HostState

DEFAULT_MAXIMUM = 2  # Windows' own default for both kinds

Ends = tuple[HostState, ...]


def charges(kind: MigrationKind, source: HostState, destination: HostState | None, storage_moves: bool) -> tuple[Ends, Ends]:
    """Return the hosts whose live slot, and those whose storage slot, a migration takes."""
    ends = (source,) if destination is None else (source, destination)
    live = () if kind is MigrationKind.STORAGE else ends
    with_storage = kind in (MigrationKind.STORAGE, MigrationKind.LIVE_WITH_STORAGE)
    return live, ends if with_storage or storage_moves else ()


def live_limit(host: HostState) -> int:
    """Return how many live migrations the host takes: its cluster's word before its own."""
    by_cluster = host.cluster.maximum_parallel_migrations if host.cluster else None
    own = host.facts.migration.maximum_virtual_machine_migrations
    return next((limit for limit in (by_cluster, own) if limit is not None), DEFAULT_MAXIMUM)


def storage_limit(host: HostState) -> int:
    """Return how many storage migrations the host takes."""
    own = host.facts.migration.maximum_storage_migrations
    return DEFAULT_MAXIMUM if own is None else own


def live_use(fleet: FleetState, host: HostState) -> int:
    """Return how many live slots of the host are taken."""
    return sum(host in job.live for job in fleet.running())


def storage_use(fleet: FleetState, host: HostState) -> int:
    """Return how many storage slots of the host are taken."""
    return sum(host in job.storage for job in fleet.running())


def check_free(fleet: FleetState, live: Iterable[HostState], storage: Iterable[HostState]) -> None:
    """Refuse where one of the hosts has no slot left: Hyper-V turns such a migration away, it does not queue it."""
    for host in live:
        if live_use(fleet, host) >= live_limit(host):
            raise _reached("virtual machine", live_limit(host), host)
    for host in storage:
        if storage_use(fleet, host) >= storage_limit(host):
            raise _reached("storage", storage_limit(host), host)


def _reached(what: str, limit: int, host: HostState) -> Refused:
    return Refused(LIMIT_REACHED, None, f"The {what} migration limit {limit} was reached on {host.name}.")

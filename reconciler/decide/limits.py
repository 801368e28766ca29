"""Limits that are counts: slots of hosts and clusters, the fleet's limit, a location's, and the unprotected limit.

Each is kept here, at the moment of starting. A running migration counts however it is known: listed, counted by the host,
or started by us. What a host does not tell is not taken for zero.
"""

from collections.abc import Iterator
from typing import NamedTuple

from reconciler.decide.decision import Reason
from reconciler.decide.facts import Facts, Flight
from reconciler.decide.traffic import Traffic
from reconciler.model import paths
from reconciler.model.desired import StorageLocation
from reconciler.model.observation import Host

FIRST_BUILD_WITH_CLUSTER_LIMIT = 20348  # Windows Server 2022; older clusters have no limit of their own


class Slots(NamedTuple):
    """A limit in force on a host, with the code of who sets it."""

    limit: int
    code: str


def slots_full(flight: Flight, traffic: Traffic) -> Reason | None:
    """Return the first host of the flight that has no slot left, or does not tell how many it has."""
    return next((reason for key in flight.ends for reason in _slots_of(key, flight, traffic)), None)


def _slots_of(key: str, flight: Flight, traffic: Traffic) -> Iterator[Reason]:
    facts = traffic.facts
    host = facts.observation.host(key)
    if host is None:
        return
    told = host.migration
    if flight.takes_live_slot:
        used = _used(told.active_virtual_machine_migrations, traffic.live[key], traffic.live_granted[key])
        yield from _full(host, "live", live_limit(facts, host), used)
    if flight.takes_storage_slot:
        used = _used(told.active_storage_migrations, traffic.storage[key], traffic.storage_granted[key])
        yield from _full(host, "storage", storage_limit(facts, host), used)


def _used(counted: int | None, flying: int, granted: int) -> int | None:
    # The host's count is as old as the survey: what this decision has granted since comes on top of it.
    return None if counted is None else max(counted + granted, flying)


def _full(host: Host, word: str, slots: Slots | None, used: int | None) -> Iterator[Reason]:
    if slots is None or used is None:
        yield Reason("unknown-limits", f"{host.name} does not tell its {word} migration limit, or how many run now")
    elif used >= slots.limit:
        yield Reason(slots.code, f"{host.name} uses {used} of {slots.limit} {word} migration slots")


def live_limit(facts: Facts, host: Host) -> Slots | None:
    """Return the smallest of the host's limit, the desired one and the cluster's; None where a part is unknown."""
    wanted = facts.desired.host(host.name)
    own = _smallest(
        host.migration.maximum_virtual_machine_migrations,
        wanted.migration.maximum_virtual_machine_migrations if wanted else None,
    )
    if own is None or host.cluster is None:
        return None if own is None else Slots(own, "live-slots")
    return _with_cluster(facts, host, own)


def _with_cluster(facts: Facts, host: Host, own: int) -> Slots:
    seen = facts.observation.cluster(str(host.cluster))
    told = seen.maximum_parallel_migrations if seen else None
    if told is None:
        # No limit is smaller than one, and 2022 without its update of September 2022 never tells: so one at a time.
        return Slots(own, "live-slots") if _is_older_windows(host) else Slots(min(own, 1), "cluster-slots")
    wanted = facts.desired.cluster(str(host.cluster))
    limit = min(told, wanted.maximum_parallel_migrations or told) if wanted else told
    return Slots(limit, "cluster-slots") if limit < own else Slots(own, "live-slots")


def _is_older_windows(host: Host) -> bool:
    build = (host.os_version or "").split(".")[2:3]
    return bool(build) and build[0].isdigit() and int(build[0]) < FIRST_BUILD_WITH_CLUSTER_LIMIT


def storage_limit(facts: Facts, host: Host) -> Slots | None:
    """Return the smaller of the host's and the desired limit; None where the host's is unknown."""
    wanted = facts.desired.host(host.name)
    limit = _smallest(
        host.migration.maximum_storage_migrations, wanted.migration.maximum_storage_migrations if wanted else None
    )
    return None if limit is None else Slots(limit, "storage-slots")


def _smallest(observed: int | None, wanted: int | None) -> int | None:
    # A raised limit counts once it has been observed, a lowered one at once.
    if observed is None:
        return None
    return observed if wanted is None else min(observed, wanted)


def fleet_full(_: Flight, traffic: Traffic) -> Reason | None:
    """Return a reason where the fleet has as many migrations on the way as the policy allows."""
    limit, used = traffic.facts.desired.policy.limits.concurrent_migrations, len(traffic.flights)
    return Reason("fleet-limit", f"{used} of {limit} migrations are on the way in the fleet") if used >= limit else None


def location_full(flight: Flight, traffic: Traffic) -> Reason | None:
    """Return a reason where a storage location that the step writes to has its share of migrations already."""
    for location in traffic.facts.desired.storage_locations:
        limit = location.maximum_concurrent_migrations
        if limit is not None and flight.targets and _writes_to(flight, location):
            used = sum(1 for other in traffic.flights if _writes_to(other, location))
            if used >= limit:
                return Reason("location-limit", f"{used} of {limit} migrations write to location {location.name}")
    return None


def _writes_to(flight: Flight, location: StorageLocation) -> bool:
    if flight.targets is None:
        # A copy that does not tell where it goes may go anywhere.
        return True
    here = any(paths.is_within(target, location.path) for target in flight.targets)
    return here and flight.kind != "live"


def unprotected_full(flight: Flight, traffic: Traffic) -> Reason | None:
    """Return a reason where a machine would lose its high availability while as many as allowed lack theirs."""
    limit = traffic.facts.desired.policy.limits.unprotected_virtual_machines
    others = traffic.unprotected - {flight.machine}
    if not flight.is_crossing or len(others) < limit:
        return None
    names = sorted(_name_of(machine, traffic.facts) for machine in others)
    some = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return Reason("unprotected-limit", f"{len(others)} of {limit} machines allowed are without high availability ({some})")


def _name_of(machine: str, facts: Facts) -> str:
    """Return the machine's name, and why its role is still missing where giving it back has failed."""
    seen = facts.seen.get(machine, ())
    failed = facts.memory.attempts.get(f"role/{machine}")
    why = f", role refused {failed.failures} time(s): {failed.last_error}" if failed else ""
    return (seen[0][1].name if seen else machine) + why

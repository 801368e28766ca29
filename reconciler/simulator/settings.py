"""Settings of simulated hosts and clusters: what is taken, what is refused, and who overrides whom.

A request is taken whole or not at all. The live limit of a cluster node is its cluster's: setting it on the node changes
nothing, and setting it on the cluster changes every node, which is what administrators see on real clusters.
"""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reconciler.model.words import AuthenticationType, PerformanceOption
from reconciler.simulator.refusal import NOT_A_NODE, OTHER, Refused
from reconciler.simulator.state import FleetState, HostState

LIVE_LIMIT = "migration.maximumVirtualMachineMigrations"


@dataclass(frozen=True, slots=True)
class Change:
    """One setting that changed; ``owner`` is a host's or a cluster's name."""

    owner: str
    field: str
    before: Any
    after: Any


def configure_host(host: HostState, settings: dict[str, Any]) -> list[Change]:
    """Apply settings by their desired-state names; return what changed."""
    values = {name: _value(name, given) for name, given in settings.items()}
    limit = host.cluster.maximum_parallel_migrations if host.cluster else None
    if LIVE_LIMIT in values and limit is not None:
        values[LIVE_LIMIT] = limit
    changes = (_set(host, name, values[name]) for name in sorted(values))
    return [change for change in changes if change is not None]


def configure_cluster(fleet: FleetState, host: HostState, maximum: int) -> list[Change]:
    """Set the live limit of the cluster this node is in, and with it that of every node; return what changed."""
    cluster = host.cluster
    if cluster is None:
        raise Refused(NOT_A_NODE, None, f"{host.name} is not a node of a cluster.")
    value, before = _count(maximum), cluster.maximum_parallel_migrations
    cluster.maximum_parallel_migrations = value
    nodes = (node for node in fleet.hosts if node.cluster is cluster)
    changes = [Change(cluster.name, "maximumParallelMigrations", before, value), *(_set(n, LIVE_LIMIT, value) for n in nodes)]
    return [change for change in changes if change is not None and change.before != change.after]


def _set(host: HostState, name: str, value: Any) -> Change | None:
    block, attribute = name.split(".")[0], KNOWN[name][0]
    current = getattr(host.facts, block)
    before = getattr(current, attribute)
    host.facts = host.facts.model_copy(update={block: current.model_copy(update={attribute: value})})
    return None if before == value else Change(host.name, name, before, value)


def _value(name: str, given: Any) -> Any:
    if name not in KNOWN:
        raise Refused(OTHER, "0x80070057", f"There is no host setting {name}.")
    try:
        return KNOWN[name][1](given)
    except (TypeError, ValueError):
        raise Refused(OTHER, "0x80070057", f"{given!r} is no value for {name}.") from None


def _flag(given: Any) -> bool:
    if not isinstance(given, bool):
        raise TypeError
    return given


def _count(given: Any) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or given < 1:
        raise Refused(OTHER, "0x80070057", f"{given!r} is no number of migrations; it takes 1 or more.")
    return given


def _path(given: Any) -> str:
    if not isinstance(given, str) or not given.strip():
        raise TypeError
    return given


def _networks(given: Any) -> Any:
    if given == "any":
        return given
    if not isinstance(given, list | tuple) or not all(isinstance(entry, str) for entry in given):
        raise TypeError
    return tuple(str(ipaddress.ip_network(entry, strict=False)) for entry in given)


KNOWN: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "migration.enabled": ("enabled", _flag),
    LIVE_LIMIT: ("maximum_virtual_machine_migrations", _count),
    "migration.maximumStorageMigrations": ("maximum_storage_migrations", _count),
    "migration.performanceOption": ("performance_option", PerformanceOption),
    "migration.authenticationType": ("authentication_type", AuthenticationType),
    "migration.networks": ("networks", _networks),
    "storage.virtualMachinePath": ("virtual_machine_path", _path),
    "storage.virtualHardDiskPath": ("virtual_hard_disk_path", _path),
}

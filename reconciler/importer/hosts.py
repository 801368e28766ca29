"""Documents of hosts and clusters: who they are and what they share; their settings only where asked for."""

from collections.abc import Iterable
from typing import Any

from reconciler.desired.resolve import canonical_network, looks_like_path
from reconciler.diff.settings import FIELDS, LIVE_LIMIT
from reconciler.importer.documents import Manifest, can_be_said, folder_objection, told
from reconciler.importer.locations import Location
from reconciler.model import paths
from reconciler.model.observation import Cluster, Host, Observation
from reconciler.model.problem import Problem
from reconciler.model.words import HostStatus


def host_manifest(host: Host, locations: Iterable[Location], fleet: Observation, *, settings: bool) -> Manifest | None:
    """Return the document of a host, or None where its name or address cannot be written."""
    spec: dict[str, Any] = {}
    if host.address and host.address.casefold() != host.name.casefold():
        spec["address"] = host.address
    if host.cluster is not None and is_cluster_name(host.cluster):
        spec["cluster"] = host.cluster
    if not can_be_said(Manifest("Host", host.name, spec)) or " " in (host.address or host.name):
        return None
    if settings:
        _add_settings(spec, host, fleet)
    names = [location.name for location in locations if host.name.casefold() in location.hosts]
    if names:
        spec.setdefault("storage", {})["locations"] = names
    return Manifest("Host", host.name, spec)


def host_problems(host: Host, manifest: Manifest | None) -> tuple[Problem, ...]:
    """Return what a person must know about a host's import."""
    subject = f"host/{host.name}"
    if manifest is None:
        finding = f"neither it nor its machines are imported: {host.name} cannot be a name, or has no address to reach it at"
        return (told("host-not-imported", finding, "name the host by its DNS name, then import again", subject),)
    if host.status is HostStatus.OK:
        return ()
    finding = f"{host.status.value}: {host.problem or 'no reason given'}; what it did not tell is not imported"
    return (told("host-unknown", finding, "import again, into a new folder, once the host answers in full", subject),)


def cluster_manifests(fleet: Observation, *, settings: bool) -> tuple[Manifest, ...]:
    """Return the documents of all clusters that hosts belong to, by name."""
    names = {host.cluster.casefold(): host.cluster for host in fleet.hosts if host.cluster and is_cluster_name(host.cluster)}
    return tuple(_cluster(names[key], fleet.cluster(key), settings=settings) for key in sorted(names))


def is_cluster_name(name: str) -> bool:
    """Tell whether a cluster's name can be written."""
    return can_be_said(Manifest("Cluster", name)) and " " not in name


def _cluster(name: str, cluster: Cluster | None, *, settings: bool) -> Manifest:
    limit = cluster.maximum_parallel_migrations if cluster else None
    full = Manifest("Cluster", name, {"maximumParallelMigrations": limit})
    return full if settings and limit is not None and can_be_said(full) else Manifest("Cluster", name)


def _add_settings(spec: dict[str, Any], host: Host, fleet: Observation) -> None:
    """Add every known setting that the desired state can hold; a cluster's own limit stands with the cluster."""
    cluster = fleet.cluster(host.cluster) if host.cluster else None
    ruled = cluster is not None and cluster.maximum_parallel_migrations is not None
    for field in FIELDS:
        value = getattr(getattr(host, field.block), field.attribute)
        if value is None or (ruled and field.name == LIVE_LIMIT):
            continue
        block, _, name = field.name.partition(".")
        plain = list(value) if isinstance(value, tuple) else getattr(value, "value", value)
        if can_be_said(Manifest("Host", "host", {block: {name: plain}})) and _reads_back(field.name, plain):
            spec.setdefault(block, {})[name] = plain


def _reads_back(field: str, value: Any) -> bool:
    """Tell whether a value is read as it is written: a network with bits right of its prefix, say, is refused."""
    if field == "migration.networks" and value != "any":
        return all(canonical_network(network) == network for network in value)
    return not isinstance(value, str) or not looks_like_path(value) or folder_objection(paths.join(value, "x")) is None

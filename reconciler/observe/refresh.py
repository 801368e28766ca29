"""A few hosts looked at again, put into the last observation purely: cheap, and never less true than what it replaces.

What was not asked keeps its own time (``Host.observed_at``), so every age is judged per host. Two things would make a patchwork
lie, and both ask for more: a machine that is now on a host asked and still on one that was not, and one that has left a
host asked and is on none.
"""

from collections.abc import Collection
from datetime import datetime

from reconciler.model import paths
from reconciler.model.observation import Cluster, Host, Observation, Share, Volume


def refreshed(before: Observation, part: Observation) -> Observation:
    """Return the last observation with the hosts of ``part`` in place of what was known of them; the whole keeps its time."""
    hosts = {host.name.casefold(): _dated(host, before.observed_at) for host in before.hosts}
    hosts |= {host.name.casefold(): _dated(host, part.observed_at) for host in part.hosts}
    return before.model_copy(
        update={
            "hosts": tuple(sorted(hosts.values(), key=lambda host: host.name.casefold())),
            "clusters": _clusters(before, part),
            "shares": _shares(before, part),
        }
    )


def also_to_ask(before: Observation, part: Observation) -> frozenset[str]:
    """Return the names of hosts to ask as well, because a machine is now seen on a host asked and was there before."""
    asked = {host.name.casefold() for host in part.hosts}
    now_here = {vm.id.casefold() for _, vm in part.machines()}
    return frozenset(
        host.name for host, vm in before.machines() if host.name.casefold() not in asked and vm.id.casefold() in now_here
    )


def lost_sight_of(before: Observation, after: Observation) -> frozenset[str]:
    """Return the VMIds (lower case) that were seen before and are nowhere now: only a full survey can tell where they are."""
    return frozenset(vm.id.casefold() for _, vm in before.machines()) - {vm.id.casefold() for _, vm in after.machines()}


def changed_since(observation: Observation, changed_at: dict[str, datetime]) -> frozenset[str]:
    """Return the hosts that were changed (by name, any case) at or after the moment they were last seen."""
    changed = {name.casefold(): at for name, at in changed_at.items()}
    seen = {host.name: host.observed_at or observation.observed_at for host in observation.hosts}
    return frozenset(name for name, at in seen.items() if changed.get(name.casefold(), at) >= at and name.casefold() in changed)


def _dated(host: Host, asked_at: datetime) -> Host:
    # A host that did not answer has no time of its own; beside others it needs one.
    return host if host.observed_at else host.model_copy(update={"observed_at": asked_at})


def _clusters(before: Observation, part: Observation) -> tuple[Cluster, ...]:
    merged = {cluster.name.casefold(): cluster for cluster in before.clusters}
    for cluster in part.clusters:
        known = merged.get(cluster.name.casefold())
        merged[cluster.name.casefold()] = _newer_cluster(known, cluster) if known else cluster
    return tuple(merged[name] for name in sorted(merged))


def _newer_cluster(known: Cluster, newer: Cluster) -> Cluster:
    limit = newer.maximum_parallel_migrations
    volumes = _newer_volumes(known.shared_volumes, newer.shared_volumes)
    return newer.model_copy(
        update={
            "maximum_parallel_migrations": known.maximum_parallel_migrations if limit is None else limit,
            "shared_volumes": tuple(volumes[key] for key in sorted(volumes)),
        }
    )


def _newer_volumes(known: Collection[Volume], newer: Collection[Volume]) -> dict[str, Volume]:
    volumes = {paths.normal(volume.path): volume for volume in known}
    told = {paths.normal(volume.path): volume for volume in newer}
    return volumes | {key: volume for key, volume in told.items() if volume.free_bytes is not None or key not in volumes}


def _shares(before: Observation, part: Observation) -> tuple[Share, ...]:
    asked = {host.name.casefold() for host in part.hosts}
    merged = {paths.normal(share.path): _without(share, asked) for share in before.shares}
    for share in part.shares:
        known = merged.get(paths.normal(share.path))
        merged[paths.normal(share.path)] = _joined(known, share) if known else share
    return tuple(merged[key] for key in sorted(merged) if merged[key].hosts)


def _without(share: Share, asked: Collection[str]) -> Share:
    return share.model_copy(update={"hosts": tuple(host for host in share.hosts if host.casefold() not in asked)})


def _joined(known: Share, newer: Share) -> Share:
    facts = newer if newer.free_bytes is not None else known
    return facts.model_copy(update={"hosts": tuple(sorted({*known.hosts, *newer.hosts}))})

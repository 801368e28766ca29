"""Migration slots of a host or cluster: how many are used, how many there are, and whose setting is the one that binds."""

from reconciler.explain.scene import Scene
from reconciler.model.explanation import Limit
from reconciler.model.observation import Host
from reconciler.model.words import MigrationKind

LIVE_FIELD = "migration.maximumVirtualMachineMigrations"
STORAGE_FIELD = "migration.maximumStorageMigrations"
CLUSTER_FIELD = "maximumParallelMigrations"
STORAGE_KINDS = (MigrationKind.STORAGE, MigrationKind.LIVE_WITH_STORAGE)

Candidate = tuple[int | None, str, str | None]  # limit, owner, the line that says so


def live_slots(scene: Scene, name: str) -> Limit:
    """Return live slots of a host: the smallest of its own limit, the desired one, and both of its cluster."""
    host, wanted = scene.observation.host(name), scene.desired.host(name)
    cluster = scene.fleet.cluster_of(name)
    told, asked = scene.observation.cluster(cluster or ""), scene.desired.cluster(cluster or "")
    owners: list[Candidate] = [
        (host.migration.maximum_virtual_machine_migrations if host else None, f"host {name}", None),
        (
            wanted.migration.maximum_virtual_machine_migrations if wanted else None,
            f"desired state of host {name}",
            str(wanted.source.of(LIVE_FIELD)) if wanted else None,
        ),
        (told.maximum_parallel_migrations if told else None, f"cluster {cluster}", None),
        (
            asked.maximum_parallel_migrations if asked else None,
            f"desired state of cluster {cluster}",
            str(asked.source.of(CLUSTER_FIELD)) if asked else None,
        ),
    ]
    counted = host.migration.active_virtual_machine_migrations if host else None
    return _binding(owners, _used(host, counted, storage=False))


def storage_slots(scene: Scene, name: str) -> Limit:
    """Return storage slots of a host: the smaller of its own limit and the desired one."""
    host, wanted = scene.observation.host(name), scene.desired.host(name)
    owners: list[Candidate] = [
        (host.migration.maximum_storage_migrations if host else None, f"host {name}", None),
        (
            wanted.migration.maximum_storage_migrations if wanted else None,
            f"desired state of host {name}",
            str(wanted.source.of(STORAGE_FIELD)) if wanted else None,
        ),
    ]
    counted = host.migration.active_storage_migrations if host else None
    return _binding(owners, _used(host, counted, storage=True))


def cluster_slots(scene: Scene, name: str) -> Limit:
    """Return the limit that a cluster puts on each of its nodes; its use is counted node by node."""
    told, asked = scene.observation.cluster(name), scene.desired.cluster(name)
    owners: list[Candidate] = [
        (told.maximum_parallel_migrations if told else None, f"cluster {name}", None),
        (
            asked.maximum_parallel_migrations if asked else None,
            f"desired state of cluster {name}",
            str(asked.source.of(CLUSTER_FIELD)) if asked else None,
        ),
    ]
    return _binding(owners, None)


def _binding(owners: list[Candidate], used: int | None) -> Limit:
    """The smallest limit binds; of equal ones the first, which is nearest to the host."""
    known = [(limit, rank, owner, because) for rank, (limit, owner, because) in enumerate(owners) if limit is not None]
    if not known:
        return Limit(used=used)
    limit, _, owner, because = min(known, key=lambda one: one[:2])
    return Limit(used=used, limit=limit, owner=owner, because=because)


def _used(host: Host | None, counted: int | None, *, storage: bool) -> int | None:
    if host is None:
        return None
    takes = [job.kind in STORAGE_KINDS if storage else job.kind is not MigrationKind.STORAGE for job in host.running_migrations]
    return max(counted, sum(takes)) if counted is not None else (sum(takes) or None)

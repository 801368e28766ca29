"""Host and cluster settings, compared field by field. The table below is all that is compared, and how."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reconciler.model import desired as wanted
from reconciler.model import observation as seen
from reconciler.model import paths
from reconciler.model.desired import Desired
from reconciler.model.drift import SettingDrift
from reconciler.model.observation import Observation
from reconciler.model.plan import SettingChange
from reconciler.model.words import HostStatus

LIVE_LIMIT = "migration.maximumVirtualMachineMigrations"


@dataclass(frozen=True, slots=True)
class Field:
    """One compared setting: its published name, where it stands in both worlds, and what counts as equal."""

    name: str
    block: str
    attribute: str
    equal: Callable[[Any, Any], bool] = lambda first, second: bool(first == second)


FIELDS = (
    Field("migration.authenticationType", "migration", "authentication_type"),
    Field("migration.enabled", "migration", "enabled"),
    Field("migration.maximumStorageMigrations", "migration", "maximum_storage_migrations"),
    Field(LIVE_LIMIT, "migration", "maximum_virtual_machine_migrations"),
    Field("migration.networks", "migration", "networks"),
    Field("migration.performanceOption", "migration", "performance_option"),
    Field("storage.virtualHardDiskPath", "storage", "virtual_hard_disk_path", paths.same),
    Field("storage.virtualMachinePath", "storage", "virtual_machine_path", paths.same),
)


def setting_drifts(desired: Desired, observation: Observation) -> tuple[SettingDrift, ...]:
    """Return clusters, then hosts, whose given settings differ from known ones. Unknown settings are left alone."""
    clusters = (_cluster_drift(desired, observation, cluster) for cluster in desired.clusters)
    hosts = (_host_drift(desired, observation, host) for host in desired.hosts)
    found = [drift for drift in (*clusters, *hosts) if drift is not None]
    return tuple(sorted(found, key=lambda drift: (not drift.is_cluster, drift.name.casefold())))


def _host_drift(desired: Desired, observation: Observation, host: wanted.Host) -> SettingDrift | None:
    observed = observation.host(host.name)
    if observed is None or observed.status is not HostStatus.OK:
        return None
    skipped = {LIVE_LIMIT} if _cluster_rules_live_limit(desired, observation, host, observed) else set()
    changes = [_change(field, host, observed) for field in FIELDS if field.name not in skipped]
    different = tuple(change for change in changes if change is not None)
    if not different:
        return None
    because = str(host.source.of(different[0].field))
    return SettingDrift(f"host/{host.name}", host.name, different, because, desired.policy.drift)


def _cluster_rules_live_limit(desired: Desired, observation: Observation, host: wanted.Host, observed: seen.Host) -> bool:
    """The cluster's property overrides the host's on every node; setting both would fight for ever."""
    name = observed.cluster or host.cluster
    if name is None:
        return False
    here, asked = observation.cluster(name), desired.cluster(name)
    known = here is not None and here.maximum_parallel_migrations is not None
    return known or (asked is not None and asked.maximum_parallel_migrations is not None)


def _change(field: Field, host: wanted.Host, observed: seen.Host) -> SettingChange | None:
    target = getattr(getattr(host, field.block), field.attribute)
    source = getattr(getattr(observed, field.block), field.attribute)
    if target is None or source is None or field.equal(source, target):
        return None
    return SettingChange(field=field.name, source=_plain(source), target=_plain(target))


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _cluster_drift(desired: Desired, observation: Observation, cluster: wanted.Cluster) -> SettingDrift | None:
    observed = observation.cluster(cluster.name)
    limit = cluster.maximum_parallel_migrations
    if observed is None or limit is None or observed.maximum_parallel_migrations in (None, limit):
        return None
    change = SettingChange(field="maximumParallelMigrations", source=observed.maximum_parallel_migrations, target=limit)
    because = str(cluster.source.of(change.field))
    return SettingDrift(f"cluster/{cluster.name}", cluster.name, (change,), because, desired.policy.drift)

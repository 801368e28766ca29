"""From an observation to the state of a simulated fleet: what was seen becomes what is so.

What the observation does not know stays unknown and never refuses anything. Jobs that were running go on; where their
files go was not observed, so their files keep their paths.
"""

from datetime import datetime, timedelta

from reconciler.model.observation import Cluster, Host, Migration, Observation, Volume
from reconciler.model.words import HostStatus, MigrationKind, PerformanceOption
from reconciler.simulator.assumptions import Assumptions
from reconciler.simulator.roles import default_settings
from reconciler.simulator.slots import charges
from reconciler.simulator.state import RUNNING, ClusterState, FleetState, HostState, Job, ShareState, VolumeState, memory_of


def boot(observation: Observation, now: datetime, assumptions: Assumptions) -> FleetState:
    """Return the fleet as the observation saw it; its running jobs go on from ``now``."""
    fleet = FleetState(clusters=[_cluster(cluster) for cluster in observation.clusters])
    fleet.shares = [ShareState(share.path, share.size_bytes, share.free_bytes, share.hosts) for share in observation.shares]
    fleet.hosts = [_host(fleet, host) for host in observation.hosts]
    for host, seen in zip(fleet.hosts, observation.hosts, strict=True):
        fleet.jobs.extend(_job(fleet, host, migration, now, assumptions) for migration in seen.migrations)
    return fleet


def _volumes(volumes: tuple[Volume, ...]) -> list[VolumeState]:
    return [VolumeState(volume.path, volume.size_bytes, volume.free_bytes) for volume in volumes]


def _cluster(cluster: Cluster) -> ClusterState:
    return ClusterState(cluster.name, cluster.maximum_parallel_migrations, _volumes(cluster.shared_volumes))


def _host(fleet: FleetState, host: Host) -> HostState:
    state = HostState(
        facts=host.model_copy(update={"virtual_machines": (), "migrations": ()}),
        machines={
            machine.id.casefold(): machine.model_copy(update={"operation": _own_operation(machine.operation)})
            for machine in host.virtual_machines
        },
        volumes=_volumes(host.storage.volumes),
        cluster=_cluster_named(fleet, host.cluster),
        available=host.available_memory_mib,
        unreachable=host.status is HostStatus.UNREACHABLE,
    )
    for key, machine in state.machines.items():
        if state.cluster is not None and machine.highly_available:
            state.cluster.roles[key] = default_settings()
    return state


def _own_operation(operation: str | None) -> str | None:
    """A migration is told by its job, so only other operations stay with the machine."""
    return None if operation == "MigratingVirtualMachine" else operation


def _cluster_named(fleet: FleetState, name: str | None) -> ClusterState | None:
    """A node may name a cluster that the observation knows nothing else of."""
    if name is None:
        return None
    known = next((cluster for cluster in fleet.clusters if cluster.name.casefold() == name.casefold()), None)
    if known is None:
        known = ClusterState(name)
        fleet.clusters.append(known)
    return known


def _job(fleet: FleetState, host: HostState, seen: Migration, now: datetime, assumptions: Assumptions) -> Job:
    machine = host.machines.get(seen.virtual_machine.casefold())
    destination = None if seen.kind is MigrationKind.STORAGE else fleet.host(seen.destination)
    copies = seen.kind in (MigrationKind.STORAGE, MigrationKind.LIVE_WITH_STORAGE)
    seconds = assumptions.seconds(
        seen.kind,
        memory_mib=memory_of(machine) if machine else 0,
        file_bytes=sum(disk.file_bytes or 0 for disk in machine.disks) if machine and copies else 0,
    )
    done = (seen.percent or 0) / 100
    live, storage = charges(seen.kind, host, destination, copies)
    return Job(
        id=seen.id,
        machine=seen.virtual_machine.casefold(),
        kind=seen.kind,
        source=host,
        destination=destination,
        given=seen.destination,
        moves=(),
        memory_mib=memory_of(machine) if machine and destination else 0,
        option=host.facts.migration.performance_option or PerformanceOption.COMPRESSION,
        started_at=now - timedelta(seconds=seconds * done),
        ends_at=now + timedelta(seconds=seconds * (1 - done)) if seen.is_running else now,
        full_seconds=seconds,
        live=live,
        storage=storage,
        state=RUNNING if seen.is_running else seen.state,
        percent=seen.percent or 0,
        error=None if seen.error_code is None else (seen.error_code, seen.error or ""),
    )

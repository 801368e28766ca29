"""What simulated hosts report: the same values that a survey of real hosts gives, computed from the truth of the moment.

A machine on the move is on its source host until it changes hands. Nothing here changes the fleet.
"""

from datetime import datetime
from functools import lru_cache

from reconciler.hosts.port import HostReport
from reconciler.model import paths
from reconciler.model.observation import Cluster, Host, Migration, Observation, PlannedMachine, Share, VirtualMachine, Volume
from reconciler.model.words import HostStatus
from reconciler.simulator import slots
from reconciler.simulator.paths import all_files
from reconciler.simulator.state import ClusterState, FleetState, HostState, Job, ShareState, VolumeState

MOVING = "MigratingVirtualMachine"


def report(fleet: FleetState, host: HostState, now: datetime, *, show_arrivals: bool) -> HostReport:
    """Return what one survey of one host sees; ``show_arrivals`` counts memory held for machines on their way as used."""
    return HostReport(
        host=_host(fleet, host, now, show_arrivals),
        cluster=_cluster(host.cluster) if host.cluster else None,
        shares=tuple(_share(share, (host.name,)) for share in _shares_of(fleet, host)),
    )


def observation(fleet: FleetState, now: datetime, *, show_arrivals: bool) -> Observation:
    """Return all that is so now, whether hosts can be reached or not; destinations of migrations by host name."""
    hosts = tuple(_host(fleet, host, now, show_arrivals) for host in fleet.hosts)
    return Observation(
        observed_at=now,
        clusters=tuple(_cluster(cluster) for cluster in fleet.clusters),
        hosts=tuple(_with_host_names(fleet, host) for host in hosts),
        shares=tuple(_share(share, tuple(_users(fleet, share))) for share in _shares(fleet)),
    )


def migrations(fleet: FleetState, host: HostState, now: datetime) -> tuple[Migration, ...]:
    """Return the jobs of a source host, ended ones included while it remembers them."""
    return tuple(_migration(job, now) for job in fleet.jobs if job.source is host)


def _host(fleet: FleetState, host: HostState, now: datetime, show_arrivals: bool) -> Host:
    active = {
        "active_virtual_machine_migrations": slots.live_use(fleet, host),
        "active_storage_migrations": slots.storage_use(fleet, host),
    }
    partial = host.facts.status is HostStatus.PARTIAL
    return host.facts.model_copy(
        update={
            "status": HostStatus.PARTIAL if partial else HostStatus.OK,
            "problem": host.facts.problem if partial else None,
            "observed_at": now,
            "available_memory_mib": fleet.free_mib(host) if show_arrivals else host.available,
            "migration": host.facts.migration.model_copy(update=active),
            "storage": host.facts.storage.model_copy(update={"volumes": _volumes(host.volumes)}),
            "virtual_machines": tuple(_machine(fleet, host, machine) for machine in host.machines.values()),
            "migrations": migrations(fleet, host, now),
            "planned_virtual_machines": _planned(fleet, host),
        }
    )


def _planned(fleet: FleetState, host: HostState) -> tuple[PlannedMachine, ...] | None:
    """What migrations of the past have left, then what is on its way here; None for a host that does not tell."""
    left = host.facts.planned_virtual_machines
    jobs = [job for job in fleet.running() if job.destination is host]
    machines = ((job.machine, job.source.machines.get(job.machine)) for job in jobs)
    arriving = (PlannedMachine(id=key, name=machine.name if machine else None) for key, machine in machines)
    return None if left is None else (*left, *arriving)


def _machine(fleet: FleetState, host: HostState, machine: VirtualMachine) -> VirtualMachine:
    moving = fleet.job_of(host, machine.id.casefold()) is not None
    return machine.model_copy(update={"operation": MOVING}) if moving else machine


def _migration(job: Job, now: datetime) -> Migration:
    return Migration(
        id=job.id,
        virtual_machine=job.machine,
        kind=job.kind,
        destination=job.given,
        percent=job.percent_at(now),
        state=job.state,
        started_at=job.started_at,
        error_code=job.error[0] if job.error else None,
        error=job.error[1] if job.error else None,
    )


def _with_host_names(fleet: FleetState, host: Host) -> Host:
    named = (
        job.model_copy(update={"destination": there.name}) if (there := fleet.host(job.destination)) else job
        for job in host.migrations
    )
    return host.model_copy(update={"migrations": tuple(named)})


def _cluster(cluster: ClusterState) -> Cluster:
    return Cluster(
        name=cluster.name,
        maximum_parallel_migrations=cluster.maximum_parallel_migrations,
        shared_volumes=_volumes(cluster.volumes),
    )


def _volumes(volumes: list[VolumeState]) -> tuple[Volume, ...]:
    return tuple(_volume(v.path, v.size_bytes, v.free_bytes) for v in volumes)


@lru_cache(maxsize=4096)
def _volume(path: str, size_bytes: int | None, free_bytes: int | None) -> Volume:
    return Volume(path=path, size_bytes=size_bytes, free_bytes=free_bytes)


def _share(share: ShareState, hosts: tuple[str, ...]) -> Share:
    return _share_as(share.path, share.size_bytes, share.free_bytes, hosts)


@lru_cache(maxsize=4096)
def _share_as(path: str, size_bytes: int | None, free_bytes: int | None, hosts: tuple[str, ...]) -> Share:
    return Share(path=path, size_bytes=size_bytes, free_bytes=free_bytes, hosts=hosts)


def _shares(fleet: FleetState) -> list[ShareState]:
    """All shares: those that were listed, then those that machines came to lie on, of which nothing else is known."""
    listed = list(fleet.shares)
    for host in fleet.hosts:
        for path in _smb_files(host):
            if not any(paths.is_within(path, share.path) for share in listed):
                listed.append(ShareState(paths.share_of(path) or path))
    return listed


def _shares_of(fleet: FleetState, host: HostState) -> list[ShareState]:
    """The shares that one host uses, in the order of ``_shares``; the other hosts need not be gone through for it."""
    files, name = _smb_files(host), host.name.casefold()
    listed = [
        share
        for share in fleet.shares
        if name in _folded(share.hosts) or any(paths.is_within(path, share.path) for path in files)
    ]
    strays = (path for path in files if not any(paths.is_within(path, share.path) for share in fleet.shares))
    return listed + [ShareState(path) for path in dict.fromkeys(paths.share_of(path) or path for path in strays)]


def _users(fleet: FleetState, share: ShareState) -> list[str]:
    seen = _folded(share.hosts)
    return [
        host.name
        for host in fleet.hosts
        if host.name.casefold() in seen or any(paths.is_within(path, share.path) for path in _smb_files(host))
    ]


@lru_cache(maxsize=256)
def _folded(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.casefold() for name in names)


def _smb_files(host: HostState) -> list[str]:
    files = (path for machine in host.machines.values() for path in all_files(machine))
    return [path for path in files if paths.is_smb(path)]

"""Made-up fleets of any size for laws and measurements: the same arguments give the same fleet, on any machine.

Stand-alone hosts and clusters of a few nodes; machines on local disks, shares and cluster shared volumes, some of them off.
Everything fits where it is, with room to spare on every host, so that what cannot be done is due to the question asked.
"""

import random
import uuid
from datetime import UTC, datetime

from reconciler.model import paths
from reconciler.model.observation import (
    Cluster,
    Disk,
    Host,
    HostMigration,
    HostStorage,
    Observation,
    Share,
    VirtualMachine,
    Volume,
)
from reconciler.model.words import AuthenticationType, PerformanceOption

GIBIBYTE = 1024**3
SEEN_AT = datetime(2026, 1, 1, tzinfo=UTC)
HOSTS_PER_SHARE = 8
SHARE_BYTES, DRIVE_BYTES, CLUSTER_VOLUME_BYTES = 200_000 * GIBIBYTE, 40_000 * GIBIBYTE, 200_000 * GIBIBYTE
LOCAL, SHARED = "D:\\VMs", "\\\\fileserver{}.contoso.com\\vms"


def make_fleet(hosts: int, machines_per_host: int, seed: int) -> Observation:
    """Return a fleet of that many hosts, each with that many machines, drawn from ``seed``."""
    rng = random.Random(seed)
    shares = [SHARED.format(number + 1) for number in range(1 + (hosts - 1) // HOSTS_PER_SHARE)]
    made: list[Host] = []
    clusters = _clusters(hosts, rng)
    for number, cluster in enumerate(clusters):
        home = LOCAL if cluster is None else f"C:\\ClusterStorage\\{cluster}"
        homes = (home, shares[number // HOSTS_PER_SHARE])
        machines = [_machine(number * machines_per_host + i, cluster, homes, rng) for i in range(machines_per_host)]
        made.append(_host(number, cluster, tuple(machines), rng))
    return Observation(
        observed_at=SEEN_AT,
        clusters=tuple(_cluster(name, made, rng) for name in sorted({name for name in clusters if name})),
        hosts=tuple(made),
        shares=tuple(_share(path, made, number) for number, path in enumerate(shares)),
    )


def _clusters(hosts: int, rng: random.Random) -> list[str | None]:
    """The cluster of each host, or None; neighbours share a cluster."""
    names: list[str | None] = []
    while len(names) < hosts:
        size = rng.choice((1, 1, 2, 3, 4))
        names += [f"cluster-{len(names) + 1:03}" if size > 1 else None] * size
    return names[:hosts]


def _machine(number: int, cluster: str | None, homes: tuple[str, str], rng: random.Random) -> VirtualMachine:
    name = f"vm-{number + 1:05}"
    folder = paths.join(rng.choice(homes), name)
    return VirtualMachine(
        id=str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        name=name,
        state=rng.choices(("Running", "Off"), (9, 1))[0],
        memory_mib=1024 * rng.choice((1, 2, 4, 8, 16)),
        processors=rng.choice((1, 2, 4, 8)),
        generation=2,
        configuration_version="9.0",
        highly_available=cluster is not None,
        switches=("Prod",),
        processor_compatibility=False,
        checkpoints=0,
        replication="None",
        assigned_devices=0,
        configuration_path=folder,
        checkpoint_path=folder,
        smart_paging_path=folder,
        disks=tuple(_disk(folder, index, rng) for index in range(rng.choice((1, 1, 2)))),
    )


def _disk(folder: str, index: int, rng: random.Random) -> Disk:
    gibibytes = rng.choice((20, 40, 80, 160))
    return Disk(
        location=index,
        path=paths.join(folder, "Virtual Hard Disks", ("os.vhdx", "data.vhdx")[index]),
        size_bytes=2 * gibibytes * GIBIBYTE,
        file_bytes=gibibytes * GIBIBYTE,
        shared=False,
        pass_through=False,
    )


def _host(number: int, cluster: str | None, machines: tuple[VirtualMachine, ...], rng: random.Random) -> Host:
    name = f"hv-{number + 1:03}"
    used = sum(machine.memory_mib or 0 for machine in machines)
    memory = max(65536, 1024 * round(used * rng.uniform(1.4, 2.0) / 1024))
    running = sum(machine.memory_mib or 0 for machine in machines if machine.is_running)
    free = DRIVE_BYTES - _bytes_below(machines, "D:")
    return Host(
        name=name,
        address=f"{name}.contoso.com",
        observed_at=SEEN_AT,
        cluster=cluster,
        node_state="Up" if cluster else None,
        os_version="10.0.20348",
        supported_configuration_versions=("8.0", "9.0", "10.0"),
        planned_virtual_machines=(),
        processor_vendor="GenuineIntel",
        processor_model="Xeon Gold 6338",
        logical_processors=64,
        memory_mib=memory,
        available_memory_mib=memory - running,
        switches=("Prod",),
        migration=HostMigration(
            enabled=True,
            maximum_virtual_machine_migrations=2,
            maximum_storage_migrations=2,
            active_virtual_machine_migrations=0,
            active_storage_migrations=0,
            performance_option=PerformanceOption.COMPRESSION,
            authentication_type=AuthenticationType.KERBEROS,
            networks="any",
        ),
        storage=HostStorage(
            virtual_machine_path=LOCAL,
            virtual_hard_disk_path=f"{LOCAL}\\Virtual Hard Disks",
            volumes=(Volume(path="D:\\", size_bytes=DRIVE_BYTES, free_bytes=free),),
        ),
        virtual_machines=machines,
    )


def _cluster(name: str, hosts: list[Host], rng: random.Random) -> Cluster:
    path = f"C:\\ClusterStorage\\{name}"
    used = sum(_bytes_below(host.virtual_machines, path) for host in hosts if host.cluster == name)
    volume = Volume(path=path, size_bytes=CLUSTER_VOLUME_BYTES, free_bytes=CLUSTER_VOLUME_BYTES - used)
    return Cluster(name=name, maximum_parallel_migrations=rng.choice((1, 2, None)), shared_volumes=(volume,))


def _share(path: str, hosts: list[Host], number: int) -> Share:
    users = hosts[number * HOSTS_PER_SHARE : (number + 1) * HOSTS_PER_SHARE]
    used = sum(_bytes_below(host.virtual_machines, path) for host in users)
    names = tuple(host.name for host in users)
    return Share(path=path, size_bytes=SHARE_BYTES, free_bytes=SHARE_BYTES - used, hosts=names)


def _bytes_below(machines: tuple[VirtualMachine, ...], folder: str) -> int:
    disks = (disk for machine in machines for disk in machine.disks)
    return sum(disk.file_bytes or 0 for disk in disks if disk.path and paths.is_within(disk.path, folder))

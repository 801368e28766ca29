"""Fleets made by rule for measurements: sizes as asked for, answers known beforehand. No randomness but a seeded one."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random

from reconciler.model import desired as wanted
from reconciler.model import observation as seen
from reconciler.model.desired import Desired, Placement, Source
from reconciler.model.document import slim
from reconciler.model.observation import Observation
from reconciler.model.problem import Place

SHARE = r"\\files.contoso.com\vms"
DRIVE = r"D:\VMs"
SIZES_MIB = (2048, 4096, 8192, 16384)
GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked of a fleet, the fleet, and how many migrations that must come to."""

    desired: Desired
    observation: Observation
    migrations: int


def pinned(hosts: int, machines: int, differing: int, *, full: float = 0.7, seed: int = 1) -> Case:
    """Return a fleet full to that share, every machine pinned where it is but ``differing``, which belong on other hosts."""
    random = Random(seed)
    sizes = [random.choice(SIZES_MIB) for _ in range(machines)]
    homes = [number % hosts for number in range(machines)]
    targets = _targets(random, hosts, sizes, homes, differing, int(sum(sizes) / hosts / full))
    places = [
        Placement("host", (_host(number),)) for number in range(hosts)
    ]  # equal placements are one, as loading leaves them
    managed = tuple(_managed(number, places[target]) for number, target in enumerate(targets))
    return Case(_desired(hosts, managed, drained=0), _observation(hosts, sizes, homes, full), differing)


def _targets(random: Random, hosts: int, sizes: list[int], homes: list[int], differing: int, total: int) -> list[int]:
    """Return where machines belong: as many as asked for elsewhere than now, each where there is room in the end."""
    targets, used = list(homes), [0] * hosts
    for size, home in zip(sizes, homes, strict=True):
        used[home] += size
    order = random.sample(range(len(homes)), len(homes))
    while differing:
        number = order.pop()
        target = (homes[number] + random.randrange(1, hosts)) % hosts
        if used[target] + sizes[number] <= total:
            targets[number] = target
            used[target] += sizes[number]
            used[homes[number]] -= sizes[number]
            differing -= 1
    return targets


def drain(hosts: int, machines: int, drained: int, *, full: float = 0.7, seed: int = 1) -> Case:
    """Return a fleet whose machines may be anywhere, the first ``drained`` hosts of it in maintenance."""
    random = Random(seed)
    sizes = [random.choice(SIZES_MIB) for _ in range(machines)]
    homes = [number % hosts for number in range(machines)]
    anywhere = Placement("hostGroup", tuple(_host(number) for number in range(hosts)))
    managed = tuple(_managed(number, anywhere) for number in range(machines))
    forced = sum(home < drained for home in homes)
    return Case(_desired(hosts, managed, drained=drained), _observation(hosts, sizes, homes, full), forced)


def local_drain(hosts: int, machines: int, drained: int) -> Case:
    """Return the fleet of ``drain`` with all files on the hosts' own drives: each machine takes its files along."""
    case = drain(hosts, machines, drained)
    drive = seen.Volume(path="D:\\", size_bytes=100_000 * GIB, free_bytes=50_000 * GIB)
    placed = tuple(replace(one, storage=replace(one.storage, locations=(DRIVE,))) for one in case.desired.hosts)
    observed = tuple(
        host.model_copy(
            update={
                "storage": seen.HostStorage(volumes=(drive,)),
                "virtual_machines": tuple(map(_on_a_drive, host.virtual_machines)),
            }
        )
        for host in case.observation.hosts
    )
    observation = Observation(observed_at=case.observation.observed_at, hosts=observed)
    return Case(replace(case.desired, hosts=placed), observation, 2 * case.migrations)


def _on_a_drive(machine: seen.VirtualMachine) -> seen.VirtualMachine:
    home = (machine.configuration_path or "").replace(SHARE, DRIVE)
    disks = tuple(disk.model_copy(update={"path": (disk.path or "").replace(SHARE, DRIVE)}) for disk in machine.disks)
    roots = dict.fromkeys(("configuration_path", "checkpoint_path", "smart_paging_path"), home)
    return machine.model_copy(update={**roots, "disks": disks})


def tight_drain(hosts: int, machines: int, drained: int, *, full: float, seed: int = 1) -> Case:
    """Return a fleet with machines spread evenly; once ``drained`` hosts are empty, the others are full to that share."""
    random = Random(seed)
    sizes = sorted((random.choice((2048, 3072, 4096, 6144, 8192, 16384)) for _ in range(machines)), reverse=True)
    used = [0] * hosts
    homes: list[int] = []
    for size in sizes:
        homes.append(min(range(hosts), key=lambda host: (used[host], host)))
        used[homes[-1]] += size
    anywhere = Placement("hostGroup", tuple(_host(number) for number in range(hosts)))
    managed = tuple(_managed(number, anywhere) for number in range(machines))
    share = full * (hosts - drained) / hosts
    forced = sum(home < drained for home in homes)
    return Case(_desired(hosts, managed, drained=drained), _observation(hosts, sizes, homes, share), forced)


def small_case(
    sizes: list[int],
    homes: list[int],
    placements: list[Placement],
    capacities: list[int],
    migrations: int,
    drained: int | None = None,
) -> Case:
    """Return a fleet in numbers as a case: MiB and host of each machine, where each may be, MiB of each host."""
    managed = tuple(_managed(number, placement) for number, placement in enumerate(placements))
    wished = _desired(len(capacities), managed, drained=0)
    hosts = tuple(replace(host, maintenance=number == drained) for number, host in enumerate(wished.hosts))
    found = _observation(len(capacities), sizes, homes, 1.0)
    seen_hosts = tuple(
        host.model_copy(update={"memory_mib": capacity, "available_memory_mib": capacity - _used(host)})
        for host, capacity in zip(found.hosts, capacities, strict=True)
    )
    observation = Observation(observed_at=found.observed_at, hosts=seen_hosts, shares=found.shares)
    return Case(replace(wished, hosts=hosts), observation, migrations)


def _used(host: seen.Host) -> int:
    return sum(machine.memory_mib or 0 for machine in host.virtual_machines)


def host_name(number: int) -> str:
    """Return the name of a generated host."""
    return f"host{number:05}"


_host = host_name


def _id(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012}"


def _managed(number: int, placement: Placement) -> wanted.VirtualMachine:
    name = f"vm{number:06}"
    return wanted.VirtualMachine(name, Source(Place(f"vms/{name}.yaml", 1)), id=_id(number), placement=placement)


def _desired(hosts: int, machines: tuple[wanted.VirtualMachine, ...], *, drained: int) -> Desired:
    known = tuple(
        wanted.Host(_host(n), Source(Place(f"hosts/{_host(n)}.yaml", 1)), address=_host(n), maintenance=n < drained)
        for n in range(hosts)
    )
    return Desired(digest="sha256:bench", hosts=known, virtual_machines=machines)


def _observation(hosts: int, sizes: list[int], homes: list[int], full: float) -> Observation:
    on: list[list[seen.VirtualMachine]] = [[] for _ in range(hosts)]
    used = [0] * hosts
    for number, (size, home) in enumerate(zip(sizes, homes, strict=True)):
        on[home].append(_machine(number, size))
        used[home] += size
    total = int(sum(sizes) / hosts / full)
    found = tuple(_observed_host(n, tuple(on[n]), max(total, used[n]), used[n]) for n in range(hosts))
    for host in found:
        slim(host)  # as a survey leaves it
    share = seen.Share(path=SHARE, size_bytes=9 * 10**15, free_bytes=5 * 10**15, hosts=tuple(host.name for host in found))
    return Observation(observed_at=datetime(2026, 1, 1, tzinfo=UTC), hosts=found, shares=(share,))


def _machine(number: int, size: int) -> seen.VirtualMachine:
    home = rf"{SHARE}\vm{number:06}"
    disk = seen.Disk(path=rf"{home}\Virtual Hard Disks\os.vhdx", size_bytes=60 * GIB, file_bytes=20 * GIB)
    return seen.VirtualMachine(
        id=_id(number),
        name=f"vm{number:06}",
        state="Running",
        memory_mib=size,
        configuration_version="9.0",
        highly_available=False,
        switches=("Prod",),
        replication="None",
        assigned_devices=0,
        configuration_path=home,
        checkpoint_path=home,
        smart_paging_path=home,
        disks=(disk,),
    )


def _observed_host(number: int, machines: tuple[seen.VirtualMachine, ...], total: int, used: int) -> seen.Host:
    settings = seen.HostMigration(
        enabled=True,
        maximum_virtual_machine_migrations=2,
        maximum_storage_migrations=2,
        performance_option="Compression",
        authentication_type="Kerberos",
    )
    return seen.Host(
        name=_host(number),
        supported_configuration_versions=("9.0",),
        processor_vendor="GenuineIntel",
        memory_mib=total,
        available_memory_mib=total - used,
        switches=("Prod",),
        migration=settings,
        virtual_machines=machines,
    )

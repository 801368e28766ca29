"""What each step takes and gives back, as entries in pools: memory of hosts and space of volumes.

A step takes when it starts and gives back when it is done: until then a machine's memory and files are held at both ends.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from reconciler.audit.case import FOLDERS, LIVE_KINDS, Case, Stand, migrates_host
from reconciler.model import paths
from reconciler.model.observation import Volume
from reconciler.model.plan import MachineStep
from reconciler.model.words import Action


@dataclass(slots=True)
class Pool:
    """One host's memory (MiB) or one volume's space (bytes): what is free now, and who takes and gives how much.

    ``free`` is already less the reserve, and counts what running migrations take and will free; None is unknown.
    ``unknown`` are steps that take an unknown amount.
    """

    name: str
    unit: str
    free: int | None
    takes: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    gives: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    unknown: set[str] = field(default_factory=set)


def pools_of(case: Case) -> list[Pool]:
    """Return every pool that some step takes from or gives to, sorted by name."""
    pools: dict[str, Pool] = {}
    for step in case.machine_steps:
        stand = case.stands.get(step.id)
        if stand is not None:
            _memory(step, stand, case, pools)
            _space(step, case, pools)
    return [pools[name] for name in sorted(pools)]


def _memory(step: MachineStep, stand: Stand, case: Case, pools: dict[str, Pool]) -> None:
    machine = case.machine(step)
    amount = machine.memory_mib if machine else None
    if step.action is Action.START_VIRTUAL_MACHINE:
        _take(_memory_pool(step.source, case, pools), step, amount)
    elif step.migration_kind in LIVE_KINDS and migrates_host(step) and stand.is_running:
        _take(_memory_pool(str(step.destination), case, pools), step, amount)
        _memory_pool(step.source, case, pools).gives[step.id] += amount or 0


def _take(pool: Pool, step: MachineStep, amount: int | None) -> None:
    if amount is None:
        pool.unknown.add(step.id)
    pool.takes[step.id] += amount or 0


def _memory_pool(host: str, case: Case, pools: dict[str, Pool]) -> Pool:
    name = f"memory of {host.casefold()}"
    if name not in pools:
        pools[name] = Pool(name, "MiB", _free_memory(host, case))
    return pools[name]


def _free_memory(host: str, case: Case) -> int | None:
    seen, wanted = case.observation.host(host), case.desired.host(host)
    if seen is None or seen.available_memory_mib is None:
        return None
    coming = [machine for machine, (_, job) in sorted(case.jobs.items()) if _leads_to(job.destination, host, case)]
    # What leaves already frees its room before any step here can be started: each start looks at the room there is.
    going = [machine for machine, (source, _) in sorted(case.jobs.items()) if source.name.casefold() == host.casefold()]
    reserve = wanted.reserve_memory_mib if wanted else 0
    return seen.available_memory_mib - reserve - _memory_of(coming, case) + _memory_of(going, case)


def _memory_of(machines: list[str], case: Case) -> int:
    moving = [machine for machine in machines if machine in case.seen and _has_memory(machine, case)]
    return sum(case.seen[machine][0][1].memory_mib or 0 for machine in moving)


def _has_memory(machine: str, case: Case) -> bool:
    kind = case.jobs[machine][1].kind
    return kind in LIVE_KINDS and not case.seen[machine][0][1].is_off


def _leads_to(destination: str | None, host: str, case: Case) -> bool:
    seen = case.observation.host(host)
    names = {host.casefold(), (seen.address or host).casefold() if seen else host.casefold()}
    return destination is not None and destination.casefold() in names


def _space(step: MachineStep, case: Case, pools: dict[str, Pool]) -> None:
    holder = step.destination or step.source
    for move in step.storage:
        if move.file in FOLDERS:
            continue
        size = _file_bytes(move.source, step, case)
        size = move.bytes if size is None else size
        _take(_space_pool(move.target, holder, case, pools), step, size)
        _space_pool(move.source, step.source, case, pools).gives[step.id] += size or 0


def _file_bytes(path: str, step: MachineStep, case: Case) -> int | None:
    # By name, because the file may have moved before; names within one machine's move stay the same.
    machine = case.machine(step)
    name = paths.file_of(path).casefold()
    sizes = (
        [disk.file_bytes for disk in machine.disks if disk.path and paths.file_of(disk.path).casefold() == name]
        if machine
        else []
    )
    return sizes[0] if len(sizes) == 1 else None


def _space_pool(path: str, host: str, case: Case, pools: dict[str, Pool]) -> Pool:
    volume = _volume(path, host, case)
    root = paths.normal(volume.path) if volume else paths.volume_of(path)
    owner = "" if paths.is_smb(path) else f" of {_owner(path, host, case)}"
    name = f"space on {root}{owner}"
    if name not in pools:
        pools[name] = Pool(name, "bytes", _free_bytes(volume, case) if volume else None)
    return pools[name]


def _owner(path: str, host: str, case: Case) -> str:
    return (case.cluster_of(host) or host.casefold()) if paths.is_cluster_volume(path) else host.casefold()


def _volume(path: str, host: str, case: Case) -> Volume | None:
    holding = [volume for volume in _volumes(path, host, case) if paths.is_within(path, volume.path)]
    return max(holding, key=lambda volume: len(paths.normal(volume.path)), default=None)


def _volumes(path: str, host: str, case: Case) -> Iterator[Volume]:
    seen = case.observation.host(host)
    if paths.is_smb(path):
        yield from case.observation.shares
    elif paths.is_cluster_volume(path):
        cluster = case.observation.cluster(case.cluster_of(host) or "")
        yield from cluster.shared_volumes if cluster else ()
    else:
        yield from seen.storage.volumes if seen else ()


def _free_bytes(volume: Volume, case: Case) -> int | None:
    percents = [
        location.reserve_free_percent
        for location in case.desired.storage_locations
        if paths.is_within(location.path, volume.path)
        and paths.is_cluster_volume(location.path) == paths.is_cluster_volume(volume.path)
    ]
    percent = max(percents, default=0)
    if volume.free_bytes is None or (percent and volume.size_bytes is None):
        return None
    # Half a byte of a percentage is nobody's concern: round in the plan's favour.
    return volume.free_bytes - int((volume.size_bytes or 0) * percent / 100)

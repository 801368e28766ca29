"""Room at the destination now: memory less the reserve and less what is already coming, and space on target volumes.

What cannot be known is named as unverified, and the policy says whether to start all the same.
"""

from collections import defaultdict

from reconciler.decide.decision import Reason
from reconciler.decide.facts import Facts, Flight
from reconciler.decide.traffic import Traffic
from reconciler.model import paths
from reconciler.model.observation import Host, Volume
from reconciler.model.plan import MachineStep, StorageMove


def unverified(facts: Facts, check: str, finding: str) -> Reason | None:
    """Return a reason where policy does not let a step start without that check ("space", or any other)."""
    policy = facts.desired.policy.unverified
    rule = policy.space if check.casefold().startswith("space") else policy.other
    return None if rule == "allow" else Reason("unverified", finding)


def memory_short(step: MachineStep, traffic: Traffic) -> Reason | None:
    """Return a reason where the machine's memory does not fit beside the reserve and what is on its way there."""
    facts = traffic.facts
    key = _memory_goes_to(step)
    host = facts.observation.host(key) if key else None
    if host is None:
        return None
    need, room = facts.memory_of(step.virtual_machine.id.casefold()), memory_room(host, traffic)
    if need is None or room is None:
        return unverified(facts, "memory", f"whether {host.name} has room for the machine's memory cannot be told")
    if need > room:
        return Reason("memory", f"{host.name} has {max(room, 0)} MiB free beside its reserve, {need} MiB are needed")
    return None


def _memory_goes_to(step: MachineStep) -> str | None:
    if step.action == "startVirtualMachine":
        return step.source
    carries_memory = step.migration_kind in ("live", "liveWithStorage")
    return step.destination if carries_memory and step.destination != step.source else None


def memory_room(host: Host, traffic: Traffic) -> int | None:
    """Return the MiB free for one more machine (negative below the reserve), None where it cannot be told."""
    facts = traffic.facts
    key = host.name.casefold()
    coming = [flight.machine for flight in traffic.arriving[key] if not _carries_none(flight, facts)]
    amounts = [facts.memory_of(machine) for machine in coming + traffic.starting[key]]
    if host.available_memory_mib is None or None in amounts:
        return None
    wanted = facts.desired.host(host.name)
    reserve = wanted.reserve_memory_mib if wanted else 0
    return host.available_memory_mib - reserve - sum(amount for amount in amounts if amount is not None)


def _carries_none(flight: Flight, facts: Facts) -> bool:
    return flight.kind == "offline" or facts.is_off(flight.machine)


def space_short(step: MachineStep, traffic: Traffic) -> Reason | None:
    """Return a reason where a volume that the step writes to would fall below what must stay free."""
    facts = traffic.facts
    needs: dict[str, int] = defaultdict(int)
    holder = step.destination or step.source
    for move in step.storage:
        size = _bytes_of(move, step, facts)
        volume = volume_under(move.target, holder, facts)
        if size is None or volume is None:
            reason = unverified(facts, "space", f"whether there is space for {move.file} at {move.target} cannot be told")
            if reason:
                return reason
        elif size:
            needs[move.target] += size
    return _first_short(needs, holder, traffic)


def _first_short(needs: dict[str, int], holder: str, traffic: Traffic) -> Reason | None:
    facts = traffic.facts
    totals: dict[str, int] = defaultdict(int)
    for target, size in needs.items():
        totals[volume_key(target, holder, facts)] += size
    seen: set[str] = set()
    for target in needs:
        key = volume_key(target, holder, facts)
        reason = None if key in seen else _short(target, holder, totals[key], traffic)
        seen.add(key)
        if reason:
            return reason
    return None


def _short(target: str, holder: str, need: int, traffic: Traffic) -> Reason | None:
    facts = traffic.facts
    volume = volume_under(target, holder, facts)
    keep = kept_free(volume, facts) if volume else None
    if volume is None or volume.free_bytes is None or keep is None:
        return unverified(facts, "space", f"how much space is free at {target} cannot be told")
    key = volume_key(target, holder, facts)
    promised = sum(_promised(flight, key, facts) for flight in traffic.flights)
    room = volume.free_bytes - keep - promised
    if need > room:
        return Reason("space", f"{volume.path} has {max(room, 0)} bytes free beside its reserve, {need} are needed")
    return None


def _promised(flight: Flight, key: str, facts: Facts) -> int:
    """Bytes that a copy under way may still write to the volume: at most all disks of its machine."""
    holder = flight.destination or flight.source
    if flight.kind == "live" or all(volume_key(target, holder, facts) != key for target in flight.targets or ()):
        return 0
    found = facts.seen.get(flight.machine, ())
    return max((sum(disk.file_bytes or 0 for disk in machine.disks) for _, machine in found), default=0)


def _bytes_of(move: StorageMove, step: MachineStep, facts: Facts) -> int | None:
    if move.file in ("configuration", "checkpoints", "smartPaging"):
        return move.bytes or 0
    for _, machine in facts.seen.get(step.virtual_machine.id.casefold(), ()):
        for disk in machine.disks:
            if disk.path and paths.same(disk.path, move.source):
                return disk.file_bytes
    return move.bytes


def volume_under(path: str, host: str, facts: Facts) -> Volume | None:
    """Return the volume that holds a path as seen from a host; None where nobody reported it."""
    seen = facts.observation.host(host)
    if paths.is_smb(path):
        volumes: tuple[Volume, ...] = facts.observation.shares
    elif paths.is_cluster_volume(path):
        cluster = facts.observation.cluster(seen.cluster) if seen and seen.cluster else None
        volumes = cluster.shared_volumes if cluster else ()
    else:
        volumes = seen.storage.volumes if seen else ()
    holding = [volume for volume in volumes if paths.is_within(path, volume.path)]
    return max(holding, key=lambda volume: len(paths.normal(volume.path)), default=None)


def volume_key(path: str, host: str, facts: Facts) -> str:
    """Return one text for one volume: a share alone, a shared volume with its cluster, a drive with its host."""
    volume = volume_under(path, host, facts)
    root = paths.normal(volume.path) if volume else paths.volume_of(path)
    if paths.is_smb(path):
        return root
    seen = facts.observation.host(host)
    owner = seen.cluster if seen and seen.cluster and paths.is_cluster_volume(path) else host
    return f"{owner.casefold()}|{root}"


def kept_free(volume: Volume, facts: Facts) -> int | None:
    """Return the bytes that locations on this volume want to stay free; None where its size is needed and unknown."""
    percents = [
        location.reserve_free_percent
        for location in facts.desired.storage_locations
        if paths.is_within(location.path, volume.path)
        # A shared volume hangs below C:\\ by name only.
        and paths.is_cluster_volume(location.path) == paths.is_cluster_volume(volume.path)
    ]
    percent = max(percents, default=0)
    if not percent:
        return 0
    return None if volume.size_bytes is None else -int(-volume.size_bytes * percent // 100)

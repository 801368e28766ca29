"""Room for one machine at one host, in numbers: memory with reserve and traffic, and disk space for the files it would copy."""

from collections import defaultdict

from reconciler.explain.scene import Scene
from reconciler.model.explanation import MemoryRoom, Reason, Verdict
from reconciler.plan.fleet import VolumeKey
from reconciler.plan.moves import Move

GIB = 1024**3


def memory_at(scene: Scene, host: str, machine_id: str = "", needed: int | None = None) -> MemoryRoom:
    """Return the memory of a host as an arrival of ``needed`` MiB meets it; its own steps do not count for a machine."""
    observed, wanted = scene.observation.host(host), scene.desired.host(host)
    available = observed.available_memory_mib if observed else None
    reserve, room = (wanted.reserve_memory_mib if wanted else 0), scene.fleet.memory_room(host)
    others = sum(mib for _, mib in scene.leaving(host, machine_id))
    return MemoryRoom(
        total_mib=observed.memory_mib if observed else None,
        available_mib=available,
        reserve_mib=reserve,
        on_its_way_mib=available - reserve - room if available is not None and room is not None else 0,
        room_mib=room,
        leaving_mib=others + scene.fleet.leaving_memory.get(host.casefold(), 0),
        arriving_mib=sum(mib for _, mib in scene.arriving(host, machine_id)),
        needed_mib=needed,
    )


def memory_reason(scene: Scene, host: str, machine_id: str, memory: MemoryRoom) -> tuple[Verdict, Reason] | None:
    """Return what stands against a machine's memory at a host: refused, or room only later; None where it fits now."""
    room, needed = memory.room_mib, memory.needed_mib or 0
    if room is None or needed == 0:
        return None
    later = room + memory.leaving_mib
    if needed > later:
        remedy = f"free memory on {host}, lower its reserve, or place the machine elsewhere"
        return Verdict.REFUSED, Reason(reason="memory", finding=f"{_sum(host, memory)}; {needed} MiB are needed", remedy=remedy)
    if needed > later - memory.arriving_mib:
        names = _names([step.virtual_machine.name for step, _ in scene.arriving(host, machine_id)])
        finding = (
            f"{_sum(host, memory)}, and {names} of this plan take {memory.arriving_mib} MiB of it; {needed} MiB are needed"
        )
        return Verdict.REFUSED, Reason(
            reason="memory", finding=finding, remedy=f"place {names} elsewhere, or free memory on {host}"
        )
    if needed > room:
        names = _names([f"{step.virtual_machine.name} ({step.id})" for step, _ in scene.leaving(host, machine_id)])
        finding = f"{_sum(host, memory)}: there is room once {names or 'those on their way'} left"
        return Verdict.WAITS, Reason(reason="memory", finding=finding)
    return None


def _sum(host: str, memory: MemoryRoom) -> str:
    parts = [f"{memory.available_mib} MiB available", f"less {memory.reserve_mib} MiB reserve"]
    parts += [f"less {memory.on_its_way_mib} MiB on their way there"] if memory.on_its_way_mib else []
    leaving = f", and {memory.leaving_mib} MiB leave" if memory.leaving_mib else ""
    return f"{host} has {memory.room_mib} MiB of room ({', '.join(parts)}){leaving}"


def space_reasons(scene: Scene, move: Move) -> list[Reason]:
    """Return a reason for each volume that cannot hold the files that would be copied to it, departures counted."""
    needs: dict[VolumeKey, int] = defaultdict(int)
    for file in move.route.storage:
        needs[scene.fleet.volume_room(move.target, file.target).key] += file.bytes or 0
    reasons = []
    for key, needed in sorted(needs.items()):
        room = scene.fleet.room_under(key)
        freed = scene.freed_bytes.get(key, 0)
        if room is not None and needed > room + freed:
            leaving = f", {_gib(freed)} GiB leave" if freed else ""
            finding = f"{key[2]} has room for {_gib(max(room, 0))} GiB{leaving}; {_gib(needed)} GiB are needed"
            remedy = "free space there, lower the location's reserve, or give another path"
            reasons.append(Reason(reason="space", finding=finding, remedy=remedy))
    return reasons


def _gib(size: int) -> str:
    return f"{size / GIB:.1f}"


def _names(names: list[str]) -> str:
    shown = sorted(set(names))[:3]
    return ", ".join(shown) + (f" and {len(set(names)) - 3} more" if len(set(names)) > 3 else "")

"""One host or cluster explained on a screen: slots and their owner, room, what runs there, what comes, goes and is refused."""

from collections.abc import Iterator

from rich.text import Text

from reconciler.model.explanation import ClusterExplanation, HostExplanation, Limit, MemoryRoom, Resident, VolumeRoom
from reconciler.report import words
from reconciler.report.console import Cell, columns, line, wrapped
from reconciler.report.explain_parts import memory_text, migration_line, reason_lines, step_lines
from reconciler.report.plan_text import blocked_lines, drift_lines, section
from reconciler.report.units import MIB, count, human_bytes

MOST_MACHINES = 40


def host_lines(host: HostExplanation, width: int) -> Iterator[Text]:
    """Yield all that is shown of one host."""
    yield from wrapped(f"{host.name}: {host.answer}", width=width, indent=0, style="bold")
    yield from section("Now", list(_now(host, width)))
    yield from section(f"Machines: {len(host.machines)}", list(_machines(host, width)))
    yield from section("On the way", [migration_line(job) for job in host.migrations])
    yield from section(f"Settings that differ: {len(host.drift)}", drift_lines(host.drift, width))
    yield from section("Settings to be changed", list(step_lines(host.settings, width)))
    yield from section(f"Arrives: {count(len(host.arrives), 'step')}", list(step_lines(host.arrives, width)))
    yield from section(f"Leaves: {count(len(host.leaves), 'step')}", list(step_lines(host.leaves, width)))
    yield from section(f"Refused here: {count(len(host.refused), 'machine')}", list(_refused(host, width)))
    yield from section(f"Blocked: {len(host.blocked)}", list(blocked_lines(host.blocked, width)))


def cluster_lines(cluster: ClusterExplanation, width: int) -> Iterator[Text]:
    """Yield all that is shown of one cluster; its nodes in a line each."""
    yield from wrapped(f"Cluster {cluster.name}: {cluster.answer}", width=width, indent=0, style="bold")
    yield from section("Limit on each node", [line(_limit_only(cluster.maximum_parallel_migrations), indent=2)])
    yield from section(f"Nodes: {len(cluster.nodes)}", _nodes(cluster, width))
    yield from section("Shared volumes", list(_volumes(cluster.volumes, width)))
    yield from section(f"Settings that differ: {len(cluster.drift)}", drift_lines(cluster.drift, width))
    yield from section("Settings to be changed", list(step_lines(cluster.settings, width)))
    yield from section(f"Comes in: {count(len(cluster.joins), 'step')}", list(step_lines(cluster.joins, width)))
    yield from section(f"Goes out: {count(len(cluster.leaves), 'step')}", list(step_lines(cluster.leaves, width)))


def _now(host: HostExplanation, width: int) -> Iterator[Text]:
    facts = [
        ("address", host.address or "unknown"),
        ("status", host.status.value if host.status else "not observed"),
        ("cluster", _cluster(host)),
        ("live slots", _slots(host.live)),
        ("storage slots", _slots(host.storage)),
    ]
    facts += [("asked by", host.because)] if host.because else []
    yield from columns([(Text(name, style="dim"), value) for name, value in facts], align="<<", width=10 * width)
    if host.memory is not None:
        yield from wrapped(memory_text(host.memory), width=width, indent=2, hanging=4)
    yield from _volumes(host.volumes, width)


def _cluster(host: HostExplanation) -> str:
    if host.cluster is None:
        return "none"
    return host.cluster + (f", node {host.node_state}" if host.node_state else "")


def _slots(limit: Limit) -> str:
    used = "?" if limit.used is None else str(limit.used)
    return f"{used} of {_limit_only(limit)}"


def _limit_only(limit: Limit) -> str:
    if limit.limit is None:
        return "unknown"
    because = f", {limit.because}" if limit.because else ""
    return f"{limit.limit}, set by the {limit.owner}{because}"


def _volumes(volumes: tuple[VolumeRoom, ...], width: int) -> Iterator[Text]:
    rows: list[tuple[Cell, ...]] = [
        (volume.path, f"{human_bytes(volume.room_bytes)} of room", _space(volume)) for volume in volumes
    ]
    yield from columns(rows, align="<<<", width=width, shrink=(0,))


def _space(volume: VolumeRoom) -> str:
    return f"{human_bytes(volume.free_bytes)} free of {human_bytes(volume.size_bytes)}"


def _machines(host: HostExplanation, width: int) -> Iterator[Text]:
    twins = words.repeated((machine.name, machine.id) for machine in host.machines)
    rows: list[tuple[Cell, ...]] = [
        (
            words.machine_name(machine.name, machine.id, twins),
            machine.state or "unknown",
            human_bytes(machine.memory_mib * MIB if machine.memory_mib is not None else None),
            _standing(machine),
        )
        for machine in host.machines[:MOST_MACHINES]
    ]
    yield from columns(rows, align="<<><", width=width, shrink=(0,))
    if len(host.machines) > MOST_MACHINES:
        yield line((f"… and {len(host.machines) - MOST_MACHINES} more", "dim"), indent=2)


def _standing(machine: Resident) -> str:
    leaves = f", leaves by {machine.leaves_by}" if machine.leaves_by else ""
    return machine.standing + leaves + (f", blocked: {machine.blocked}" if machine.blocked else "")


def _refused(host: HostExplanation, width: int) -> Iterator[Text]:
    for machine in host.refused:
        yield line("  ", ("! ", words.STYLES["!"]), (machine.name, "bold"))
        for reason in machine.reasons:
            yield from reason_lines(reason, width)


def _nodes(cluster: ClusterExplanation, width: int) -> list[Text]:
    head: tuple[Cell, ...] = tuple(Text(name, style="dim") for name in ("", "status", "machines", "live slots", "room"))
    rows: list[tuple[Cell, ...]] = [
        (node.name, _node(node), str(len(node.machines)), _short(node.live), _room(node.memory)) for node in cluster.nodes
    ]
    return columns([head, *rows], align="<<>>>", width=width, shrink=(0,)) if rows else []


def _node(node: HostExplanation) -> str:
    state = node.status.value if node.status else "not observed"
    closed = "maintenance" if node.maintenance else "cordoned" if node.cordoned else node.node_state
    return f"{state}, {closed}" if closed else state


def _short(limit: Limit) -> str:
    shown = tuple("?" if number is None else str(number) for number in (limit.used, limit.limit))
    return f"{shown[0]} of {shown[1]}"


def _room(memory: MemoryRoom | None) -> str:
    return "unknown" if memory is None or memory.room_mib is None else human_bytes(memory.room_mib * MIB)

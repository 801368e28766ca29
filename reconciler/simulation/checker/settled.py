"""Is the fleet as it is wanted? Asked of the truth, after the faults, without the planner's help.

What the report calls blocked for good counts as settled only for reasons that a life can bring about: no room in a tight fleet,
files of a role that somebody moved off clustered storage and nobody wants elsewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.model import paths
from reconciler.model.desired import Desired, VirtualMachine
from reconciler.model.observation import Host, Observation
from reconciler.model.observation import VirtualMachine as Seen
from reconciler.model.plan import Blocked

TIGHT = 1.4
ROOM = ("no-room", "no-host", "cycle", "rule", "no-space", "space")
OF_A_LIFE = ("role-storage", "role-undecided", "file-clash", "clash")


@dataclass(frozen=True)
class Left:
    """What a controller says is left: what it calls blocked, and why machines (by VMId) wait."""

    blocked: Sequence[Blocked]
    waiting: Mapping[str, str]

    def why(self) -> str:
        """Return it in a sentence, for the finding."""
        told = [f"{one.subject}: {one.code} {one.finding}" for one in self.blocked]
        return "; ".join([*sorted(set(self.waiting.values())), *told][:4])


def blocked_for_good(left: Left, tightness: float, desired: Desired, now: Observation, *, one_is_away: bool) -> frozenset[str]:
    """Return the machines (VMIds) whose blockage a life may have brought about, or a host that is away: the only way round."""
    short = one_is_away or tightness < TIGHT or _somebody_is_in_the_way(desired, now)
    codes = (*OF_A_LIFE, *(ROOM if short else ()))
    blocked = {one.id or "" for one in left.blocked if one.code in codes}
    to_be_started, partly_shut_out = _to_be_started(now, desired), _partly_shut_out(desired)
    blocked |= {one.id or "" for one in left.blocked if one.code == "no-room" and one.id in to_be_started}
    return frozenset(blocked | {one.id or "" for one in left.blocked if one.code in ROOM and one.id in partly_shut_out})


def _partly_shut_out(desired: Desired) -> frozenset[str]:
    """Machines that may be on several hosts, of which one is closed: it may be the one on which people count on their room."""
    wishes = (one for one in desired.virtual_machines if one.placement and len(one.placement.hosts) > 1)
    return frozenset(
        one.id or "" for one in wishes if one.placement and any(_closed(name, desired) for name in one.placement.hosts)
    )


def _to_be_started(now: Observation, desired: Desired) -> frozenset[str]:
    """Machines that are off and to be started where they are before they move: others may have taken the room for that."""
    wanted = {one.id for one in desired.virtual_machines if one.migration.when_off == "start"}
    return frozenset(machine.id for _, machine in now.machines() if machine.is_off and machine.id in wanted)


def _somebody_is_in_the_way(desired: Desired, now: Observation) -> bool:
    """A machine that may not be moved takes room where nobody counts on it: several hosts may have it, and one counts on it."""
    stuck = {one.id: one for one in desired.virtual_machines if one.drift != "correct" or one.hold or _shut_out(one, desired)}
    places = ((host.name, stuck[vm.id].placement) for host, vm in now.machines() if vm.id in stuck)
    return any(placement and (len(placement.hosts) > 1 or not placement.allows(host)) for host, placement in places)


def _shut_out(wish: VirtualMachine, desired: Desired) -> bool:
    return wish.placement is not None and all(_closed(name, desired) for name in wish.placement.hosts)


def kept_back(left: Left, desired: Desired, now: Observation, excused: frozenset[str]) -> frozenset[str]:
    """Return the machines that may not leave their cluster while as many as allowed lack a role that nobody can give them."""
    wishes = {one.id or "": one for one in desired.virtual_machines}
    lacking = [
        machine.id
        for host, machine in now.machines()
        if host.cluster and machine.highly_available is not True and _wants_role_in_vain(wishes.get(machine.id), excused)
    ]
    if len(lacking) < desired.policy.limits.unprotected_virtual_machines:
        return frozenset()
    told = left.waiting.items()
    return frozenset(one for one, why in told if "high availability" in why or why.startswith("waits for"))


def _wants_role_in_vain(wish: VirtualMachine | None, excused: frozenset[str]) -> bool:
    if wish is None or wish.high_availability is not True:
        return False
    return wish.id in excused or wish.hold is not None or wish.drift != "correct"


def shut_out(left: Left, desired: Desired, now: Observation) -> frozenset[str]:
    """Return the machines that may not stay where they are and have nowhere to go: all else they may be on is closed.

    Only those that the report calls blocked: where nothing can be done, that is what it has to say. What is in place is never
    among them, so that its files and its role are looked at.
    """
    told = {one.id for one in left.blocked}
    places = {machine.id: host.name for host, machine in now.machines() if machine.id in told}
    wishes = [one for one in desired.virtual_machines if one.id in places and one.placement]
    return frozenset(one.id or "" for one in wishes if _has_nowhere_to_go(one, places[one.id or ""], desired))


def _has_nowhere_to_go(wish: VirtualMachine, host: str, desired: Desired) -> bool:
    asked, placement = desired.host(host), wish.placement
    assert placement is not None
    may_stay = placement.allows(host) and not (asked is not None and asked.maintenance)
    return not may_stay and all(_closed(name, desired) for name in placement.hosts if name != host)


def unsettled(
    desired: Desired, now: Observation, moment: datetime, excused: frozenset[str], dead: tuple[str, ...] = ()
) -> list[str]:
    """Return a sentence for each machine that is not as it is wanted and is to be corrected."""
    places = {machine.id: (host, machine) for host, machine in now.machines()}
    found: list[str] = []
    for wish in desired.virtual_machines:
        held = wish.hold is not None and (wish.hold.until is None or moment < wish.hold.until)
        if wish.drift == "correct" and not held and wish.id not in excused:
            found += _differences(wish, *places[wish.id or ""], desired)
    return found + [text for host in now.hosts if host.name not in dead for text in _settings(host, desired, now)]


def _differences(wish: VirtualMachine, host: Host, machine: Seen, desired: Desired) -> list[str]:
    found = []
    wanted = desired.host(host.name)
    if wish.placement and not wish.placement.allows(host.name):
        found.append(f"{wish.name} is on {host.name}, wanted on {', '.join(wish.placement.hosts)}")
    if wanted and wanted.maintenance:
        found.append(f"{wish.name} is on {host.name}, which is in maintenance")
    folder = wish.storage.path
    if folder and not all(paths.is_within(disk.path or "", folder) for disk in machine.disks):
        found.append(f"{wish.name} has files outside {folder}")
    if host.cluster and wish.high_availability is not None and machine.highly_available is not wish.high_availability:
        found.append(
            f"{wish.name} on {host.name}: highly available {machine.highly_available}, wanted {wish.high_availability}"
        )
    return found


def _closed(name: str, desired: Desired) -> bool:
    host = desired.host(name)
    return host is not None and (host.cordoned or host.maintenance)


def _settings(host: Host, desired: Desired, now: Observation) -> list[str]:
    wish = desired.host(host.name)
    if wish is None:
        return []
    has, wants = host.migration, wish.migration
    pairs = [
        (has.maximum_storage_migrations, wants.maximum_storage_migrations),
        (has.performance_option, wants.performance_option),
    ]
    if host.cluster is None:
        pairs.append((has.maximum_virtual_machine_migrations, wants.maximum_virtual_machine_migrations))
    cluster, asked = now.cluster(host.cluster or ""), desired.cluster(host.cluster or "")
    if cluster and asked:
        pairs.append((cluster.maximum_parallel_migrations, asked.maximum_parallel_migrations))
    return [
        f"{host.name} has {is_now} and is to have {wanted}"
        for is_now, wanted in pairs
        if wanted is not None and wanted != is_now
    ]

"""High availability on the way: which cluster a machine leaves and joins, and for how long it goes unprotected."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reconciler.model.drift import MachineDrift, RoleChange
from reconciler.model.machine_files import files_of
from reconciler.model.observation import VirtualMachine
from reconciler.model.plan import Blocked
from reconciler.model.words import Handling, PerformanceOption
from reconciler.plan.estimate import Assumptions
from reconciler.plan.fleet import Fleet
from reconciler.plan.moves import LIVE_ACTIONS, Move, Refusal, Route, as_blocked
from reconciler.plan.reach import is_clustered


@dataclass(frozen=True, slots=True)
class Crossing:
    """The clusters that a machine's role leaves and joins on one move; None where there is no such border."""

    leaves: str | None = None
    joins: str | None = None

    @property
    def roles(self) -> int:
        """How many role changes the step makes."""
        return (self.leaves is not None) + (self.joins is not None)


NO_BORDER = Crossing()


def crossing(fleet: Fleet, drift: MachineDrift, machine: VirtualMachine, source: str, target: str) -> Crossing:
    """Return the borders crossed. A machine keeps the high availability it has unless its document says otherwise."""
    here, there = fleet.cluster_of(source), fleet.cluster_of(target)
    if (here is None and there is None) or source == target or fleet.same_cluster(source, target):
        return NO_BORDER
    asked = drift.machine.high_availability
    has_role = bool(machine.highly_available) or needs_role_first(fleet, drift, machine, source)
    keeps_role = asked if asked is not None else has_role
    return Crossing(
        leaves=here if has_role else None,
        joins=there if keeps_role else None,
    )


def needs_role_first(fleet: Fleet, drift: MachineDrift, machine: VirtualMachine, source: str) -> bool:
    """Tell whether protection is restored where the machine stands before it moves: its disks must allow a role there."""
    lacks = drift.machine.high_availability is True and machine.highly_available is False
    return lacks and fleet.cluster_of(source) is not None and not _stray_file(fleet, machine, source)


def _stray_file(fleet: Fleet, machine: VirtualMachine, host: str) -> str | None:
    """Return a file of the machine that no cluster role on that host may have, or None where every file is fit."""
    known = (file.path for file in files_of(machine) if file.path and not file.pass_through)
    return next((path for path in known if not is_clustered(fleet, host, path)), None)


def moves_as_role(fleet: Fleet, drift: MachineDrift, machine: VirtualMachine, source: str, target: str) -> bool:
    """Tell whether the machine is a cluster role on its way inside the cluster (that nobody knows counts as yes)."""
    is_role = machine.highly_available is not False and drift.role is not RoleChange.REMOVE
    return fleet.same_cluster(source, target) and (is_role or needs_role_first(fleet, drift, machine, source))


def roles_refused(fleet: Fleet, moves: Sequence[Move], told: Iterable[str | None]) -> list[Blocked]:
    """Return the machines that lack a role which their files do not allow, and that no move and no other reason covers."""
    covered = {move.id for move in moves} | {known.casefold() for known in told if known}
    found = []
    for drift in fleet.drift.unsettled:
        lacks = drift.role is RoleChange.ADD and drift.handling is Handling.CORRECT and drift.migration is None
        if not lacks or drift.observed is None or drift.host is None or drift.observed.id.casefold() in covered:
            continue
        stray = _stray_file(fleet, drift.observed, drift.host)
        if stray:
            finding = f"a cluster role needs clustered storage, and the machine has {stray}"
            remedy = "give spec.storage.path on a share or a cluster shared volume, or set highAvailability: false"
            found.append(as_blocked(drift, Refusal("reach", "role-storage", finding, remedy), field="highAvailability"))
    return found


def effective_option(fleet: Fleet, drift: MachineDrift, route: Route, source: str) -> PerformanceOption | None:
    """Return the performance option a migration will use: the machine's own, else the source host's."""
    if route.action not in LIVE_ACTIONS:
        return None
    return drift.machine.migration.performance_option or fleet.performance_option(source)


def move_seconds(fleet: Fleet, move: Move, assumptions: Assumptions) -> float:
    """Return the estimated seconds of a move, role changes included."""
    return sum(_part_seconds(fleet, part, assumptions) for part in move.parts)


def _part_seconds(fleet: Fleet, move: Move, assumptions: Assumptions) -> float:
    border = crossing(fleet, move.drift, move.machine, move.source, move.target)
    return assumptions.migration_seconds(
        move.route.action,
        memory_mib=move.memory_mib,
        copied_bytes=move.route.copied_bytes,
        option=effective_option(fleet, move.drift, move.route, move.source),
        roles=border.roles,
    )


def unprotected_seconds(fleet: Fleet, move: Move, assumptions: Assumptions) -> float:
    """Return how long a machine that is to be highly available has no role; the whole step, copying included."""
    border = crossing(fleet, move.drift, move.machine, move.source, move.target)
    if border.leaves is None or move.drift.machine.high_availability is False:
        return 0
    return move_seconds(fleet, move, assumptions)


def role_refusal(fleet: Fleet, move: Move, assumptions: Assumptions) -> Refusal | None:
    """Return why a crossing may not be made: too long unprotected, or nobody knows whether there is a role."""
    asked = move.drift.machine.high_availability
    if move.machine.highly_available is None and asked is not None and fleet.cluster_of(move.source):
        finding = "whether the machine has a cluster role could not be seen"
        return Refusal("unverified", "unverified", finding, "observe again once the cluster answers")
    if asked is None and crossing(fleet, move.drift, move.machine, move.source, move.target).leaves:
        finding = "the machine would leave its cluster, and nothing says whether it is to be highly available afterwards"
        return Refusal("role", "role-undecided", finding, "set spec.highAvailability to true or to false")
    limit = move.drift.machine.migration.maximum_unprotected_seconds
    seconds = unprotected_seconds(fleet, move, assumptions) if limit is not None else 0
    if limit is None or seconds <= limit:
        return None
    finding = f"the machine would be without high availability for about {seconds:.0f} s, and {limit:g} s are allowed"
    remedy = (
        "put its files on a share that both clusters use, choose a faster performanceOption, or raise maximumUnprotectedSeconds"
    )
    return Refusal("unprotected", "unprotected-too-long", finding, remedy)

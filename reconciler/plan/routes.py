"""How one machine gets to one host: all checks, the files that move, the kind of migration; or why it cannot."""

from dataclasses import replace

from reconciler.model.desired import UNMANAGED
from reconciler.model.drift import MachineDrift
from reconciler.model.observation import VirtualMachine
from reconciler.model.plan import StorageMove
from reconciler.model.words import Action
from reconciler.plan.checks import Case, copies_refusal, findings, host_refusal
from reconciler.plan.fleet import CLUSTER_LIMIT, LIVE_LIMIT, STORAGE_LIMIT, Fleet
from reconciler.plan.kinds import action_for, power_refusal, starts_first
from reconciler.plan.moves import LIVE_ACTIONS, SPACE, Refusal, Route
from reconciler.plan.reach import can_write, moves_apart
from reconciler.plan.roles import moves_as_role
from reconciler.plan.storage import file_moves

# Settings whose change a migration must wait for: at both ends, and at the source only.
NEEDED_AT_BOTH_ENDS = ("migration.enabled", "migration.authenticationType", "migration.networks")
NEEDED_AT_SOURCE = ("migration.performanceOption",)


def find_route(
    fleet: Fleet, drift: MachineDrift, machine: VirtualMachine, source: str, destination: str, *, bypass: bool = False
) -> Route | Refusal:
    """Return the cheapest way to bring a machine, standing at ``source``, to ``destination`` with its files in place.

    ``bypass``: an interim stop; files that a later move sends home need not be home yet.
    """
    changes = source.casefold() != destination.casefold()
    if changes and (refusal := host_refusal(fleet, destination)):
        return refusal
    starting = starts_first(drift, machine, host_changes=changes)
    if refusal := power_refusal(drift, machine, host_changes=changes):
        return refusal
    unverified = _checked(fleet, machine, source, destination, running=starting or machine.is_running) if changes else []
    if isinstance(unverified, Refusal):
        return unverified
    asked = _without_storage(drift) if bypass else drift
    return _routed(fleet, asked, machine, source, destination, unverified, starting)


def _routed(
    fleet: Fleet,
    drift: MachineDrift,
    machine: VirtualMachine,
    source: str,
    destination: str,
    unverified: list[str],
    starting: bool,
) -> Route | Refusal:
    changes = source.casefold() != destination.casefold()
    moves = file_moves(fleet, drift, machine, source, destination)
    if isinstance(moves, Refusal):
        return moves
    if moves and (refusal := copies_refusal(fleet, (source, destination))):
        return refusal
    running = starting or machine.is_running
    action = action_for(drift, host_changes=changes, files_move=bool(moves), running=running)
    if changes and moves and moves_as_role(fleet, drift, machine, source, destination):
        return _in_two(fleet, drift, source, destination, moves, unverified, starting, running)
    if isinstance(action, Refusal):
        apart = running and not starting and moves_apart(fleet, machine, moves, source, destination)
        in_two = _in_two(fleet, drift, source, destination, moves, unverified, starting, running) if apart else action
        return in_two if isinstance(in_two, Route) else action
    route = Route(destination if changes else None, action, moves, (), tuple(unverified), starting)
    return _ready(fleet, drift, route, source, destination)


def _ready(fleet: Fleet, drift: MachineDrift, route: Route, source: str, destination: str) -> Route | Refusal:
    needs = _needs(fleet, drift, route, source)
    return _with_policy(fleet, replace(route, needs=needs) if needs else route, destination)


def _in_two(
    fleet: Fleet,
    drift: MachineDrift,
    source: str,
    destination: str,
    moves: tuple[StorageMove, ...],
    unverified: list[str],
    starting: bool,
    running: bool,
) -> Route | Refusal:
    """The files go first, while the machine stays: a cluster takes none along, and a machine may not allow both at once."""
    for asked in ({"host_changes": False, "files_move": True}, {"host_changes": True, "files_move": False}):
        action = action_for(drift, running=running, **asked)
        if isinstance(action, Refusal):
            return action
    for move in moves:
        if not can_write(fleet, source, move.target):
            finding = f"inside a cluster the files move first, and {source} does not reach {move.target}"
            remedy = f"list its share in the storage.locations of host {source}, or give a path that both hosts reach"
            return Refusal("reach", "unreachable-path", finding, remedy)
    both = Action.LIVE_MIGRATION_WITH_STORAGE if running else Action.OFFLINE_MIGRATION
    route = Route(destination, both, moves, (), tuple(unverified), starting, in_two=True)
    return _ready(fleet, drift, route, source, destination)


def _without_storage(drift: MachineDrift) -> MachineDrift:
    machine = drift.machine
    return drift._replace(machine=replace(machine, storage=UNMANAGED), files=())


def _checked(fleet: Fleet, machine: VirtualMachine, source: str, destination: str, *, running: bool) -> list[str] | Refusal:
    here, there = fleet.host(source), fleet.host(destination)
    if here is None or there is None:
        return Refusal("unknown", "host-unknown", f"{source} was not fully observed", "observe again once the host answers")
    unknown: list[str] = []
    for found in findings(Case(fleet, machine, here, there, running)):
        if isinstance(found, Refusal):
            return found
        unknown.append(found.name)
    return unknown


def _with_policy(fleet: Fleet, route: Route, destination: str) -> Route | Refusal:
    """Name what could not be verified; where policy blocks on it, refuse."""
    policy = fleet.desired.policy.unverified
    names = list(route.unverified)
    if any(move.bytes is None or fleet.volume_room(destination, move.target).bytes is None for move in _disks(route)):
        names.append(SPACE)
    if not names:
        return route
    stopping = [name for name in names if (policy.space if name == SPACE else policy.other) == "block"]
    if stopping:
        finding = f"could not be checked, and policy blocks on that: {', '.join(stopping)}"
        remedy = "let the controller read these facts, or allow it in Policy.spec.unverified"
        return Refusal("unverified", "unverified", finding, remedy)
    return route if len(names) == len(route.unverified) else replace(route, unverified=tuple(names))


def _disks(route: Route) -> list[StorageMove]:
    return [move for move in route.storage if move.bytes != 0] if route.storage else []


def _needs(fleet: Fleet, drift: MachineDrift, route: Route, source: str) -> tuple[str, ...]:
    if not fleet.changes_settings:
        return ()
    ends = (source,) if route.destination is None else (source, route.destination)
    needed = {need for host in ends if route.storage for need in _raised_from_none(fleet, host, STORAGE_LIMIT)}
    if route.destination is None:
        return tuple(sorted(needed))
    fields: dict[str, tuple[str, ...]] = {source: NEEDED_AT_BOTH_ENDS, route.destination: NEEDED_AT_BOTH_ENDS}
    if route.action in LIVE_ACTIONS and drift.machine.migration.performance_option is None:
        fields[source] += NEEDED_AT_SOURCE
    needed |= {f"host/{host}" for host, names in fields.items() if any(_is_made_ready(fleet, host, name) for name in names)}
    needed |= {need for host in ends for need in _raised_from_none(fleet, host, LIVE_LIMIT)}
    return tuple(sorted(needed))


def _raised_from_none(fleet: Fleet, host: str, field: str) -> list[str]:
    """Return the changes that let a host run such migrations at all, its own or its cluster's."""
    live = field == LIVE_LIMIT
    if (fleet.live_limit(host) if live else fleet.storage_limit(host)) != 0:
        return []
    own = [f"host/{host}"] if fleet.change(host, field) else []
    cluster = fleet.cluster_of(host)
    return own + ([f"cluster/{cluster}"] if live and fleet.cluster_change(cluster, CLUSTER_LIMIT) else [])


def _is_made_ready(fleet: Fleet, host: str, field: str) -> bool:
    change = fleet.change(host, field)
    return change is not None and not (field == "migration.enabled" and not change.target)

"""From a safe sequence to the published steps: settings, roles, starts and migrations, numbered, with their dependencies."""

from dataclasses import dataclass, field, replace

from reconciler.model.drift import SETTLED, MachineDrift, MachineStatus, RoleChange, SettingDrift
from reconciler.model.plan import MachineRef, MachineStep, SettingsStep, Step
from reconciler.model.words import Action, Handling
from reconciler.plan.estimate import MIB, Assumptions
from reconciler.plan.fleet import Fleet
from reconciler.plan.moves import Move, Placed
from reconciler.plan.roles import crossing, effective_option, move_seconds, needs_role_first, unprotected_seconds

DISABLING = "migration.enabled"


@dataclass(slots=True)
class _Steps:
    """Steps made so far, and which step stands for which setting, move and role."""

    fleet: Fleet
    assumptions: Assumptions
    steps: list[Step] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    moves: dict[int, str] = field(default_factory=dict)

    def next_id(self) -> str:
        return f"s{len(self.steps) + 1}"

    def add(self, step: Step) -> str:
        self.steps.append(step)
        return step.id


def make_steps(fleet: Fleet, sequence: list[Placed], assumptions: Assumptions) -> list[Step]:
    """Return every step in the order of the safe sequence: settings, restored roles, migrations, what has to come last."""
    made = _Steps(fleet, assumptions)
    changes = [drift for drift in fleet.drift.settings if drift.handling is Handling.CORRECT]
    for drift in changes:
        if not _comes_last(drift):
            made.settings[drift.subject.casefold()] = _add_settings(made, drift, {})
    for machine in _role_changes(fleet, RoleChange.ADD):
        if _role_comes_first(fleet, machine):
            made.roles[_id(machine)] = _add_role(made, machine, Action.ADD_CLUSTER_ROLE, {})
    _add_removals(made, sequence)
    for index, placed in enumerate(sequence):
        _add_move(made, index, placed)
    _add_late_roles(made, sequence)
    for drift in changes:
        if _comes_last(drift):
            _add_settings(made, drift, _users(made, sequence, drift.name))
    return made.steps


def _id(drift: MachineDrift) -> str:
    return drift.observed.id.casefold() if drift.observed else ""


def _comes_last(drift: SettingDrift) -> bool:
    """Migration is switched off only after the migrations of this plan that use the host."""
    return any(change.field == DISABLING and not change.target for change in drift.changes)


def _users(made: _Steps, sequence: list[Placed], host: str) -> dict[str, str]:
    users = [index for index, placed in enumerate(sequence) if host in (placed.move.source, placed.move.target)]
    return {made.moves[index]: f"this migration uses {host}" for index in users}


def _add_settings(made: _Steps, drift: SettingDrift, waits: dict[str, str]) -> str:
    return made.add(
        SettingsStep(
            id=made.next_id(),
            action=Action.CONFIGURE_CLUSTER if drift.is_cluster else Action.CONFIGURE_HOST,
            host=None if drift.is_cluster else drift.name,
            cluster=drift.name if drift.is_cluster else None,
            hosts=_nodes(made.fleet, drift.name) if drift.is_cluster else (),
            settings=drift.changes,
            depends_on=tuple(waits),
            dependency_reasons=waits,
            reason=drift.changes[0].field,
            because=drift.because,
            estimated_seconds=made.assumptions.settings_seconds,
        )
    )


def _nodes(fleet: Fleet, cluster: str) -> tuple[str, ...]:
    hosts = (host.name for host in fleet.observation.hosts if (host.cluster or "").casefold() == cluster.casefold())
    return tuple(sorted((name for name in hosts if fleet.host(name)), key=str.casefold))


def _role_changes(fleet: Fleet, change: RoleChange) -> list[MachineDrift]:
    """Machines to which nothing is happening now and whose cluster role is to change."""
    return [
        drift
        for drift in fleet.drift.unsettled
        if drift.role is change
        and drift.handling is Handling.CORRECT
        and drift.migration is None
        and _may_change_role(fleet, drift)
    ]


def _may_change_role(fleet: Fleet, drift: MachineDrift) -> bool:
    """Its destination may be unknown; that it lacks protection where it stands is not, so that is mended all the same."""
    if drift.status in SETTLED:
        return True
    stands = drift.host is not None and fleet.host(drift.host) is not None
    return drift.role is RoleChange.ADD and drift.status is MachineStatus.UNKNOWN and stands


def _role_comes_first(fleet: Fleet, drift: MachineDrift) -> bool:
    """Protection is restored at once, unless files must first be moved to clustered storage."""
    stands = drift.observed is not None and drift.host is not None
    return stands and needs_role_first(fleet, drift, drift.observed, drift.host)  # type: ignore[arg-type]


def _add_role(made: _Steps, drift: MachineDrift, action: Action, waits: dict[str, str], host: str | None = None) -> str:
    assert drift.observed is not None
    return made.add(
        MachineStep(
            id=made.next_id(),
            action=action,
            virtual_machine=MachineRef(id=drift.observed.id, name=drift.observed.name),
            source=host or drift.host or "",
            depends_on=tuple(waits),
            dependency_reasons=waits,
            reason="highAvailability",
            because=str(drift.machine.source.of("highAvailability")),
            estimated_seconds=made.assumptions.role_seconds,
        )
    )


def _add_removals(made: _Steps, sequence: list[Placed]) -> None:
    """A role nobody wants goes first: it would keep files off local disks. A move out of the cluster takes it off by itself."""
    first = {placed.move.id: placed.move for placed in reversed(sequence)}
    for drift in _role_changes(made.fleet, RoleChange.REMOVE):
        move = first.get(_id(drift))
        if move is None or _stays_in_cluster(made.fleet, drift, move):
            made.roles[_id(drift)] = _add_role(made, drift, Action.REMOVE_CLUSTER_ROLE, {})


def _add_late_roles(made: _Steps, sequence: list[Placed]) -> None:
    """Roles put on after files have arrived on clustered storage, where the machine stays in its cluster."""
    last = {placed.move.id: index for index, placed in enumerate(sequence)}
    for drift in _role_changes(made.fleet, RoleChange.ADD):
        index = last.get(_id(drift))
        if index is None or _id(drift) in made.roles or not _stays_in_cluster(made.fleet, drift, sequence[index].move):
            continue
        waits = {made.moves[index]: "the machine has to arrive first"}
        _add_role(made, drift, Action.ADD_CLUSTER_ROLE, waits, sequence[index].move.target)


def _stays_in_cluster(fleet: Fleet, drift: MachineDrift, move: Move) -> bool:
    home = drift.host or ""
    return home.casefold() == move.target.casefold() or fleet.same_cluster(home, move.target)


def _add_move(made: _Steps, index: int, placed: Placed) -> None:
    move = placed.move
    waits = {
        made.settings[need.casefold()]: f"{need.partition('/')[2]} is configured first"
        for need in move.route.needs
        if need.casefold() in made.settings
    }
    if move.id in made.roles:
        waits[made.roles[move.id]] = "its cluster role is put right before it moves"
    waits |= {made.moves[earlier]: reason for earlier, reason in placed.waits_for.items()}
    if move.route.starts:
        waits[_add_start(made, move, waits)] = "it is started first"
    for part in move.parts:
        made.moves[index] = made.add(_migration(made, part, _numbered(waits)))
        waits[made.moves[index]] = "its files move first"


def _numbered(waits: dict[str, str]) -> dict[str, str]:
    return dict(sorted(waits.items(), key=lambda wait: int(wait[0][1:])))


def _add_start(made: _Steps, move: Move, waits: dict[str, str]) -> str:
    return made.add(
        MachineStep(
            id=made.next_id(),
            action=Action.START_VIRTUAL_MACHINE,
            virtual_machine=MachineRef(id=move.machine.id, name=move.machine.name),
            source=move.source,
            depends_on=tuple(_numbered(waits)),
            dependency_reasons=_numbered(waits),
            reason="migration.whenOff",
            because=str(move.drift.machine.source.of("migration.whenOff")),
            estimated_seconds=made.assumptions.start_seconds,
        )
    )


def _migration(made: _Steps, move: Move, waits: dict[str, str]) -> MachineStep:
    border = crossing(made.fleet, move.drift, move.machine, move.source, move.target)
    if move.drift.role is RoleChange.REMOVE and move.id in made.roles:
        border = replace(border, leaves=None)  # its role was taken off by a step of its own, before a hop inside the cluster
    return MachineStep(
        id=made.next_id(),
        action=move.route.action,
        virtual_machine=MachineRef(id=move.machine.id, name=move.machine.name),
        source=move.source,
        destination=move.route.destination,
        storage=move.route.storage,
        performance_option=effective_option(made.fleet, move.drift, move.route, move.source),
        leaves_cluster=border.leaves,
        joins_cluster=border.joins,
        unprotected_seconds=unprotected_seconds(made.fleet, move, made.assumptions),
        bypass=move.bypass,
        depends_on=tuple(waits),
        dependency_reasons=waits,
        unverified=move.route.unverified,
        reason=move.reason,
        because=_because(made.fleet, move),
        estimated_seconds=move_seconds(made.fleet, move, made.assumptions),
        bytes=move.route.copied_bytes + move.memory_mib * MIB,
    )


def _because(fleet: Fleet, move: Move) -> str:
    """Return the place of the line that asked for a move: a host's, a rule's or the machine's own."""
    if move.reason == "host.maintenance" and (wanted := fleet.wanted(move.drift.host or "")) is not None:
        return str(wanted.source.of("maintenance"))
    kind, _, name = move.reason.partition("/")
    rules = fleet.desired.placement_rules if kind in ("placementRule", "preferredRule") else ()
    rule = next((rule for rule in rules if rule.name == name), None)
    return str(rule.source.place if rule else move.drift.machine.source.of(move.reason))

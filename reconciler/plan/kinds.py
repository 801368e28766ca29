"""The cheapest kind of migration that does what is due, and whether the machine's own rules allow it."""

from reconciler.model.drift import MachineDrift
from reconciler.model.observation import VirtualMachine
from reconciler.model.words import MIGRATION_KINDS, Action, WhenOff
from reconciler.plan.moves import Refusal

# (the host changes, files move, the machine runs) -> action
KINDS = {
    (False, True, True): Action.STORAGE_MIGRATION,
    (False, True, False): Action.STORAGE_MIGRATION,
    (True, False, True): Action.LIVE_MIGRATION,
    (True, True, True): Action.LIVE_MIGRATION_WITH_STORAGE,
    (True, False, False): Action.OFFLINE_MIGRATION,
    (True, True, False): Action.OFFLINE_MIGRATION,
}


def action_for(drift: MachineDrift, *, host_changes: bool, files_move: bool, running: bool) -> Action | Refusal:
    """Return the cheapest action, or the refusal where ``migration.allow`` rules it out."""
    action = KINDS[host_changes, files_move, running]
    kind = MIGRATION_KINDS[action]
    if kind in drift.machine.migration.allow:
        return action
    finding = f"only a {kind.value} migration would do, and spec.migration.allow does not list it"
    return Refusal(
        "notAllowed", "not-allowed", finding, f"add {kind.value} to spec.migration.allow, or change what is asked for"
    )


def power_refusal(drift: MachineDrift, machine: VirtualMachine, *, host_changes: bool) -> Refusal | None:
    """Return why a machine's state keeps it from moving: neither running nor stopped, busy, or held while off."""
    if machine.operation is not None:
        finding = f"the machine is busy: {machine.operation}"
        return Refusal("busy", "busy", finding, "wait for the operation to end; the next pass plans anew")
    if not machine.is_running and not machine.is_off:
        finding = f"a machine that is {machine.state} can be moved neither live nor offline"
        return Refusal("busy", "busy", finding, "bring the machine to Running or Off")
    if host_changes and machine.is_off and drift.machine.migration.when_off is WhenOff.HOLD:
        return Refusal("off", "off", "the machine is off, and whenOff is hold", "start it, or set whenOff: move or start")
    return None


def starts_first(drift: MachineDrift, machine: VirtualMachine, *, host_changes: bool) -> bool:
    """Tell whether the machine is started before it moves: only where asked for and only for a change of host."""
    return host_changes and machine.is_off and drift.machine.migration.when_off is WhenOff.START

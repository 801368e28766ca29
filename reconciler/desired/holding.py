"""Runtime holds put upon the desired state, as if they stood in the YAML: planned, decided and explained alike."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from reconciler.desired.hints import did_you_mean
from reconciler.model.desired import Desired, Hold, Placement, StoragePlacement, VirtualMachine
from reconciler.model.hold import MachineHold
from reconciler.model.problem import Problem, Severity

FOREVER: Final = datetime.max.replace(tzinfo=UTC)


def with_holds(desired: Desired, holds: Iterable[MachineHold], now: datetime, exempt: Collection[str] = ()) -> Desired:
    """Return the desired state with the holds that stand at ``now``; where several hold a machine, the one that lasts longest.

    ``exempt`` are machines, by VMId or name in lower case, that a hold must not stop: those whose cluster role is owed.
    """
    active = [hold for hold in holds if hold.is_active(now) and not {_key(hold), hold.name.casefold()} & set(exempt)]
    if not active:
        return desired
    machines = tuple(_held(machine, active, now) for machine in desired.virtual_machines)
    return replace(desired, virtual_machines=machines)


def _held(machine: VirtualMachine, holds: Sequence[MachineHold], now: datetime) -> VirtualMachine:
    mine = [Hold(hold.reason, hold.owner, hold.until, hold.placed_at) for hold in holds if is_about(hold, machine)]
    committed = [machine.hold] if machine.hold and machine.hold.is_active(now) else []
    return replace(machine, hold=max([*committed, *mine], key=lambda hold: hold.until or FOREVER)) if mine else machine


def staying(desired: Desired, holds: Sequence[MachineHold], hosts: Mapping[str, str]) -> Desired:
    """Return the desired state in which those of the machines that are held stay on these hosts, with their files as they are.

    ``hosts`` by VMId or name of the machine, in lower case: what is exempt from its hold for the sake of its role goes nowhere.
    """
    held = {id(machine) for machine in desired.virtual_machines if any(is_about(hold, machine) for hold in holds)}
    machines = tuple(
        replace(machine, placement=Placement("host", (host,)), storage=StoragePlacement())
        if id(machine) in held and (host := hosts.get((machine.id or machine.name).casefold()))
        else machine
        for machine in desired.virtual_machines
    )
    return replace(desired, virtual_machines=machines)


def is_about(hold: MachineHold, machine: VirtualMachine) -> bool:
    """Tell whether a hold means this machine: by VMId where both know it, else by name; case does not matter."""
    if hold.id and machine.id:
        return hold.id.casefold() == machine.id.casefold()
    return hold.name.casefold() == machine.name.casefold()


def _key(hold: MachineHold) -> str:
    return (hold.id or hold.name).casefold()


def holds_of(desired: Desired, now: datetime) -> tuple[tuple[str, Hold], ...]:
    """Return the machines that are held at that moment, by name, each with its hold: committed or placed at run time."""
    held = ((machine.name, machine.hold) for machine in desired.virtual_machines if machine.hold)
    standing = [(name, hold) for name, hold in held if hold.until is None or now < hold.until]
    return tuple(sorted(standing, key=lambda pair: pair[0].casefold()))


def machine_called(desired: Desired, name: str) -> VirtualMachine | Problem:
    """Return the managed machine of that name or VMId, or what is wrong with the name."""
    wanted = name.casefold()
    for machine in desired.virtual_machines:
        if wanted in (machine.name.casefold(), (machine.id or machine.name).casefold()):
            return machine
    otherwise = "name a machine of the desired state; 'reconciler drift' shows them by name"
    remedy = did_you_mean(name, (machine.name for machine in desired.virtual_machines), otherwise)
    return Problem("unknown-machine", f"no document names a virtual machine '{name}'", remedy, subject=f"virtualMachine/{name}")


def holds_of_nobody(desired: Desired, holds: Iterable[MachineHold]) -> tuple[Problem, ...]:
    """Return a warning for each hold whose machine the desired state does not name: renamed, or managed no more."""
    known = {key for machine in desired.virtual_machines for key in (machine.name.casefold(), (machine.id or "").casefold())}
    lost = [hold for hold in holds if not {hold.name.casefold(), _key(hold)} & known]
    return tuple(_of_nobody(hold) for hold in lost)


def _of_nobody(hold: MachineHold) -> Problem:
    finding = f"{hold.owner} holds it ({hold.reason}), and no document names it, so the hold stops nothing"
    remedy = f"hold it by its present name, then: reconciler release {hold.name}"
    return Problem("hold-of-nobody", finding, remedy, subject=f"virtualMachine/{hold.name}", severity=Severity.WARNING)

"""Machines that migrations left behind: planned ones at a destination, second registrations of one that lives elsewhere.

Source: Msvm_PlannedComputerSystem, and DestroySystem of Msvm_VirtualSystemManagementService (learn.microsoft.com, Hyper-V WMI
provider).
"""

from collections.abc import Callable, Iterator

from reconciler.doctor.cells import on_host, quoted
from reconciler.model.leftover import Leftover, LeftoverKind
from reconciler.model.observation import Host, Observation, VirtualMachine

# Where a host is reached, by its name.
AddressOf = Callable[[str], str]
READ = r"Get-CimInstance -Namespace root\virtualization\v2 -ClassName"
PLANNED = "a planned virtual machine that no running migration accounts for; it blocks migrations of this machine to there"


def planned_machines(observation: Observation, address_of: AddressOf) -> Iterator[Leftover]:
    """Yield the planned machines that no running migration accounts for."""
    moving = on_the_move(observation)
    for host in observation.hosts:
        for planned in host.planned_virtual_machines or ():
            if planned.id.casefold() in moving:
                continue
            get = f"{READ} Msvm_PlannedComputerSystem | Where-Object Name -eq {quoted(planned.id)}"
            method = "Invoke-CimMethod -MethodName DestroySystem -Arguments @{ AffectedSystem = $left }"
            destroy = f"$left = {get}; {READ} Msvm_VirtualSystemManagementService | {method} -Confirm"
            address = address_of(host.name)
            yield Leftover(
                kind=LeftoverKind.PLANNED,
                host=host.name,
                name=planned.name or planned.id,
                id=planned.id,
                finding=PLANNED,
                look=on_host(address, get),
                clean=on_host(address, destroy),
            )


def second_registrations(observation: Observation, address_of: AddressOf) -> Iterator[Leftover]:
    """Yield the registrations of machines that several hosts have, and that are not on their way from one to the other.

    Where one of them runs, those that do not are left over; otherwise a person has to say which one counts.
    """
    moving = on_the_move(observation)
    for key, seen in sorted(observation.sightings.items()):
        if len(seen) < 2 or key in moving:
            continue
        running = [host.name for host, machine in seen if machine.is_running]
        for host, machine in seen:
            if host.name not in running or len(running) > 1:
                others = ", ".join(other.name for other, _ in seen if other is not host)
                yield _registration(host, machine, others, running, address_of(host.name))


def _registration(host: Host, machine: VirtualMachine, others: str, running: list[str], address: str) -> Leftover:
    get = f"Get-VM -Id {quoted(machine.id)}"
    is_clear = len(running) == 1 and machine.is_off
    runs = f"it runs on {running[0]}" if len(running) == 1 else "which one counts is for a person to say"
    return Leftover(
        kind=LeftoverKind.REGISTRATION,
        host=host.name,
        name=machine.name,
        id=machine.id,
        path=machine.configuration_path,
        finding=f"{machine.state or 'in an unknown state'} here, and also registered on {others}; {runs}",
        look=on_host(address, f"{get} | Format-List State, Path, HardDrives"),
        # Takes the registration alone: the disks, which the running one may share, stay.
        clean=on_host(address, f"{get} | Remove-VM -Confirm") if is_clear else None,
    )


def on_the_move(observation: Observation) -> set[str]:
    """Return the machines (VMId, lower case) that some migration has, whoever started it."""
    return {job.virtual_machine.casefold() for host in observation.hosts for job in host.running_migrations}

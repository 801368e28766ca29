"""The Hyper-V module: machines and their parts, the host and its migration settings.

Source of names, types and enumerations: module Hyper-V of Windows Server 2016 to 2025 (learn.microsoft.com).
"""

from collections.abc import Callable, Iterable
from typing import Any

from reconciler.hosts.port import ConfigureHost, StartMachine
from reconciler.hosts.winrm import codes
from reconciler.hosts.winrm.codes import number_of
from reconciler.model.observation import Disk, VirtualMachine
from reconciler.simulator.powershell import Call, Cmdlet, PowerShellError
from reconciler.simulator.powershell.values import NOTHING, Enumeration, Guid, NetObject, items_of, net_object
from reconciler.simulator.windows.host import WindowsHost, known
from reconciler.simulator.windows.published import output_type, published

MIB = 2**20
HYPER_V = "Microsoft.HyperV.PowerShell"
REALIZED = Enumeration("VirtualMachineType", "RealizedVirtualMachine", 3)
SETTINGS = {
    "MaximumVirtualMachineMigrations": "migration.maximumVirtualMachineMigrations",
    "MaximumStorageMigrations": "migration.maximumStorageMigrations",
    "VirtualMachineMigrationPerformanceOption": "migration.performanceOption",
    "VirtualMachineMigrationAuthenticationType": "migration.authenticationType",
    "VirtualMachinePath": "storage.virtualMachinePath",
    "VirtualHardDiskPath": "storage.virtualHardDiskPath",
}


def cmdlets(host: WindowsHost) -> list[Cmdlet]:
    """Return the cmdlets of this part of Windows."""
    return [*_machine_cmdlets(host), *_part_cmdlets(host), *_host_cmdlets(host), *_network_cmdlets(host)]


def _machine_cmdlets(host: WindowsHost) -> list[Cmdlet]:
    def get_vm(call: Call) -> Iterable[Any]:
        machines = host.facts.virtual_machines
        if not call.given("Id"):
            return [machine_object(machine) for machine in machines]
        wanted = str(call.get("Id"))
        found = [machine_object(machine) for machine in machines if machine.id.casefold() == wanted]
        if not found:
            text = "Hyper-V was unable to find a virtual machine with the given id."
            error_id = f"InvalidParameter,{HYPER_V}.Commands.GetVM"
            raise PowerShellError(text, error_id, category="InvalidArgument", target=wanted, terminating=False)
        return found

    def start_vm(call: Call) -> Iterable[Any]:
        for machine in items_of(call.get("VM")):
            host.attempt(StartMachine(str(machine.read("Id"))), f"OperationFailed,{HYPER_V}.Commands.StartVM")
        return []

    return [
        published("Get-VM", get_vm, "Id"),
        published("Start-VM", start_vm, "VM", "Confirm"),
    ]


def machine_object(machine: VirtualMachine) -> NetObject:
    """Return what Get-VM gives for a machine."""
    status = [_enumeration("VMOperationalStatus", code) for code in operational_status(machine.operation)]
    memory = (machine.memory_mib or 0) * MIB
    return net_object(
        f"{HYPER_V}.VirtualMachine",
        {
            "Id": Guid(machine.id.lower()),
            "Name": machine.name,
            "State": _state(machine.state),
            "ReplicationMode": _word("ReplicationMode", codes.REPLICATION_MODES, machine.replication or "None"),
            "OperationalStatus": status,
            "MemoryAssigned": 0 if machine.is_off else memory,
            "MemoryStartup": memory,
            "MemoryMaximum": (machine.maximum_memory_mib or 0) * MIB,
            "DynamicMemoryEnabled": machine.maximum_memory_mib is not None,
            "ProcessorCount": machine.processors or 0,
            "Generation": machine.generation or 0,
            "Version": machine.configuration_version or "",
            "IsClustered": bool(machine.highly_available),
            "ConfigurationLocation": machine.configuration_path,
            "SnapshotFileLocation": machine.checkpoint_path,
            "SmartPagingFilePath": machine.smart_paging_path,
            "VirtualMachineType": REALIZED,
        },
    )


def operational_status(operation: str | None) -> list[int]:
    """Return the numbers of a machine's operational status: fine, or in service with what."""
    if operation is None:
        return [codes.PRIMARY_OK]
    if (primary := number_of(codes.PRIMARY_STATUSES, operation)) is not None:
        return [primary]
    secondary = number_of(codes.OPERATIONS, operation)
    return [codes.IN_SERVICE] if secondary is None else [codes.IN_SERVICE, secondary]


def state_number(state: str | None) -> int:
    """Return the number of a machine's state; 1 (other) for one that Windows has no number for."""
    return number_of(codes.VM_STATES, state) or 1


def _state(state: str | None) -> Enumeration:
    return Enumeration("VMState", state or "Other", state_number(state))


def _word(type_name: str, table: dict[int, str], word: str) -> Enumeration:
    return Enumeration(type_name, word, number_of(table, word) or 0)


def _enumeration(type_name: str, number: int) -> Enumeration:
    return Enumeration(type_name, str(number), number)


def _part_cmdlets(host: WindowsHost) -> list[Cmdlet]:
    """Parts of machines: each cmdlet takes machines and gives one object for each part that they have."""

    def of_machines(name: str, parts: Callable[[VirtualMachine], list[dict[str, Any]]]) -> Cmdlet:
        def body(call: Call) -> Iterable[Any]:
            return [
                net_object(output_type(name), {"VMId": Guid(machine.id.lower()), **part})
                for machine in _present(host, call)
                for part in parts(machine)
            ]

        return published(name, body, "VM")

    def get_vhd(call: Call) -> Iterable[Any]:
        wanted = " ".join(call.get("Path")).casefold()
        disks = (disk for machine in host.facts.virtual_machines for disk in machine.disks)
        disk = next((disk for disk in disks if (disk.path or "").casefold() == wanted), Disk())
        error_id = f"ObjectNotFound,{HYPER_V}.Commands.GetVHD"
        sizes = {"Size": known(disk.size_bytes, wanted, error_id), "FileSize": known(disk.file_bytes, wanted, error_id)}
        return [net_object("Microsoft.Vhd.PowerShell.VirtualHardDisk", {**sizes, "ParentPath": disk.parent_path})]

    return [
        of_machines("Get-VMHardDiskDrive", lambda machine: [_drive(disk) for disk in machine.disks]),
        of_machines("Get-VMNetworkAdapter", lambda machine: [{"SwitchName": one} for one in _switches(machine)]),
        of_machines("Get-VMDvdDrive", lambda machine: [{"Path": machine.mounted_iso}]),
        of_machines("Get-VMSnapshot", lambda machine: [{}] * _count(machine, "checkpoints", machine.checkpoints)),
        of_machines("Get-VMAssignableDevice", lambda machine: [{}] * _count(machine, "devices", machine.assigned_devices)),
        of_machines("Get-VMProcessor", lambda machine: [{"CompatibilityForMigrationEnabled": _compatibility(machine)}]),
        published("Get-VHD", get_vhd, "Path"),
    ]


def _present(host: WindowsHost, call: Call) -> list[VirtualMachine]:
    found: list[VirtualMachine] = []
    for item in items_of(call.get("VM")):
        machine = host.machine(str(item.read("Id")))
        if machine is None:
            raise PowerShellError(
                "Hyper-V was unable to find the virtual machine.",
                f"ObjectNotFound,{HYPER_V}.Commands",
                category="ObjectNotFound",
            )
        found.append(machine)
    return found


def _drive(disk: Disk) -> dict[str, Any]:
    return {
        "ControllerType": Enumeration("ControllerType", disk.controller, 1 if disk.controller == "SCSI" else 0),
        "ControllerNumber": disk.controller_number,
        "ControllerLocation": disk.location,
        "Path": disk.path,
        "SupportPersistentReservations": bool(disk.shared),
        "DiskNumber": 1 if disk.pass_through else None,
    }


def _switches(machine: VirtualMachine) -> tuple[str, ...]:
    return tuple(known(machine.switches, f"network adapters of {machine.name}", f"OperationFailed,{HYPER_V}"))


def _count(machine: VirtualMachine, what: str, number: int | None) -> int:
    return int(known(number, f"{what} of {machine.name}", f"OperationFailed,{HYPER_V}"))


def _compatibility(machine: VirtualMachine) -> bool:
    return bool(known(machine.processor_compatibility, f"processor of {machine.name}", f"OperationFailed,{HYPER_V}"))


def _host_cmdlets(host: WindowsHost) -> list[Cmdlet]:
    def get_vmhost(call: Call) -> Iterable[Any]:  # noqa: ARG001 - the same form as all cmdlets
        return [_host_object(host)]

    def set_vmhost(call: Call) -> Iterable[Any]:
        changes = {path: call.get(name) for name, path in SETTINGS.items() if call.given(name)}
        if call.given("UseAnyNetworkForMigration"):
            changes["migration.networks"] = "any" if call.get("UseAnyNetworkForMigration") else list(host.networks)
        host.attempt(ConfigureHost(changes), f"InvalidParameter,{HYPER_V}.Commands.SetVMHost")
        return []

    def enable(call: Call) -> Iterable[Any]:  # noqa: ARG001 - the same form as all cmdlets
        host.attempt(ConfigureHost({"migration.enabled": True}), f"OperationFailed,{HYPER_V}.Commands.EnableVMMigration")
        return []

    def disable(call: Call) -> Iterable[Any]:  # noqa: ARG001 - the same form as all cmdlets
        host.attempt(ConfigureHost({"migration.enabled": False}), f"OperationFailed,{HYPER_V}.Commands.DisableVMMigration")
        return []

    def get_switch(call: Call) -> Iterable[Any]:  # noqa: ARG001 - the same form as all cmdlets
        names = known(host.facts.switches, "switches", f"OperationFailed,{HYPER_V}.Commands.GetVMSwitch")
        return [net_object(f"{HYPER_V}.VMSwitch", {"Name": name}) for name in names]

    return [
        published("Get-VMSwitch", get_switch),
        published("Get-VMHost", get_vmhost),
        published("Set-VMHost", set_vmhost, *SETTINGS, "UseAnyNetworkForMigration", "Confirm"),
        published("Enable-VMMigration", enable, "Confirm"),
        published("Disable-VMMigration", disable, "Confirm"),
    ]


def _host_object(host: WindowsHost) -> NetObject:
    facts = host.facts
    migration, storage = facts.migration, facts.storage
    option, authentication = migration.performance_option, migration.authentication_type
    return net_object(
        f"{HYPER_V}.VMHost",
        {
            "MemoryCapacity": (facts.memory_mib or 0) * MIB,
            "LogicalProcessorCount": facts.logical_processors or 0,
            "SupportedVmVersions": list(facts.supported_configuration_versions or ()),
            "UseAnyNetworkForMigration": migration.networks in ("any", None),
            "VirtualMachineMigrationEnabled": bool(migration.enabled),
            "MaximumVirtualMachineMigrations": migration.maximum_virtual_machine_migrations,
            "MaximumStorageMigrations": migration.maximum_storage_migrations,
            "VirtualMachineMigrationPerformanceOption": _setting("PerformanceOption", codes.PERFORMANCE_OPTIONS, option),
            "VirtualMachineMigrationAuthenticationType": _setting("Authentication", codes.AUTHENTICATION_TYPES, authentication),
            "VirtualMachinePath": storage.virtual_machine_path,
            "VirtualHardDiskPath": storage.virtual_hard_disk_path,
        },
    )


def _setting(type_name: str, table: dict[int, Any], word: Any) -> Enumeration | None:
    number = number_of(table, word)
    return None if number is None else Enumeration(type_name, str(word), number)


def _network_cmdlets(host: WindowsHost) -> list[Cmdlet]:
    """Migration networks: subnets in an order of preference. They stay listed while any network may be used."""

    def listed() -> list[str]:
        known_here = host.facts.migration.networks
        if isinstance(known_here, tuple):
            host.networks = list(known_here)
        return host.networks

    def changed(networks: list[str]) -> Iterable[Any]:
        host.networks = networks
        if isinstance(host.facts.migration.networks, tuple):
            host.attempt(
                ConfigureHost({"migration.networks": networks}), f"OperationFailed,{HYPER_V}.Commands.VMMigrationNetwork"
            )
        return [NOTHING]

    def get(call: Call) -> Iterable[Any]:  # noqa: ARG001 - the same form as all cmdlets
        return [
            net_object(f"{HYPER_V}.VMMigrationNetwork", {"Subnet": subnet, "Priority": number})
            for number, subnet in enumerate(listed(), 1)
        ]

    def add(call: Call) -> Iterable[Any]:
        return changed(_placed(_either(listed(), call, there=False), call.get("Subnet"), call.get("Priority")))

    def set_network(call: Call) -> Iterable[Any]:
        return changed(_placed(_either(listed(), call, there=True), call.get("Subnet"), call.get("NewPriority")))

    def remove(call: Call) -> Iterable[Any]:
        return changed([subnet for subnet in listed() if subnet != call.get("Subnet")])

    return [
        published("Get-VMMigrationNetwork", get),
        published("Add-VMMigrationNetwork", add, "Subnet", "Priority", "Confirm"),
        published("Set-VMMigrationNetwork", set_network, "Subnet", "NewPriority", "Confirm"),
        published("Remove-VMMigrationNetwork", remove, "Subnet", "Confirm"),
    ]


def _either(networks: list[str], call: Call, *, there: bool) -> list[str]:
    """Return the networks, where the one of the call is among them or is not, as its cmdlet needs it."""
    if (call.get("Subnet") in networks) is not there:
        text = f"The network {call.get('Subnet')} is {'not listed' if there else 'listed already'}."
        raise PowerShellError(text, f"InvalidParameter,{HYPER_V}.Commands.VMMigrationNetwork", category="InvalidArgument")
    return networks


def _placed(networks: list[str], subnet: str, priority: int | None) -> list[str]:
    others = [one for one in networks if one != subnet]
    others.insert(len(others) if priority is None else priority - 1, subnet)
    return others

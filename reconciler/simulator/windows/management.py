r"""CIM and WMI: the classes of ``root\cimv2`` and ``root\virtualization\v2`` that scripts read, by both families of cmdlets.

Get-CimInstance gives dead copies; Get-WmiObject gives objects with methods. Source: the class references of the Hyper-V WMI
provider (V2) and of the Win32 provider (learn.microsoft.com).
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

from reconciler.hosts.port import ListMigrations
from reconciler.hosts.winrm import codes
from reconciler.hosts.winrm.codes import number_of
from reconciler.model.observation import Migration, VirtualMachine
from reconciler.simulator.powershell import Call, Cmdlet, NotInSubsetError
from reconciler.simulator.powershell.convert import to_text
from reconciler.simulator.powershell.values import NetObject, net_object
from reconciler.simulator.windows import migration_service, surroundings
from reconciler.simulator.windows.host import WindowsHost, known
from reconciler.simulator.windows.hyper_v import operational_status, state_number
from reconciler.simulator.windows.instances import instance, path_of
from reconciler.simulator.windows.published import published

V2 = r"root\virtualization\v2"
CIMV2 = r"root\cimv2"
_PATH = re.compile(r'(?:\\\\[^\\]+\\)?(?:[^:]+:)?(?P<name>\w+)\.(?P<key>\w+)="(?P<value>[^"]+)"')


def cmdlets(host: WindowsHost) -> list[Cmdlet]:
    """Return the cmdlets of this part of Windows."""

    def get_cim(call: Call) -> Iterable[Any]:
        return _instances(host, call.get("Namespace", CIMV2), call.get("ClassName", ""))

    def get_wmi(call: Call) -> Iterable[Any]:
        return _instances(host, call.get("Namespace", CIMV2), call.get("Class", ""))

    return [
        published("Get-CimInstance", get_cim, "ClassName", "Namespace"),
        published("Get-WmiObject", get_wmi, "Class", "Namespace"),
    ]


def casts(host: WindowsHost) -> dict[str, Callable[[Any], Any]]:
    """Return the type accelerators ``[wmi]`` and ``[wmiclass]``: an object by its path, a class to make instances of."""

    def by_path(value: Any) -> Any:
        match = _PATH.fullmatch(to_text(value))
        if match is None or match["name"].casefold() != "msvm_migrationjob":
            raise NotInSubsetError(f"[wmi] of {to_text(value)}")
        return migration_service.job_by_id(host, match["value"], _job_object)

    def a_class(value: Any) -> Any:
        name = to_text(value).rpartition(":")[2]
        if name.casefold() != "msvm_virtualsystemmigrationsettingdata":
            raise NotInSubsetError(f"[wmiclass] of {to_text(value)}")
        names = ("MigrationType", "TransportType", "EnableCompression")
        return NetObject("ManagementClass", methods={"CreateInstance": lambda _: instance(name, dict.fromkeys(names))})

    return {"wmi": by_path, "wmiclass": a_class}


def _instances(host: WindowsHost, namespace: str, name: str) -> list[Any]:
    reader = _CLASSES.get((namespace.casefold(), name.casefold()))
    if reader is None:
        raise NotInSubsetError(f"class {name} of {namespace}")
    return reader(host)


def _operating_system(host: WindowsHost) -> list[Any]:
    facts, error_id = host.facts, "HRESULT 0x80041001,Microsoft.Management.Infrastructure.CimCmdlets.GetCimInstanceCommand"
    free = known(facts.available_memory_mib, "Win32_OperatingSystem", error_id)
    version = known(facts.os_version, "Win32_OperatingSystem", error_id)
    return [net_object("Win32_OperatingSystem", {"Version": version, "FreePhysicalMemory": free * 1024})]


def _processor(host: WindowsHost) -> list[Any]:
    facts, error_id = host.facts, "HRESULT 0x80041001,Microsoft.Management.Infrastructure.CimCmdlets.GetCimInstanceCommand"
    vendor = known(facts.processor_vendor, "Win32_Processor", error_id)
    return [
        net_object(
            "Win32_Processor",
            {"Manufacturer": vendor, "Name": facts.processor_model or "", "Description": facts.processor_model or ""},
        )
    ]


def _volumes(host: WindowsHost) -> list[Any]:
    return [
        net_object(
            "Win32_Volume",
            {"Name": volume.path, "DriveType": 3, "Capacity": volume.size_bytes, "FreeSpace": volume.free_bytes},
        )
        for volume in host.facts.storage.volumes
    ]


def _computer_systems(host: WindowsHost) -> list[Any]:
    """The host itself comes first, as it does on Windows: a script that forgets that finds one machine too many."""
    physical = {"Name": host.name, "ElementName": host.name, "EnabledState": 2, "OperationalStatus": [2]}
    return [net_object("Msvm_ComputerSystem", physical)] + [_system(host, one) for one in host.facts.virtual_machines]


def _system(host: WindowsHost, machine: VirtualMachine) -> NetObject:
    return net_object(
        "Msvm_ComputerSystem",
        {
            "Name": machine.id.upper(),
            "ElementName": machine.name,
            "EnabledState": state_number(machine.state),
            "OperationalStatus": operational_status(machine.operation),
            "__PATH": path_of(host.name, "Msvm_ComputerSystem", "Name", machine.id.upper()),
        },
    )


def _planned_systems(host: WindowsHost) -> list[Any]:
    error_id = "HRESULT 0x80041003,Microsoft.Management.Infrastructure.CimCmdlets.GetCimInstanceCommand"
    return [
        net_object("Msvm_PlannedComputerSystem", {"Name": planned.id.upper(), "ElementName": planned.name})
        for planned in known(host.facts.planned_virtual_machines, "Msvm_PlannedComputerSystem", error_id)
    ]


def _jobs(host: WindowsHost) -> list[Any]:
    listed = host.execute(ListMigrations())
    assert isinstance(listed, tuple)
    return [_job_object(host, job) for job in listed]


def _job_object(host: WindowsHost, job: Migration) -> NetObject:
    job_type, migration_type = codes.JOB_NUMBERS[job.kind]
    found = instance(
        "Msvm_MigrationJob",
        {
            "InstanceID": job.id,
            "VirtualSystemName": job.virtual_machine.upper(),
            "DestinationHost": job.destination,
            "JobType": job_type,
            "MigrationType": migration_type,
            "JobState": number_of(codes.JOB_STATES, job.state),
            "PercentComplete": job.percent or 0,
            "StartTime": job.started_at,
            "ErrorCode": job.error_code or 0,
            "ErrorDescription": job.error,
            "Cancellable": job.state == "Running",
        },
    )
    migration_service.let_be_cancelled(host, found, job.id)
    return found


def _service(host: WindowsHost) -> list[Any]:
    facts = host.facts.migration
    error_id = "GetWMIManagementException,Microsoft.PowerShell.Commands.GetWmiObjectCommand"
    counts = {
        "ActiveVirtualSystemMigrationCount": known(facts.active_virtual_machine_migrations, "migration counts", error_id),
        "ActiveStorageMigrationCount": known(facts.active_storage_migrations, "migration counts", error_id),
    }
    return [migration_service.service_object(host, counts)]


def _allocations(host: WindowsHost) -> list[Any]:
    return [
        instance(
            "Msvm_StorageAllocationSettingData",
            {
                "InstanceID": f"Microsoft:{machine.id.upper()}\\{number}",
                "ResourceSubType": "Microsoft:Hyper-V:Virtual Hard Disk",
                "HostResource": [disk.path],
                "PoolID": "pool",
            },
        )
        for machine in host.facts.virtual_machines
        for number, disk in enumerate(machine.disks)
    ]


def _system_settings(host: WindowsHost) -> list[Any]:
    return [
        instance(
            "Msvm_VirtualSystemSettingData",
            {
                "VirtualSystemIdentifier": machine.id.upper(),
                "VirtualSystemType": "Microsoft:Hyper-V:System:Realized",
                "ConfigurationDataRoot": machine.configuration_path,
                "SnapshotDataRoot": machine.checkpoint_path,
                "SwapFileDataRoot": machine.smart_paging_path,
            },
        )
        for machine in host.facts.virtual_machines
    ]


_CLASSES: dict[tuple[str, str], Callable[[WindowsHost], list[Any]]] = {
    (CIMV2, "win32_operatingsystem"): _operating_system,
    (CIMV2, "win32_processor"): _processor,
    (CIMV2, "win32_volume"): _volumes,
    (CIMV2, "win32_computersystem"): surroundings.computer,
    (CIMV2, "win32_ntdomain"): surroundings.known_domains,
    (r"root\microsoft\windows\deviceguard", "win32_deviceguard"): surroundings.device_guard,
    (V2, "msvm_computersystem"): _computer_systems,
    (V2, "msvm_plannedcomputersystem"): _planned_systems,
    (V2, "msvm_migrationjob"): _jobs,
    (V2, "msvm_virtualsystemmigrationservice"): _service,
    (V2, "msvm_storageallocationsettingdata"): _allocations,
    (V2, "msvm_virtualsystemsettingdata"): _system_settings,
}

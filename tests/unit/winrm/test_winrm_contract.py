"""Every name of Windows that the shipped scripts use was looked up: cmdlets with parameters, properties of objects, WMI.

Nothing here runs PowerShell. A name that is not in these tables fails, so that a slip (a property that only another class has,
a parameter of another cmdlet) is found here and not on a host. Before adding a name, look it up on learn.microsoft.com.
"""

import re

import pytest

from reconciler.hosts.winrm.bootstrap import SCRIPTS, script

COMMON = {"ErrorAction"}
CONFIRMED = {"Confirm"}
CMDLETS: dict[str, set[str]] = {
    "Add-ClusterVirtualMachineRole": {"VMId"},
    "Add-VMMigrationNetwork": {"Subnet", "Priority"} | CONFIRMED,
    "Disable-VMMigration": CONFIRMED,
    "Enable-VMMigration": CONFIRMED,
    "ForEach-Object": set(),
    "Get-CimInstance": {"Namespace", "ClassName"},
    "Get-Cluster": set(),
    "Get-ClusterGroup": {"VMId"},
    "Get-ClusterNode": {"Name"},
    "Get-ClusterOwnerNode": {"Group", "Resource"},
    "Get-ClusterResource": set(),
    "Get-ClusterSharedVolume": set(),
    "Get-Service": {"Name"},
    "Get-VHD": {"Path"},
    "Get-VM": {"Id"},
    "Get-VMAssignableDevice": {"VM"},
    "Get-VMDvdDrive": {"VM"},
    "Get-VMHardDiskDrive": {"VM"},
    "Get-VMHost": set(),
    "Get-VMMigrationNetwork": set(),
    "Get-VMNetworkAdapter": {"VM"},
    "Get-VMProcessor": {"VM"},
    "Get-VMSnapshot": {"VM"},
    "Get-VMSwitch": set(),
    "Get-WmiObject": {"Namespace", "Class"},
    "Move-ClusterVirtualMachineRole": {"VMId", "Cancel", "Node", "Wait", "MigrationType"},
    "Remove-ClusterGroup": {"VMId", "RemoveResources", "Force"} | CONFIRMED,
    "Remove-VMMigrationNetwork": {"Subnet"} | CONFIRMED,
    "Select-Object": {"First"},
    "Set-ClusterOwnerNode": {"Group", "Resource", "Owners"},
    "Set-VMHost": {
        "MaximumStorageMigrations",
        "MaximumVirtualMachineMigrations",
        "UseAnyNetworkForMigration",
        "VirtualHardDiskPath",
        "VirtualMachineMigrationAuthenticationType",
        "VirtualMachineMigrationPerformanceOption",
        "VirtualMachinePath",
    }
    | CONFIRMED,
    "Set-VMMigrationNetwork": {"Subnet", "NewPriority"} | CONFIRMED,
    "Sort-Object": {"Property", "Unique"},
    "Start-Sleep": {"Milliseconds"},
    "Start-VM": {"VM"} | CONFIRMED,
    "Where-Object": set(),
}

SYSTEM_SETTINGS = {
    "ConfigurationDataRoot",
    "SnapshotDataRoot",
    "SwapFileDataRoot",
    "VirtualSystemIdentifier",
    "VirtualSystemType",
}
STORAGE_SETTINGS = {"HostResource", "InstanceID", "PoolID", "ResourceSubType"}
MIGRATION_SETTINGS = {"EnableCompression", "MigrationType", "TransportType"}
MIGRATION_SERVICE = {"ActiveStorageMigrationCount", "ActiveVirtualSystemMigrationCount"}
COMPUTER_SYSTEM = {"EnabledState", "Name", "OperationalStatus"}
JOB = {
    "Cancellable",
    "DestinationHost",
    "ErrorCode",
    "ErrorDescription",
    "InstanceID",
    "JobState",
    "JobType",
    "MigrationType",
} | {
    "PercentComplete",
    "StartTime",
    "VirtualSystemName",
}
WMI_CLASSES = {
    "Msvm_ComputerSystem",
    "Msvm_MigrationJob",
    "Msvm_StorageAllocationSettingData",
    "Msvm_VirtualSystemMigrationService",
    "Msvm_VirtualSystemMigrationSettingData",
    "Msvm_VirtualSystemSettingData",
    "Win32_OperatingSystem",
    "Win32_Processor",
    "Win32_Volume",
}
GROUP = {"AntiAffinityClassNames", "AutoFailbackType", "FailbackWindowEnd", "FailbackWindowStart", "FailoverPeriod", "Name"} | {
    "FailoverThreshold",
    "Priority",
}
MACHINE = {"IsClustered", "State"}
HOST = {
    "LogicalProcessorCount",
    "MaximumStorageMigrations",
    "MaximumVirtualMachineMigrations",
    "MemoryCapacity",
    "SupportedVmVersions",
    "UseAnyNetworkForMigration",
    "VirtualHardDiskPath",
    "VirtualMachineMigrationAuthenticationType",
    "VirtualMachineMigrationEnabled",
    "VirtualMachineMigrationPerformanceOption",
    "VirtualMachinePath",
}
SURVEYED_MACHINE = MACHINE | {
    "ConfigurationLocation",
    "DynamicMemoryEnabled",
    "Generation",
    "Id",
    "MemoryAssigned",
    "MemoryMaximum",
    "MemoryStartup",
    "Name",
    "OperationalStatus",
    "ProcessorCount",
    "ReplicationMode",
    "SmartPagingFilePath",
    "SnapshotFileLocation",
    "Version",
}
DRIVE = {"ControllerLocation", "ControllerNumber", "ControllerType", "DiskNumber", "Path", "SupportPersistentReservations"}
CLUSTER = {"Domain", "MaximumParallelMigrations", "Name"}

# For each script, what its variables hold, by the properties and methods that are used of them.
OBJECTS: dict[str, dict[str, set[str]]] = {
    "Get-Survey": {
        "machine": SURVEYED_MACHINE,
        "vmhost": HOST,
        "drive": DRIVE,
        "image": {"FileSize", "ParentPath", "Size"},
        "found": CLUSTER,
        "info": {"FriendlyVolumeName", "Partition"},
        "part": {"FreeSpace", "Size"},
        "fact": {"VMId"},
        "service": MIGRATION_SERVICE,
        "clustering": {"StartType", "Status"},
    },
    "Get-Migrations": {"machine": COMPUTER_SYSTEM, "job": JOB},
    "Test-Migration": {
        "machine": COMPUTER_SYSTEM | {"__PATH"},
        "job": JOB,
        "settings": MIGRATION_SETTINGS | {"GetText"},
        "service": MIGRATION_SERVICE | {"GetMethodParameters", "InvokeMethod"},
        "call": {"ComputerSystem", "DestinationHost", "MigrationSettingData"},
        "answer": {"Job", "ReturnValue"},
    },
    "Start-Migration": {
        "machine": COMPUTER_SYSTEM | {"__PATH"},
        "job": JOB,
        "system": SYSTEM_SETTINGS | {"GetText", "root"},
        "disk": STORAGE_SETTINGS | {"GetText"},
        "settings": MIGRATION_SETTINGS | {"GetText"},
        "service": MIGRATION_SERVICE | {"GetMethodParameters", "InvokeMethod"},
        "call": {"ComputerSystem", "DestinationHost", "MigrationSettingData", "NewResourceSettingData", "NewSystemSettingData"},
        "answer": {"Job", "ReturnValue"},
        "vmhost": HOST,
        "cluster": CLUSTER,
        "node": {"Name"},
    },
    "Stop-Migration": {
        "job": JOB | {"GetMethodParameters", "InvokeMethod"},
        "call": {"RequestedState"},
    },
    "Start-Machine": {"machine": MACHINE},
    "Set-ClusterSettings": {"cluster": CLUSTER},
    "Remove-ClusterRole": {"machine": MACHINE, "role": GROUP, "resource": {"Name", "ResourceType"}},
    "Add-ClusterRole": {"role": GROUP, "resource": {"Name"}},
}


def code_of(name: str) -> str:
    """Return a script without help, comments and the contents of plain texts."""
    text = re.sub(r"<#.*?#>", "", script(name), flags=re.DOTALL)
    text = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    return re.sub(r"'[^'\n]*'", "''", text)


def calls_in(code: str) -> list[tuple[str, set[str]]]:
    """Return each cmdlet that is called, with the parameters that stand behind it in its own part of the pipeline."""
    found = re.finditer(r"(?<![\w$-])([A-Z][A-Za-z]+-[A-Z]\w+)([^|;\n{}]*)", code)
    return [(call[1], set(re.findall(r"(?<=\s)-([A-Z]\w+)", cut_brackets(call[2])))) for call in found]


def cut_brackets(text: str) -> str:
    """Return the text up to the bracket that closes what was opened before it."""
    depth = 0
    for at, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            return text[:at]
    return text


def own_functions(code: str) -> set[str]:
    return set(re.findall(r"^function ([\w-]+)", code, re.M))


@pytest.mark.parametrize("name", SCRIPTS)
def test_cmdlets_and_their_parameters_exist(name: str) -> None:
    """A cmdlet or parameter that nobody looked up would be refused by PowerShell at the moment it is needed."""
    code = code_of(name)
    calls = [call for call in calls_in(code) if call[0] not in own_functions(code)]

    assert calls
    assert {(cmdlet, *sorted(used - CMDLETS.get(cmdlet, set()) - COMMON)) for cmdlet, used in calls} == {
        (cmdlet,) for cmdlet, _ in calls if cmdlet in CMDLETS
    }


@pytest.mark.parametrize(
    ("name", "variable", "cmdlet"),
    [("Start-Migration", "how", "Move-ClusterVirtualMachineRole"), ("Set-HostSettings", "change", "Set-VMHost")],
)
def test_parameters_that_are_put_together_first_exist_too(name: str, variable: str, cmdlet: str) -> None:
    """A table of parameters is filled by name, at its making or later."""
    text = script(name)
    made = "".join(re.findall(rf"\${variable} = @{{([^}}]*)}}", text))
    keys = set(re.findall(r"(\w+) =", made)) | set(re.findall(rf"\${variable}\.([A-Z]\w+) =", text))
    if name == "Set-HostSettings":
        keys |= set(re.findall(r"'[\w.]+'\s*= '(\w+)'", text))

    assert len(keys) > 3
    assert keys <= CMDLETS[cmdlet]


@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_properties_belong_to_the_objects_they_are_read_from(name: str) -> None:
    """Reading a property that an object has not gives null without a word, and setting one fails in the middle."""
    code = code_of(name)
    for variable, members in OBJECTS[name].items():
        used = set(re.findall(rf"\${variable}(?:\[0\])?\.\$?(\w+)", code, re.I))
        assert used, f"${variable} is used no more"
        assert used <= members, f"${variable} has no {sorted(used - members)}"


def test_wmi_classes_are_known() -> None:
    """All of them are in root\\virtualization\\v2 or, as Win32 classes, in the default namespace."""
    for name in SCRIPTS:
        named = set(re.findall(r"\b((?:Msvm|Win32|CIM)_\w+)", re.sub(r"<#.*?#>", "", script(name), flags=re.DOTALL)))
        assert named <= WMI_CLASSES


def test_folders_of_a_machine_are_properties_of_its_settings() -> None:
    """The three folders are set by a name out of a table: each name must be one that the settings class has."""
    table = re.search(r"\$roots = @\{(.*)\}", script("Start-Migration"))

    assert table
    assert dict(re.findall(r"(\w+) = '(\w+)'", table[1])) == {
        "configuration": "ConfigurationDataRoot",
        "checkpoints": "SnapshotDataRoot",
        "smartPaging": "SwapFileDataRoot",
    }


def test_a_disk_is_moved_by_naming_its_new_file_in_place_of_the_old_one() -> None:
    """The service reads the target from HostResource; a pool that is still named would decide about the place itself."""
    text = script("Start-Migration")

    assert "$disk.HostResource = [string[]]@([string]$move.to)" in text
    assert "$disk.PoolID = ''" in text
    assert text.index("$disk.PoolID") < text.index("$disk.GetText(1)")


def test_what_a_removed_role_had_can_be_given_back() -> None:
    """Each setting that is saved when a role goes is one that the other script restores, except the role's name."""
    saved = set(re.findall(r"^    (\w+) +=", script("Remove-ClusterRole"), re.M)) - {"name"}

    assert saved == set(re.findall(r"\$settings\.(\w+)", script("Add-ClusterRole")))


@pytest.mark.parametrize("name", SCRIPTS)
def test_services_are_asked_for_by_name(name: str) -> None:
    """Asked for all of them, Windows complains of a service that nobody may query, and the script would end there."""
    assert all("Name" in used for cmdlet, used in calls_in(code_of(name)) if cmdlet == "Get-Service")

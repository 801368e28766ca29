"""The simulated Windows is made of what Microsoft has published: no cmdlet, parameter or property of its own invention."""

from typing import Any

import pytest

from reconciler.clock import ManualClock
from reconciler.hosts.port import StartMigration
from reconciler.hosts.winrm.signatures import properties_of, signature
from reconciler.model.words import MigrationKind
from reconciler.simulator.fleets import load_fleet
from reconciler.simulator.powershell import SCRIPT_BLOCK, SWITCH, NotInSubsetError, PowerShellError, run
from reconciler.simulator.powershell.language import CMDLETS
from reconciler.simulator.powershell.values import NetObject
from reconciler.simulator.windows import WindowsHost, session_of
from reconciler.simulator.windows.published import published
from reconciler.simulator.world import World
from tests.unit.winrm.test_winrm_contract import CLUSTER_PROPERTIES, SYSTEM

V2 = r"-Namespace root\virtualization\v2"
# What each command's objects are called where its published outputs do not say it.
TYPES = {
    "Get-VMHost": "VMHost",
    "Get-VM": "VirtualMachine",
    "Get-VM | ForEach-Object { Get-VMHardDiskDrive -VM $_ }": "HardDiskDrive",
    "Get-VM | ForEach-Object { Get-VMNetworkAdapter -VM $_ }": "VMNetworkAdapter",
    "Get-VM | ForEach-Object { Get-VMDvdDrive -VM $_ }": "DvdDrive",
    "Get-VM | ForEach-Object { Get-VMSnapshot -VM $_ }": "VMSnapshot",
    "Get-VM | ForEach-Object { Get-VMProcessor -VM $_ }": "VMProcessor",
    "Get-VMSwitch": "VMSwitch",
    "Get-VMMigrationNetwork": "VMMigrationNetwork",
    "Get-Cluster": "Cluster",
    "Get-ClusterNode": "ClusterNode",
    "Get-ClusterSharedVolume": "ClusterSharedVolume",
    "Get-VM | Where-Object { $_.IsClustered } | ForEach-Object { Get-ClusterGroup -VMId $_.Id }": "ClusterGroup",
    "Get-CimInstance -ClassName Win32_OperatingSystem": "Win32_OperatingSystem",
    "Get-CimInstance -ClassName Win32_Processor": "Win32_Processor",
    "Get-CimInstance -ClassName Win32_Volume": "Win32_Volume",
    f"Get-WmiObject {V2} -Class Msvm_ComputerSystem": "Msvm_ComputerSystem",
    f"Get-WmiObject {V2} -Class Msvm_MigrationJob": "Msvm_MigrationJob",
    f"Get-WmiObject {V2} -Class Msvm_VirtualSystemMigrationService": "Msvm_VirtualSystemMigrationService",
    f"Get-WmiObject {V2} -Class Msvm_StorageAllocationSettingData": "Msvm_StorageAllocationSettingData",
    f"Get-WmiObject {V2} -Class Msvm_VirtualSystemSettingData": "Msvm_VirtualSystemSettingData",
}
# The module of clusters adds these to a group that it knows by its machine.
ADDED = {"VMId"}


@pytest.fixture(scope="module")
def node() -> WindowsHost:
    """A cluster node of the demo fleet, with a migration under way."""
    seen = load_fleet("demo")
    world = World(seen, ManualClock(seen.observed_at))
    host = next(one for one in seen.hosts if one.name == "Cluster1Node1")
    machine = next(one for one in host.virtual_machines if one.name == "HAVM2")
    world.execute(host.name, StartMigration(machine.id, MigrationKind.LIVE, "Cluster1Node2"))
    return WindowsHost(host.name, world)


def outputs(node: WindowsHost, text: str) -> list[Any]:
    return run(text, session_of(node))


@pytest.mark.parametrize(("text", "type_name"), sorted(TYPES.items()))
def test_simulated_objects_have_only_published_properties(node: WindowsHost, text: str, type_name: str) -> None:
    """A property that only simulated hosts have would make a script pass here that fails on every real one."""
    known = properties_of(type_name) | SYSTEM | CLUSTER_PROPERTIES.get(type_name, set()) | ADDED
    found = outputs(node, text)

    assert found or type_name in ("VMSnapshot", "VMMigrationNetwork")
    for one in found:
        assert isinstance(one, NetObject)
        assert set(one.names()) <= {name.casefold() for name in known}


def test_every_simulated_cmdlet_is_published_with_its_parameters(node: WindowsHost) -> None:
    """Those of the language included, whose parameters are the interpreter's own to define."""
    for cmdlet in [*session_of(node).cmdlets.values(), *CMDLETS]:
        found = signature(cmdlet.name)
        assert found is not None
        assert found.name == cmdlet.name
        for parameter in cmdlet.parameters:
            known = found.parameter(parameter.name)
            assert known is not None, f"{cmdlet.name} -{parameter.name}"
            assert (parameter.type_name == SWITCH) is (known.type_name == "SwitchParameter")
            assert (parameter.type_name == SCRIPT_BLOCK) is known.type_name.startswith("ScriptBlock")


def test_what_is_not_published_cannot_be_simulated() -> None:
    """The mistake is found when the simulated host is made, not when a script happens to come by."""
    with pytest.raises(KeyError, match="Get-VMWeather"):
        published("Get-VMWeather", lambda _: [])
    with pytest.raises(KeyError, match="-Weather"):
        published("Get-VM", lambda _: [], "Weather")


@pytest.mark.parametrize(
    ("text", "error_id"),
    [
        ("Move-ClusterVirtualMachineRole -VMId '1a2b3c4d-0000-0000-0000-000000000001' -MigrationType Fast", "ValidationError"),
        ("Set-VMHost -VirtualMachineMigrationPerformanceOption Fast -Confirm:$false", "ValidationError"),
        ("Set-VMHost -MaximumStorageMigrations 'many' -Confirm:$false", "InvalidCast"),
        ("Get-VM -Id 'no guid'", "InvalidCast"),
        ("Get-CimInstance -Namespace root", "AmbiguousParameterSet"),
        ("Start-Sleep -Seconds 1 -Milliseconds 1", "AmbiguousParameterSet"),
    ],
)
def test_arguments_are_taken_as_published(node: WindowsHost, text: str, error_id: str) -> None:
    """Types, enumerations and parameter sets: the error that Windows gives, with the cmdlet's name in its id."""
    with pytest.raises(PowerShellError) as caught:
        outputs(node, f"$ErrorActionPreference = 'Stop'; {text}")

    assert error_id in caught.value.error_id


def test_published_parameters_that_are_not_implemented_stop_the_run(node: WindowsHost) -> None:
    """They exist on Windows, so ignoring one would let a script pass whose meaning is another there."""
    both = "Set-ClusterOwnerNode -Group 'a' -Resource 'b' -Owners 'n'"
    for text in (
        both,
        "Get-WmiObject -Namespace root",
        "Get-VM -Name x",
        "Set-VMHost -NumaSpanningEnabled $true",
        "Get-CimInstance -ClassName Win32_BIOS",
    ):
        with pytest.raises(NotInSubsetError):
            outputs(node, text)

"""Every name of Windows that the shipped scripts use is one that Microsoft has published (``signatures.json``).

Nothing here runs PowerShell: the scripts are read as trees. A slip (a property that only another class has, a parameter of
another cmdlet, two parameters that never go together) is found here and not on a host.
"""

import re

import pytest

from reconciler.hosts.winrm.bootstrap import SCRIPTS, script
from reconciler.hosts.winrm.signatures import enumeration, namespace_of, properties_of, signature
from reconciler.simulator.powershell.syntax import parse, text_of
from tests.unit.winrm.script_tree import Command, commands, functions, keys_of, nodes, tree

COMMON = {"ErrorAction"}
# What is splatted, and where its keys come from beside the table itself.
SPLATTED = {
    "change": re.compile(r"'[a-z][\w.]+'\s*= '(\w+)'"),
    "how": None,
}

# For each script, what its variables hold, by the published name of its type. Members that the system adds are in SYSTEM.
OBJECTS: dict[str, dict[str, str]] = {
    "Get-Survey": {
        "machine": "VirtualMachine",
        "one": "VirtualMachine",
        "vmhost": "VMHost",
        "drive": "HardDiskDrive",
        "image": "VirtualHardDisk",
        "found": "Cluster",
        "service": "Msvm_VirtualSystemMigrationService",
        "system": "Win32_OperatingSystem",
        "processor": "Win32_Processor",
    },
    "Get-Diagnosis": {"system": "Win32_ComputerSystem", "guard": "Win32_DeviceGuard"},
    "Get-Migrations": {"machine": "Msvm_ComputerSystem", "job": "Msvm_MigrationJob"},
    "Test-Migration": {
        "machine": "Msvm_ComputerSystem",
        "job": "Msvm_MigrationJob",
        "settings": "Msvm_VirtualSystemMigrationSettingData",
        "service": "Msvm_VirtualSystemMigrationService",
    },
    "Start-Migration": {
        "machine": "Msvm_ComputerSystem",
        "job": "Msvm_MigrationJob",
        "system": "Msvm_VirtualSystemSettingData",
        "disk": "Msvm_StorageAllocationSettingData",
        "settings": "Msvm_VirtualSystemMigrationSettingData",
        "service": "Msvm_VirtualSystemMigrationService",
        "vmhost": "VMHost",
        "cluster": "Cluster",
        "here.node": "ClusterNode",
    },
    "Stop-Migration": {"job": "Msvm_MigrationJob"},
    "Start-Machine": {"machine": "VirtualMachine"},
    "Set-ClusterSettings": {"cluster": "Cluster"},
    "Get-ClusterRole": {"machine": "VirtualMachine", "role": "ClusterGroup", "resource": "ClusterResource"},
    "Remove-ClusterRole": {"machine": "VirtualMachine", "role": "ClusterGroup", "resource": "ClusterResource"},
    "Add-ClusterRole": {"role": "ClusterGroup", "resource": "ClusterResource"},
}
SYSTEM = {"__PATH", "GetText", "GetMethodParameters", "InvokeMethod", "Count"}
# Of the cluster there are properties that the module writes at run time, from the cluster's own common properties.
# Source: Failover Clusters, Cluster Common Properties and Group Common Properties (learn.microsoft.com, mscs).
CLUSTER_PROPERTIES = {
    "Cluster": {"MaximumParallelMigrations"},
    "ClusterGroup": {
        "AntiAffinityClassNames",
        "AutoFailbackType",
        "FailbackWindowEnd",
        "FailbackWindowStart",
        "FailoverPeriod",
        "FailoverThreshold",
        "Priority",
    },
}


def windows_commands(name: str) -> list[Command]:
    """The commands of a script that are not functions of its own."""
    root = tree(name)
    return [command for command in commands(root) if command.name not in functions(root)]


def given_to(command: Command, name: str) -> set[str]:
    """All parameters that a command may get, those from tables included."""
    names = set(command.parameters) - COMMON
    for variable in command.splatted:
        names |= keys_of(tree(name), variable)
        if (pattern := SPLATTED[variable]) is not None:
            names |= set(pattern.findall(script(name)))
    return names


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_cmdlet_and_every_parameter_is_published_under_its_whole_name(name: str) -> None:
    """No alias, no abbreviation, nothing that only a later PowerShell or another cmdlet has."""
    for command in windows_commands(name):
        found = signature(command.name)
        assert found is not None, f"line {command.line}: {command.name} is not published"
        assert found.name == command.name
        for parameter in given_to(command, name):
            known = found.parameter(parameter)
            assert known is not None, f"line {command.line}: {command.name} has no -{parameter}"
            assert known.name == parameter


@pytest.mark.parametrize("name", SCRIPTS)
def test_parameters_of_a_call_belong_to_one_parameter_set(name: str) -> None:
    """Two parameters that exist may still exclude each other, or leave out one that must be there."""
    for command in windows_commands(name):
        found = signature(command.name)
        assert found is not None
        names = given_to(command, name)
        if not command.bare:
            assert found.fits(names, piped=command.piped), f"line {command.line}: {command.name} {sorted(names)}"
        else:
            # A value without a name: some set has places for it beside those that are named.
            sets = [places for places in found.sets.values() if {one.casefold() for one in names} <= set(places)]
            free = [sum(place.position is not None for one, place in places.items() if one not in names) for places in sets]
            assert max(free, default=0) >= command.bare, f"line {command.line}: {command.name}"


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_word_for_a_parameter_with_a_list_of_words_is_on_that_list(name: str) -> None:
    """Windows refuses any other at the moment of the call."""
    for command in windows_commands(name):
        found = signature(command.name)
        assert found is not None
        for parameter, value in command.parameters.items():
            known = found.parameter(parameter)
            if known and known.values and value and not value.startswith("$"):
                assert value.strip("'") in known.values


def test_words_that_are_put_into_a_table_first_are_on_the_list_too() -> None:
    """The one such word of the scripts, and the words that the desired state may have."""
    migration_type = signature("Move-ClusterVirtualMachineRole")
    assert migration_type is not None
    known = migration_type.parameter("MigrationType")
    assert known is not None
    assert set(re.findall(r"\.MigrationType = '(\w+)'", script("Start-Migration"))) <= set(known.values)
    assert set(enumeration("VMMigrationPerformance")) == {"TCPIP", "Compression", "SMB"}
    assert set(enumeration("MigrationAuthenticationType")) == {"CredSSP", "Kerberos"}


@pytest.mark.parametrize("name", SCRIPTS)
def test_wmi_classes_are_asked_for_in_the_namespace_that_has_them(name: str) -> None:
    """A class in another namespace is an error on the host; the default one is root\\cimv2."""
    text = script(name)
    v2 = "$v2 = 'root\\virtualization\\v2'" in text
    for command in windows_commands(name):
        class_name = command.parameters.get("ClassName") or command.parameters.get("Class")
        if command.name in ("Get-CimInstance", "Get-WmiObject"):
            assert class_name is not None
            given = command.parameters.get("Namespace") or r"root\cimv2"
            assert (r"root\virtualization\v2" if given == "$v2" and v2 else given) == namespace_of(class_name)


@pytest.mark.parametrize(("name", "variable"), [(name, one) for name in sorted(OBJECTS) for one in OBJECTS[name]])
def test_properties_belong_to_the_objects_they_are_read_from(name: str, variable: str) -> None:
    """Reading a property that an object has not gives null without a word, and setting one fails in the middle."""
    type_name = OBJECTS[name][variable]
    known = properties_of(type_name) | SYSTEM | CLUSTER_PROPERTIES.get(type_name, set())
    code = "\n".join(line for line in script(name).splitlines() if not line.lstrip().startswith("#"))
    used = set(re.findall(rf"\${variable}\b(?:\[0\])?\.(\w+)", code, re.I))

    assert used, f"${variable} is used no more"
    assert used <= known, f"${variable} ({type_name}) has no {sorted(used - known)}"


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_try_has_a_catch(name: str) -> None:
    """A try without one is a syntax error on Windows that the grammar lets pass."""
    for node in nodes(tree(name), "try_statement"):
        assert any(child.type == "catch_clauses" for child in node.children), f"line {node.start_point.row + 1}"


@pytest.mark.parametrize("name", SCRIPTS)
def test_nothing_needs_a_later_powershell_than_5_1(name: str) -> None:
    """Ternaries, null coalescing and chains parse, and break on every Windows Server as it ships."""
    newer = {"ternary_expression", "null_coalesce_expression", "pipeline_chain_tail", "??="}

    assert [text_of(node) for node in nodes(tree(name), *newer)] == []


def test_newer_syntax_would_be_seen() -> None:
    """The check can fail: each of the forms, in a script of one line."""
    newer = ("ternary_expression", "null_coalesce_expression", "pipeline_chain_tail", "??=")
    for text in ("$a ? 1 : 2", "$a ?? 1", "Get-VM && Get-VMHost", "Get-VM || Get-VMHost", "$a ??= 1"):
        assert list(nodes(parse(text), *newer)), text


@pytest.mark.parametrize("name", SCRIPTS)
def test_only_blocks_that_stand_in_the_script_are_run(name: str) -> None:
    """The call operator takes a block out of a variable; no text ever becomes code, and nothing is dot-sourced."""
    for node in nodes(tree(name), "command_invocation_operator"):
        assert text_of(node) == "&"
        assert node.next_named_sibling is not None
        assert text_of(node.next_named_sibling) == "$Block"
    for node in nodes(tree(name), "type_literal"):
        assert "scriptblock" not in text_of(node).casefold()


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_may_ask_for_confirmation_is_told_not_to(name: str) -> None:
    """Nobody watches the console: a question would hang until the deadline."""
    for command in windows_commands(name):
        found = signature(command.name)
        assert found is not None
        if found.asks and found.module != "Microsoft.PowerShell.Core":
            assert command.parameters.get("Confirm") == "$false", f"line {command.line}: {command.name} may ask"


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_answers_with_one_document(name: str) -> None:
    """One table at its end or at each return, and before that nothing that writes: a second object would make it an array."""
    statements = [
        node for child in tree(name).named_children if child.type == "statement_list" for node in child.named_children
    ]
    own = functions(tree(name))
    for node in nodes(tree(name), "flow_control_statement"):
        if text_of(node).startswith("return") and not _is_inside(node, "function_statement", "script_block_expression"):
            assert text_of(node).startswith("return @{"), text_of(node)
    for node in statements:
        for command in commands(node) if _writes(node) else []:
            assert command.name in own | {"Read-Facts"} or _is_silent(command), f"line {command.line}: {command.name} may write"

    assert text_of(statements[-1]).startswith("@{")


def _writes(node: object) -> bool:
    """Whether a statement's value goes to the output: a pipeline that is no assignment."""
    return getattr(node, "type", "") == "pipeline" and not list(nodes(node, "assignment_expression"))  # type: ignore[arg-type]


def _is_silent(command: Command) -> bool:
    """Whether a cmdlet writes nothing: it gives nothing, or only where it is told to pass its object on."""
    found = signature(command.name)
    assert found is not None
    return not found.outputs or (found.parameter("PassThru") is not None and "PassThru" not in command.parameters)


def _is_inside(node: object, *types: str) -> bool:
    parent = getattr(node, "parent", None)
    while parent is not None:
        if parent.type in types:
            return True
        parent = parent.parent
    return False


def test_folders_of_a_machine_are_properties_of_its_settings() -> None:
    """The three folders are set by a name out of a table: each name must be one that the settings class has."""
    table = re.search(r"\$roots = @\{(.*)\}", script("Start-Migration"))

    assert table
    assert set(re.findall(r"= '(\w+)'", table[1])) <= properties_of("Msvm_VirtualSystemSettingData")
    assert dict(re.findall(r"(\w+) = '(\w+)'", table[1])) == {
        "configuration": "ConfigurationDataRoot",
        "checkpoints": "SnapshotDataRoot",
        "smartPaging": "SwapFileDataRoot",
    }


def test_what_a_removed_role_had_can_be_given_back() -> None:
    """Each setting that is saved when a role goes is one that the other script restores, except the role's name."""
    restored = set(re.findall(r"\$settings\.(\w+)", script("Add-ClusterRole")))

    for name in ("Get-ClusterRole", "Remove-ClusterRole"):
        assert set(re.findall(r"^    (\w+) +=", script(name), re.M)) - {"name"} == restored


@pytest.mark.parametrize("name", SCRIPTS)
def test_services_are_asked_for_by_name(name: str) -> None:
    """Asked for all of them, Windows complains of a service that nobody may query, and the script would end there."""
    assert all("Name" in command.parameters for command in windows_commands(name) if command.name == "Get-Service")

"""The FailoverClusters module: the cluster, its nodes and volumes, and the roles of machines with their settings.

Source of names: module FailoverClusters of Windows Server (learn.microsoft.com).
"""

from collections.abc import Iterable
from typing import Any

from reconciler.hosts.port import (
    AddClusterRole,
    CancelMigration,
    ConfigureCluster,
    ListMigrations,
    RemoveClusterRole,
    StartMigration,
)
from reconciler.hosts.winrm import codes
from reconciler.hosts.winrm.codes import number_of
from reconciler.model.words import MigrationKind
from reconciler.simulator.powershell import Call, Cmdlet, NotInSubsetError, PowerShellError
from reconciler.simulator.powershell.convert import to_text
from reconciler.simulator.powershell.values import Enumeration, NetObject, StringCollection, items_of, net_object, plain
from reconciler.simulator.windows.host import WindowsHost
from reconciler.simulator.windows.published import published

MODULE = "Microsoft.FailoverClusters.PowerShell"
NUMBERS = {
    "Priority": "priority",
    "AutoFailbackType": "autoFailbackType",
    "FailbackWindowStart": "failbackWindowStart",
    "FailbackWindowEnd": "failbackWindowEnd",
    "FailoverPeriod": "failoverPeriod",
    "FailoverThreshold": "failoverThreshold",
}
DEFAULTS = {
    "priority": 2000,
    "autoFailbackType": 0,
    "failbackWindowStart": 4294967295,
    "failbackWindowEnd": 4294967295,
    "failoverPeriod": 6,
    "failoverThreshold": 4294967295,
}


def cmdlets(host: WindowsHost) -> list[Cmdlet]:
    """Return the cmdlets of this part of Windows."""
    return [*_cluster_cmdlets(host), *_group_cmdlets(host), *_owner_cmdlets(host)]


def _cluster_cmdlets(host: WindowsHost) -> list[Cmdlet]:
    def get_cluster(call: Call) -> Iterable[Any]:  # noqa: ARG001 - the same form as all cmdlets
        return [_cluster_object(host)]

    def get_node(call: Call) -> Iterable[Any]:
        wanted = call.get("Name")
        nodes = [_node(name, state) for name, _, state in host.fleet.nodes_of(host.name)]
        return [node for node in nodes if wanted is None or to_text(node.read("Name")).casefold() == wanted.casefold()]

    def get_volumes(call: Call) -> Iterable[Any]:  # noqa: ARG001 - the same form as all cmdlets
        cluster = host.report().cluster
        return [_shared_volume(one.path, one.size_bytes, one.free_bytes) for one in cluster.shared_volumes] if cluster else []

    return [
        published("Get-Cluster", get_cluster),
        published("Get-ClusterNode", get_node, "Name"),
        published("Get-ClusterSharedVolume", get_volumes),
    ]


def _cluster_object(host: WindowsHost) -> NetObject:
    cluster = host.report().cluster
    if cluster is None:
        text = "The cluster service is not running. Make sure that the service is running on all nodes in the cluster."
        raise PowerShellError(text, f"Get-Cluster,{MODULE}.GetClusterCommand", category="ConnectionError")
    found = net_object(
        f"{MODULE}.Cluster",
        {
            "Name": cluster.name,
            "MaximumParallelMigrations": cluster.maximum_parallel_migrations,
            "Domain": _domain(host),
        },
    )

    def set_limit(value: Any) -> None:
        host.attempt(ConfigureCluster(int(value)), f"Set-Cluster,{MODULE}.ClusterException")

    found.writers["maximumparallelmigrations"] = set_limit
    return found


def _domain(host: WindowsHost) -> str:
    addresses = {name.casefold(): address or "" for name, address, _ in host.fleet.nodes_of(host.name)}
    return addresses.get(host.name.casefold(), "").partition(".")[2]


def _node(name: str, state: str | None) -> NetObject:
    number = number_of(codes.NODE_STATES, state)
    return net_object(
        f"{MODULE}.ClusterNode", {"Name": name, "State": Enumeration("ClusterNodeState", state or "Up", number or 0)}
    )


def _shared_volume(path: str, size: int | None, free: int | None) -> NetObject:
    partition = None if size is None else net_object("ClusterDiskPartitionInfo", {"Size": size, "FreeSpace": free})
    info = net_object("ClusterSharedVolumeInfo", {"FriendlyVolumeName": path, "Partition": partition})
    return net_object(f"{MODULE}.ClusterSharedVolume", {"SharedVolumeInfo": [info]})


def _group_cmdlets(host: WindowsHost) -> list[Cmdlet]:
    def get_group(call: Call) -> Iterable[Any]:
        return [_group(host, str(call.get("VMId")))]

    def add_role(call: Call) -> Iterable[Any]:
        machine_id = str(call.get("VMId"))
        if host.fleet.role_settings(host.name, machine_id) is not None:
            error_id = f"Add-ClusterVirtualMachineRole,{MODULE}.AddClusterVirtualMachineRole"
            raise PowerShellError("The virtual machine is a role already.", error_id, category="ResourceExists")
        host.attempt(AddClusterRole(machine_id, {}), f"Add-ClusterVirtualMachineRole,{MODULE}.AddClusterVirtualMachineRole")
        return [_group(host, machine_id)]

    def remove_group(call: Call) -> Iterable[Any]:
        if not call.get("RemoveResources") or not call.get("Force"):
            text = "A group with resources is removed only with -RemoveResources, and without asking only with -Force."
            raise PowerShellError(text, f"Remove-ClusterGroup,{MODULE}.RemoveClusterGroupCommand", category="InvalidOperation")
        host.attempt(RemoveClusterRole(str(call.get("VMId"))), f"Remove-ClusterGroup,{MODULE}.RemoveClusterGroupCommand")
        return []

    def get_resource(call: Call) -> Iterable[Any]:
        kinds = ("Virtual Machine", "Virtual Machine Configuration")
        return [_resource(group, kind) for group in call.input for kind in kinds]

    return [
        published("Get-ClusterGroup", get_group, "VMId"),
        published("Add-ClusterVirtualMachineRole", add_role, "VMId"),
        published("Remove-ClusterGroup", remove_group, "VMId", "RemoveResources", "Force", "Confirm"),
        published("Get-ClusterResource", get_resource, takes_input=True),
        _move_cmdlet(host),
    ]


def _resource(group: NetObject, kind: str) -> NetObject:
    name = f"{kind} {to_text(group.read('Name'))}"
    return net_object(f"{MODULE}.ClusterResource", {"Name": name, "ResourceType": kind})


def _settings(host: WindowsHost, machine_id: str) -> dict[str, Any]:
    settings = host.fleet.role_settings(host.name, machine_id)
    if settings is None:
        text = f"There is no cluster group for the virtual machine {machine_id}."
        error_id = f"Get-ClusterGroup,{MODULE}.GetGroupCommand"
        raise PowerShellError(text, error_id, category="ObjectNotFound", target=machine_id, terminating=False)
    return settings


def _group(host: WindowsHost, machine_id: str) -> NetObject:
    settings, machine = _settings(host, machine_id), host.machine(machine_id)
    classes = StringCollection()
    classes.items = list(settings.get("antiAffinityClassNames") or ())
    values = {name: settings.get(key, DEFAULTS[key]) for name, key in NUMBERS.items()}
    name = settings.get("name") or (machine.name if machine else machine_id)
    group = net_object(f"{MODULE}.ClusterGroup", {"Name": name, "AntiAffinityClassNames": classes, **values})

    def setter(key: str) -> Any:
        return lambda value: settings.__setitem__(key, int(value))

    def set_classes(value: Any) -> None:
        if not isinstance(value, StringCollection):
            raise PowerShellError("A StringCollection is wanted.", "SetValueInvocationException", category="InvalidOperation")
        settings["antiAffinityClassNames"] = list(value.items)

    group.writers = {name.casefold(): setter(key) for name, key in NUMBERS.items()} | {"antiaffinityclassnames": set_classes}
    group.readers["vmid"] = lambda: machine_id
    return group


def _owner_cmdlets(host: WindowsHost) -> list[Cmdlet]:
    """Owners are asked for by the name of a group or of a resource, not by VMId."""

    def place(call: Call) -> tuple[dict[str, Any], str]:
        if call.given("Group") is call.given("Resource"):
            raise NotInSubsetError("owners of neither a group nor a resource, or of both at once")
        if call.given("Group"):
            return _by_name(host, call.get("Group")), "preferredOwners"
        return _by_name(
            host, call.get("Resource").partition("Virtual Machine ")[2].removeprefix("Configuration ")
        ), "possibleOwners"

    def get_owners(call: Call) -> Iterable[Any]:
        settings, key = place(call)
        everybody = [name for name, _, _ in host.fleet.nodes_of(host.name)]
        names = settings.get(key) or (everybody if key == "possibleOwners" else [])
        return [net_object(f"{MODULE}.ClusterOwnerNodeList", {"OwnerNodes": [_node(name, "Up") for name in names]})]

    def set_owners(call: Call) -> Iterable[Any]:
        settings, key = place(call)
        settings[key] = [to_text(one) for one in items_of(plain(call.get("Owners")))]
        return []

    return [
        published("Get-ClusterOwnerNode", get_owners, "Group", "Resource"),
        published("Set-ClusterOwnerNode", set_owners, "Group", "Resource", "Owners"),
    ]


def _by_name(host: WindowsHost, name: str) -> dict[str, Any]:
    for node, _, _ in host.fleet.nodes_of(host.name):
        for machine in host.fleet.machines_of(node):
            settings = host.fleet.role_settings(node, machine.id)
            if settings is not None and name in (settings.get("name"), machine.name):
                return settings
    raise PowerShellError(f"There is no cluster group {name}.", f"ClusterOwnerNode,{MODULE}", category="ObjectNotFound")


def _move_cmdlet(host: WindowsHost) -> Cmdlet:
    error_id = f"Move-ClusterVirtualMachineRole,{MODULE}.MoveClusterVirtualMachineRoleCommand"

    def cancel(machine_id: str) -> None:
        listed = host.execute(ListMigrations())
        assert isinstance(listed, tuple)
        for job in listed:
            if job.state == "Running" and job.virtual_machine.casefold() == machine_id:
                host.attempt(CancelMigration(job.id), error_id)

    def move(call: Call) -> Iterable[Any]:
        machine_id = str(call.get("VMId"))
        if call.get("Cancel"):
            cancel(machine_id)
            return []
        machine = host.machine(machine_id)
        kind = MigrationKind.OFFLINE if machine is not None and machine.is_off else MigrationKind.LIVE
        if kind is MigrationKind.OFFLINE and call.given("MigrationType"):
            raise PowerShellError("The virtual machine is not running.", error_id, category="InvalidOperation")
        addresses = {name.casefold(): address for name, address, _ in host.fleet.nodes_of(host.name)}
        node = call.get("Node")
        host.attempt(StartMigration(machine_id, kind, addresses.get(node.casefold()) or node), error_id)
        return [_group(host, machine_id)]

    parameters = ("VMId", "Node", "Wait", "MigrationType", "Cancel")
    return published("Move-ClusterVirtualMachineRole", move, *parameters)

"""Cluster roles of machines: taking one off and putting it on again, with the settings that live in the role.

The role goes, the machine stays and keeps running. Settings that nobody saved are lost with the role, as on a real cluster.
"""

from typing import Any

from reconciler.model.observation import VirtualMachine
from reconciler.simulator.paths import all_files, is_clustered_path
from reconciler.simulator.refusal import NOT_A_NODE, OTHER, Refused
from reconciler.simulator.state import HostState

DEFAULT_PRIORITY = 2000


def default_settings() -> dict[str, Any]:
    """Return what a new role has: medium priority, no preferred owners."""
    return {"priority": DEFAULT_PRIORITY, "preferredOwners": []}


def role_of(host: HostState, machine: VirtualMachine) -> dict[str, Any] | None:
    """Return the settings of the machine's role in this host's cluster, or None where it has none."""
    return host.cluster.roles.get(machine.id.casefold()) if host.cluster else None


def remove_role(host: HostState, machine: VirtualMachine) -> dict[str, Any] | None:
    """Take the machine out of its cluster; return what the role had set, or None where there was no role."""
    if host.cluster is None or role_of(host, machine) is None:
        return None
    _mark(host, machine, highly_available=False)
    return host.cluster.roles.pop(machine.id.casefold())


def add_role(host: HostState, machine: VirtualMachine, settings: dict[str, Any]) -> bool:
    """Make the machine a role of this node's cluster; return whether anything changed."""
    if host.cluster is None:
        raise Refused(NOT_A_NODE, None, f"{host.name} is not a node of a cluster.")
    if role_of(host, machine) is not None:
        return False
    stray = [path for path in all_files(machine) if not is_clustered_path(host, path)]
    if stray:
        raise Refused(OTHER, None, f"{machine.name} has files off clustered storage: {', '.join(stray)}.")
    host.cluster.roles[machine.id.casefold()] = default_settings() | settings
    _mark(host, machine, highly_available=True)
    return True


def _mark(host: HostState, machine: VirtualMachine, *, highly_available: bool) -> None:
    host.machines[machine.id.casefold()] = machine.model_copy(update={"highly_available": highly_available})

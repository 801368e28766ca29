"""From a step of a plan to what a host is asked to do, purely. A plan leaves nothing to choose here.

A move out of a cluster is carried out as role read, role off and live migration, in that order: what a role has set goes with
it, so it is known and written down before. The role at the destination is a step of the next pass, which begins the moment the
machine has arrived.
"""

from typing import Any

from reconciler.hosts.port import (
    AddClusterRole,
    Call,
    ConfigureCluster,
    ConfigureHost,
    Operation,
    ReadClusterRole,
    RemoveClusterRole,
    StartMachine,
    StartMigration,
    Target,
)
from reconciler.model.desired import Desired
from reconciler.model.observation import Observation
from reconciler.model.plan import MachineStep, SettingsStep, Step
from reconciler.model.words import Action, HostStatus


def calls_for(step: Step, desired: Desired, observation: Observation, role_settings: dict[str, Any]) -> list[Call]:
    """Return what to ask, in order; the next is asked only when the one before succeeded.

    ``role_settings`` are those saved when this machine's role was taken off, empty where nothing was saved.
    """
    if isinstance(step, SettingsStep):
        return [_settings_call(step, desired, observation)]
    operations: list[Operation] = [_operation(step, desired, role_settings)]
    if step.is_crossing:
        operations.insert(0, RemoveClusterRole(step.virtual_machine.id))
    if isinstance(operations[0], RemoveClusterRole):
        operations.insert(0, ReadClusterRole(step.virtual_machine.id))
    return [Call(target_of(step.source, desired), operation) for operation in operations]


def target_of(host: str, desired: Desired) -> Target:
    """Return the address of a host as the desired state gives it."""
    known = desired.host(host)
    if known is None:
        raise LookupError(f"step names host {host!r}, which the desired state does not")
    return Target(known.name, known.address)


def _operation(step: MachineStep, desired: Desired, role_settings: dict[str, Any]) -> Operation:
    machine = step.virtual_machine.id
    if step.action is Action.START_VIRTUAL_MACHINE:
        return StartMachine(machine)
    if step.action is Action.ADD_CLUSTER_ROLE:
        return AddClusterRole(machine, role_settings)
    if step.action is Action.REMOVE_CLUSTER_ROLE:
        return RemoveClusterRole(machine)
    kind = step.migration_kind
    assert kind is not None, step.action
    destination = target_of(step.destination, desired).address if step.destination else None
    return StartMigration(machine, kind, destination, step.storage, step.performance_option)


def _settings_call(step: SettingsStep, desired: Desired, observation: Observation) -> Call:
    wanted = {change.field: change.target for change in step.settings}
    if step.host:
        return Call(target_of(step.host, desired), ConfigureHost(wanted))
    node = _a_node_of(step.cluster or "", observation)
    return Call(target_of(node, desired), ConfigureCluster(int(wanted["maximumParallelMigrations"])))


def _a_node_of(cluster: str, observation: Observation) -> str:
    """Any node that answered can change what belongs to the whole cluster."""
    for host in observation.hosts:
        if host.status is not HostStatus.UNREACHABLE and (host.cluster or "").casefold() == cluster.casefold():
            return host.name
    raise LookupError(f"no node of cluster {cluster!r} answered")

"""Why a host is refused to a machine, and what could not be checked. Each check is one row of a table.

Room (memory and disk) depends on the order of moves and is judged there; a null fact is named and left to policy.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from reconciler.model import paths
from reconciler.model.observation import Host, VirtualMachine
from reconciler.plan.fleet import Fleet
from reconciler.plan.moves import Refusal

UNREPLICATED = frozenset({"None", "Disabled"})


@dataclass(frozen=True, slots=True)
class Case:
    """A machine that may go from one observed host to another, running or not."""

    fleet: Fleet
    machine: VirtualMachine
    source: Host
    destination: Host
    running: bool


@dataclass(frozen=True, slots=True)
class Unknown:
    """A check that cannot be made."""

    name: str


Finding = Refusal | Unknown | None
Check = Callable[[Case], Finding]


def host_refusal(fleet: Fleet, name: str) -> Refusal | None:
    """Return why a host takes no arrivals at all, or None where it does."""
    host, wanted = fleet.host(name), fleet.wanted(name)
    if host is None:
        remedy = "observe again once the host answers; nothing is planned for hosts that cannot be seen"
        return Refusal("unknown", "host-unknown", f"{name} was not fully observed", remedy)
    if wanted is not None and wanted.maintenance:
        return Refusal(
            "maintenance", "host-in-maintenance", f"{name} is in maintenance", "end the maintenance, or place elsewhere"
        )
    if wanted is not None and wanted.cordoned:
        return Refusal("cordoned", "host-cordoned", f"{name} is cordoned", "uncordon the host, or place the machine elsewhere")
    if host.node_state not in (None, "Up"):
        finding = f"node {name} is {host.node_state} in its cluster"
        return Refusal("node", "host-in-maintenance", finding, "resume the node, or place the machine elsewhere")
    return None


def findings(case: Case) -> Iterator[Refusal | Unknown]:
    """Yield every refusal and every check that could not be made, in the order of the table."""
    for check in CHECKS:
        found = check(case)
        if found is not None:
            yield found


def migration_enabled(case: Case) -> Finding:
    """Both ends take part in migrations, now or once this plan's settings are made."""
    for host in (case.source, case.destination):
        change = case.fleet.change(host.name, "migration.enabled")
        if host.migration.enabled is None:
            return Unknown("migration")
        leaving = host is case.source
        if not host.migration.enabled and not (change and change.target):
            return _disabled(host.name)
        if host.migration.enabled and change is not None and not leaving:
            return _disabled(host.name)
    return None


def _disabled(host: str) -> Refusal:
    remedy = f"set spec.migration.enabled: true for host {host}"
    return Refusal("migrationDisabled", "no-host", f"live migration is not enabled on {host}", remedy)


def limit_not_zero(case: Case) -> Finding:
    """Neither end is told to run no live migration at all, once this plan's settings are made."""
    for host in (case.source, case.destination):
        if case.fleet.live_limit_later(host.name) == 0:
            remedy = f"raise maximumVirtualMachineMigrations of host {host.name}, or its cluster's maximumParallelMigrations"
            return Refusal("limit", "no-host", f"{host.name} may run no live migration at all (limit 0)", remedy)
    return None


def copies_refusal(fleet: Fleet, hosts: tuple[str, ...]) -> Refusal | None:
    """Return why files cannot be copied: one of the hosts is told to run no storage migration at all, also after this plan."""
    for host in hosts:
        if fleet.storage_limit_later(host) == 0:
            remedy = f"raise maximumStorageMigrations of host {host}"
            return Refusal("limit", "no-host", f"{host} may run no storage migration at all (limit 0)", remedy)
    return None


def switches(case: Case) -> Finding:
    """The destination has every virtual switch that the machine is connected to, under the same name."""
    if case.machine.switches is None or case.destination.switches is None:
        return Unknown("switches")
    there = _folded(case.destination.switches)
    missing = [name for name in case.machine.switches if name and name.casefold() not in there]
    if not missing:
        return None
    missing = sorted(set(missing))
    finding = f"{case.destination.name} has no virtual switch {', '.join(missing)}"
    return Refusal("switch", "no-host", finding, "create the switch there, or place the machine on a host that has it")


@lru_cache(maxsize=1024)
def _folded(names: tuple[str, ...]) -> frozenset[str]:
    """Hosts have few sets of switches among them."""
    return frozenset(name.casefold() for name in names)


def configuration_version(case: Case) -> Finding:
    """The destination's Windows knows the machine's configuration version."""
    version, supported = case.machine.configuration_version, case.destination.supported_configuration_versions
    if version is None or supported is None:
        return Unknown("configurationVersion")
    if version in supported:
        return None
    finding = f"{case.destination.name} does not support configuration version {version}"
    return Refusal("version", "no-host", finding, "place the machine on a host with the same or a newer Windows Server")


def processor_vendor(case: Case) -> Finding:
    """A machine with a state (running or saved) stays with processors of one vendor."""
    if not case.running and case.machine.state != "Saved":
        return None
    here, there = case.source.processor_vendor, case.destination.processor_vendor
    if here is None or there is None:
        return Unknown("processorVendor")
    if here == there:
        return None
    finding = f"processors differ: {here} at {case.source.name}, {there} at {case.destination.name}"
    return Refusal("vendor", "no-host", finding, "place the machine on a host of the same vendor, or move it switched off")


def authentication(case: Case) -> Finding:
    """Both ends authenticate migrations alike; nodes of one cluster trust each other by other means."""
    if case.fleet.same_cluster(case.source.name, case.destination.name):
        return None
    field = "migration.authenticationType"
    here, there = (
        change.target if (change := case.fleet.change(host.name, field)) else host.migration.authentication_type
        for host in (case.source, case.destination)
    )
    if here is None or there is None:
        return Unknown("authenticationType")
    if here == there:
        return None
    finding = f"{case.source.name} authenticates migrations by {here}, {case.destination.name} by {there}"
    remedy = "set spec.migration.authenticationType to the same for both hosts"
    return Refusal("authentication", "no-host", finding, remedy)


def migration_networks(case: Case) -> Finding:
    """The destination listens for migrations: on any network, or on one at least."""
    host = case.destination
    if host.migration.networks != () or case.fleet.change(host.name, "migration.networks"):
        return None
    remedy = f"set spec.migration.networks of host {host.name} to any, or to the networks for migrations"
    return Refusal("network", "no-host", f"{host.name} listens for migrations on no network", remedy)


def _residue(case: Case) -> Finding:
    """No planned machine of the same id is in the way there; one that belongs to a running migration is not judged here."""
    planned = case.destination.planned_virtual_machines or ()
    if case.machine.id.casefold() not in {one.id.casefold() for one in planned}:
        return None
    finding = f"{case.destination.name} still holds a planned virtual machine of the same id, left by a migration that ended"
    return Refusal("residue", "no-host", finding, "remove it there; 'reconciler leftovers' shows the command")


def _replication(case: Case) -> Finding:
    if case.machine.replication is None:
        return Unknown("replication")
    if case.machine.replication in UNREPLICATED:
        return None
    finding = f"the machine is replicated ({case.machine.replication})"
    return Refusal("replication", "not-migratable", finding, "move it by hand together with its replication settings")


def _devices(case: Case) -> Finding:
    if case.machine.assigned_devices is None:
        return Unknown("assignedDevices")
    if not case.machine.assigned_devices:
        return None
    finding = f"{case.machine.assigned_devices} host device(s) are assigned to the machine"
    return Refusal("devices", "not-migratable", finding, "remove the assigned devices, or leave the machine where it is")


def _pass_through(case: Case) -> Finding:
    if not any(disk.pass_through for disk in case.machine.disks):
        return None
    if case.fleet.same_cluster(case.source.name, case.destination.name):
        return None
    finding = "a physical disk is passed through to the machine"
    return Refusal("passThrough", "not-migratable", finding, "convert the disk to a VHDX, or leave the machine where it is")


def _iso(case: Case) -> Finding:
    iso = case.machine.mounted_iso
    shared = iso and (
        paths.is_smb(iso) or (paths.is_cluster_volume(iso) and case.fleet.same_cluster(case.source.name, case.destination.name))
    )
    if not iso or shared:
        return None
    finding = f"an ISO file on a local disk is mounted: {iso}"
    return Refusal("iso", "not-migratable", finding, "eject the ISO file, or mount it from a share")


def _memory_known(case: Case) -> Finding:
    known = case.destination.available_memory_mib is not None and case.machine.memory_mib is not None
    return None if known or not case.running else Unknown("memory")


CHECKS: tuple[Check, ...] = (
    migration_enabled,
    limit_not_zero,
    switches,
    configuration_version,
    processor_vendor,
    authentication,
    migration_networks,
    _residue,
    _replication,
    _devices,
    _pass_through,
    _iso,
    _memory_known,
)

"""A tiny language for tests: hosts, machines and fleets as observed and as desired, sensible when called with nothing.

Names are Host1, Host2, vm1, ...; a machine runs, has one disk on the share that every host uses, and 4 GiB of memory.
"""

from datetime import UTC, datetime
from typing import Any

from reconciler.model import desired as wanted
from reconciler.model import observation as seen
from reconciler.model.desired import Desired, Placement, PlacementRule, Policy, Source
from reconciler.model.observation import Observation
from reconciler.model.problem import Place
from reconciler.model.words import RuleType

GIB = 1024**3
SHARE = r"\\fs1.contoso.com\vms"
OBSERVED_AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def source(name: str) -> Source:
    """Return a place: every object stands in a file of its own, on line 1."""
    return Source(Place(f"desired-state/{name}.yaml", 1))


def vm_id(name: str) -> str:
    """Return the VMId that a machine of that name gets."""
    return f"{name.encode().hex():0>32}"[-32:]


def a_vm(
    name: str = "vm1", *, folder: str | None = None, memory_mib: int = 4096, gib: int = 20, **fields: Any
) -> seen.VirtualMachine:
    """Return a running machine with all its files below one folder (on the share unless said)."""
    home = folder or rf"{SHARE}\{name}"
    disk = seen.Disk(path=rf"{home}\Virtual Hard Disks\{name}.vhdx", size_bytes=60 * GIB, file_bytes=gib * GIB)
    usual: dict[str, Any] = {
        "id": vm_id(name),
        "name": name,
        "state": "Running",
        "memory_mib": memory_mib,
        "configuration_version": "9.0",
        "highly_available": False,
        "switches": ("Prod",),
        "replication": "None",
        "assigned_devices": 0,
        "configuration_path": home,
        "checkpoint_path": home,
        "smart_paging_path": home,
        "disks": (disk,),
    }
    return seen.VirtualMachine(**(usual | fields))


def a_host(name: str = "Host1", *vms: seen.VirtualMachine, available_mib: int = 65536, **fields: Any) -> seen.Host:
    """Return a host that answered, with room, one switch, a drive D: and migration enabled."""
    usual: dict[str, Any] = {
        "name": name,
        "address": f"{name.lower()}.contoso.com",
        "supported_configuration_versions": ("9.0", "10.0"),
        "processor_vendor": "GenuineIntel",
        "memory_mib": 131072,
        "available_memory_mib": available_mib,
        "switches": ("Prod",),
        "migration": migration(),
        "storage": seen.HostStorage(
            virtual_machine_path="D:\\Hyper-V",
            virtual_hard_disk_path="D:\\Hyper-V\\Virtual Hard Disks",
            volumes=(seen.Volume(path="D:\\", size_bytes=1000 * GIB, free_bytes=500 * GIB),),
        ),
        "virtual_machines": vms,
    }
    return seen.Host(**(usual | fields))


def migration(**fields: Any) -> seen.HostMigration:
    """Return the usual migration settings of a host: enabled, two and two, Compression, Kerberos."""
    usual: dict[str, Any] = {
        "enabled": True,
        "maximum_virtual_machine_migrations": 2,
        "maximum_storage_migrations": 2,
        "active_virtual_machine_migrations": 0,
        "active_storage_migrations": 0,
        "performance_option": "Compression",
        "authentication_type": "Kerberos",
        "networks": "any",
    }
    return seen.HostMigration(**(usual | fields))


def a_fleet(*hosts: seen.Host, **fields: Any) -> Observation:
    """Return an observation; with no hosts, two with a machine each. Every host uses the share."""
    shown = hosts or (a_host("Host1", a_vm("vm1")), a_host("Host2", a_vm("vm2")))
    share = seen.Share(path=SHARE, size_bytes=9000 * GIB, free_bytes=5000 * GIB, hosts=tuple(host.name for host in shown))
    return Observation(**({"observed_at": OBSERVED_AT, "hosts": shown, "shares": (share,)} | fields))


def desired_host(name: str = "Host1", **fields: Any) -> wanted.Host:
    """Return a host that nothing is asked of."""
    usual: dict[str, Any] = {"name": name, "source": source(name), "address": f"{name.lower()}.contoso.com"}
    return wanted.Host(**(usual | fields))


def desired_vm(name: str = "vm1", host: str | tuple[str, ...] | None = None, **fields: Any) -> wanted.VirtualMachine:
    """Return a managed machine, pinned where one host is given, flexible where several are."""
    placement = fields.pop("placement", None)
    if isinstance(host, str):
        placement = Placement("host", (host,))
    elif host is not None:
        placement = Placement("hosts", host)
    usual: dict[str, Any] = {"name": name, "source": source(name), "placement": placement}
    return wanted.VirtualMachine(**(usual | fields))


def stored(path: str | None = None, **fields: Any) -> wanted.StoragePlacement:
    """Return where files belong."""
    return wanted.StoragePlacement(path=path, **fields)


def apart(*names: str, topology: str = "host", name: str = "spread") -> PlacementRule:
    """Return a required rule that keeps machines apart."""
    return PlacementRule(name, source(name), RuleType.ANTI_AFFINITY, names, topology)


def desired(*things: object, hosts: int | tuple[str, ...] = 3, **fields: Any) -> Desired:
    """Return a desired state of machines, hosts, clusters, locations, rules and a policy, in any order.

    Hosts not given are added with nothing asked of them: Host1 to Host<hosts>, or those named.
    """
    kinds: dict[type, str] = {
        wanted.Host: "hosts",
        wanted.HostGroup: "host_groups",
        wanted.Cluster: "clusters",
        wanted.StorageLocation: "storage_locations",
        wanted.VirtualMachine: "virtual_machines",
        PlacementRule: "placement_rules",
    }
    parts: dict[str, Any] = {kind: tuple(thing for thing in things if type(thing) is type_) for type_, kind in kinds.items()}
    names = hosts if isinstance(hosts, tuple) else tuple(f"Host{number}" for number in range(1, hosts + 1))
    given = {host.name for host in parts["hosts"]}
    parts["hosts"] += tuple(desired_host(name) for name in names if name not in given)
    policy = next((thing for thing in things if isinstance(thing, Policy)), Policy())
    return Desired(**(parts | {"digest": "sha256:test", "policy": policy} | fields))

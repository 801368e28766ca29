"""Situations in which lines of the shipped scripts have their effect, each a state of the simulated fleet.

``script_stage.py`` says how each is run; ``script_trouble.py`` adds those in which Windows itself answers otherwise.
"""

from collections.abc import Callable
from typing import Any

from reconciler.hosts.port import StartMigration
from reconciler.model.diagnosis import Quotas
from reconciler.model.observation import PlannedMachine
from reconciler.model.plan import StorageMove
from reconciler.model.words import MigrationKind, PerformanceOption
from reconciler.simulator.world import World
from tests.unit.winrm.script_stage import (
    Case,
    Params,
    all_of,
    limit_of_cluster,
    migration,
    moving,
    on_disk,
    on_host,
    on_machine,
    vm,
)

SURVEY: tuple[tuple[str, Params], ...] = (("Get-Survey", {}),)


def start(
    machine: int, kind: str, destination: str | None, *moves: tuple[str, str, str], option: str | None = None
) -> tuple[str, Params]:
    """A call of Start-Migration."""
    storage = [{"file": file, "from": source, "to": target} for file, source, target in moves]
    params = {
        "machineId": vm(machine),
        "kind": kind,
        "destination": destination,
        "storage": storage,
        "performanceOption": option,
    }
    return "Start-Migration", params


def configure(**settings: Any) -> tuple[str, Params]:
    """A call of Set-HostSettings; double underscores stand for points."""
    return "Set-HostSettings", {"settings": {name.replace("__", "."): value for name, value in settings.items()}}


TO1, TO2, NODE2 = "standalone1.contoso.com", "standalone2.contoso.com", "cluster1node2.contoso.com"
D3 = r"D:\VMs\StandAloneVM4"
S1 = r"\\fileserver1.contoso.com\smbshare"
FOLDERS = tuple((name, D3, rf"{S1}\StandAloneVM4") for name in ("configuration", "checkpoints", "smartPaging"))
OS4 = ("os.vhdx", rf"{D3}\Virtual Hard Disks\os.vhdx", rf"{S1}\StandAloneVM4\Virtual Hard Disks\os.vhdx")

CASES: dict[str, Case] = {}


def _case(name: str, host: str, *calls: tuple[str, Params], **options: Any) -> None:
    CASES[name] = Case(host, calls or SURVEY, **options)


JOB = "2652ab96-304a-5d17-9ff0-0b4f3b11a4d9"  # the first job of a simulated fleet


def copying(world: World) -> None:
    """Let a storage migration run on StandAlone3."""
    moves = tuple(StorageMove(file=file, source=source, target=target) for file, source, target in (OS4, *FOLDERS))
    world.execute("StandAlone3", StartMigration(vm(4), MigrationKind.STORAGE, None, moves))


# What a survey reads, and what it says where something cannot be read.
for _host in ("Cluster1Node1", "Cluster2Node2", "StandAlone1", "StandAlone2", "StandAlone3"):
    _case(f"survey of {_host}", _host)
_case("survey of a host without machines", "StandAlone2", edit=on_host("StandAlone2", virtual_machines=()))
_case(
    "survey of what is seldom",
    "StandAlone3",
    edit=all_of(
        on_machine("StandAloneVM3", maximum_memory_mib=16384, mounted_iso=r"D:\iso\w.iso", checkpoints=2, assigned_devices=1),
        on_machine(
            "StandAloneVM4",
            switches=("Prod", "Back", "Prod"),
            processor_compatibility=True,
            operation="BackingUpVirtualMachine",
        ),
        on_machine("StandAloneVM5", disks=(), state="Off"),
        on_host("StandAlone3", planned_virtual_machines=(PlannedMachine(id=vm(9), name="left"),)),
        on_disk("StandAloneVM3", 0, path=r"D:\VMs\set.vhds", controller="IDE", controller_number=1, location=1),
        on_disk("StandAloneVM4", 0, pass_through=True, path="Disk 3"),
        on_disk("StandAloneVM4", 1, shared=True, parent_path=r"D:\base.vhdx"),
        migration("StandAlone3", networks=("10.0.0.0/24", "10.1.0.0/16"), enabled=False),
    ),
)
_case(
    "survey of a host that can read little",
    "StandAlone3",
    edit=all_of(
        on_host("StandAlone3", available_memory_mib=None, processor_vendor=None, switches=None, logical_processors=None),
        on_host("StandAlone3", planned_virtual_machines=None),
        migration("StandAlone3", active_virtual_machine_migrations=None, active_storage_migrations=None),
        on_disk("StandAloneVM3", 0, size_bytes=None, file_bytes=None),
        on_machine("StandAloneVM4", switches=None, checkpoints=None, assigned_devices=None, processor_compatibility=None),
    ),
)
_case("survey that takes long", "StandAlone3", slow=8.0)
_case(
    "survey while a machine that cannot be read leaves",
    "StandAlone1",
    edit=on_machine("StandAloneVM1", switches=None),
    meanwhile=lambda world, clock: (moving(1, MigrationKind.LIVE, TO2)(world), clock.sleep(3600)),
)
_case(
    "survey during migrations",
    "StandAlone3",
    before=copying,
    edit=on_machine("StandAloneVM5", state="Paused"),
)
_case("survey of a node whose cluster service is stopped", "Cluster1Node1", cluster_service="Stopped")
_case("survey of a node whose cluster service is disabled", "Cluster1Node1", cluster_service="Disabled")
_case(
    "survey of a node with a volume that is not online",
    "Cluster1Node1",
    edit=lambda seen: seen.model_copy(
        update={
            "clusters": tuple(
                one.model_copy(
                    update={
                        "maximum_parallel_migrations": None,
                        "shared_volumes": tuple(
                            volume.model_copy(update={"size_bytes": None, "free_bytes": None}) for volume in one.shared_volumes
                        ),
                    }
                )
                for one in seen.clusters
            )
        }
    ),
)

# The list of migrations, and what may migrate.
_case(
    "migrations under way",
    "Cluster1Node1",
    ("Get-Migrations", {}),
    before=moving(7, MigrationKind.LIVE, "cluster1node2.contoso.com"),
)
_case(
    "migrations of a stopped machine",
    "StandAlone2",
    ("Get-Migrations", {}),
    before=moving(2, MigrationKind.OFFLINE, "standalone1.contoso.com"),
)
_case("no migrations", "StandAlone1", ("Get-Migrations", {}))


def check(machine: int, kind: str, destination: str | None) -> tuple[str, Params]:
    """A call of Test-Migration."""
    return "Test-Migration", {"machineId": vm(machine), "kind": kind, "destination": destination}


_case(
    "checks of a running machine",
    "StandAlone1",
    check(1, "live", TO2),
    check(1, "liveWithStorage", TO2),
    check(1, "storage", None),
    check(1, "offline", TO2),
)
_case("checks of a stopped machine", "StandAlone2", check(2, "live", TO1), check(2, "offline", TO1), check(9, "offline", TO1))
_case(
    "check of a busy machine",
    "StandAlone1",
    check(1, "live", TO2),
    edit=on_machine("StandAloneVM1", operation="BackingUpVirtualMachine"),
)
_case("check of what cannot move", "StandAlone3", check(3, "live", TO2), edit=on_machine("StandAloneVM3", assigned_devices=1))

# Starts.
_case("live, twice", "StandAlone1", start(1, "live", TO2), start(1, "live", TO2))
for _option in ("TCPIP", "Compression", "SMB"):
    _case(f"live by {_option}", "StandAlone1", start(1, "live", TO2, option=_option))
_case(
    "live as the host says",
    "StandAlone1",
    start(1, "live", TO2),
    edit=migration("StandAlone1", performance_option=PerformanceOption.SMB),
)
_case("offline", "StandAlone2", start(2, "offline", TO1))
_case("offline, saved", "StandAlone2", start(2, "offline", TO1), edit=on_machine("StandAloneVM2", state="Saved"))
_case("storage of a whole machine", "StandAlone3", start(4, "storage", None, OS4, *FOLDERS))
_case("storage of one disk", "StandAlone3", start(4, "storage", None, OS4), start(4, "storage", None, OS4))
_case(
    "storage that is there",
    "StandAlone3",
    start(4, "storage", None, (OS4[0], OS4[2], OS4[1]), ("configuration", D3, D3 + "\\")),
)
_case("storage of a disk that is not there", "StandAlone3", start(4, "storage", None, ("x.vhdx", r"D:\x.vhdx", r"E:\x.vhdx")))
_case("live with storage", "StandAlone3", start(4, "live", TO1, OS4, *FOLDERS))
_case(
    "live with storage under the same paths",
    "StandAlone3",
    start(
        3,
        "liveWithStorage",
        TO1,
        ("os.vhdx", r"D:\VMs\StandAloneVM3\Virtual Hard Disks\os.vhdx", r"D:\VMs\StandAloneVM3\Virtual Hard Disks\os.vhdx"),
        ("configuration", r"D:\VMs\StandAloneVM3", r"D:\VMs\StandAloneVM3"),
    ),
)
_case("start of an unknown machine", "StandAlone3", start(1, "live", TO2))
_case(
    "start of a busy machine",
    "StandAlone1",
    start(1, "live", TO2),
    edit=on_machine("StandAloneVM1", operation="BackingUpVirtualMachine"),
)
_case("start of a paused machine", "StandAlone1", start(1, "live", TO2), edit=on_machine("StandAloneVM1", state="Paused"))
_case(
    "start of a machine in trouble",
    "StandAlone1",
    start(1, "live", TO2),
    edit=on_machine("StandAloneVM1", operation="Degraded"),
)
_case("start where migration is off", "StandAlone1", start(1, "live", TO2), edit=migration("StandAlone1", enabled=False))
_case(
    "storage where migration is off",
    "StandAlone3",
    start(4, "storage", None, OS4),
    edit=migration("StandAlone3", enabled=False),
)
_case(
    "start over the limit",
    "StandAlone1",
    start(1, "live", TO2),
    before=moving(2, MigrationKind.OFFLINE, TO1),
    edit=migration("StandAlone1", maximum_virtual_machine_migrations=1),
)
_case(
    "start under the limit",
    "StandAlone3",
    start(3, "liveWithStorage", TO1),
    before=copying,
    edit=migration("StandAlone3", maximum_virtual_machine_migrations=1),
)
_case(
    "storage over the limit",
    "StandAlone3",
    start(
        5,
        "storage",
        None,
        (
            "data.vhdx",
            r"D:\VMs\StandAloneVM5\Virtual Hard Disks\data.vhdx",
            r"\\fileserver2.contoso.com\data\StandAloneVM5\data.vhdx",
        ),
    ),
    before=copying,
    edit=migration("StandAlone3", maximum_storage_migrations=1),
)
_case(
    "start that the service refuses", "StandAlone3", start(3, "live", TO2), edit=on_machine("StandAloneVM3", assigned_devices=1)
)
_case("live in a cluster", "Cluster1Node1", start(7, "live", NODE2), ("Get-Migrations", {}))
_case("live in a cluster by the node's short name", "Cluster1Node1", start(7, "live", "Cluster1Node2"))
_case("offline in a cluster", "Cluster1Node1", start(7, "offline", NODE2), edit=on_machine("HAVM2", state="Off"))
_case(
    "live over the cluster's limit",
    "Cluster1Node1",
    start(7, "live", NODE2),
    before=moving(9, MigrationKind.LIVE, NODE2),
    edit=limit_of_cluster(1),
)
_case(
    "live in a cluster without a limit of its own",
    "Cluster1Node1",
    start(7, "live", NODE2),
    before=moving(9, MigrationKind.LIVE, NODE2),
    edit=all_of(limit_of_cluster(None), migration("Cluster1Node1", maximum_virtual_machine_migrations=1)),
)
_case(
    "live in a cluster where migration is off",
    "Cluster1Node1",
    start(7, "live", NODE2),
    edit=migration("Cluster1Node1", enabled=False),
)
_case("a role cannot leave its cluster", "Cluster1Node1", start(7, "live", "cluster2node1.contoso.com"))
_case(
    "a role moves alone",
    "Cluster1Node1",
    start(6, "liveWithStorage", NODE2, ("configuration", rf"{S1}\HAVM1", r"C:\ClusterStorage\Volume1\HAVM1")),
)
_case(
    "storage of a role",
    "Cluster1Node1",
    start(6, "storage", None, ("configuration", rf"{S1}\HAVM1", r"C:\ClusterStorage\Volume1\HAVM1")),
)
_case("a role that the cluster does not show", "Cluster1Node1", start(7, "live", NODE2), cluster_service="Stopped")

# Cancelling.
_case("cancel", "StandAlone1", ("Stop-Migration", {"migrationId": JOB}), before=moving(1, MigrationKind.LIVE, TO2))
_case("cancel what is not there", "StandAlone1", ("Stop-Migration", {"migrationId": "job-9"}))
_case(
    "cancel what has ended",
    "StandAlone1",
    ("Stop-Migration", {"migrationId": JOB}),
    before=lambda world: (moving(1, MigrationKind.LIVE, TO2)(world), world.stop_machine(vm(1))),
)
_case(
    "cancel in a cluster",
    "Cluster1Node1",
    ("Stop-Migration", {"migrationId": f"cluster:{vm(7)}"}),
    before=moving(7, MigrationKind.LIVE, NODE2),
)

# Settings.
_case(
    "settings one by one",
    "StandAlone1",
    configure(migration__maximumVirtualMachineMigrations=4),
    configure(migration__maximumStorageMigrations=3),
    configure(migration__performanceOption="SMB"),
    configure(migration__authenticationType="CredSSP"),
)
_case(
    "paths", "StandAlone1", configure(storage__virtualMachinePath="E:\\VMs"), configure(storage__virtualHardDiskPath="E:\\VHDs")
)
_case("migration off and on", "StandAlone1", configure(migration__enabled=False), configure(migration__enabled=True))
_case("migration on", "StandAlone1", configure(migration__enabled=True), edit=migration("StandAlone1", enabled=False))
_case(
    "networks",
    "StandAlone1",
    configure(migration__networks=["10.0.0.0/24", "10.1.0.0/16"]),
    configure(migration__networks=["10.1.0.0/16"]),
    configure(migration__networks="any"),
)
_case(
    "other networks",
    "StandAlone1",
    configure(migration__networks=["10.2.0.0/16", "10.1.0.0/16"]),
    edit=migration("StandAlone1", networks=("10.0.0.0/24", "10.1.0.0/16")),
)
_case("no networks", "StandAlone1", configure(migration__networks=[]))
_case(
    "an unknown setting among others", "StandAlone1", configure(migration__maximumStorageMigrations=3, migration__colour="red")
)
_case(
    "limit of a cluster",
    "Cluster1Node1",
    ("Set-ClusterSettings", {"maximumParallelMigrations": 4}),
    ("Set-ClusterSettings", {"maximumParallelMigrations": 4}),
)
_case(
    "limit of a cluster that has none",
    "Cluster1Node1",
    ("Set-ClusterSettings", {"maximumParallelMigrations": 4}),
    edit=limit_of_cluster(None),
)
_case("limit of no cluster", "StandAlone1", ("Set-ClusterSettings", {"maximumParallelMigrations": 4}))
_case(
    "limit of a stopped cluster",
    "Cluster1Node1",
    ("Set-ClusterSettings", {"maximumParallelMigrations": 4}),
    cluster_service="Stopped",
)

# Starting machines, and roles.
_case(
    "start a stopped machine",
    "StandAlone2",
    ("Start-Machine", {"machineId": vm(2)}),
    ("Start-Machine", {"machineId": vm(2)}),
    ("Start-Machine", {"machineId": vm(1)}),
)
for _state in ("Saved", "Paused", "Starting"):
    _case(
        f"start a machine that is {_state}",
        "StandAlone2",
        ("Start-Machine", {"machineId": vm(2)}),
        edit=on_machine("StandAloneVM2", state=_state),
    )
ROLE = {
    "name": "HAVM2",
    "priority": 3000,
    "autoFailbackType": 1,
    "failbackWindowStart": 1,
    "failbackWindowEnd": 5,
    "failoverPeriod": 8,
    "failoverThreshold": 2,
    "antiAffinityClassNames": ["web", "shop"],
    "preferredOwners": ["Cluster1Node2", "Cluster9"],
    "possibleOwners": ["Cluster1Node1", "Cluster9"],
}
READ, REMOVE = (("Get-ClusterRole", {"machineId": vm(7)}), ("Remove-ClusterRole", {"machineId": vm(7)}))
_case("a role off and on", "Cluster1Node1", REMOVE, REMOVE, ("Add-ClusterRole", {"machineId": vm(7), "settings": ROLE}), REMOVE)
_case(
    "a role that is read",
    "Cluster1Node1",
    READ,
    REMOVE,
    READ,
    ("Add-ClusterRole", {"machineId": vm(7), "settings": ROLE}),
    READ,
)
_case("a role of an unknown machine that is read", "Cluster1Node1", ("Get-ClusterRole", {"machineId": vm(1)}))
_case("a role that is read where the cluster is stopped", "Cluster1Node1", READ, cluster_service="Stopped")
_case(
    "a role that is read by an id in capitals", "Cluster1Node1", ("Get-ClusterRole", {"machineId": "{" + vm(7).upper() + "}"})
)
_case(
    "a role on again with one setting",
    "Cluster1Node1",
    ("Add-ClusterRole", {"machineId": vm(7), "settings": {"priority": 1000}}),
)
_case(
    "a role that may not run here",
    "Cluster1Node1",
    ("Add-ClusterRole", {"machineId": vm(7), "settings": ROLE | {"possibleOwners": ["Cluster1Node2"], "preferredOwners": []}}),
)
_case(
    "a role that may run everywhere",
    "Cluster1Node1",
    (
        "Add-ClusterRole",
        {
            "machineId": vm(7),
            "settings": ROLE | {"possibleOwners": ["Cluster1Node1", "Cluster1Node2"], "antiAffinityClassNames": []},
        },
    ),
)
_case(
    "a role of an unknown machine",
    "Cluster1Node1",
    ("Add-ClusterRole", {"machineId": vm(1), "settings": {}}),
    ("Remove-ClusterRole", {"machineId": vm(1)}),
)
_case(
    "a role where there is no cluster",
    "StandAlone1",
    ("Add-ClusterRole", {"machineId": vm(1), "settings": {}}),
    ("Remove-ClusterRole", {"machineId": vm(1)}),
)
_case(
    "a role where the cluster is stopped",
    "Cluster1Node1",
    ("Add-ClusterRole", {"machineId": vm(7), "settings": {}}),
    REMOVE,
    cluster_service="Stopped",
)
_case(
    "an id that is none",
    "Cluster1Node1",
    ("Remove-ClusterRole", {"machineId": "x"}),
    ("Start-Machine", {"machineId": "{" + vm(7).upper() + "}"}),
)


def refused(times: int) -> Callable[[World], object]:
    """Let so many migrations of a host fail as they begin: its log has an error for each."""

    def ask(world: World) -> None:
        for number in range(times):
            world.note_failed_job(
                "StandAlone1", StartMigration(vm(1), MigrationKind.OFFLINE, TO2), -2147467259, f"It failed {number}."
            )

    return ask


# What the log of a host says of errors.
_case("events of a host in trouble", "StandAlone1", ("Get-Events", {}), before=refused(2))
_case("events of a host with more trouble than is read", "StandAlone1", ("Get-Events", {}), before=refused(30))
_case("events of a host without any", "StandAlone1", ("Get-Events", {}))


def around(**facts: Any) -> Callable[[World], object]:
    """Let the surroundings of the hosts be other than the guide asks."""

    def change(world: World) -> None:
        for name, value in facts.items():
            setattr(world.surroundings, name, value)

    return change


def diagnose(*peers: str, shares: tuple[str, ...] = ()) -> tuple[str, Params]:
    """A call of Get-Diagnosis."""
    return "Get-Diagnosis", {"peers": list(peers), "shares": list(shares)}


SMALL = Quotas(shells_per_user=5, processes_per_shell=6, memory_per_shell_mb=150, operations_per_user=7)
CLOSED = {("standalone1", "standalone2")}

# How a host is set up, and what it cannot tell.
_case(
    "diagnosis of a host and its way to others", "StandAlone1", diagnose(TO2, "nobody.contoso.com", shares=(S1, "Z:\\nowhere"))
)
_case("diagnosis without anything to try", "StandAlone2", diagnose())
_case("diagnosis that takes long", "StandAlone1", diagnose(TO2, NODE2, shares=(S1, S1 + "\\x", S1 + "\\y")), slow=4.0)
_case("diagnosis where the ports are closed", "StandAlone1", diagnose(TO2), before=around(closed=CLOSED))
_case(
    "diagnosis of a guarded host in a workgroup",
    "StandAlone1",
    diagnose(),
    before=around(guarded={"standalone1"}, domains={"standalone1": ""}, quotas={"standalone1": SMALL}),
)
_case(
    "diagnosis where the directory does not answer",
    "StandAlone1",
    diagnose(),
    before=around(directory_answers=False),
)
_case(
    "diagnosis of a host that tells little",
    "StandAlone1",
    diagnose(),
    before=around(domains={"standalone1": None}, unreadable={"standalone1"}),
)

_case("texts and filler come back", "StandAlone1", ("Get-Echo", {"texts": ["a", "zwölf 𝄞"], "filler": 3}))
_case("nothing comes back", "StandAlone1", ("Get-Echo", {"texts": [], "filler": 0}))

"""Situations of the shipped scripts that no simulated fleet gets into: a class that cannot be read, a job that never ends.

``script_windows.py`` has what is altered; ``ALL_CASES`` are these and those of ``script_cases.py``.
"""

from reconciler.model.words import MigrationKind
from tests.unit.winrm.script_cases import (
    CASES,
    D3,
    JOB,
    NODE2,
    OS4,
    REMOVE,
    S1,
    SURVEY,
    TO1,
    TO2,
    around,
    check,
    copying,
    diagnose,
    start,
)
from tests.unit.winrm.script_stage import Case, Params, migration, moving, vm
from tests.unit.winrm.script_windows import (
    all_together,
    altered,
    answering,
    failing,
    having,
    never_ending_check,
    other_processor,
    queued,
    without_account,
)

SERVICE = "Msvm_VirtualSystemMigrationService"
TROUBLE: dict[str, Case] = {}


def _case(name: str, host: str, *calls: tuple[str, Params], **options: object) -> None:
    TROUBLE[name] = Case(host, calls or SURVEY, **options)  # type: ignore[arg-type]


# What a survey says where something cannot be read.
for _what, _alter in {
    "volumes": failing("Get-CimInstance", ClassName="Win32_Volume"),
    "jobs": failing("Get-CimInstance", ClassName="Msvm_MigrationJob"),
    "slots": failing("Get-CimInstance", ClassName=SERVICE),
}.items():
    _case(f"survey of a host that cannot read {_what}", "StandAlone3", windows=_alter)
_case(
    "survey of a host that cannot read networks",
    "StandAlone3",
    edit=migration("StandAlone3", networks=("10.0.0.0/24",)),
    windows=failing("Get-VMMigrationNetwork"),
)
_case(
    "survey of a node that cannot read switches, nor disks of a machine, nor its cluster",
    "Cluster1Node1",
    windows=all_together(failing("Get-VMSwitch"), failing("Get-VMHardDiskDrive", VM="HAVM2"), failing("Get-Cluster")),
)
_case(
    "survey of a host with machines that tell nothing",
    "StandAlone3",
    windows=altered("Get-VM", having(Generation=["x", None, "y"])),
)

# Jobs: one that waits for its turn, one whose error does not fit into an int, one that nobody can stop.
for _script in ("Get-Migrations", "Get-Survey"):
    _case(
        f"a queued job beside a running one, by {_script}",
        "StandAlone3",
        (_script, {}),
        before=copying,
        windows=altered("Get-CimInstance", queued, ClassName="Msvm_MigrationJob"),
    )
    _case(
        f"an error over the range of an int, by {_script}",
        "StandAlone1",
        (_script, {}),
        before=moving(1, MigrationKind.LIVE, TO2),
        windows=altered("Get-CimInstance", having(ErrorCode=0x8009030E), ClassName="Msvm_MigrationJob"),
    )
_case(
    "cancel what nobody can stop",
    "StandAlone1",
    ("Stop-Migration", {"migrationId": JOB}),
    before=moving(1, MigrationKind.LIVE, TO2),
    windows=altered("Get-WmiObject", having(Cancellable=False), Class="Msvm_MigrationJob"),
)
_case(
    "cancel what refuses to end",
    "StandAlone1",
    ("Stop-Migration", {"migrationId": JOB}),
    before=moving(1, MigrationKind.LIVE, TO2),
    windows=answering("Msvm_MigrationJob", ReturnValue=32775),
)

# Checks and starts that the migration service answers in its other ways.
_case("check that never ends", "StandAlone1", check(1, "live", TO2), windows=never_ending_check)
for _code in (0, 32774, 32775):
    _asked = {"windows": answering(SERVICE, ReturnValue=_code)}
    _case(f"check that is answered {_code}", "StandAlone1", check(1, "live", TO2), **_asked)
    _case(f"start that is answered {_code}", "StandAlone1", start(1, "live", TO2), **_asked)
_case("start of a job that is not named", "StandAlone1", start(1, "live", TO2), windows=answering(SERVICE, ReturnValue=4096))
_case(
    "start of a machine that two jobs move",
    "StandAlone1",
    start(1, "live", TO2),
    before=moving(1, MigrationKind.LIVE, TO2),
    windows=altered("Get-WmiObject", queued, Class="Msvm_MigrationJob"),
)
_case(
    "storage of two disks",
    "StandAlone3",
    start(
        4,
        "storage",
        None,
        OS4,
        ("logs.vhdx", rf"{D3}\Virtual Hard Disks\logs.vhdx", rf"{S1}\StandAloneVM4\Virtual Hard Disks\logs.vhdx"),
    ),
)
_case(
    "live in a cluster that lets it wait",
    "Cluster1Node1",
    start(7, "live", NODE2),
    windows=altered("Get-WmiObject", lambda _: [], Class="Msvm_MigrationJob"),
)

# A role that the cluster is slow to let go, and owners of a resource that differ from those of its configuration.
_case("a role that stays for long", "Cluster1Node1", REMOVE, windows=altered("Get-VM", having(IsClustered=True), Id=vm(7)))
_node = altered("Get-ClusterOwnerNode", lambda _: [], Resource="Virtual Machine Configuration HAVM2")
for _script in ("Get-ClusterRole", "Remove-ClusterRole"):
    _case(
        f"a role whose configuration has other owners, by {_script}",
        "Cluster1Node1",
        (_script, {"machineId": vm(7)}),
        windows=_node,
    )

# How a host is set up, where it does not say, or not in time.
_case(
    "diagnosis of a host with two kinds of processors that knows two forests",
    "StandAlone1",
    diagnose(),
    before=around(forests={"standalone1": ("fabrikam.com", "contoso.com", "contoso.com")}),
    windows=altered("Get-CimInstance", lambda found: [*found, other_processor(), *found], ClassName="Win32_Processor"),
)
_case(
    "diagnosis of a host that tells nothing of processors and domains",
    "StandAlone1",
    diagnose(),
    windows=all_together(*(failing("Get-CimInstance", ClassName=one) for one in ("Win32_Processor", "Win32_NTDomain"))),
)
_case("diagnosis of a computer without an account", "StandAlone1", diagnose(), windows=without_account)
_case(
    "diagnosis that gets half of the quotas",
    "StandAlone1",
    diagnose(),
    windows=failing("Get-WSManInstance", ResourceURI="winrm/config/service"),
)
_case("diagnosis of a share that breaks", "StandAlone1", diagnose(shares=(S1,)), windows=failing("Test-Path"))
_case("diagnosis that gets to one of two shares", "StandAlone1", diagnose(shares=(S1, S1 + "\\x")), slow=12.0)

# What comes in at the bootstrap, and what it cannot send out.
_echo = ("Get-Echo", {"texts": ["a"], "filler": 0})
_case("requests in many lines", "StandAlone1", _echo, _echo, line=60)
_case("a request that cannot be read", "StandAlone1", _echo, _echo, last_is_spoilt=True)
_case("an answer that cannot be written", "StandAlone1", _echo, _echo, windows=failing("ConvertTo-Json", from_call=2))
_case(
    "an error with a code in its text",
    "StandAlone2",
    start(2, "offline", TO1),
    windows=failing("Get-VMHost", message="The operation failed (0x80070005)."),
)

ALL_CASES = CASES | TROUBLE

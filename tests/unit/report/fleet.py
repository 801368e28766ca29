"""One small made-up fleet in values, with something of everything that the views must show. Times are relative to ``SEEN``."""

from datetime import UTC, datetime, timedelta

from reconciler.model import desired as want
from reconciler.model import observation as seen
from reconciler.model.plan import (
    Blocked,
    DesiredRef,
    DriftEntry,
    MachineRef,
    MachineStep,
    ObservationRef,
    Plan,
    PlanProblem,
    SettingChange,
    SettingsStep,
    StorageMove,
    Summary,
)
from reconciler.model.problem import Place
from reconciler.model.progress import ApplyReport, OutcomeState, PeakSlots, StepOutcome
from reconciler.model.words import Action, Handling, HostStatus, MigrationKind, PerformanceOption

SEEN = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
GIB = 1024**3
SHARE = r"\\fileserver1.contoso.com\smbshare"
SOURCE = want.Source(Place("vms.yaml", 1))


def a_ref(name: str, number: int = 1) -> MachineRef:
    return MachineRef(id=f"{number:08d}-0000-0000-0000-000000000000", name=name)


def a_move(name: str = "StandAloneVM1", **fields: object) -> MachineStep:
    """A live migration from StandAlone1 to StandAlone2, unless said otherwise."""
    base: dict[str, object] = {
        "id": "s2",
        "action": Action.LIVE_MIGRATION,
        "virtual_machine": a_ref(name),
        "source": "StandAlone1",
        "destination": "StandAlone2",
        "performance_option": PerformanceOption.COMPRESSION,
        "reason": "placement.host",
        "because": "vms/web.yaml:12",
        "estimated_seconds": 45,
        "bytes": 4 * GIB,
    }
    return MachineStep.model_validate(base | fields)


def a_plan(*steps: MachineStep | SettingsStep, **fields: object) -> Plan:
    base: dict[str, object] = {
        "desired": DesiredRef(revision="4f0c2d1", digest="sha256:d"),
        "observation": ObservationRef(digest="sha256:o", observed_at=SEEN),
        "complete": True,
        "applicable": True,
        "summary": Summary(in_place=14),
        "steps": steps,
    }
    return Plan.model_validate(base | fields)


def a_desired() -> want.Desired:
    crossing = want.VirtualMachineMigration(maximum_unprotected_seconds=120)
    return want.Desired(
        digest="sha256:d",
        hosts=tuple(want.Host(name, SOURCE, name) for name in ("Cluster1Node1", "Cluster2Node1", "StandAlone1", "StandAlone2")),
        virtual_machines=(
            want.VirtualMachine("HAVM1", SOURCE, migration=crossing),
            want.VirtualMachine("StandAloneVM1", SOURCE),
        ),
    )


def a_host(name: str, live: int | None = 0, **fields: object) -> seen.Host:
    migration = seen.HostMigration(
        enabled=True,
        maximum_virtual_machine_migrations=2,
        maximum_storage_migrations=2,
        active_virtual_machine_migrations=live,
        active_storage_migrations=0,
    )
    base: dict[str, object] = {"name": name, "migration": migration, "memory_mib": 131072, "available_memory_mib": 90112}
    return seen.Host.model_validate(base | fields)


def an_observation() -> seen.Observation:
    """Four hosts that answered in full or in part, one that did not, and one migration that somebody else started."""
    foreign = seen.Migration(
        id="job1",
        virtual_machine=a_ref("billing", 9).id,
        kind=MigrationKind.LIVE,
        destination="StandAlone2",
        percent=40,
        started_at=SEEN - timedelta(seconds=30),
    )
    billing = seen.VirtualMachine(id=a_ref("billing", 9).id, name="billing", state="Running")
    return seen.Observation(
        observed_at=SEEN,
        clusters=(seen.Cluster(name="Cluster2", maximum_parallel_migrations=1),),
        hosts=(
            a_host("StandAlone2", live=1),
            a_host("StandAlone1", live=1, virtual_machines=(billing,), migrations=(foreign,)),
            a_host("Cluster1Node1", cluster="Cluster1"),
            a_host(
                "Cluster2Node1",
                cluster="Cluster2",
                status=HostStatus.PARTIAL,
                available_memory_mib=None,
                problem="the cluster service did not answer; its limits are taken from the other nodes",
            ),
            seen.Host(
                name="StandAlone3",
                status=HostStatus.UNREACHABLE,
                problem="no WinRM answer within 10 s from standalone3.contoso.com",
            ),
        ),
    )


def a_quiet_observation() -> seen.Observation:
    return seen.Observation(observed_at=SEEN, hosts=(a_host("StandAlone1"), a_host("StandAlone2")))


def a_full_plan() -> Plan:
    """A setting, a plain move, a crossing between clusters, a bypass hop with storage; one blocked, one held, one unknown."""
    disks = tuple(
        StorageMove(file=name, source=rf"D:\VMs\db1\{name}", target=rf"{SHARE}\db1\Virtual Hard Disks\{name}", bytes=60 * GIB)
        for name in ("os.vhdx", "data.vhdx")
    )
    configuration = StorageMove(file="configuration", source=r"D:\VMs\db1", target=rf"{SHARE}\db1")
    enable = SettingsStep(
        id="s1",
        action=Action.CONFIGURE_HOST,
        host="StandAlone2",
        settings=(
            SettingChange(field="migration.enabled", source=False, target=True),
            SettingChange(field="migration.maximumVirtualMachineMigrations", source=2, target=4),
        ),
        reason="migration.enabled",
        because="hosts.yaml:7",
    )
    crossing = a_move(
        "HAVM1",
        id="s3",
        virtual_machine=a_ref("HAVM1", 2),
        source="Cluster1Node1",
        destination="Cluster2Node1",
        leaves_cluster="Cluster1",
        joins_cluster="Cluster2",
        unprotected_seconds=70,
        performance_option=PerformanceOption.SMB,
        because="vms/ha.yaml:5",
        estimated_seconds=70,
        unverified=("free space of the share",),
    )
    hop = a_move(
        "db1",
        id="s4",
        action=Action.LIVE_MIGRATION_WITH_STORAGE,
        virtual_machine=a_ref("db1", 3),
        storage=(*disks, configuration),
        bypass=True,
        depends_on=("s1", "s2"),
        dependency_reasons={
            "s1": "StandAlone2 does not accept migrations until then",
            "s2": "StandAlone2 lacks 12 GiB until then",
        },
        because="vms/db.yaml:3",
        estimated_start_seconds=45,
        estimated_seconds=840,
        bytes=124 * GIB,
    )
    return a_plan(
        enable,
        a_move(depends_on=("s1",), dependency_reasons={"s1": "StandAlone2 does not accept migrations until then"}),
        crossing,
        hop,
        complete=False,
        summary=Summary(
            host_settings=1,
            live_migrations=3,
            storage_migrations=1,
            in_place=11,
            blocked=1,
            unknown=1,
            needed_migrations=3,
            bytes=132 * GIB,
            estimated_seconds=885,
            lower_bound_seconds=840,
        ),
        blocked=(
            Blocked(
                subject="virtualMachine/web9",
                code="no-room",
                finding="none of the 4 hosts that the placement allows can take 32 GiB of memory",
                remedy="free memory on one of them, or allow more hosts under placement.hosts",
                counts={"switch": 1, "memory": 3},
                because="vms/web.yaml:40",
            ),
        ),
        drift=(
            DriftEntry(
                subject="virtualMachine/legacy1",
                field="placement.host",
                desired="StandAlone2",
                observed="StandAlone1",
                handling=Handling.HOLD,
            ),
            DriftEntry(
                subject="host/StandAlone2", field="migration.enabled", desired=True, observed=False, handling=Handling.CORRECT
            ),
        ),
        problems=(
            PlanProblem(
                code="host-unreachable",
                subject="host/StandAlone3",
                severity="warning",
                finding="no WinRM answer within 10 s; its machine web7 is unknown",
                remedy="check TCP 5986 from this machine, or set maintenance: true for the host",
            ),
        ),
    )


def a_report() -> ApplyReport:
    plan = a_full_plan()
    done = StepOutcome(
        step_id="s3",
        subject="virtualMachine/HAVM1",
        action=Action.LIVE_MIGRATION,
        source="Cluster1Node1",
        destination="Cluster2Node1",
        state=OutcomeState.DONE,
        started_at=SEEN,
        ended_at=SEEN + timedelta(seconds=74),
        unprotected_seconds=71.6,
        estimated_seconds=70,
    )
    failed = StepOutcome(
        step_id="s4",
        subject="virtualMachine/db1",
        action=Action.LIVE_MIGRATION_WITH_STORAGE,
        source="StandAlone1",
        destination="StandAlone2",
        state=OutcomeState.FAILED,
        detail="the destination has no virtual switch named Prod (0x8009030E)",
        started_at=SEEN,
        ended_at=SEEN + timedelta(seconds=4),
    )
    waiting = StepOutcome(
        step_id="s2",
        subject="virtualMachine/StandAloneVM1",
        action=Action.LIVE_MIGRATION,
        source="StandAlone1",
        destination="StandAlone2",
        state=OutcomeState.WAITING,
        detail="the maintenance window opens Saturday 22:00",
    )
    return ApplyReport(
        outcomes=(done, failed, waiting),
        drift=plan.drift[:1],
        blocked=plan.blocked,
        problems=(*plan.problems, *plan.problems),
        exit_code=6,
        exit_reason="1 blocked",
        seconds=80,
        peak_slots=(PeakSlots(host="StandAlone1", live=2, live_limit=2, storage=1, storage_limit=2), PeakSlots(host="Idle")),
    )

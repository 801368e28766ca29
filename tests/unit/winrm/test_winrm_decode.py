"""What becomes of the numbers that a host reports, and of answers that are incomplete or odd."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.hosts.port import HostReport, Started, Target
from reconciler.hosts.winrm import codes
from reconciler.hosts.winrm.decode import decode_migrations, decode_role, decode_started, decode_survey
from reconciler.hosts.winrm.frame import FrameError
from reconciler.model.observation import (
    DONE_JOB_STATES,
    Cluster,
    Disk,
    Host,
    HostMigration,
    HostStorage,
    Migration,
    Share,
    VirtualMachine,
    Volume,
)
from reconciler.model.words import AuthenticationType, HostStatus, MigrationKind, PerformanceOption
from tests.seam.encode import encode_migrations, encode_survey

TARGET = Target("StandAlone1", "standalone1.contoso.com")
SHARE = r"\\fileserver1.contoso.com\smbshare"
MOMENT = datetime(2026, 11, 22, 10, 0, 0, 250000, tzinfo=UTC)
ONE, TWO = (f"1a2b3c4d-0000-0000-0000-{number:012}" for number in (1, 2))


def a_machine(**changes: Any) -> VirtualMachine:
    """A running machine of which everything is known."""
    facts: dict[str, Any] = {
        "id": ONE,
        "name": "StandAloneVM1",
        "state": "Running",
        "memory_mib": 4096,
        "maximum_memory_mib": 8192,
        "processors": 4,
        "generation": 2,
        "configuration_version": "9.0",
        "highly_available": False,
        "switches": ("Prod",),
        "processor_compatibility": False,
        "checkpoints": 1,
        "replication": "None",
        "assigned_devices": 0,
        "configuration_path": SHARE + r"\StandAloneVM1",
        "checkpoint_path": SHARE + r"\StandAloneVM1",
        "smart_paging_path": SHARE + r"\StandAloneVM1",
        "disks": (Disk(path=SHARE + r"\StandAloneVM1\os.vhdx", size_bytes=9, file_bytes=5, shared=False, pass_through=False),),
    }
    return VirtualMachine(**(facts | changes))


def a_report(*machines: VirtualMachine, migrations: tuple[Migration, ...] = ()) -> HostReport:
    """A report of a cluster node of which everything is known."""
    host = Host(
        name="STANDALONE1",
        address=TARGET.address,
        cluster="Cluster1",
        node_state="Paused",
        os_version="10.0.20348",
        supported_configuration_versions=("8.0", "9.0"),
        processor_vendor="GenuineIntel",
        processor_model="Xeon",
        logical_processors=32,
        memory_mib=131072,
        available_memory_mib=90000,
        switches=("Prod",),
        migration=HostMigration(
            enabled=True,
            maximum_virtual_machine_migrations=2,
            maximum_storage_migrations=2,
            active_virtual_machine_migrations=0,
            active_storage_migrations=0,
            performance_option=PerformanceOption.TCPIP,
            authentication_type=AuthenticationType.CREDSSP,
            networks=("192.168.10.0/24",),
        ),
        storage=HostStorage(
            virtual_machine_path=r"D:\VMs",
            virtual_hard_disk_path=r"D:\VMs",
            volumes=(Volume(path="D:\\", size_bytes=9, free_bytes=5),),
        ),
        virtual_machines=machines,
        migrations=migrations,
    )
    volume = Volume(path=r"C:\ClusterStorage\Volume1", size_bytes=9, free_bytes=5)
    cluster = Cluster(name="Cluster1", maximum_parallel_migrations=1, shared_volumes=(volume,))
    return HostReport(host, cluster, (Share(path=SHARE, size_bytes=9, free_bytes=5),))


def a_job(**changes: Any) -> Migration:
    """A running live migration."""
    facts = {"id": "job-1", "virtual_machine": ONE, "kind": MigrationKind.LIVE, "destination": "StandAlone2", "percent": 40}
    return Migration(**(facts | {"started_at": MOMENT, "error_code": 0} | changes))


def a_raw_survey(**changes: Any) -> dict[str, Any]:
    """The raw survey of one machine, with facts of the host changed."""
    raw = encode_survey(a_report(a_machine()))
    raw["host"] |= changes
    return raw


operations = st.none() | st.sampled_from(sorted({*codes.OPERATIONS.values(), *codes.PRIMARY_STATUSES.values()}))
kinds, states = st.sampled_from(MigrationKind), st.sampled_from(sorted(codes.JOB_STATES.values()))


@given(st.sampled_from(sorted(codes.VM_STATES.values())), operations, st.sampled_from(sorted(codes.REPLICATION_MODES.values())))
def test_what_a_host_encodes_is_decoded_to_the_same_report(state: str, operation: str | None, replication: str) -> None:
    """The simulated fleet writes numbers by the tables that the controller reads them with: nothing is lost between them."""
    report = a_report(a_machine(state=state, operation=operation, replication=replication))

    assert decode_survey(encode_survey(report), TARGET) == report


@given(kinds, states)
def test_migrations_keep_their_kind_and_state(kind: MigrationKind, state: str) -> None:
    """Also an offline move, whose job has the type of a live one and differs in the machine's state alone."""
    job = a_job(kind=kind, state=state, destination=None if kind is MigrationKind.STORAGE else "StandAlone2")

    assert decode_migrations({"migrations": encode_migrations((job,))}) == (job,)


def test_a_job_of_a_stopped_machine_is_an_offline_migration() -> None:
    """A survey has the machine's state beside the job."""
    raw = a_raw_survey(virtualMachines=[encode_survey(a_report(a_machine(state="Off")))["host"]["virtualMachines"][0]])
    raw["host"]["migrations"] = encode_migrations((a_job(),))

    assert decode_survey(raw, TARGET).host.migrations[0].kind is MigrationKind.OFFLINE


def test_every_end_of_a_job_is_one_that_the_model_knows() -> None:
    """A job state spelt differently here would be followed for ever."""
    assert {codes.JOB_STATES[number] for number in (7, 8, 9, 10, 32768)} == DONE_JOB_STATES


@pytest.mark.parametrize(
    ("status", "operation"),
    [
        ([2], None),
        ([2, 32774], "MigratingVirtualMachine"),
        ([11, 23769], "ApplyingSnapshot"),
        ([2, 32769], "ApplyingSnapshot"),
        ([2, 32789], None),  # a hint about SR-IOV
        ([2, 40000], "Operation40000"),
        ([5], "PredictiveFailure"),
        ([99], "Status99"),
        ([], "Unknown"),
        (None, "Unknown"),
    ],
)
def test_a_machine_is_free_only_where_its_status_says_so(status: list[int] | None, operation: str | None) -> None:
    """What is not understood keeps a machine busy, and hints that keep nothing busy do not."""
    raw = a_raw_survey()
    raw["host"]["virtualMachines"][0]["operationalStatus"] = status

    assert decode_survey(raw, TARGET).host.virtual_machines[0].operation == operation


def test_a_missing_fact_is_unknown_and_makes_the_host_partial() -> None:
    """Unknown is None, never a default, and the host's problem says which fact it is."""
    raw = a_raw_survey(availableMemoryMiB="plenty", nodeState=17)
    del raw["host"]["virtualMachines"][0]["replication"]

    host = decode_survey(raw, TARGET).host

    assert (host.available_memory_mib, host.node_state, host.virtual_machines[0].replication) == (None, None, None)
    assert host.status is HostStatus.PARTIAL
    assert host.problem is not None
    assert "StandAloneVM1: replication is missing" in host.problem
    assert "host.availableMemoryMiB is not understood" in host.problem


def test_what_the_script_could_not_read_is_the_hosts_problem() -> None:
    """The script's own words, and a disk of which nothing is known where there would otherwise seem to be none."""
    raw = a_raw_survey(problems=["disks: access is denied"])
    raw["host"]["virtualMachines"][0]["disks"] = None

    host = decode_survey(raw, TARGET).host

    assert host.problem == "disks: access is denied"
    assert host.status is HostStatus.PARTIAL
    assert host.virtual_machines[0].disks == (Disk(),)


def test_arrays_in_the_old_form_are_read_as_arrays() -> None:
    """Windows PowerShell 5.1 may write an array as an object of value and Count."""
    raw = a_raw_survey(switches={"value": ["Prod", "Test"], "Count": 2})
    raw["host"]["virtualMachines"] = {"value": raw["host"]["virtualMachines"], "Count": 1}

    host = decode_survey(raw, TARGET).host

    assert host.switches == ("Prod", "Test")
    assert [machine.name for machine in host.virtual_machines] == ["StandAloneVM1"]
    assert decode_role({"settings": {"preferredOwners": {"value": ["n1"], "Count": 1}}}).settings == {"preferredOwners": ["n1"]}


def test_shares_left_to_the_controller_are_those_that_the_paths_lie_on() -> None:
    """A real host cannot ask a file server for its space; that it uses the share is seen all the same."""
    raw = a_raw_survey() | {"shares": None}

    assert decode_survey(raw, TARGET).shares == (Share(path=SHARE),)


def test_a_survey_without_machines_is_no_survey() -> None:
    """An empty list means no machines; no list must never mean that."""
    assert decode_survey(a_raw_survey(virtualMachines=[]), TARGET).host.virtual_machines == ()
    with pytest.raises(FrameError, match="no list of virtual machines"):
        decode_survey(a_raw_survey(virtualMachines=None), TARGET)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(encode_survey(a_report())["host"])), json_values, json_values)
def test_nothing_that_a_host_may_say_breaks_the_reader(field: str, value: Any, machine: Any) -> None:
    """A report, or a refusal to believe it; no other exception."""
    for raw in (a_raw_survey(**{field: value}), a_raw_survey(virtualMachines=[machine]), value):
        for decode in (lambda raw: decode_survey(raw, TARGET), decode_migrations, decode_started, decode_role):
            try:
                decode(raw)
            except FrameError:
                continue


def test_the_answer_to_a_start_says_what_was_started() -> None:
    """No id means that there was nothing left to move; a missing id means that the answer cannot be believed."""
    assert decode_started({"migrationId": "job-1", "alreadyRunning": True}) == Started("job-1", already_running=True)
    assert decode_started({"migrationId": None, "alreadyRunning": False}) == Started(None)
    with pytest.raises(FrameError):
        decode_started({"alreadyRunning": False})

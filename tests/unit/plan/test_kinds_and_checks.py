"""The kind of migration each pinned machine gets, and every reason why one cannot go."""

from typing import Any

import pytest

from reconciler.cycle import think
from reconciler.model import desired as wanted_model
from reconciler.model import observation as seen
from reconciler.model.desired import HostMigrationSettings, Policy, Unverified, VirtualMachineMigration
from reconciler.model.words import MigrationKind, PerformanceOption, WhenOff
from tests.builders import (
    GIB,
    SHARE,
    a_fleet,
    a_host,
    a_vm,
    desired,
    desired_host,
    desired_vm,
    migration,
    source,
    stored,
    vm_id,
)
from tests.unit.plan.planning import blocked, plan_for, step_of, story

LOCAL = r"D:\VMs\vm1"


def two_hosts(machine: seen.VirtualMachine | None = None, **second: Any) -> seen.Observation:
    return a_fleet(a_host("Host1", machine or a_vm("vm1")), a_host("Host2", **second))


def to_host2(**fields: Any) -> wanted_model.VirtualMachine:
    return desired_vm("vm1", "Host2", **fields)


def test_shared_files_go_plainly_live() -> None:
    """Files on a share that both hosts use stay; one live migration, with its reason and its line."""
    step = step_of(plan_for(desired(to_host2(), hosts=2), two_hosts()), "vm1")
    assert (step.action, step.storage, step.reason, step.because) == (
        "liveMigration",
        (),
        "placement.host",
        "desired-state/vm1.yaml:1",
    )
    assert step.bytes == 4 * GIB


def test_local_files_go_along() -> None:
    """Local files with no place asked for go to the destination's default paths, in a folder named after the machine."""
    step = step_of(plan_for(desired(to_host2(), hosts=2), two_hosts(a_vm("vm1", folder=LOCAL))), "vm1")
    assert (step.action, step.reason) == ("liveMigrationWithStorage", "placement.storage")
    assert [(move.file, move.target) for move in step.storage] == [
        ("configuration", r"D:\Hyper-V\vm1"),
        ("checkpoints", r"D:\Hyper-V\vm1"),
        ("smartPaging", r"D:\Hyper-V\vm1"),
        ("vm1.vhdx", r"D:\Hyper-V\Virtual Hard Disks\vm1\vm1.vhdx"),
    ]
    assert step.bytes == 24 * GIB


def test_the_first_storage_location_with_room_comes_before_default_paths() -> None:
    """A forced copy prefers the host's storage locations, in their order, where there is room."""
    small, large = r"\\fs2.contoso.com\small", r"\\fs2.contoso.com\large"
    host = desired_host("Host2")
    host = type(host)(host.name, host.source, host.address, storage=type(host.storage)(locations=(small, large)))
    volumes = (seen.Share(path=small, size_bytes=100 * GIB, free_bytes=GIB), seen.Share(path=large, free_bytes=90 * GIB))
    fleet = a_fleet(a_host("Host1", a_vm("vm1", folder=LOCAL)), a_host("Host2"), shares=volumes)
    step = step_of(plan_for(desired(to_host2(), host, hosts=2), fleet), "vm1")
    assert step.storage[-1].target == rf"{large}\vm1\Virtual Hard Disks\vm1.vhdx"


def test_storage_alone() -> None:
    """The whole machine goes below the path: disks under Virtual Hard Disks, the rest in the path itself."""
    wanted = desired(desired_vm("vm1", storage=stored(rf"{SHARE}\new")), hosts=2)
    step = step_of(plan_for(wanted, two_hosts(a_vm("vm1", folder=LOCAL))), "vm1")
    assert (step.action, step.destination, step.reason) == ("storageMigration", None, "storage.path")
    assert [move.target for move in step.storage] == [rf"{SHARE}\new"] * 3 + [rf"{SHARE}\new\Virtual Hard Disks\vm1.vhdx"]


def test_a_local_folder_asked_for_by_the_same_path_is_copied_along() -> None:
    """A local path is another place on another host, though it reads the same."""
    plan = plan_for(desired(to_host2(storage=stored(LOCAL)), hosts=2), two_hosts(a_vm("vm1", folder=LOCAL)))
    assert {move.target for move in step_of(plan, "vm1").storage} == {LOCAL, rf"{LOCAL}\Virtual Hard Disks\vm1.vhdx"}


@pytest.mark.parametrize(
    ("when_off", "expected"),
    [
        (WhenOff.MOVE, ["offlineMigration vm1 Host1 Host2"]),
        (WhenOff.START, ["startVirtualMachine vm1 Host1", "liveMigration vm1 Host1 Host2"]),
        (WhenOff.HOLD, []),
    ],
)
def test_a_stopped_machine(when_off: WhenOff, expected: list[str]) -> None:
    """It moves offline, is started and then moved live, or is left where it is, as its document says."""
    settings = VirtualMachineMigration(when_off=when_off)
    plan = plan_for(desired(to_host2(migration=settings), hosts=2), two_hosts(a_vm("vm1", state="Off")))
    assert story(plan) == expected
    assert blocked(plan) == ({"vm1": "off"} if when_off is WhenOff.HOLD else {})


def test_nothing_is_started_for_storage_alone() -> None:
    """whenOff: start acts only when a change of host is due."""
    settings = VirtualMachineMigration(when_off=WhenOff.START)
    wanted = desired_vm("vm1", storage=stored(rf"{SHARE}\new"), migration=settings)
    assert story(plan_for(desired(wanted, hosts=2), two_hosts(a_vm("vm1", state="Off")))) == ["storageMigration vm1 Host1"]


REFUSALS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "memory": ({}, {"available_mib": 1024}, "no-room"),
    "switch": ({}, {"switches": ("Other",)}, "no-host"),
    "version": ({}, {"supported_configuration_versions": ("8.0",)}, "no-host"),
    "vendor": ({}, {"processor_vendor": "AuthenticAMD"}, "no-host"),
    "migrationDisabled": ({}, {"migration": migration(enabled=False)}, "no-host"),
    "authentication": ({}, {"migration": migration(authentication_type="CredSSP")}, "no-host"),
    "network": ({}, {"migration": migration(networks=())}, "no-host"),
    "node": ({}, {"node_state": "Paused"}, "host-in-maintenance"),
    "replication": ({"replication": "Replicating"}, {}, "not-migratable"),
    "devices": ({"assigned_devices": 1}, {}, "not-migratable"),
    "iso": ({"mounted_iso": r"C:\iso\tools.iso"}, {}, "not-migratable"),
    "passThrough": ({"disks": (seen.Disk(path=None, pass_through=True),)}, {}, "not-migratable"),
    "residue": ({}, {"planned_virtual_machines": (seen.PlannedMachine(id=vm_id("vm1")),)}, "no-host"),
    "busy": ({"operation": "Backup"}, {}, "busy"),
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_each_reason_why_a_host_is_refused(reason: str) -> None:
    """Nothing is planned; the machine is blocked with a code, hosts counted by reason, a finding and a remedy."""
    machine, host, code = REFUSALS[reason]
    plan = plan_for(desired(to_host2(), hosts=2), two_hosts(a_vm("vm1", **machine), **host))
    assert story(plan) == []
    assert [(one.code, one.counts) for one in plan.blocked] == [(code, {reason: 1})]
    assert plan.blocked[0].finding
    assert plan.blocked[0].remedy


@pytest.mark.parametrize(("field", "code"), [("cordoned", "host-cordoned"), ("maintenance", "host-in-maintenance")])
def test_a_closed_host_takes_no_arrivals(field: str, code: str) -> None:
    """Neither a cordoned host nor one in maintenance is a destination."""
    plan = plan_for(desired(to_host2(), desired_host("Host2", **{field: True}), hosts=2), two_hosts())
    assert blocked(plan) == {"vm1": code}


def test_a_shared_disk_cannot_be_copied() -> None:
    """A shared VHDX stays where it is, so a machine whose storage would have to move cannot."""
    disk = seen.Disk(path=rf"{LOCAL}\shared.vhdx", file_bytes=GIB, shared=True)
    plan = plan_for(desired(to_host2(), hosts=2), two_hosts(a_vm("vm1", disks=(disk,))))
    assert blocked(plan) == {"vm1": "not-migratable"}


def test_a_path_nobody_reaches_is_blocked() -> None:
    """A share that the destination neither lists nor uses is no place for its machines."""
    wanted = desired(to_host2(storage=stored(r"\\far.contoso.com\vms\vm1")), hosts=2)
    assert blocked(plan_for(wanted, two_hosts())) == {"vm1": "unreachable-path"}


def test_a_kind_that_is_not_allowed_is_blocked() -> None:
    """migration.allow rules out kinds; there is no cheaper way round."""
    settings = VirtualMachineMigration(allow=frozenset({MigrationKind.OFFLINE}))
    assert blocked(plan_for(desired(to_host2(migration=settings), hosts=2), two_hosts())) == {"vm1": "not-allowed"}


def test_what_cannot_be_checked_follows_policy() -> None:
    """A null fact blocks by default; where policy allows it, the step names what was not verified."""
    unseen = two_hosts(switches=None)
    assert blocked(plan_for(desired(to_host2(), hosts=2), unseen)) == {"vm1": "unverified"}
    lenient = Policy(unverified=Unverified(other="allow"))
    assert step_of(plan_for(desired(to_host2(), lenient, hosts=2), unseen), "vm1").unverified == ("switches",)


def test_unknown_space_is_allowed_unless_policy_says_otherwise() -> None:
    """A share's free space is often unknown; that is named on the step."""
    wanted = desired_vm("vm1", storage=stored(rf"{SHARE}\new"))
    fleet = a_fleet(a_host("Host1", a_vm("vm1", folder=LOCAL)), shares=(seen.Share(path=SHARE, hosts=("Host1",)),))
    assert step_of(plan_for(desired(wanted, hosts=1), fleet), "vm1").unverified == ("space",)
    strict = Policy(unverified=Unverified(space="block"))
    assert blocked(plan_for(desired(wanted, strict, hosts=1), fleet)) == {"vm1": "unverified"}


def test_two_machines_that_would_write_one_file_are_blocked() -> None:
    """Both are blocked, and each finding names the other."""
    disks = (seen.Disk(path=rf"{LOCAL}\os.vhdx", file_bytes=GIB), seen.Disk(path=r"D:\VMs\vm2\os.vhdx", file_bytes=GIB))
    fleet = a_fleet(a_host("Host1", a_vm("vm1", disks=disks[:1]), a_vm("vm2", disks=disks[1:])))
    folder = stored(rf"{SHARE}\same")
    plan = plan_for(desired(desired_vm("vm1", storage=folder), desired_vm("vm2", storage=folder), hosts=1), fleet)
    assert blocked(plan) == {"vm1": "file-clash", "vm2": "file-clash"}
    assert "vm2" in plan.blocked[0].finding


def test_a_file_that_is_there_already_is_never_overwritten() -> None:
    """An unmanaged machine's disk at the target blocks the copy."""
    there = seen.Disk(path=rf"{SHARE}\same\Virtual Hard Disks\VM1.vhdx", file_bytes=GIB)
    fleet = a_fleet(a_host("Host1", a_vm("vm1", folder=LOCAL), a_vm("vm2", disks=(there,))))
    assert blocked(plan_for(desired(desired_vm("vm1", storage=stored(rf"{SHARE}\same")), hosts=1), fleet)) == {
        "vm1": "file-clash"
    }


def test_the_effective_performance_option_is_named() -> None:
    """The machine's own, else what its source host will have, else what it has."""
    own = to_host2(migration=VirtualMachineMigration(performance_option=PerformanceOption.SMB))
    assert step_of(plan_for(desired(own, hosts=2), two_hosts()), "vm1").performance_option == "SMB"
    host = desired_host("Host1", migration=HostMigrationSettings(performance_option=PerformanceOption.TCPIP))
    assert step_of(plan_for(desired(to_host2(), host, hosts=2), two_hosts()), "vm1").performance_option == "TCPIP"
    assert step_of(plan_for(desired(to_host2(), hosts=2), two_hosts()), "vm1").performance_option == "Compression"


def test_a_foreign_migration_holds_its_machine() -> None:
    """A migration that leads elsewhere is left alone; its machine is blocked, and the others go on."""
    job = seen.Migration(id="m", virtual_machine=vm_id("vm1"), kind="live", destination="Host3")
    fleet = a_fleet(a_host("Host1", a_vm("vm1"), a_vm("vm2"), migrations=(job,)), a_host("Host2"), a_host("Host3"))
    plan = plan_for(desired(to_host2(), desired_vm("vm2", "Host2")), fleet)
    assert blocked(plan) == {"vm1": "migrating"}
    assert story(plan) == ["liveMigration vm2 Host1 Host2"]


def test_unknown_machines_get_no_step_and_make_the_plan_incomplete() -> None:
    """A machine towards a silent host is counted as unknown; the rest is planned."""
    fleet = a_fleet(a_host("Host1", a_vm("vm1"), a_vm("vm2")), a_host("Host2", status="unreachable"), a_host("Host3"))
    plan = plan_for(desired(to_host2(), desired_vm("vm2", "Host3")), fleet)
    assert story(plan) == ["liveMigration vm2 Host1 Host3"]
    assert (plan.complete, plan.summary.unknown, blocked(plan)) == (False, 1, {})


NO_LIVE, NO_COPIES = migration(maximum_virtual_machine_migrations=0), migration(maximum_storage_migrations=0)
RAISED = HostMigrationSettings(maximum_virtual_machine_migrations=2, maximum_storage_migrations=2)
ELSEWHERE = stored(rf"{SHARE}\new\vm1")


@pytest.mark.parametrize(
    ("machine", "first", "second"),
    [
        (to_host2(), None, NO_LIVE),
        (to_host2(storage=ELSEWHERE), None, NO_COPIES),
        (desired_vm("vm1", "Host1", storage=ELSEWHERE), NO_COPIES, None),
    ],
    ids=["live", "live with storage", "storage"],
)
def test_a_host_that_may_run_no_such_migration_takes_no_part(
    machine: wanted_model.VirtualMachine, first: seen.HostMigration | None, second: seen.HostMigration | None
) -> None:
    """A limit of none blocks; where the plan raises it, the migration waits for that, and the audit sees nothing wrong."""
    hosts = [
        a_host(name, *on, migration=limits or migration())
        for name, on, limits in (("Host1", (a_vm("vm1"),), first), ("Host2", (), second))
    ]
    limited = "Host1" if first else "Host2"
    as_it_is = think(desired(machine, hosts=2), a_fleet(*hosts)).plan
    assert blocked(as_it_is) == {"vm1": "no-host"}
    raised = think(desired(machine, desired_host(limited, migration=RAISED), hosts=2), a_fleet(*hosts)).plan
    assert story(raised)[0].split() == ["configureHost", limited]
    assert step_of(raised, "vm1").depends_on == ("s1",)


def test_a_cluster_without_any_slot_gets_some_before_its_machines_move() -> None:
    """The cluster's own limit is none, and raised by the plan: that is no reason to leave the machine where it is."""
    cluster = wanted_model.Cluster("C1", source("C1"), "c1.contoso.com", 2, ("Host1", "Host2"))
    nodes = [desired_host(name, cluster="C1") for name in cluster.hosts]
    shown = seen.Cluster(name="C1", maximum_parallel_migrations=0)
    fleet = a_fleet(a_host("Host1", a_vm("vm1"), cluster="C1"), a_host("Host2", cluster="C1"), clusters=(shown,))
    plan = think(desired(to_host2(), cluster, *nodes), fleet).plan
    assert story(plan) == ["configureCluster C1", "liveMigration vm1 Host1 Host2"]
    assert step_of(plan, "vm1").depends_on == ("s1",)

"""Where each managed machine stands, and which differences are published."""

from datetime import timedelta
from random import Random

import pytest

from reconciler.cycle import think
from reconciler.diff import find_drift, machines
from reconciler.model import desired as wanted
from reconciler.model import observation as seen
from reconciler.model.desired import DiskPlacement, Hold, HostMigrationSettings, Policy
from reconciler.model.drift import Drift, MachineStatus
from reconciler.model.observation import Observation
from reconciler.model.words import Enforcement, Handling, MigrationKind, PerformanceOption, RuleType
from tests.builders import (
    OBSERVED_AT,
    SHARE,
    a_fleet,
    a_host,
    a_vm,
    apart,
    desired,
    desired_host,
    desired_vm,
    migration,
    source,
    stored,
    vm_id,
)


def status_of(machine: wanted.VirtualMachine, fleet: Observation, hosts: int = 2) -> MachineStatus:
    return find_drift(desired(machine, hosts=hosts), fleet).machines[0].status


def job(name: str, destination: str | None, kind: MigrationKind = MigrationKind.LIVE, state: str = "Running") -> seen.Migration:
    return seen.Migration(id="m1", virtual_machine=vm_id(name), kind=kind, destination=destination, state=state)


def fields(drift: Drift) -> dict[str, str]:
    return {entry.field: entry.handling.value for entry in drift.entries}


def test_in_place_by_placement_and_storage_alone() -> None:
    """A machine on its host with its files below the folder asked for is in place, and nothing is published."""
    drift = find_drift(desired(desired_vm("vm1", "Host1", storage=stored(rf"{SHARE}\VM1")), hosts=2), a_fleet())
    assert drift.machines[0].status is MachineStatus.IN_PLACE
    assert not drift.entries


def test_names_compare_without_case() -> None:
    """Host and machine names are one name in any case."""
    assert status_of(desired_vm("VM1", "HOST1"), a_fleet()) is MachineStatus.IN_PLACE


def test_another_host_is_misplaced() -> None:
    """The entry says which field asked, what was asked and what is."""
    drift = find_drift(desired(desired_vm("vm1", "Host2"), hosts=2), a_fleet())
    assert drift.machines[0].status is MachineStatus.MISPLACED
    entry = drift.entries[0]
    assert (entry.field, entry.desired, entry.observed) == ("placement.host", "Host2", "Host1")
    assert entry.because == "desired-state/vm1.yaml:1"


def test_a_short_server_name_is_not_its_fqdn() -> None:
    """Files on the short name are not in the folder asked for by FQDN."""
    fleet = a_fleet(a_host("Host1", a_vm("vm1", folder=r"\\fs1\vms\vm1")))
    drift = find_drift(desired(desired_vm("vm1", storage=stored(rf"{SHARE}\vm1")), hosts=1), fleet)
    assert {file.file for file in drift.machines[0].files} == {"configuration", "checkpoints", "smartPaging", "vm1.vhdx"}


def test_one_disk_alone() -> None:
    """Only the VHD that is named is compared where nothing else is given."""
    storage = stored(disks=(DiskPlacement("vm1.vhdx", r"\\fs2.contoso.com\data\vm1"),))
    drift = find_drift(desired(desired_vm("vm1", storage=storage), hosts=2), a_fleet())
    assert [(file.file, file.field) for file in drift.machines[0].files] == [("vm1.vhdx", "storage.disks")]


def test_a_disk_that_no_machine_has_is_told() -> None:
    """A file name that matches no disk is a warning, never a step."""
    storage = stored(disks=(DiskPlacement("typo.vhdx", rf"{SHARE}\vm1"),))
    drift = find_drift(desired(desired_vm("vm1", storage=storage), hosts=2), a_fleet())
    assert [problem.code for problem in drift.problems] == ["no-such-disk"]


def test_unseen_is_unknown_while_a_host_is_silent() -> None:
    """A machine seen nowhere is unknown while one host did not answer, and missing once all did."""
    silent = a_host("Host2", status="unreachable", problem="timed out")
    assert status_of(desired_vm("vm9", "Host1"), a_fleet(a_host("Host1"), silent)) is MachineStatus.UNKNOWN
    assert status_of(desired_vm("vm9", "Host1"), a_fleet(a_host("Host1"), a_host("Host2"))) is MachineStatus.MISSING


def test_a_host_that_was_not_surveyed_counts_as_silent() -> None:
    """A host that the desired state names and the observation lacks makes unseen machines unknown."""
    assert status_of(desired_vm("vm9", "Host1"), a_fleet(a_host("Host1"))) is MachineStatus.UNKNOWN


def test_an_unreachable_destination_makes_a_misplaced_machine_unknown() -> None:
    """Nothing is planned towards a host that cannot be seen; the machine is unknown, and problems say why."""
    fleet = a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2", status="unreachable"))
    drift = find_drift(desired(desired_vm("vm1", "Host2"), hosts=2), fleet)
    assert drift.machines[0].status is MachineStatus.UNKNOWN
    assert {problem.subject for problem in drift.problems} == {"host/Host2", "virtualMachine/vm1"}


def test_a_null_path_is_unknown_not_drift() -> None:
    """A path that the host left null is neither in place nor out of place."""
    machine = a_vm("vm1", configuration_path=None)
    assert (
        status_of(desired_vm("vm1", storage=stored(rf"{SHARE}\vm1")), a_fleet(a_host("Host1", machine)), 1)
        is MachineStatus.UNKNOWN
    )


def test_one_name_on_two_ids_is_ambiguous_until_an_id_is_given() -> None:
    """The name alone says nothing; the VMId settles it."""
    twin = a_vm("vm1", id=vm_id("twin"))
    fleet = a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2", twin))
    assert status_of(desired_vm("vm1", "Host1"), fleet) is MachineStatus.AMBIGUOUS
    assert status_of(desired_vm("vm1", "Host1", id=vm_id("vm1")), fleet) is MachineStatus.IN_PLACE


def test_two_documents_for_one_machine_are_ambiguous() -> None:
    """Two managed machines that mean one VMId would fight; neither is touched."""
    both = (desired_vm("vm1", "Host1"), desired_vm("other", "Host2", id=vm_id("vm1")))
    drift = find_drift(desired(*both, hosts=2), a_fleet())
    assert {machine.status for machine in drift.machines} == {MachineStatus.AMBIGUOUS}


def test_one_id_on_two_hosts_is_a_duplicate_unless_it_is_moving() -> None:
    """Seen on both hosts with a migration between them it is moving; without one somebody copied it."""
    twice = (a_host("Host1", a_vm("vm1")), a_host("Host2", a_vm("vm1")))
    assert status_of(desired_vm("vm1", "Host2"), a_fleet(*twice)) is MachineStatus.DUPLICATE
    moving = a_host("Host1", a_vm("vm1"), migrations=(job("vm1", "Host2"),))
    assert status_of(desired_vm("vm1", "Host2"), a_fleet(moving, twice[1])) is MachineStatus.MOVING


@pytest.mark.parametrize(
    ("destination", "status"),
    [("Host2", MachineStatus.MOVING), ("host2.contoso.com", MachineStatus.MOVING), ("Host3", MachineStatus.FOREIGN)],
)
def test_running_migrations_are_adopted_where_they_lead_home(destination: str, status: MachineStatus) -> None:
    """Whoever started it: towards the desired host it is adopted, by name or by address; elsewhere it is foreign."""
    hosts = (a_host("Host1", a_vm("vm1"), migrations=(job("vm1", destination),)), a_host("Host2"), a_host("Host3"))
    assert status_of(desired_vm("vm1", "Host2"), a_fleet(*hosts), 3) is status


def test_an_ended_migration_does_not_count() -> None:
    """A job still listed after its end holds nobody."""
    ended = a_host("Host1", a_vm("vm1"), migrations=(job("vm1", "Host3", state="Exception"),))
    assert status_of(desired_vm("vm1", "Host2"), a_fleet(ended, a_host("Host2"))) is MachineStatus.MISPLACED


def test_a_hold_counts_until_it_ends() -> None:
    """A held machine out of place is held and published as such; a hold that is over is none."""
    held = Hold("visit", "ops", OBSERVED_AT + timedelta(hours=1))
    over = Hold("visit", "ops", OBSERVED_AT - timedelta(hours=1))
    drift = find_drift(desired(desired_vm("vm1", "Host2", hold=held), hosts=2), a_fleet())
    assert drift.machines[0].status is MachineStatus.HELD
    assert drift.entries[0].handling is Handling.HOLD
    assert status_of(desired_vm("vm1", "Host2", hold=over), a_fleet()) is MachineStatus.MISPLACED


def test_only_given_host_settings_are_compared() -> None:
    """A setting nobody gave is not managed; one that was not observed is left alone."""
    asked = HostMigrationSettings(performance_option=PerformanceOption.SMB, maximum_storage_migrations=4)
    fleet = a_fleet(a_host("Host1", migration=migration(maximum_storage_migrations=None)))
    drift = find_drift(desired(desired_host("Host1", migration=asked), hosts=1), fleet)
    assert fields(drift) == {"migration.performanceOption": "correct"}


def test_a_cluster_limit_wins_over_its_nodes() -> None:
    """Of a node whose cluster has a limit, the live limit is never changed; the cluster's is."""
    node = desired_host("Host1", cluster="C1", migration=HostMigrationSettings(maximum_virtual_machine_migrations=4))
    cluster = wanted.Cluster("C1", source("C1"), "c1", maximum_parallel_migrations=3)
    fleet = a_fleet(a_host("Host1", cluster="C1"), clusters=(seen.Cluster(name="C1", maximum_parallel_migrations=2),))
    drift = find_drift(desired(node, cluster, hosts=1), fleet)
    assert [(entry.subject, entry.field) for entry in drift.entries] == [("cluster/C1", "maximumParallelMigrations")]


@pytest.mark.parametrize(
    ("asked", "has", "entry"), [(True, False, True), (False, True, False), (True, True, None), (None, False, None)]
)
def test_high_availability_is_compared_on_cluster_nodes(asked: bool | None, has: bool, entry: bool | None) -> None:
    """A missing role and a role too many are drift; high availability that nobody asked about is not."""
    fleet = a_fleet(a_host("Host1", a_vm("vm1", highly_available=has), cluster="C1"))
    drift = find_drift(desired(desired_vm("vm1", "Host1", high_availability=asked), hosts=1), fleet)
    assert [one.desired for one in drift.entries] == ([] if entry is None else [entry])
    assert drift.machines[0].status is MachineStatus.IN_PLACE


def test_a_broken_rule_is_drift_of_its_own() -> None:
    """Mates on one host break a required rule now, unmanaged and stopped ones counted; a preferred rule is no drift."""
    fleet = a_fleet(a_host("Host1", a_vm("vm1", state="Off"), a_vm("vm2")))
    machines = (desired_vm("vm1", "Host1"),)
    assert [entry.subject for entry in find_drift(desired(*machines, apart("vm1", "vm2"), hosts=1), fleet).entries] == [
        "placementRule/spread"
    ]
    wished = wanted.PlacementRule("wish", source("w"), RuleType.ANTI_AFFINITY, ("vm1", "vm2"), "host", Enforcement.PREFERRED)
    assert not find_drift(desired(*machines, wished, hosts=1), fleet).entries


def test_unmanaged_machines_are_named() -> None:
    """What the desired state does not name is listed, and nothing else happens to it."""
    drift = find_drift(desired(desired_vm("vm1", "Host1"), hosts=2), a_fleet())
    assert [(one.name, one.host) for one in drift.unmanaged] == [("vm2", "Host2")]


def test_handling_comes_from_the_policy_for_hosts() -> None:
    """With drift: report in the policy, host settings are published as reported."""
    host = desired_host("Host1", migration=HostMigrationSettings(enabled=False))
    drift = find_drift(desired(host, Policy(drift=Handling.REPORT), hosts=1), a_fleet(a_host("Host1")))
    assert fields(drift) == {"migration.enabled": "report"}


NOBODY = a_fleet(a_host("Host1"), a_host("Host2"))
TWO_OF_A_NAME = a_fleet(a_host("Host1", a_vm("vm1", id="1" * 32)), a_host("Host2", a_vm("vm1", id="2" * 32)))


@pytest.mark.parametrize("fleet", [NOBODY, TWO_OF_A_NAME])
@pytest.mark.parametrize(
    ("machine", "handling"),
    [
        (desired_vm("vm1", "Host1", drift=Handling.REPORT), Handling.REPORT),
        (desired_vm("vm1", "Host1", hold=Hold("visit", "ops@contoso.com")), Handling.HOLD),
    ],
)
def test_a_machine_that_is_left_alone_and_not_found_is_still_told_of(
    fleet: Observation, machine: wanted.VirtualMachine, handling: Handling
) -> None:
    """It is not blocked, for nothing is to be done; were it not listed, the audit would refuse the plan for forgetting it."""
    thought = think(desired(machine, hosts=2), fleet)

    assert fields(thought.drift) == {"metadata.name": handling.value}
    assert "vm1" in str(thought.drift.entries[0].desired)
    assert thought.plan.blocked == ()


def a_situation(chance: Random) -> tuple[wanted.Desired, Observation]:
    """Two machines, mostly in place, with something about one of them now and then that has to be weighed."""
    rarely = (False, False, False, True)
    vms = [a_vm(name, highly_available=chance.choice((None, False, True))) for name in ("vm1", "vm2")]
    if chance.choice(rarely):
        vms[0] = vms[0].model_copy(update={"configuration_path": chance.choice((None, r"D:\vm1"))})
    jobs = (job("vm1", chance.choice((None, "Host1", "Host2"))),) if chance.choice(rarely) else ()
    first = a_host("Host1", *vms[: chance.choice((2, 2, 1))], migrations=jobs, cluster=chance.choice((None, "Cluster1")))
    second = a_host("Host2", *(vms if chance.choice(rarely) else ()), status=chance.choice(("ok", "ok", "partial")))
    asked = [
        desired_vm(
            name,
            chance.choice(("Host1", "host1", ("Host1", "Host2"), None, "Host2")),
            id=chance.choice((vm_id(name), vm_id(name), vm_id("vm1"), None)),
            storage=stored(chance.choice((None, None, rf"{SHARE}\vm1", r"D:\vm1"))),
            high_availability=chance.choice((None, None, False, True)),
            drift=chance.choice((Handling.CORRECT, Handling.REPORT)),
            hold=Hold("visit", "ops", OBSERVED_AT + timedelta(hours=chance.choice((-1, 1)))) if chance.choice(rarely) else None,
        )
        for name in ("vm1", "vm2")
    ]
    return desired(desired_host("Host1", maintenance=chance.choice(rarely)), *asked, hosts=2), a_fleet(first, second)


def test_what_is_in_place_at_first_sight_is_so_at_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """The short way past machines about which there is nothing to weigh gives what the long way gives."""
    cases = [a_situation(Random(seed)) for seed in range(1000)]
    quick = [find_drift(*case) for case in cases]
    monkeypatch.setattr(machines, "_surely_in_place", lambda *_: None)
    assert [find_drift(*case) for case in cases] == quick

"""Combined migrations taken in two: only where the policy likes it and it saves time."""

from dataclasses import replace

from reconciler.audit import audit
from reconciler.model.desired import Desired, Planning, Policy, VirtualMachineMigration
from reconciler.model.observation import Observation
from reconciler.model.plan import Plan
from reconciler.model.words import Action, MigrationKind
from tests.builders import SHARE, a_fleet, a_host, a_vm, desired, desired_vm, stored
from tests.unit.plan.planning import plan_for, step_of, story

SPLIT = Policy(planning=Planning(split_combined_migrations=True))
LOCAL = [f"local{number}" for number in (1, 2)]
SHARED = [f"vm{number}" for number in (1, 2, 3, 4)]


def a_drain(**local: object) -> tuple[Desired, Observation]:
    """Return a host with two machines that take their local files along, and four that would wait for their slots."""
    machines = [*(a_vm(name, folder=rf"D:\VMs\{name}", gib=40) for name in LOCAL), *(a_vm(name) for name in SHARED)]
    wanted = [desired_vm(name, "Host2", storage=stored(rf"{SHARE}\{name}"), **local) for name in LOCAL]
    wanted += [desired_vm(name, "Host2") for name in SHARED]
    return desired(*wanted, hosts=2), a_fleet(a_host("Host1", *machines), a_host("Host2"))


def planned(case: tuple[Desired, Observation], policy: Policy) -> Plan:
    wanted, fleet = replace(case[0], policy=policy), case[1]
    plan = plan_for(wanted, fleet)
    assert audit(plan, wanted, fleet) == ()
    return plan


def test_a_combined_migration_is_taken_in_two_where_that_saves_time() -> None:
    """The files leave while others use the live slots; it counts the same, and the machine waits for its files."""
    one, two = planned(a_drain(), Policy()), planned(a_drain(), SPLIT)
    assert story(one)[:1] == ["liveMigrationWithStorage local1 Host1 Host2"]
    assert [line for line in story(two) if "local1" in line] == [
        "storageMigration local1 Host1",
        "liveMigration local1 Host1 Host2",
    ]
    assert list(step_of(two, "local1").dependency_reasons.values()) == ["its files move first"]
    assert (two.summary.migrations, two.summary.proof) == (one.summary.migrations, one.summary.proof)
    assert two.summary.estimated_seconds < one.summary.estimated_seconds


def test_nothing_is_split_where_it_saves_nothing() -> None:
    """Alone on its hosts, a combined migration is as quick as its two parts."""
    fleet = a_fleet(a_host("Host1", a_vm("local1", folder=r"D:\VMs\local1")), a_host("Host2"))
    case = desired(desired_vm("local1", "Host2", storage=stored(rf"{SHARE}\local1")), hosts=2), fleet
    assert story(planned(case, SPLIT)) == ["liveMigrationWithStorage local1 Host1 Host2"]


def test_nothing_is_split_that_its_machine_does_not_allow_apart() -> None:
    """``migration.allow`` without storage keeps host and files together."""
    allowed = VirtualMachineMigration(allow=frozenset({MigrationKind.LIVE, MigrationKind.LIVE_WITH_STORAGE}))
    assert "liveMigrationWithStorage local1 Host1 Host2" in story(planned(a_drain(migration=allowed), SPLIT))


def test_after_its_files_have_moved_the_rest_is_a_plain_live_migration() -> None:
    """Planning again after the first part gives the second, so nothing is lost by stopping between them."""
    wanted, fleet = a_drain()
    moved = [machine.model_copy(update=dict(a_vm(machine.name))) for machine in fleet.hosts[0].virtual_machines]
    again = a_fleet(a_host("Host1", *moved), a_host("Host2"))
    plan = plan_for(replace(wanted, policy=SPLIT), again)
    assert "liveMigration local1 Host1 Host2" in story(plan)


def test_files_go_first_where_a_machine_allows_no_combined_migration() -> None:
    """It may go live and have its files moved, only not both at once; both hosts reach the share that they go to."""
    wanted, fleet = a_drain()
    kinds = frozenset({MigrationKind.LIVE, MigrationKind.STORAGE})
    apart = tuple(replace(one, migration=VirtualMachineMigration(allow=kinds)) for one in wanted.virtual_machines)
    plan = planned((replace(wanted, virtual_machines=apart), fleet), Policy(planning=Planning(split_combined_migrations=False)))
    files, host = story(plan)[0], step_of(plan, "local1")
    assert (files, host.action, host.storage) == ("storageMigration local1 Host1", Action.LIVE_MIGRATION, ())
    assert plan.summary.migrations == plan.summary.needed_migrations == 8

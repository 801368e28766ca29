"""The safe sequence: what waits for what, how rings are broken, and what is left out when there is no room."""

import pytest

from reconciler.audit import audit
from reconciler.cycle import think
from reconciler.model import observation as seen
from reconciler.model import paths
from reconciler.model.desired import Desired, HostMigrationSettings, StorageLocation, VirtualMachineMigration
from reconciler.model.plan import MachineStep
from reconciler.model.words import Proof, WhenOff
from tests.builders import (
    GIB,
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
)
from tests.unit.plan.planning import blocked, plan_for, step_of, story


def test_an_arrival_waits_for_the_departure_that_makes_room() -> None:
    """The dependency says which host lacks how much until then."""
    fleet = a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2", a_vm("vm2"), available_mib=1024), a_host("Host3"))
    plan = plan_for(desired(desired_vm("vm1", "Host2"), desired_vm("vm2", "Host3")), fleet)
    assert story(plan) == ["liveMigration vm2 Host2 Host3", "liveMigration vm1 Host1 Host2"]
    assert plan.steps[1].depends_on == ("s1",)
    assert plan.steps[1].dependency_reasons == {"s1": "Host2 lacks 3 GiB until then"}


def test_the_reserve_is_kept() -> None:
    """Room is what is available less the reserve; nobody leaves a host because it is below its own."""
    tight = desired_host("Host2", reserve_memory_mib=62000)
    plan = plan_for(desired(desired_vm("vm1", "Host2"), desired_vm("vm2", "Host2"), tight, hosts=2))
    assert blocked(plan) == {"vm1": "no-room"}
    assert story(plan) == []


def test_machines_on_their_way_take_room() -> None:
    """A running migration's memory is spoken for at its destination."""
    job = seen.Migration(id="m", virtual_machine=a_vm("vm2").id, kind="live", destination="Host2")
    fleet = a_fleet(a_host("Host1", a_vm("vm1"), a_vm("vm2"), migrations=(job,)), a_host("Host2", available_mib=6000))
    assert blocked(plan_for(desired(desired_vm("vm1", "Host2"), desired_vm("vm2", "Host2"), hosts=2), fleet)) == {
        "vm1": "no-room"
    }


def test_an_arrival_may_count_on_a_machine_that_is_leaving_already() -> None:
    """While a departure is on its way the rest of the plan stays as it was, and the audit agrees to it."""
    job = seen.Migration(id="m", virtual_machine=a_vm("vm2").id, kind="live", destination="Host3")
    full = a_host("Host2", a_vm("vm2"), available_mib=0, migrations=(job,))
    wanted = desired(desired_vm("vm1", "Host2"), desired_vm("vm2", "Host3"))
    assert story(think(wanted, a_fleet(a_host("Host1", a_vm("vm1")), full, a_host("Host3"))).plan) == [
        "liveMigration vm1 Host1 Host2"
    ]


def test_stopped_machines_need_no_memory() -> None:
    """An offline move takes none; started first, it does, at both ends."""
    full = (a_host("Host1", a_vm("vm1", state="Off"), available_mib=0), a_host("Host2", available_mib=0))
    assert story(plan_for(desired(desired_vm("vm1", "Host2"), hosts=2), a_fleet(*full))) == ["offlineMigration vm1 Host1 Host2"]


def ring(length: int, spare: int) -> seen.Observation:
    hosts = [a_host(f"Host{n}", a_vm(f"vm{n}"), available_mib=0) for n in range(1, length + 1)]
    return a_fleet(*hosts, a_host(f"Host{length + 1}", available_mib=spare))


@pytest.mark.parametrize("length", [2, 3, 5])
def test_a_ring_of_full_hosts_costs_one_hop(length: int) -> None:
    """One machine steps aside through a free host; the hop alone is marked, and proven to be needed."""
    machines = [desired_vm(f"vm{n}", f"Host{n % length + 1}") for n in range(1, length + 1)]
    plan = plan_for(desired(*machines, hosts=length + 1), ring(length, 4096))
    bypasses = [step for step in plan.steps if isinstance(step, MachineStep) and step.bypass]
    assert [step.destination for step in bypasses] == [f"Host{length + 1}"]
    assert (plan.summary.migrations, plan.summary.needed_migrations, blocked(plan)) == (length + 1, length + 1, {})


def test_a_ring_without_any_room_is_blocked() -> None:
    """Nobody can step aside, so nobody moves, and each is told which ring it is in."""
    plan = plan_for(desired(desired_vm("vm1", "Host2"), desired_vm("vm2", "Host1")), ring(2, 1024))
    assert blocked(plan) == {"vm1": "cycle", "vm2": "cycle"}
    assert all(entry.proven for entry in plan.blocked)


@pytest.mark.parametrize("pairs", [2, 7, 20])
def test_each_swap_between_full_hosts_costs_one_hop(pairs: int) -> None:
    """Pairs that share one spare host are broken one by one, each with its own hop and no more."""
    hosts = [a_host(f"Host{n}", a_vm(f"vm{n}"), available_mib=0) for n in range(1, 2 * pairs + 1)]
    machines = [desired_vm(f"vm{n}", f"Host{n + 1 if n % 2 else n - 1}") for n in range(1, 2 * pairs + 1)]
    spare = a_host(f"Host{2 * pairs + 1}", available_mib=4096)
    plan = plan_for(desired(*machines, hosts=2 * pairs + 1), a_fleet(*hosts, spare))
    assert (plan.summary.needed_migrations, plan.summary.migrations, blocked(plan)) == (3 * pairs, 3 * pairs, {})


def test_a_machine_that_is_home_may_be_parked() -> None:
    """Where only a settled machine can make way, it leaves and comes back, both marked as bypass."""
    big = a_vm("vm1", memory_mib=8192), a_vm("vm2", memory_mib=8192)
    hosts = (
        a_host("Host1", big[0], a_vm("vm3", memory_mib=4096), available_mib=4096),
        a_host("Host2", big[1], available_mib=0),
        a_host("Host3", available_mib=4096),
    )
    wanted = desired(desired_vm("vm1", "Host2"), desired_vm("vm2", "Host1"), desired_vm("vm3", "Host1"))
    plan = plan_for(wanted, a_fleet(*hosts))
    parked = [step for step in plan.steps if isinstance(step, MachineStep) and step.virtual_machine.name == "vm3"]
    assert [(step.destination, step.bypass) for step in parked] == [("Host3", True), ("Host1", True)]
    assert (plan.summary.needed_migrations, plan.summary.migrations, blocked(plan)) == (4, 4, {})


def swap_of_large_machines(*settled_mib: int, empty_mib: int = 2048) -> tuple[Desired, seen.Observation]:
    """Two machines of 16 GiB between full hosts; on each further host one that could step aside, beside 2 GiB of room.

    The last host is empty.
    """
    full = [a_host(f"Host{n}", a_vm(f"vm{n}", memory_mib=16384), available_mib=0) for n in (1, 2)]
    others = [
        a_host(f"Host{n}", a_vm(f"vm{n}", memory_mib=mib), available_mib=2048) for n, mib in enumerate(settled_mib, start=3)
    ]
    last = 3 + len(settled_mib)
    homes = [desired_vm(f"vm{n}", f"Host{n}") for n in range(3, last)]
    wanted = desired(desired_vm("vm1", "Host2"), desired_vm("vm2", "Host1"), *homes, hosts=last)
    return wanted, a_fleet(*full, *others, a_host(f"Host{last}", available_mib=empty_mib))


def test_a_hole_that_nobody_can_make_is_known_to_be_impossible() -> None:
    """Small machines may step aside in many ways; no host would ever have room for a large one, so that none needs trying."""
    plan = plan_for(*swap_of_large_machines(*[2048] * 12))
    assert blocked(plan) == {"vm1": "cycle", "vm2": "cycle"}
    assert all(entry.proven for entry in plan.blocked)


def test_a_hole_that_several_can_make_is_found() -> None:
    """One machine of 14 GiB makes it, for which another must make room first; all are home in the end."""
    plan = plan_for(*swap_of_large_machines(14336, 12288, 10240, empty_mib=12288))
    assert blocked(plan) == {}
    assert (plan.summary.needed_migrations, plan.summary.migrations) == (7, 7)


def test_disk_space_is_handed_on_like_memory() -> None:
    """A copy waits for another copy to free the volume it needs; reserved space is never used."""
    volume = seen.Volume(path="D:\\", size_bytes=100 * GIB, free_bytes=30 * GIB)
    host = a_host("Host1", a_vm("vm1"), a_vm("vm2", folder=r"D:\VMs\vm2"))
    host = host.model_copy(update={"storage": host.storage.model_copy(update={"volumes": (volume,)})})
    location = StorageLocation("local", source("local"), "D:\\VMs", reserve_free_percent=20)
    wanted = desired(
        desired_vm("vm1", storage=stored(r"D:\VMs\vm1")), desired_vm("vm2", storage=stored(rf"{SHARE}\vm2")), location, hosts=1
    )
    plan = plan_for(wanted, a_fleet(host))
    assert step_of(plan, "vm1").dependency_reasons == {step_of(plan, "vm2").id: "d: of Host1 lacks 10.0 GiB until then"}


def test_mates_never_meet_on_the_way() -> None:
    """A swap of two mates is a ring for the rule though memory abounds; one hop keeps them apart at each instant."""
    wanted = desired(desired_vm("vm1", "Host2"), desired_vm("vm2", "Host3"), apart("vm1", "vm2"))
    plan = plan_for(wanted, a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2", a_vm("vm2")), a_host("Host3")))
    assert story(plan) == ["liveMigration vm2 Host2 Host3", "liveMigration vm1 Host1 Host2"]
    assert plan.steps[1].dependency_reasons == {"s1": "rule spread keeps it apart from vm2 until then"}


def test_mates_pinned_together_name_each_other() -> None:
    """What only cannot be met is blocked, with the two machines and the rule; it never stops the rest."""
    fleet = a_fleet(a_host("Host1", a_vm("vm1"), a_vm("vm3")), a_host("Host2", a_vm("vm2")))
    wanted = desired(
        desired_vm("vm1", "Host2"), desired_vm("vm2", "Host2"), desired_vm("vm3", "Host2"), apart("vm1", "vm2"), hosts=2
    )
    plan = plan_for(wanted, fleet)
    assert blocked(plan) == {"vm1": "no-host"}
    assert "vm2" in plan.blocked[0].finding
    assert story(plan) == ["liveMigration vm3 Host1 Host2"]


def test_enabling_migration_comes_first() -> None:
    """A host whose migration this plan enables may be a destination, once it is enabled."""
    host = desired_host("Host2", migration=HostMigrationSettings(enabled=True))
    fleet = a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2", migration=migration(enabled=False)))
    plan = plan_for(desired(desired_vm("vm1", "Host2"), host, hosts=2), fleet)
    assert story(plan) == ["configureHost Host2", "liveMigration vm1 Host1 Host2"]
    assert plan.steps[1].depends_on == ("s1",)
    assert plan.steps[1].estimated_start_seconds >= plan.steps[0].estimated_seconds


def test_disabling_migration_comes_last() -> None:
    """Machines leave first; a host that is to be closed takes nobody in."""
    host = desired_host("Host1", migration=HostMigrationSettings(enabled=False))
    plan = plan_for(desired(desired_vm("vm1", "Host2"), desired_vm("vm2", "Host1"), host, hosts=2))
    assert story(plan) == ["liveMigration vm1 Host1 Host2", "configureHost Host1"]
    assert plan.steps[1].depends_on == ("s1",)
    assert blocked(plan) == {"vm2": "no-host"}


def test_estimates_respect_slots() -> None:
    """Never more than two live migrations at once between two hosts with the usual limit; the bound says so too."""
    names = [f"vm{n}" for n in range(1, 7)]
    fleet = a_fleet(a_host("Host1", *[a_vm(name) for name in names]), a_host("Host2"))
    plan = plan_for(desired(*[desired_vm(name, "Host2") for name in names], hosts=2), fleet)
    for step in plan.steps:
        during = [
            other
            for other in plan.steps
            if other.estimated_start_seconds
            <= step.estimated_start_seconds
            < other.estimated_start_seconds + other.estimated_seconds
        ]
        assert len(during) <= 2
    assert plan.summary.estimated_seconds == pytest.approx(plan.summary.lower_bound_seconds)


def test_priority_goes_first() -> None:
    """Where order is free, steps are numbered by priority, then by name."""
    urgent = desired_vm("vm2", "Host1")
    urgent = type(urgent)(urgent.name, urgent.source, placement=urgent.placement, migration=type(urgent.migration)(priority=90))
    assert story(plan_for(desired(desired_vm("vm1", "Host2"), urgent, hosts=2)))[0] == "liveMigration vm2 Host2 Host1"


def test_a_host_below_its_reserve_pays_its_debt_first() -> None:
    """Departures bring it back above the reserve before anybody arrives; the arrival waits for all of them."""
    fleet = a_fleet(
        a_host("Host1", a_vm("vm1")), a_host("Host2", a_vm("vm2"), a_vm("vm3"), available_mib=1000), a_host("Host3")
    )
    machines = (desired_vm("vm1", "Host2"), desired_vm("vm2", "Host3"), desired_vm("vm3", "Host3"))
    plan = plan_for(desired(*machines, desired_host("Host2", reserve_memory_mib=5096)), fleet)
    assert step_of(plan, "vm1").depends_on == (step_of(plan, "vm2").id, step_of(plan, "vm3").id)
    assert blocked(plan_for(desired(*machines[:2], desired_host("Host2", reserve_memory_mib=5096)), fleet)) == {
        "vm1": "no-room"
    }


def test_starting_a_machine_needs_room_where_it_stands() -> None:
    """Started before it moves, it takes memory at its source too."""
    starting = VirtualMachineMigration(when_off=WhenOff.START)
    fleet = a_fleet(a_host("Host1", a_vm("vm1", state="Off"), available_mib=1024), a_host("Host2"))
    plan = plan_for(desired(desired_vm("vm1", "Host2", migration=starting), hosts=2), fleet)
    assert story(plan) == []
    assert blocked(plan) == {"vm1": "no-room"}


def test_an_interim_stop_copies_nothing_that_may_wait() -> None:
    """A hop leaves the files where they are; the move that ends at home takes them to their folder."""
    fleet = ring(2, 4096)
    anew = [desired_vm(f"vm{n}", f"Host{3 - n}", storage=stored(rf"{SHARE}\new\vm{n}")) for n in (1, 2)]
    hop, last = [
        step for step in plan_for(desired(*anew), fleet).steps if isinstance(step, MachineStep) and step.subject.endswith("1")
    ]
    assert (hop.action, hop.bypass, hop.storage) == ("liveMigration", True, ())
    assert (last.action, last.bypass) == ("liveMigrationWithStorage", False)
    assert hop.id in last.depends_on


def test_each_machine_waits_for_its_own_hop() -> None:
    """Two rings: the second leg of a machine depends on its own first leg, not on another's."""
    hosts = [a_host(f"Host{n}", a_vm(f"vm{n}"), available_mib=0) for n in range(1, 5)]
    machines = [desired_vm(f"vm{one}", f"Host{other}") for one, other in {1: 2, 2: 1, 3: 4, 4: 3}.items()]
    plan = plan_for(desired(*machines, hosts=5), a_fleet(*hosts, a_host("Host5", available_mib=8192)))
    steps = [step for step in plan.steps if isinstance(step, MachineStep)]
    for hop in (step for step in steps if step.bypass):
        legs = [step for step in steps if step.subject == hop.subject]
        assert hop.id in legs[1].depends_on


def test_a_host_is_estimated_to_be_configured_before_it_is_used() -> None:
    """A setting that no migration needs is no dependency, and yet never changes beneath one in the timetable."""
    host = desired_host("Host2", migration=HostMigrationSettings(maximum_storage_migrations=4))
    plan = plan_for(desired(desired_vm("vm1", "Host2"), host, hosts=2))
    assert plan.steps[1].depends_on == ()
    assert plan.steps[1].estimated_start_seconds >= plan.steps[0].estimated_seconds


def two_full_volumes(*others: StorageLocation) -> tuple[Desired, seen.Observation]:
    """Two machines on one host whose files shall change places between two full volumes."""
    volumes = tuple(seen.Volume(path=path, size_bytes=50 * GIB, free_bytes=0) for path in ("D:\\", "E:\\"))
    host = a_host("Host1", a_vm("vm1", folder=r"D:\VMs\vm1"), a_vm("vm2", folder=r"E:\VMs\vm2"))
    host = host.model_copy(update={"storage": host.storage.model_copy(update={"volumes": volumes})})
    crossed = (desired_vm("vm1", storage=stored(r"E:\VMs\vm1")), desired_vm("vm2", storage=stored(r"D:\VMs\vm2")))
    return desired(*crossed, *others, hosts=1), a_fleet(host)


def test_a_ring_of_full_volumes_costs_one_interim_stop() -> None:
    """The files of one machine stop at a storage location that the host reaches, then go on; proven to be the least."""
    wanted, fleet = two_full_volumes(StorageLocation("parking", source("parking"), SHARE))
    plan = plan_for(wanted, fleet)
    parked = next(step for step in plan.steps if isinstance(step, MachineStep) and step.bypass)
    assert {paths.share_of(move.target) for move in parked.storage} == {paths.normal(SHARE)}
    assert (plan.summary.migrations, plan.summary.needed_migrations, plan.summary.proof) == (3, 3, Proof.MINIMAL)
    assert blocked(plan) == {}
    assert audit(plan, wanted, fleet) == ()


def test_a_ring_of_full_volumes_without_a_place_to_stop_is_blocked() -> None:
    """Nothing is moved, and both machines are told which ring they are in."""
    plan = plan_for(*two_full_volumes())
    assert blocked(plan) == {"vm1": "cycle", "vm2": "cycle"}


@pytest.mark.parametrize("how", ["seen twice", "on its way there, wanted elsewhere"])
def test_a_rule_keeps_off_wherever_its_other_member_may_be_now(how: str) -> None:
    """A machine that is handed over is seen at both ends; one on a way that nobody wants any more counts at both ends too."""
    job = seen.Migration(id="m", virtual_machine=a_vm("vm2").id, kind="live", destination="Host2")
    twice = how == "seen twice"
    fleet = a_fleet(
        a_host("Host1", a_vm("vm1")),
        a_host("Host2", *([a_vm("vm2")] if twice else [])),
        a_host("Host3", a_vm("vm2"), migrations=() if twice else (job,)),
    )
    wanted = desired(desired_vm("vm1", "Host2"), desired_vm("vm2", "Host3"), apart("vm1", "vm2"), hosts=3)

    plan = plan_for(wanted, fleet)

    assert story(plan) == []
    assert audit(plan, wanted, fleet) == ()


def test_a_machine_that_steps_aside_for_another_may_do_so_by_a_hop() -> None:
    """The flexible one may stand only where the other comes from and where it goes; a hop lets them pass."""
    wanted = desired(desired_vm("vm1", "Host1"), desired_vm("vm2", ("Host1", "Host2")), apart("vm1", "vm2"))
    small = a_host("Host3", available_mib=2048)
    fleet = a_fleet(a_host("Host1", a_vm("vm2", memory_mib=1024)), a_host("Host2", a_vm("vm1")), small)

    plan = plan_for(wanted, fleet)

    assert audit(plan, wanted, fleet) == ()
    assert story(plan) == ["liveMigration vm2 Host1 Host3", "liveMigration vm1 Host2 Host1", "liveMigration vm2 Host3 Host2"]


def test_who_may_go_to_several_hosts_can_take_the_room_that_another_left_by_stepping_aside() -> None:
    """Host2 has room for one of the two; the one that is in place goes there, and the other takes its place: one extra."""
    starting = VirtualMachineMigration(when_off=WhenOff.START)
    either = ("Host1", "Host2")
    wanted = desired(
        desired_vm("off", "Host4", migration=starting),
        desired_vm("settled", either),
        desired_vm("comes", either),
        hosts=4,
    )
    fleet = a_fleet(
        a_host("Host1", a_vm("off", state="Off", memory_mib=2048), a_vm("settled"), available_mib=0),
        a_host("Host2", available_mib=4096),
        a_host("Host3", a_vm("comes")),
        a_host("Host4"),
    )

    plan = think(wanted, fleet).plan

    assert (plan.summary.migrations, plan.summary.needed_migrations, plan.blocked) == (3, 3, ())
    assert plan.summary.proof is Proof.MINIMAL


def test_a_machine_whose_files_go_first_may_stop_where_only_their_new_place_is_within_reach() -> None:
    """Host3 has memory and no disk: only when the files of one lie on the share already can it wait there for the other."""
    wanted = desired(
        desired_vm("vm1", "Host2", storage=stored(rf"{SHARE}\vm1")),
        desired_vm("vm2", "Host1", storage=stored(rf"{SHARE}\vm2")),
    )
    no_disk = seen.HostStorage(volumes=(seen.Volume(path="D:\\", size_bytes=1000 * GIB, free_bytes=0),))
    fleet = a_fleet(
        a_host("Host1", a_vm("vm1", folder=r"D:\VMs\vm1"), available_mib=0),
        a_host("Host2", a_vm("vm2", folder=r"D:\VMs\vm2"), available_mib=0),
        a_host("Host3", storage=no_disk),
    )

    plan = think(wanted, fleet).plan

    assert (plan.summary.migrations, plan.summary.needed_migrations, plan.blocked) == (5, 5, ())


def test_two_stopped_machines_kept_apart_change_places_by_one_stop() -> None:
    """They take no memory, so it is their rule alone that wants a stop; one is enough, and not more is called needed."""
    fleet = a_fleet(
        *(a_host(f"Host{n}", a_vm(f"vm{n}", state="Off"), available_mib=0) for n in (1, 2)), a_host("Host3", available_mib=0)
    )
    plan = plan_for(desired(desired_vm("vm1", "Host2"), desired_vm("vm2", "Host1"), apart("vm1", "vm2")), fleet)
    assert (plan.summary.migrations, plan.summary.needed_migrations, blocked(plan)) == (3, 3, {})


def test_a_stop_is_made_only_where_every_rule_of_the_machine_sees_a_place() -> None:
    """Two full hosts change machines by the free third; of the two, the one that no rule by racks names stops there."""
    racks = [desired_host(f"Host{n}", labels={"rack": f"r{n}"}) for n in (1, 2)]
    fleet = a_fleet(*(a_host(f"Host{n}", a_vm(f"vm{n}"), available_mib=0) for n in (1, 2)), a_host("Host3"))
    swap = (desired_vm("vm1", "Host2"), desired_vm("vm2", "Host1"))
    plan = think(desired(*racks, *swap, apart("vm1", "other", topology="rack")), fleet).plan
    assert [step.subject for step in plan.steps if isinstance(step, MachineStep) and step.bypass] == ["virtualMachine/vm2"]
    stuck = think(desired(*racks, *swap, apart("vm1", "vm2", topology="rack")), fleet).plan
    assert blocked(stuck) == {"vm1": "cycle", "vm2": "cycle"}


def test_who_waits_for_machines_that_are_blocked_themselves_is_not_called_impossible() -> None:
    """Nobody searched for a way round: vm2 has no room to go to, so Host2 keeps it, and vm1 could come if vm3 stepped aside."""
    fleet = a_fleet(
        a_host("Host1", a_vm("vm1", memory_mib=6144)),
        a_host("Host2", a_vm("vm2"), a_vm("vm3"), available_mib=2048),
        a_host("Host3", available_mib=0),
    )
    wanted = desired(desired_vm("vm1", "Host2"), desired_vm("vm2", "Host3"), desired_vm("vm3", "Host2"))
    plan = think(wanted, fleet).plan
    (entry,) = [one for one in plan.blocked if one.subject == "virtualMachine/vm1"]
    assert (entry.code, entry.proven) == ("cycle", False)
    assert entry.finding == "Host2 would get room from vm2, but not all that have to leave can: see what keeps them"


def test_nobody_makes_way_for_a_machine_that_does_not_come_after_all() -> None:
    """Two are to come and two to make way; vm1 has no place for its files, so one is enough, and no more is called needed."""
    elsewhere = r"\\fs2.contoso.com\full"
    fleet = a_fleet(
        a_host("Host1", a_vm("vm1", memory_mib=2048), a_vm("vm2", memory_mib=4096)),
        a_host("Host2", a_vm("vm3", memory_mib=2048), a_vm("vm4", memory_mib=4096), available_mib=0),
        a_host("Host3"),
    )
    full = seen.Share(path=elsewhere, size_bytes=100 * GIB, free_bytes=0, hosts=("Host1", "Host2", "Host3"))
    fleet = fleet.model_copy(update={"shares": (*fleet.shares, full)})
    comers = (desired_vm("vm1", "Host2", storage=stored(rf"{elsewhere}\vm1")), desired_vm("vm2", "Host2"))
    plan = think(desired(*comers, desired_vm("vm3", ("Host2", "Host3")), desired_vm("vm4", ("Host2", "Host3"))), fleet).plan
    assert story(plan) == ["liveMigration vm4 Host2 Host3", "liveMigration vm2 Host1 Host2"]
    assert (blocked(plan), plan.summary.needed_migrations, plan.summary.proof) == ({"vm1": "no-room"}, 1, Proof.BOUNDED)

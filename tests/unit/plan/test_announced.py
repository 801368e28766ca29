"""Keeping to what was announced: on the way, while a machine makes an interim stop, and no longer than it serves."""

import pytest

from reconciler.audit import audit
from reconciler.clock import ManualClock
from reconciler.model import observation as seen
from reconciler.model.announced import AnnouncedMove, announced_by
from reconciler.model.desired import Desired, HostStorageSettings, StorageLocation
from reconciler.model.plan import MachineStep, Plan
from reconciler.model.words import MigrationKind
from reconciler.store import MemoryStore
from reconciler.store.plans import last_announced, record_plan
from tests.builders import (
    GIB,
    OBSERVED_AT,
    SHARE,
    a_fleet,
    a_host,
    a_vm,
    desired,
    desired_host,
    desired_vm,
    source,
    stored,
    vm_id,
)
from tests.unit.plan.planning import blocked, plan_for, step_of, story
from tests.unit.plan.test_order_and_room import two_full_volumes


def a_swap(*, spare: int = 2, **of_first: object) -> tuple[Desired, seen.Observation]:
    """Two machines between two full hosts, and hosts that have room for one of them."""
    hosts = [a_host("Host1", a_vm("vm1", **of_first), available_mib=0), a_host("Host2", a_vm("vm2"), available_mib=0)]  # type: ignore[arg-type]
    empty = [a_host(f"Host{n}", available_mib=4096 + n) for n in range(3, 3 + spare)]
    return desired(desired_vm("vm1", "Host2"), desired_vm("vm2", "Host1"), hosts=2 + spare), a_fleet(*hosts, *empty)


def parking(*names: str) -> list[StorageLocation]:
    return [StorageLocation(name, source(name), rf"{SHARE}\{name}") for name in names]


def hop_of(plan: Plan) -> MachineStep:
    return next(step for step in plan.steps if isinstance(step, MachineStep) and step.bypass)


def under_way(fleet: seen.Observation, step: MachineStep) -> seen.Observation:
    """The same fleet while a step's migration runs; its memory is held at both ends."""
    job = seen.Migration(
        id="j1", virtual_machine=step.virtual_machine.id, kind=MigrationKind.LIVE, destination=step.destination
    )
    hosts = [host.model_copy(update={"migrations": (job,)}) if host.name == step.source else host for host in fleet.hosts]
    return a_fleet(*hosts)


def test_while_a_machine_makes_its_stop_the_others_wait_and_are_told_for_whom() -> None:
    """Nothing is called impossible that only waits for an arrival."""
    wanted, fleet = a_swap()
    plan = plan_for(wanted, fleet)
    now = under_way(fleet, hop_of(plan))
    again = plan_for(wanted, now, plan)
    assert story(again) == []
    assert set(blocked(again).values()) == {"migrating"}
    stopping = next(one for one in again.blocked if one.id == hop_of(plan).virtual_machine.id)
    assert f"{hop_of(plan).destination}, the interim stop that was announced" in stopping.finding
    other = next(one for one in again.blocked if one.id != hop_of(plan).virtual_machine.id)
    assert "interim stop" in other.finding
    assert hop_of(plan).virtual_machine.name in other.finding
    assert not other.proven
    assert audit(again, wanted, now) == ()


def test_who_needs_nobodys_stop_goes_on_meanwhile() -> None:
    """Beside the swap a third machine has room where it goes: its move stands in the plan as before."""
    wanted, fleet = a_swap()
    beside = [a_host("Host8", a_vm("vm8"), available_mib=0), a_host("Host9", available_mib=4096)]
    wanted = desired(*wanted.virtual_machines, desired_vm("vm8", "Host9"), hosts=tuple(f"Host{n}" for n in (1, 2, 3, 4, 8, 9)))
    fleet = a_fleet(*fleet.hosts, *beside)
    plan = plan_for(wanted, fleet)
    assert story(plan_for(wanted, under_way(fleet, hop_of(plan)), plan)) == ["liveMigration vm8 Host8 Host9"]


def test_a_stop_is_made_where_it_was_announced_though_another_host_has_more_room_by_now() -> None:
    """Both hosts would do; people have read of the first."""
    wanted, fleet = a_swap()
    plan = plan_for(wanted, fleet)
    other = "Host3" if hop_of(plan).destination == "Host4" else "Host4"
    roomy = [h.model_copy(update={"available_memory_mib": 65536}) if h.name == other else h for h in fleet.hosts]
    assert hop_of(plan_for(wanted, a_fleet(*roomy))).destination == other
    assert story(plan_for(wanted, a_fleet(*roomy), plan)) == story(plan)


def test_room_for_everybody_ends_the_detour() -> None:
    """What was announced is not kept to for its own sake: with room for a direct move there is no stop."""
    wanted, fleet = a_swap()
    plan = plan_for(wanted, fleet)
    roomy = a_fleet(*(host.model_copy(update={"available_memory_mib": 8192}) for host in fleet.hosts))
    assert sorted(story(plan_for(wanted, roomy, plan))) == ["liveMigration vm1 Host1 Host2", "liveMigration vm2 Host2 Host1"]


def test_a_stop_that_is_not_possible_any_more_is_made_elsewhere() -> None:
    """The announced host has no room left: the plan is made anew."""
    wanted, fleet = a_swap()
    plan = plan_for(wanted, fleet)
    full = [h.model_copy(update={"available_memory_mib": 0}) if h.name == hop_of(plan).destination else h for h in fleet.hosts]
    again = plan_for(wanted, a_fleet(*full), plan)
    assert hop_of(again).destination != hop_of(plan).destination
    assert (again.summary.migrations, blocked(again)) == (3, {})


def test_another_wish_is_another_plan() -> None:
    """One of the two is wanted where it is: nothing of the announced plan is left to do."""
    wanted, fleet = a_swap()
    plan = plan_for(wanted, fleet)
    assert story(plan_for(desired(desired_vm("vm1", "Host1"), desired_vm("vm2", "Host2"), hosts=4), fleet, plan)) == []


def test_a_machine_in_place_that_stepped_aside_and_is_back_does_not_step_aside_again() -> None:
    """Its part of the announced plan is over; who needed its room has got it."""
    big = a_vm("vm1", memory_mib=8192), a_vm("vm2", memory_mib=8192)
    before = (
        a_host("Host1", big[0], a_vm("vm3"), available_mib=4096),
        a_host("Host2", big[1], available_mib=0),
        a_host("Host3", available_mib=4096),
    )
    wanted = desired(desired_vm("vm1", "Host2"), desired_vm("vm2", "Host1"), desired_vm("vm3", "Host1"))
    plan = plan_for(wanted, a_fleet(*before))
    assert len(story(plan)) == 4
    after = (a_host("Host1", a_vm("vm3"), big[1]), a_host("Host2", available_mib=0), a_host("Host3", big[0], available_mib=0))
    assert story(plan_for(wanted, a_fleet(*after), plan)) == []  # Host2 has no room: blocked, and nobody steps aside for that


def test_files_stop_where_it_was_announced() -> None:
    """A stop of files is kept to like that of a machine."""
    wanted, fleet = two_full_volumes()
    with_two = desired(*wanted.virtual_machines, *parking("A", "B"), hosts=1)
    plan = plan_for(with_two, fleet)
    with_more = desired(*wanted.virtual_machines, *parking("A", "B", "0"), hosts=1)
    fresh, again = plan_for(with_more, fleet), plan_for(with_more, fleet, plan)
    assert hop_of(fresh).storage != hop_of(plan).storage
    assert hop_of(again).storage == hop_of(plan).storage


def test_what_was_announced_survives_a_restart() -> None:
    """It is read from the last plan recorded that says more than those after it."""
    wanted, fleet = a_swap()
    store, plan = MemoryStore(ManualClock(OBSERVED_AT)), plan_for(*a_swap())
    record_plan(store, plan)
    record_plan(store, plan_for(wanted, under_way(fleet, hop_of(plan)), plan))
    assert len(store.entries(kinds=("planned",))) == 2
    assert last_announced(store) == announced_by(plan.steps)


@pytest.mark.parametrize("move", [AnnouncedMove(vm_id("vm1"), "Host1", None, frozenset({("a.vhdx", "d:\\x")}), bypass=True)])
def test_an_announced_move_is_written_down_whole(move: AnnouncedMove) -> None:
    """What is read back is what was written."""
    assert AnnouncedMove.read(move.to_json()) == move


def test_room_for_the_way_back_is_given_to_no_newcomer_that_nobody_placed() -> None:
    """While files are at their interim stop there is room on the drive they come back to: others go where announced."""
    host = desired_host("Host1", storage=HostStorageSettings(locations=(r"D:\VMs", SHARE)))
    wanted = desired(desired_vm("comer", "Host1"), desired_vm("stays", "Host1", storage=stored(r"D:\New\stays")), host, hosts=2)
    comer = a_host("Host2", a_vm("comer", folder=r"D:\VMs\comer", gib=90))
    full = a_fleet(a_host("Host1", a_vm("stays", folder=r"D:\VMs\stays", gib=100), storage=a_drive(0)), comer)
    plan = plan_for(wanted, full)
    assert story(plan) == [
        "liveMigrationWithStorage comer Host2 Host1",
        "storageMigration stays Host1",
        "storageMigration stays Host1",
    ]
    stop = next(move.target.rpartition("\\")[0] for move in hop_of(plan).storage if move.bytes)
    at_stop = a_vm("stays", folder=r"D:\VMs\stays", disks=(seen.Disk(path=rf"{stop}\stays.vhdx", file_bytes=100 * GIB),))
    again = plan_for(wanted, a_fleet(a_host("Host1", at_stop, storage=a_drive(100)), comer), plan)
    assert story(again) == story(plan)[:2]
    assert step_of(again, "comer").storage == step_of(plan, "comer").storage
    assert step_of(again, "stays").storage[-1].target == step_of(plan, "stays").storage[-1].target


def test_who_was_left_out_takes_no_room_of_one_that_was_announced() -> None:
    """Both are pinned to one host, which has room for the small one; once another has left, the large one would fit instead."""
    large, small = a_vm("a", memory_mib=8192), a_vm("b")
    wanted = desired(desired_vm("a", "Host2"), desired_vm("b", "Host2"), desired_vm("leaver", "Host3"))
    fleet = a_fleet(a_host("Host1", large, small), a_host("Host2", a_vm("leaver"), available_mib=4096), a_host("Host3"))
    plan = plan_for(wanted, fleet)
    assert story(plan) == ["liveMigration b Host1 Host2", "liveMigration leaver Host2 Host3"]
    gone = a_fleet(a_host("Host1", large, small), a_host("Host2", available_mib=8192), a_host("Host3", a_vm("leaver")))
    again = plan_for(wanted, gone, plan)
    assert story(again) == ["liveMigration b Host1 Host2"]
    assert audit(again, wanted, gone) == ()


def a_drive(free_gib: int) -> seen.HostStorage:
    volume = seen.Volume(path="D:\\", size_bytes=1000 * GIB, free_bytes=free_gib * GIB)
    return seen.HostStorage(virtual_machine_path=r"D:\VMs", virtual_hard_disk_path=r"D:\VMs", volumes=(volume,))

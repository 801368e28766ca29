"""How migrations run in the simulated fleet, from start to end."""

from reconciler.hosts.port import CancelMigration, ListMigrations, StartMigration
from reconciler.model.observation import HostMigration
from reconciler.model.words import PerformanceOption
from reconciler.simulator.history import EventKind
from tests.unit.simulator.simulated_fleet import (
    BOTH,
    GIB,
    LIVE,
    OFFLINE,
    SHARE,
    STORAGE,
    everything,
    host,
    machine,
    move,
    world,
)


def test_live_migration_takes_time_and_hands_the_machine_over_at_its_end() -> None:
    """On its way a machine is listed at its source only, busy, with room held at both ends; then it runs at the destination."""
    stage = world(host("A", machine("vm")), host("B"))
    stage.start("A", "vm", LIVE, "b.contoso.com")
    stage.clock.sleep(10)

    place, moving = stage.seen("vm")
    (job,) = stage.ask("A", ListMigrations())
    assert (place, moving.operation, job.destination) == ("A", "MigratingVirtualMachine", "b.contoso.com")
    assert 0 < job.percent < 100
    assert stage.host("A").migration.active_virtual_machine_migrations == 1
    assert stage.host("B").migration.active_virtual_machine_migrations == 1
    assert stage.host("A").available_memory_mib == 32768

    stage.finish()
    place, arrived = stage.seen("vm")
    assert (place, arrived) == ("B", machine("vm"))
    assert [stage.host(name).available_memory_mib for name in "AB"] == [36864, 28672]


def test_memory_of_machines_on_their_way_is_taken() -> None:
    """Of two machines for which there is room only one after the other, the second is refused at once."""
    stage = world(host("A", machine("vm1"), machine("vm2")), host("B", available_memory_mib=6000))
    stage.start("A", "vm1", LIVE, "B")
    assert "no-room: B has 1904 MiB free" in stage.refused("A", StartMigration("vm2", LIVE, "B"))


def test_stopped_machine_moves_without_memory() -> None:
    """An offline migration needs no memory and leaves the machine off."""
    stage = world(host("A", machine("vm", state="Off")), host("B", available_memory_mib=0))
    stage.start("A", "vm", OFFLINE, "B")
    stage.finish()
    place, arrived = stage.seen("vm")
    assert (place, arrived.state) == ("B", "Off")


def test_live_with_storage_moves_files_and_space() -> None:
    """Space is held at the target from the start and given back at the source at the end; paths are those asked for."""
    stage = world(host("A", machine("vm", "D:\\VMs")), host("B"))
    stage.start("A", "vm", BOTH, "B", *everything("vm", "D:\\VMs", "D:\\VMs"))
    assert (stage.free("A:"), stage.free("B:")) == (100 * GIB, 90 * GIB)
    stage.finish()
    assert (stage.free("A:"), stage.free("B:")) == (110 * GIB, 90 * GIB)
    assert stage.seen("vm") == ("B", machine("vm", "D:\\VMs"))


def test_storage_migration_of_one_disk_leaves_the_rest() -> None:
    """Only the disk that is listed changes its place; the machine stays and keeps running."""
    stage = world(host("A", machine("vm", "D:\\VMs")))
    stage.start("A", "vm", STORAGE, None, move("os.vhdx", "D:\\VMs\\vm\\os.vhdx", rf"{SHARE}\vm\os.vhdx"))
    stage.finish()
    place, moved = stage.seen("vm")
    assert (place, moved.state, moved.configuration_path) == ("A", "Running", "D:\\VMs\\vm")
    assert moved.disks[0].path == rf"{SHARE}\vm\os.vhdx"
    assert (stage.free("A:"), stage.free(SHARE)) == (110 * GIB, 990 * GIB)


def test_copy_inside_one_volume_needs_its_room_twice() -> None:
    """A move to another folder of the same volume is a copy first."""
    stage = world(host("A", machine("vm")), share_free=9 * GIB)
    order = StartMigration("vm", STORAGE, None, (move("os.vhdx", rf"{SHARE}\vm\os.vhdx", rf"{SHARE}\new\os.vhdx"),))
    assert "reconciler.no-room" in stage.refused("A", order)


def test_asking_again_finds_the_running_job() -> None:
    """The same request twice is one migration; a request that leads elsewhere is turned away; once there, nothing starts."""
    stage = world(host("A", machine("vm")), host("B"), host("C"))
    first = stage.start("A", "vm", LIVE, "B")
    again = stage.start("A", "VM", LIVE, "b.contoso.com")
    assert (again.migration_id, again.already_running) == (first.migration_id, True)
    assert "reconciler.busy" in stage.refused("A", StartMigration("vm", LIVE, "C"))
    stage.finish()
    assert stage.start("B", "vm", LIVE, "B").migration_id is None
    assert "reconciler.machine-not-found" in stage.refused("A", StartMigration("vm", LIVE, "B"))


def test_request_for_other_files_is_not_the_running_migration() -> None:
    """Somebody's job to the same host with other folders does not bring what is asked for, so it is not taken for it."""
    stage = world(host("A", machine("vm", "D:\\VMs")), host("B"))
    stage.start("A", "vm", BOTH, "B", *everything("vm", "D:\\VMs", "D:\\VMs"))
    order = StartMigration("vm", BOTH, "B", everything("vm", "D:\\VMs", "D:\\Other"))
    assert "reconciler.busy" in stage.refused("A", order)


def test_files_that_are_in_place_are_not_copied() -> None:
    """A storage migration to where the files are, in whatever spelling, starts nothing."""
    stage = world(host("A", machine("vm")))
    assert stage.start("A", "vm", STORAGE, None, *everything("vm", SHARE, SHARE.upper())).migration_id is None


def test_migrations_that_share_a_host_share_its_speed() -> None:
    """With standard migrations the network card is enough for two; by SMB the second takes longer than the first."""
    stage = world(host("A", machine("vm1"), machine("vm2")), host("B"))
    for name in ("vm1", "vm2"):
        stage.ask("A", StartMigration(name, LIVE, "B", performance_option=PerformanceOption.SMB))
    stage.finish()
    first, second = (event.detail["seconds"] for event in stage.world.events[-2:])
    assert first < second


def test_cancelled_migration_leaves_everything_as_it_was() -> None:
    """After a cancel the machine is at its source, what was held is free, and the job says Terminated."""
    stage = world(host("A", machine("vm", "D:\\VMs")), host("B"))
    job_id = stage.start("A", "vm", BOTH, "B", *everything("vm", "D:\\VMs", "D:\\VMs")).migration_id
    before = stage.seen("vm")[1].disks
    stage.clock.sleep(20)
    stage.ask("A", CancelMigration(str(job_id)))
    assert [job.state for job in stage.host("A").migrations] == ["Terminated"]
    assert stage.world.events[-1].detail["seconds"] == 20
    assert stage.seen("vm") == ("A", machine("vm", "D:\\VMs"))
    assert (stage.free("B:"), stage.seen("vm")[1].disks) == (100 * GIB, before)
    assert "reconciler.not-found" in stage.refused("A", CancelMigration(str(job_id)))


def test_arranged_failure_ends_the_job_partway() -> None:
    """A failing job ends with its code and message, short of 100 percent; only the next migration fails."""
    stage = world(host("A", machine("vm")), host("B"))
    stage.world.fail_next_migration("vm", 0x8009030E, "No credentials are available.")
    stage.start("A", "vm", LIVE, "B")
    stage.finish()
    (job,) = stage.host("A").migrations
    assert (job.state, job.error_code, job.percent, stage.seen("vm")[0]) == ("Exception", 0x8009030E, 50, "A")
    stage.start("A", "vm", LIVE, "B")
    stage.finish()
    assert stage.seen("vm")[0] == "B"


def test_ended_job_is_remembered_for_five_minutes() -> None:
    """A job can still be read just under five minutes after its end, and no longer after that."""
    stage = world(host("A", machine("vm")), host("B"))
    stage.start("A", "vm", LIVE, "B")
    stage.finish()
    stage.clock.sleep(299)
    assert [job.state for job in stage.ask("A", ListMigrations())] == ["Completed"]
    stage.clock.sleep(1)
    assert stage.ask("A", ListMigrations()) == ()


def test_speed_depends_on_the_performance_option() -> None:
    """SMB is faster than compression, and that faster than plain TCP/IP; a request's option comes before the host's."""
    seconds = {}
    for option in (None, *PerformanceOption):
        stage = world(host("A", machine("vm"), migration={"performance_option": PerformanceOption.TCPIP}), host("B"))
        stage.start("A", "vm", LIVE, "B", performance_option=option)
        stage.finish()
        seconds[option] = stage.world.events[-1].detail["seconds"]
    assert seconds["SMB"] < seconds["Compression"] < seconds["TCPIP"] == seconds[None]


def test_machine_switched_off_on_its_way_stays() -> None:
    """Somebody who stops a machine ends its migration; it is off at its source."""
    stage = world(host("A", machine("vm")), host("B"))
    stage.start("A", "vm", LIVE, "B")
    stage.world.stop_machine("vm")
    stage.finish()
    assert (stage.seen("vm")[0], stage.seen("vm")[1].state) == ("A", "Off")
    assert [stage.host(name).available_memory_mib for name in "AB"] == [36864, 32768]


def test_person_starts_a_migration_by_the_same_rules() -> None:
    """Somebody else's migration takes slots as ours do, carries local files along, and is told apart in the history."""
    stage = world(host("A", machine("vm", "D:\\VMs")), host("B"))
    stage.world.person_moves("vm", "B")
    assert stage.host("B").migration.active_storage_migrations == 1
    stage.finish()
    place, arrived = stage.seen("vm")
    assert (place, arrived.disks[0].path) == ("B", "D:\\VMs\\vm\\Virtual Hard Disks\\os.vhdx")
    assert [e.detail["by"] for e in stage.world.events if e.kind is EventKind.MIGRATION_STARTED] == ["person"]


def test_booted_from_an_observation_with_a_running_job_it_goes_on() -> None:
    """What was seen running at the time of the observation runs on, takes its slots, and arrives."""
    before = world(host("A", machine("vm")), host("B"))
    before.start("A", "vm", LIVE, "B")
    before.clock.sleep(10)
    seen = before.world.observation()
    stage = type(before)(seen)
    assert stage.host("B").migration.active_virtual_machine_migrations == 1
    stage.finish()
    assert stage.seen("vm")[0] == "B"
    assert [stage.host(name).available_memory_mib for name in "AB"] == [36864, 28672]


def test_booting_and_looking_gives_back_what_was_observed() -> None:
    """A fleet at rest reports just the facts it was booted from."""
    a = host("A", machine("vm", state=None, memory_mib=None), migration={"enabled": None})
    stage = world(a)
    facts = stage.host("A").model_dump(exclude={"observed_at", "migration"})
    assert facts == a.model_dump(exclude={"observed_at", "migration"})
    assert stage.host("A").migration == HostMigration(
        maximum_virtual_machine_migrations=2,
        maximum_storage_migrations=2,
        active_virtual_machine_migrations=0,
        active_storage_migrations=0,
    )

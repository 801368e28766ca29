"""What the simulated fleet refuses, with the error ids and words that a host would use."""

from typing import Any

import pytest

from reconciler.hosts.port import CheckMigration, StartMachine, StartMigration
from reconciler.model.observation import Disk
from reconciler.model.words import MigrationKind
from reconciler.simulator.history import Use, over_limit, peak_use
from tests.unit.simulator.simulated_fleet import (
    BOTH,
    GIB,
    LIVE,
    OFFLINE,
    SHARE,
    STORAGE,
    cluster,
    everything,
    host,
    machine,
    move,
    world,
)


def test_third_live_migration_of_a_host_is_refused_whichever_way_it_goes() -> None:
    """Incoming and outgoing count together: one in and one out fill a limit of two."""
    stage = world(host("A", machine("out"), machine("late")), host("B", machine("in")), host("C"))
    stage.start("A", "out", LIVE, "C")
    stage.start("B", "in", LIVE, "A")
    assert "limit-reached: The virtual machine migration limit 2 was reached on A." in stage.refused(
        "A", StartMigration("late", LIVE, "B")
    )
    stage.finish()
    stage.start("A", "late", LIVE, "B")
    assert peak_use(stage.world.events)["A"] == Use(live=2)
    assert over_limit(stage.world.events) == []


def test_live_and_storage_slots_are_apart_and_a_combined_move_takes_one_of_each() -> None:
    """Two live and one storage leave one storage slot; the combined move lacks a live slot and not a storage slot."""
    local = "D:\\VMs"
    stage = world(
        host("A", *(machine(f"vm{n}") for n in range(3)), *(machine(f"local{n}", local) for n in range(3))), host("B")
    )
    stage.start("A", "vm0", LIVE, "B")
    stage.start("A", "local0", BOTH, "B", *everything("local0", local, local))
    stage.start("A", "local1", STORAGE, None, *everything("local1", local, SHARE))
    assert peak_use(stage.world.events) == {"A": Use(live=2, storage=2), "B": Use(live=2, storage=1)}
    assert "The storage migration limit 2" in stage.refused(
        "A", StartMigration("local2", STORAGE, None, everything("local2", local, SHARE))
    )
    assert "The virtual machine migration limit 2" in stage.refused("A", StartMigration("vm1", LIVE, "B"))


def test_stopped_machines_take_the_slots_of_running_ones() -> None:
    """An offline migration counts at both hosts."""
    stage = world(
        host("A", machine("off", state="Off"), machine("vm")), host("B", migration={"maximum_virtual_machine_migrations": 1})
    )
    stage.start("A", "off", OFFLINE, "B")
    assert "limit 1 was reached on B" in stage.refused("A", StartMigration("vm", LIVE, "B"))


@pytest.mark.parametrize(("limit", "allowed"), [(1, 1), (3, 3), (None, 2)])
def test_limit_of_a_cluster_comes_before_the_limit_of_its_nodes(limit: int | None, allowed: int) -> None:
    """The nodes allow two each; what their cluster says, less or more, holds in place of that."""
    nodes = (host("N1", *(machine(f"vm{n}") for n in range(4)), cluster="C"), host("N2", cluster="C"))
    stage = world(*nodes, clusters=(cluster("C", limit),))
    for number in range(allowed):
        stage.start("N1", f"vm{number}", LIVE, "N2")
    assert f"limit {allowed} was reached on N1" in stage.refused("N1", StartMigration(f"vm{allowed}", LIVE, "N2"))


REASONS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"state": "Paused"}, {}, "not-migratable: vm cannot be migrated: its state is Paused"),
    ({"state": "Off"}, {}, "not-migratable: vm cannot be migrated: a live migration needs it running"),
    ({"operation": "BackingUpVirtualMachine"}, {}, "busy: vm is in another operation"),
    ({}, {"migration": {"enabled": False}}, "migration-disabled: Live migration is not enabled on B"),
    ({}, {"migration": {"networks": ()}}, "migration-disabled: No migration network listens on B"),
    ({}, {"switches": ("prod-2",)}, "not-migratable: vm cannot be migrated: B has no virtual switch named Prod"),
    ({}, {"supported_configuration_versions": ("8.0",)}, "B does not support configuration version 9.0"),
    ({}, {"processor_vendor": "AuthenticAMD"}, "B has a processor of another vendor"),
    ({"mounted_iso": "D:\\setup.iso"}, {}, "B cannot open the mounted D:\\setup.iso"),
    ({"disks": (Disk(pass_through=True),)}, {}, "it has a pass-through disk"),
    ({"disks": (Disk(path=rf"{SHARE}\q.vhds", shared=True),)}, {}, "q.vhds is shared with other machines"),
    ({"assigned_devices": 1}, {}, "devices of the host are assigned to it"),
    ({"replication": "Primary"}, {}, "it is replicated (Primary)"),
    ({"smart_paging_path": "D:\\paging"}, {}, "refused: B cannot reach D:\\paging"),
    ({"memory_mib": 40000}, {}, "no-room: B has 32768 MiB free"),
]


@pytest.mark.parametrize(("machine_facts", "destination_facts", "text"), REASONS, ids=[text[:60] for *_, text in REASONS])
def test_migration_is_refused_for(machine_facts: dict[str, Any], destination_facts: dict[str, Any], text: str) -> None:
    """A check says the same as a start, and neither leaves a trace."""
    stage = world(host("A", machine("vm", **machine_facts)), host("B", **destination_facts))
    before = stage.world.observation()
    assert text in stage.refused("A", StartMigration("vm", LIVE, "B"))
    assert text in stage.refused("A", CheckMigration("vm", LIVE, "B"))
    assert stage.world.observation() == before


def test_what_nobody_observed_refuses_nothing() -> None:
    """Unknown facts of a destination are believed to be fine."""
    unknown: dict[str, Any] = dict.fromkeys(("switches", "supported_configuration_versions", "processor_vendor"))
    stage = world(host("A", machine("vm")), host("B", available_memory_mib=None, migration={"enabled": None}, **unknown))
    assert stage.ask("A", CheckMigration("vm", LIVE, "B")) is None
    assert stage.start("A", "vm", LIVE, "B").migration_id


@pytest.mark.parametrize(
    ("kind", "destination", "target", "text"),
    [
        (LIVE, "B", None, "refused: B cannot reach D:\\VMs\\vm"),
        (LIVE, "B", r"\\fs1.contoso.com\vms", "A plain live migration moves no files"),
        (BOTH, "B", r"E:\VMs", r"refused: B cannot write to E:\VMs\vm\os.vhdx"),
        (BOTH, "B", r"C:\ClusterStorage\V1", r"B cannot write to C:\ClusterStorage\V1"),
        (STORAGE, None, "D:\\Other", "file-clash: D:\\Other\\vm\\os.vhdx belongs to other"),
        (STORAGE, "B", "D:\\New", "does not fit the destination"),
        (LIVE, "nowhere", None, "A cannot connect to nowhere"),
    ],
)
def test_files_decide_too(kind: MigrationKind, destination: str | None, target: str | None, text: str) -> None:
    """Files must be within reach where the machine goes, and two machines never write one file."""
    taken = machine("other", disks=(Disk(path="D:\\Other\\vm\\os.vhdx"),))
    stage = world(host("A", machine("vm", "D:\\VMs"), taken), host("B"))
    moves = everything("vm", "D:\\VMs", target) if target else ()
    assert text in stage.refused("A", StartMigration("vm", kind, destination, moves))


def test_two_machines_on_their_way_into_one_file_clash() -> None:
    """The first mover owns the file before it has arrived."""
    stage = world(host("A", machine("vm1", "D:\\VMs"), machine("vm2", "D:\\VMs")))
    target = rf"{SHARE}\os.vhdx"
    stage.start("A", "vm1", STORAGE, None, move("os.vhdx", r"D:\VMs\vm1\os.vhdx", target))
    order = StartMigration("vm2", STORAGE, None, (move("os.vhdx", r"D:\VMs\vm2\os.vhdx", target),))
    assert "reconciler.file-clash" in stage.refused("A", order)


def test_host_without_rights_on_a_share_cannot_take_its_machines() -> None:
    """Rights are per host: another host takes the machine."""
    stage = world(host("A", machine("vm")), host("B"), host("C"))
    stage.world.deny_share(SHARE, "B")
    assert "B cannot reach" in stage.refused("A", StartMigration("vm", LIVE, "B"))
    assert stage.start("A", "vm", LIVE, "C").migration_id


def test_volume_without_room_is_named() -> None:
    """A copy larger than what is free is refused before it starts, and holds nothing."""
    stage = world(host("A", machine("vm", "D:\\VMs")), share_free=10 * GIB - 1)
    order = StartMigration("vm", STORAGE, None, everything("vm", "D:\\VMs", SHARE))
    assert "no-room" in stage.refused("A", order)
    assert stage.free(SHARE) == 10 * GIB - 1


def test_starting_a_machine_needs_memory_and_happens_once() -> None:
    """A stopped machine runs at once where there is room; starting it again changes nothing."""
    stage = world(host("A", machine("small", state="Off"), machine("large", state="Off", memory_mib=30000)))
    stage.ask("A", StartMachine("small"))
    stage.ask("A", StartMachine("small"))
    assert (stage.seen("small")[1].state, stage.host("A").available_memory_mib) == ("Running", 28672)
    assert "reconciler.no-room" in stage.refused("A", StartMachine("large"))

"""What is said of one machine: every reason against a host with its numbers, what it waits for, what would help."""

from datetime import timedelta

import pytest

from reconciler.model import observation as seen
from reconciler.model.desired import Desired, HostGroup, Policy, Window
from reconciler.model.explanation import Verdict
from reconciler.model.problem import Problem
from tests.builders import (
    GIB,
    OBSERVED_AT,
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
from tests.unit.explain.asking import answer, ask, machine, option, reasons
from tests.unit.explain.cases import foreign_migration, no_room_anywhere, unknown, waits_for_departure


def flexible(*hosts: str) -> Desired:
    return desired(desired_vm("vm1", hosts), hosts=len(hosts))


def test_every_reason_against_a_host_is_told() -> None:
    """A plan is content with the first; a person who mends that one should not meet the second afterwards."""
    second = a_host("Host2", switches=("Other",), processor_vendor="AuthenticAMD", available_mib=1024)
    fleet = a_fleet(a_host("Host1", a_vm("vm1", assigned_devices=1)), second)
    explained = machine(flexible("Host1", "Host2"), fleet)
    assert set(reasons(explained, "Host2")) == {"switch", "vendor", "devices", "memory"}
    assert all(reason.remedy for reason in option(explained, "Host2").reasons)


def test_memory_is_told_as_a_sum() -> None:
    """Available, reserve, on the way there, leaving and arriving by the plan, and needed."""
    job = seen.Migration(id="m", virtual_machine=vm_id("vm3"), kind="live", destination="Host2")
    fleet = a_fleet(
        a_host("Host1", a_vm("vm1")),
        a_host("Host2", a_vm("vm2", memory_mib=512), available_mib=8192),
        a_host("Host3", a_vm("vm3", memory_mib=2048), a_vm("vm4", memory_mib=256), migrations=(job,)),
    )
    wanted = desired(
        desired_vm("vm1", ("Host1", "Host2")),
        desired_vm("vm2", "Host3"),
        desired_vm("vm4", "Host2"),
        desired_host("Host2", reserve_memory_mib=1024),
    )
    memory = option(machine(wanted, fleet), "Host2").memory
    assert memory is not None
    shown = memory.to_json()
    assert {key: shown[key] for key in shown if key != "totalMiB"} == {
        "availableMiB": 8192,
        "reserveMiB": 1024,
        "onItsWayMiB": 2048,
        "roomMiB": 5120,
        "leavingMiB": 512,
        "arrivingMiB": 256,
        "neededMiB": 4096,
    }


def test_room_that_only_departures_give_is_worth_waiting_for() -> None:
    """Not refused: the host will do once the machine that is named has left by its step."""
    wanted = desired(desired_vm("vm1", ("Host1", "Host2")), desired_vm("vm2", "Host3"))
    found = option(machine(wanted, waits_for_departure()[1]), "Host2")
    assert found.verdict is Verdict.WAITS
    assert "vm2 (s1)" in found.reasons[0].finding


def test_room_that_other_arrivals_take_is_refused_with_their_names() -> None:
    """The host has room now, but this plan gives it away."""
    fleet = a_fleet(a_host("Host1", a_vm("vm1"), a_vm("vm2")), a_host("Host2", available_mib=6000))
    wanted = desired(desired_vm("vm1", ("Host1", "Host2")), desired_vm("vm2", "Host2"), hosts=2)
    found = option(machine(wanted, fleet), "Host2")
    assert found.verdict is Verdict.REFUSED
    assert "vm2 of this plan take 4096 MiB of it" in found.reasons[0].finding


def test_a_rule_names_the_mate_and_its_own_line() -> None:
    """Who stands in the way, because of which rule, and where that is written."""
    fleet = a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2", a_vm("vm2")))
    wanted = desired(desired_vm("vm1", ("Host1", "Host2")), desired_vm("vm2", "Host2"), apart("vm1", "vm2"), hosts=2)
    found = option(machine(wanted, fleet), "Host2")
    assert found.verdict is Verdict.REFUSED
    assert "rule spread (desired-state/spread.yaml:1) keeps it apart from vm2" in found.reasons[0].finding


def test_a_mate_that_leaves_is_waited_for() -> None:
    """A rule that holds only until the plan is done does not refuse."""
    fleet = a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2", a_vm("vm2")), a_host("Host3"))
    wanted = desired(desired_vm("vm1", ("Host1", "Host2")), desired_vm("vm2", "Host3"), apart("vm1", "vm2"))
    found = option(machine(wanted, fleet), "Host2")
    assert (found.verdict, [reason.reason for reason in found.reasons]) == (Verdict.WAITS, ["rule"])


def test_reach_is_told_file_by_file() -> None:
    """Each path that the host cannot reach is listed, whether it is copied or stands in the way."""
    disks = tuple(seen.Disk(path=rf"D:\VMs\{name}.vhdx", file_bytes=GIB) for name in ("os", "data"))
    bare = a_host("Host2", storage=seen.HostStorage())
    explained = machine(flexible("Host1", "Host2"), a_fleet(a_host("Host1", a_vm("vm1", disks=disks)), bare))
    assert reasons(explained, "Host2") == ["storage"]
    assert option(explained, "Host2").unreached == (r"D:\VMs\os.vhdx", r"D:\VMs\data.vhdx")
    roomy = machine(flexible("Host1", "Host2"), a_fleet(a_host("Host1", a_vm("vm1", disks=disks)), a_host("Host2")))
    assert (option(roomy, "Host2").copies, option(roomy, "Host2").bytes) == (("os.vhdx", "data.vhdx"), 2 * GIB)


def test_a_volume_without_room_is_told_with_sizes() -> None:
    """Files asked for on a share that is nearly full: at home the machine stays, its files cannot move."""
    full = seen.Share(path=r"\\fs2.contoso.com\full", size_bytes=100 * GIB, free_bytes=GIB, hosts=("Host1",))
    fleet = a_fleet(a_host("Host1", a_vm("vm1", folder=r"D:\VMs\vm1")), shares=(full,))
    explained = machine(desired(desired_vm("vm1", storage=stored(r"\\fs2.contoso.com\full\vm1")), hosts=1), fleet)
    assert reasons(explained, "Host1") == ["space"]
    assert "1.0 GiB; 20.0 GiB are needed" in option(explained, "Host1").reasons[0].finding
    assert explained.files[-1].belongs_in == r"\\fs2.contoso.com\full\vm1"


def test_a_drained_machine_without_placement_may_go_where_its_group_is() -> None:
    """Its cluster, else its host group; both are what a plan looks at."""
    group = HostGroup("All", source("groups"), hosts=("Host1", "Host2"))
    hosts = (desired_host("Host1", maintenance=True, host_group="All"), desired_host("Host2", host_group="All"))
    explained = machine(desired(desired_vm("vm1"), group, *hosts), a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2")))
    assert [(one.host, one.verdict) for one in explained.options] == [("Host1", Verdict.REFUSED), ("Host2", Verdict.PLANNED)]


def test_why_a_step_may_not_start_now_and_until_when() -> None:
    """``decide`` is asked for this very moment; beside it stands what ends the wait."""
    closed = Policy(windows=(Window(("Sat",), "22:00", "23:00", "UTC"),))
    explained = machine(desired(desired_vm("vm1", "Host2"), closed, hosts=2), a_fleet())
    assert [(start.code, start.until) for start in explained.starts] == [
        ("window-closed", OBSERVED_AT.replace(hour=22) + timedelta(days=6))
    ]
    assert explained.unblock[0].startswith("s1: wait for the window")


def test_what_a_step_waits_for_is_named_with_its_machine() -> None:
    """A number alone tells nobody anything."""
    start = machine(*waits_for_departure()).starts[0]
    assert start.after == ("s1 (vm2): Host2 lacks 3 GiB until then",)
    assert (start.may_start, start.code) == (False, "depends-on")


def test_whatever_is_blocked_comes_with_remedies() -> None:
    """The plan's own, and one for each host."""
    explained = machine(*no_room_anywhere())
    assert explained.blocked[0].remedy in explained.unblock
    assert any(text.startswith("Host5: uncordon") for text in explained.unblock)
    assert machine(*foreign_migration()).unblock
    assert any("Host2" in text for text in machine(*unknown()).unblock)


def test_a_machine_that_nobody_manages_is_shown_all_the_same() -> None:
    """Where it is, which rules name it, and that nothing is done to it."""
    wanted = desired(desired_vm("vm1", "Host1"), apart("vm1", "vm2"))
    explained = machine(wanted, a_fleet(), "vm2")
    assert (explained.managed, explained.status, explained.host) == (False, "unmanaged", "Host2")
    assert [one.field for one in explained.asked] == ["placementRule/spread"]
    assert "nothing is ever done to it" in explained.answer


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("vm11", "did you mean vm1?"), ("Hots1", "did you mean Host1?"), ("host/vm1", "reconciler observe"), ("", "reconciler")],
)
def test_an_unknown_name_is_a_problem_with_a_guess(name: str, remedy: str) -> None:
    """Near misses are guessed; for the rest it is said where to look."""
    problem = ask(desired(desired_vm("vm1", "Host1")), a_fleet(), name)
    assert isinstance(problem, Problem)
    assert (problem.code, remedy in problem.remedy) == ("unknown-name", True)


def test_a_name_that_two_machines_bear_lists_both_and_the_id_settles_it() -> None:
    """Each id with its host; asked by id, the machine is told of, its ambiguous document included."""
    twin = a_vm("vm1").model_copy(update={"id": "0000beef"})
    fleet = a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2", twin))
    wanted = desired(desired_vm("vm1", "Host1"), hosts=2)
    problem = ask(wanted, fleet, "vm1")
    assert isinstance(problem, Problem)
    assert problem.code == "ambiguous-name"
    assert all(text in problem.finding for text in (f"{vm_id('vm1')} (on Host1", "0000beef (on Host2"))
    explained = machine(wanted, fleet, "0000BEEF")
    assert (explained.host, explained.status) == ("Host2", "ambiguous")
    assert explained.unblock == ("give spec.id, the VMId of the machine that is meant",)


def test_a_host_and_a_machine_of_one_name_are_both_told_of() -> None:
    """A kind in front asks for one of them."""
    fleet = a_fleet(a_host("web", a_vm("web")))
    wanted = desired(desired_vm("web", "web"), hosts=("web",))
    both, only = answer(wanted, fleet, "WEB"), answer(wanted, fleet, "vm/web")
    assert (len(both.virtual_machines), len(both.hosts)) == (1, 1)
    assert (len(only.virtual_machines), len(only.hosts)) == (1, 0)


def test_migration_that_is_switched_off_at_either_end_refuses() -> None:
    """The host that must be changed is named in the remedy."""
    fleet = a_fleet(a_host("Host1", a_vm("vm1"), migration=migration(enabled=False)), a_host("Host2"))
    found = option(machine(flexible("Host1", "Host2"), fleet), "Host2").reasons[0]
    assert (found.reason, found.remedy) == ("migrationDisabled", "set spec.migration.enabled: true for host Host1")

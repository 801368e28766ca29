"""Machines that cannot be placed together are told why: the fewest demands that contradict each other, and nothing beside."""

import pytest

from reconciler.cpsat import CpSat
from reconciler.diff import find_drift
from reconciler.model.desired import Desired, PlacementRule
from reconciler.model.observation import Observation
from reconciler.model.plan import Blocked
from reconciler.model.words import RuleType
from reconciler.plan import make_plan
from reconciler.plan.solver import Solver
from tests.builders import a_fleet, a_host, a_vm, apart, desired, desired_host, desired_vm, source

pytest.importorskip("ortools")
SEARCHES = pytest.mark.parametrize("solver", [None, CpSat()], ids=["own search", "solver"])


def left_out(wanted: Desired, fleet: Observation, solver: Solver | None) -> list[Blocked]:
    return list(make_plan(wanted, fleet, find_drift(wanted, fleet), solver=solver).blocked)


def drained(*memory: int, rooms: tuple[int, int]) -> Observation:
    """Host1 with machines of these sizes, and two other hosts with so much room."""
    machines = [a_vm(f"vm{number}", memory_mib=size) for number, size in enumerate(memory, 1)]
    return a_fleet(a_host("Host1", *machines), *(a_host(f"Host{n}", available_mib=room) for n, room in enumerate(rooms, 2)))


@SEARCHES
def test_two_machines_too_large_for_the_room_there_is(solver: Solver | None) -> None:
    """Both placements and the one host's room contradict each other; the host that nobody may go to is no part of it."""
    fleet = drained(4096, 4096, rooms=(6144, 65536))
    machines = [desired_vm(name, ("Host1", "Host2")) for name in ("vm1", "vm2")]
    (entry,) = left_out(desired(*machines, desired_host("Host1", maintenance=True)), fleet, solver)
    assert entry.proven
    assert [text.partition(": ")[2] for text in entry.conflict] == [
        "vm1 (4096 MiB) may go to Host2",
        "vm2 (4096 MiB) may go to Host2",
        "host Host2 has 6144 MiB for arrivals",
    ]
    assert all(".yaml:" in text for text in entry.conflict)


@SEARCHES
def test_three_machines_apart_on_two_hosts(solver: Solver | None) -> None:
    """The rule and the three placements; no room is to blame."""
    fleet = drained(1024, 1024, 1024, rooms=(65536, 65536))
    machines = [desired_vm(f"vm{n}", ("Host2", "Host3")) for n in (1, 2, 3)]
    wanted = desired(*machines, apart("vm1", "vm2", "vm3"))
    (entry,) = left_out(wanted, fleet, solver)
    assert len(entry.conflict) == 4
    assert "rule spread keeps vm1, vm2, vm3 apart" in entry.conflict[-1]


def test_what_could_not_be_searched_through_is_not_called_impossible() -> None:
    """With machines that could make way, the planner's own search does not prove that there is no way; the solver does."""
    fleet = a_fleet(
        a_host("Host1", a_vm("vm1", memory_mib=8192)),
        a_host("Host2", a_vm("vm2", memory_mib=2048), available_mib=4096),
        a_host("Host3", available_mib=1024),
    )
    machines = [desired_vm("vm1", ("Host1", "Host2")), desired_vm("vm2", ("Host2", "Host3"))]
    wanted = desired(*machines, desired_host("Host1", maintenance=True))
    (own,), (solved,) = left_out(wanted, fleet, None), left_out(wanted, fleet, CpSat())
    assert (own.proven, own.conflict) == (False, ())
    assert solved.proven
    assert [text.partition(": ")[2] for text in solved.conflict] == [
        "vm1 (8192 MiB) may go to Host2",
        "host Host2 has 4096 MiB for arrivals",
    ]


def test_a_machine_that_leaves_for_a_rule_is_told_every_demand_once() -> None:
    """Four apart on three hosts, all of them in place but for the rule: all placements and the rule, none of them twice."""
    names = [f"vm{number}" for number in range(1, 5)]
    fleet = a_fleet(a_host("Host1", a_vm("vm1"), a_vm("vm2")), a_host("Host2", a_vm("vm3")), a_host("Host3", a_vm("vm4")))
    wanted = desired(*(desired_vm(name, ("Host1", "Host2", "Host3")) for name in names), apart(*names))

    (entry,) = left_out(wanted, fleet, CpSat())

    assert entry.proven
    assert len(set(entry.conflict)) == len(entry.conflict) == 5
    assert "rule spread keeps vm1, vm2, vm3, vm4 apart" in entry.conflict[-1]


def test_who_leaves_for_a_rule_is_a_choice_so_whoever_would_stay_is_named_as_well() -> None:
    """Five apart on four hosts, all on one of them: with any of the five away there would be a place for each."""
    names = [f"vm{number}" for number in range(1, 6)]
    fleet = a_fleet(a_host("Host1", *map(a_vm, names)), *(a_host(f"Host{number}") for number in (2, 3, 4)))
    hosts = ("Host1", "Host2", "Host3", "Host4")
    wanted = desired(*(desired_vm(name, hosts) for name in names), apart(*names), hosts=4)

    (entry,) = left_out(wanted, fleet, CpSat())

    assert [text.partition(": ")[2] for text in entry.conflict] == [
        *(f"{name} (4096 MiB) is on Host1 and may go to Host2, Host3, Host4" for name in [*names[1:], names[0]]),
        "rule spread keeps vm1, vm2, vm3, vm4, vm5 apart",
    ]


def test_a_machine_that_could_make_way_but_for_the_room_elsewhere_is_part_of_the_reasons() -> None:
    """Host2 would have room if vm2 left, and Host3 has none for vm2: relaxing any of the four helps, so all are told."""
    fleet = a_fleet(
        a_host("Host1", a_vm("vm1", memory_mib=8192)),
        a_host("Host2", a_vm("vm2", memory_mib=8192), available_mib=0),
        a_host("Host3", available_mib=4096),
    )
    wanted = desired(desired_vm("vm1", "Host2"), desired_vm("vm2", ("Host2", "Host3")))

    (entry,) = left_out(wanted, fleet, CpSat())

    assert [text.partition(": ")[2] for text in entry.conflict] == [
        "vm1 (8192 MiB) may go to Host2",
        "vm2 (8192 MiB) is on Host2 and may go to Host3",
        "host Host2 has 0 MiB for arrivals",
        "host Host3 has 4096 MiB for arrivals",
    ]


@SEARCHES
def test_machines_that_go_elsewhere_do_not_take_the_proof_away(solver: Solver | None) -> None:
    """Two machines for a room that one of them fills; a third that goes where neither may has no part in it."""
    fleet = drained(4096, 4096, 4096, rooms=(6144, 65536))
    machines = [desired_vm("vm1", "Host2"), desired_vm("vm2", "Host2"), desired_vm("vm3", "Host3")]
    (entry,) = left_out(desired(*machines), fleet, solver)
    assert (entry.proven, len(entry.conflict)) == (True, 3)


@SEARCHES
def test_mates_pinned_apart_contradict_the_rule_that_keeps_them_together(solver: Solver | None) -> None:
    """Both placements and the rule, and nothing beside."""
    rule = PlacementRule("pair", source("pair"), RuleType.AFFINITY, ("vm1", "vm2"))
    fleet = drained(4096, 4096, rooms=(65536, 65536))
    (entry,) = left_out(desired(desired_vm("vm1", "Host2"), desired_vm("vm2", "Host3"), rule), fleet, solver)
    assert entry.proven
    assert [text.partition(": ")[2] for text in entry.conflict] == [
        "vm1 (4096 MiB) may go to Host2",
        "vm2 (4096 MiB) may go to Host3",
        "rule pair keeps vm1, vm2 together",
    ]

"""Every crash point of the canonical moves is enumerated, and the controller is killed once at each of them.

A crash point is the moment before or after a durable write or a remote call. Whatever was under way, the next process brings
the fleet into place, protection included, and then falls silent; the checker of the simulation watches every step.
"""

from dataclasses import dataclass, replace
from functools import partial
from operator import eq

import pytest

from reconciler.model.desired import Desired, VirtualMachine
from reconciler.model.observation import Observation
from reconciler.simulation import draw_options
from reconciler.simulation.life import Life
from reconciler.simulation.quiet import come_right
from reconciler.simulation.stage import Stage
from tests.builders import a_fleet, a_host, a_vm, desired, desired_vm, vm_id
from tests.scenarios.staging import Scenario

PLAIN = replace(draw_options(1), faults=(), windows=False, rules=0, commits=0, dead_host=False, service=False, tightness=2.0)


@dataclass(frozen=True)
class Case:
    """A fleet and what is wanted of it."""

    fleet: Observation
    wanted: Desired


def _scenario(name: str) -> Case:
    scenario = Scenario(name)
    return Case(scenario.observation, scenario.desired)


def _swap_by_a_hop() -> Case:
    """Two full hosts that want each other's machine, and a third to step aside to."""
    full = {"available_mib": 1024}
    fleet = a_fleet(a_host("Host1", a_vm("vm1"), **full), a_host("Host2", a_vm("vm2"), **full), a_host("Host3"))
    return Case(fleet, desired(desired_vm("vm1", "Host2", id=vm_id("vm1")), desired_vm("vm2", "Host1", id=vm_id("vm2"))))


CASES = {
    "crossing": lambda: _scenario("two-clusters"),
    "storage": lambda: _scenario("storage-whole-machine"),
    "settings": lambda: _scenario("faster-per-host"),
    "combined": lambda: _scenario("stand-alone-nothing-shared"),
    "hop": _swap_by_a_hop,
}


def _life(case: Case) -> Life:
    wanted = replace(case.wanted, virtual_machines=tuple(_with_id(one, case.fleet) for one in case.wanted.virtual_machines))
    life = Life(PLAIN, Stage(PLAIN, case.fleet, wanted))
    life.stage.points.dies = lambda _number: False
    return life


def _with_id(wish: VirtualMachine, fleet: Observation) -> VirtualMachine:
    """The checker knows machines by VMId alone."""
    ids = {machine.name.casefold(): machine.id for _, machine in fleet.machines()}
    return replace(wish, id=ids[wish.name.casefold()])


def _points(case: Case) -> list[str]:
    """The crash points of an undisturbed run, in their order."""
    life = _life(case)
    life.apply()
    return life.stage.points.names


@pytest.mark.parametrize("name", sorted(CASES))
def test_killed_once_at_every_crash_point_the_fleet_comes_right(name: str) -> None:
    case = CASES[name]()
    points = _points(case)
    for number in range(1, len(points) + 1):
        life = _life(case)
        life.stage.points.dies = partial(eq, number)
        life.apply()
        assert life.kills == 1, points[number - 1]
        come_right(life)


@pytest.mark.parametrize("name", sorted(CASES))
def test_writes_and_calls_are_crash_points_on_both_sides(name: str) -> None:
    """Enumerated from what really happened: each intent, each outcome and each change has a before and an after."""
    points = _points(CASES[name]())

    assert {"before writing intent", "after writing intent", "before Survey", "after Survey"} <= set(points)
    assert len(points) >= 14
    assert [one for one in points if one.startswith("before")] == [one.replace("after", "before", 1) for one in points[1::2]]

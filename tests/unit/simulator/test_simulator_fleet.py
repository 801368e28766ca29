"""The simulated fleet behind the seam to hosts, and fleets that are made up."""

import pytest

from reconciler.clock import ManualClock
from reconciler.hosts.port import Call, FailureKind, HostReport, ListMigrations, StartMigration, Survey, Target
from reconciler.simulator.fleet import SimulatedHosts
from reconciler.simulator.fleets import fleet_names, load_fleet
from reconciler.simulator.generate import make_fleet
from reconciler.simulator.world import World
from tests.unit.simulator.simulated_fleet import LIVE, SHARE, host, machine, world

A, B = Target("rack1-a", "a.contoso.com"), Target("B", "b.contoso.com")


def test_answers_come_in_order_under_the_names_of_the_controller() -> None:
    """A host is found by its address where the controller has its own name for it, and reports under that name."""
    stage = world(host("A", machine("vm")), host("B"))
    survey, jobs = SimulatedHosts(stage.world).ask([Call(A, Survey()), Call(B, ListMigrations())])
    assert isinstance(survey.value, HostReport)
    assert (survey.value.host.name, survey.value.host.address) == ("rack1-a", "a.contoso.com")
    assert [(share.path, share.hosts) for share in survey.value.shares] == [(SHARE, ("rack1-a",))]
    assert jobs.value == ()


def test_refusals_and_silence_are_failures() -> None:
    """Over a limit is told apart from other refusals; a host that cannot be reached, or is not there, is unreachable."""
    stage = world(host("A", machine("vm1"), machine("vm2"), migration={"maximum_virtual_machine_migrations": 1}), host("B"))
    hosts = SimulatedHosts(stage.world, {"rack1-a": "A"})
    orders = [StartMigration("vm1", LIVE, "B"), StartMigration("vm2", LIVE, "B"), StartMigration("gone", LIVE, "B")]
    failures = [answer.failure for answer in hosts.ask([Call(A, order) for order in orders])]
    assert failures[0] is None
    told = [(f.kind, f.code) for f in failures if f]
    assert told == [
        (FailureKind.LIMIT, "reconciler.limit-reached"),
        (FailureKind.REFUSED, "reconciler.machine-not-found"),
    ]
    stage.world.set_unreachable("A", True)
    silent = hosts.ask([Call(A, Survey()), Call(B, Survey()), Call(Target("x", "x.contoso.com"), Survey())])
    assert [a.failure.kind if a.failure else None for a in silent] == [FailureKind.UNREACHABLE, None, FailureKind.UNREACHABLE]


def test_migration_goes_on_while_the_controller_cannot_reach_the_host() -> None:
    """Out of reach is a matter between controller and host."""
    stage = world(host("A", machine("vm")), host("B"))
    stage.start("A", "vm", LIVE, "B")
    stage.world.set_unreachable("A", True)
    stage.finish()
    assert stage.seen("vm")[0] == "B"


def test_made_up_fleet_depends_on_nothing_but_its_arguments() -> None:
    """The same seed gives the same bytes, another seed another fleet; all that was made up is sound to boot from."""
    fleet = make_fleet(12, 5, seed=1)
    assert fleet.digest == make_fleet(12, 5, seed=1).digest
    assert fleet.digest != make_fleet(12, 5, seed=2).digest
    assert len({machine.id for _, machine in fleet.machines()}) == 60
    stage = world()
    booted = World(fleet, stage.clock)
    assert booted.check() == []
    assert booted.observation().model_copy(update={"observed_at": None}).clusters == fleet.clusters


def test_fleets_that_ship_boot_soundly() -> None:
    """Each is a valid observation whose world breaks no rule before anything happened."""
    for name in fleet_names():
        fleet = load_fleet(name)
        assert World(fleet, ManualClock(fleet.observed_at)).check() == []


def test_unknown_fleet_is_refused_with_the_names_there_are() -> None:
    """A mistyped name is answered with what there is."""
    with pytest.raises(ValueError, match="there is no fleet 'dmeo'; there are: "):
        load_fleet("dmeo")

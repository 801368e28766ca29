"""What the calm after the faults asks of a fleet: patience with windows, an excuse for just what nothing can be done about."""

from dataclasses import replace
from datetime import timedelta

from reconciler.model.desired import Desired, Limits, Policy, Window
from reconciler.model.observation import Observation
from reconciler.model.plan import Blocked
from reconciler.simulation import draw_options
from reconciler.simulation.checker.settled import Left, shut_out, unsettled
from reconciler.simulation.life import Life
from reconciler.simulation.quiet import come_right
from reconciler.simulation.stage import Stage
from tests.builders import OBSERVED_AT, a_fleet, a_host, a_vm, desired, desired_host, desired_vm, stored, vm_id

PLAIN = replace(draw_options(1), faults=(), windows=False, rules=0, commits=0, dead_host=False, service=False, tightness=2.0)


def test_what_needs_several_windows_is_waited_for_while_each_brings_it_nearer() -> None:
    """Two hours a week, one migration at a time, five hours each: three Saturdays for three machines."""
    names = ("vm1", "vm2", "vm3")
    policy = Policy(limits=Limits(concurrent_migrations=1), windows=(Window(("Sat",), "20:00", "22:00", "UTC"),))
    wanted = desired(*(desired_vm(name, "Host2", id=vm_id(name)) for name in names), policy, hosts=2)
    fleet = a_fleet(a_host("Host1", *(a_vm(name, memory_mib=1024) for name in names)), a_host("Host2"))
    life = Life(PLAIN, Stage(PLAIN, fleet, wanted))
    for name in names:
        life.stage.world.slow_next_migration(vm_id(name), 1500)

    come_right(life)

    started = [event.time.strftime("%a") for event in life.stage.world.events if event.kind == "migrationStarted"]
    assert started == ["Sat"] * 3
    assert life.stage.timeline.now() - life.began > timedelta(days=14)


def _on_a_closed_host(*wanted_on: str) -> tuple[Desired, Observation]:
    """A machine on a host in maintenance; of the others, Host2 is cordoned."""
    hosts = (desired_host("Host1", maintenance=True), desired_host("Host2", cordoned=True))
    wanted = desired(*hosts, desired_vm("vm1", wanted_on, id=vm_id("vm1")), hosts=3)
    return wanted, a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2"), a_host("Host3"))


TOLD = Left([Blocked(subject="virtualMachine/vm1", id=vm_id("vm1"), code="host-cordoned", finding="", remedy="")], {})


def test_a_machine_that_may_not_stay_and_has_nowhere_to_go_is_excused_where_that_is_told() -> None:
    wanted, fleet = _on_a_closed_host("Host2")

    assert shut_out(TOLD, wanted, fleet) == {vm_id("vm1")}
    assert shut_out(Left([], {}), wanted, fleet) == frozenset()


def test_a_machine_with_one_open_host_left_is_not_excused_whatever_is_told() -> None:
    wanted, fleet = _on_a_closed_host("Host2", "Host3")

    assert shut_out(TOLD, wanted, fleet) == frozenset()


def test_a_pinned_machine_in_its_place_is_not_excused_and_its_files_are_looked_at() -> None:
    wanted = desired(desired_vm("vm1", "Host1", id=vm_id("vm1"), storage=stored(r"\\fs2.contoso.com\vms\vm1")))
    fleet = a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2"))

    excused = shut_out(TOLD, wanted, fleet)

    assert unsettled(wanted, fleet, OBSERVED_AT, excused) == [r"vm1 has files outside \\fs2.contoso.com\vms\vm1"]

"""Runtime holds at work: planned, decided and shown like committed ones, and never in the way of a role that is owed."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from reconciler.clock import ManualClock
from reconciler.controller import Options, Run
from reconciler.cycle import think
from reconciler.desired.holding import holds_of_nobody, machine_called, with_holds
from reconciler.model.desired import Desired, Hold
from reconciler.model.hold import MachineHold
from reconciler.model.problem import Problem
from reconciler.model.progress import OutcomeState
from reconciler.simulator.fleet import SimulatedHosts
from reconciler.simulator.world import World
from reconciler.store import MemoryStore
from reconciler.store.holds import hold_data, release_data
from reconciler.store.kinds import HOLD, PLANNED, RELEASE
from tests.builders import a_fleet, a_host, a_vm, desired, desired_vm
from tests.unit.controller.test_endings import Silent

DAY = timedelta(days=1)
FLEET = a_fleet(a_host("Host1", a_vm("vm1"), a_vm("vm2")), a_host("Host2"))
NOW = FLEET.observed_at


def wanted() -> Desired:
    return desired(desired_vm("vm1", "Host2"), desired_vm("vm2", "Host2"))


def hold(name: str = "VM1", owner: str = "ops", until: datetime | None = None) -> MachineHold:
    return MachineHold(name, owner, "vendor visit", NOW, None, until, "alice@ws1")


def test_a_held_machine_is_not_planned_and_its_drift_says_who_holds_it() -> None:
    """Owner, reason, end and when it was placed stand beside what differs; the other machine moves."""
    held = with_holds(wanted(), [hold(until=NOW + DAY)], NOW)

    plan = think(held, FLEET).plan

    assert [step.subject for step in plan.steps] == ["virtualMachine/vm2"]
    (entry,) = [entry for entry in plan.drift if entry.subject == "virtualMachine/vm1"]
    assert entry.hold is not None
    assert entry.hold.to_json() == {
        "owner": "ops",
        "reason": "vendor visit",
        "until": (NOW + DAY).isoformat().replace("+00:00", "Z"),
        "placedAt": NOW.isoformat().replace("+00:00", "Z"),
    }


def test_a_hold_that_lapsed_changes_nothing() -> None:
    """The very same desired state comes back."""
    same = wanted()
    assert with_holds(same, [hold(until=NOW)], NOW) is same


@pytest.mark.parametrize(("committed", "placed", "lasts"), [(None, DAY, None), (DAY, None, None), (DAY, 2 * DAY, 2 * DAY)])
def test_of_several_holds_the_one_that_lasts_longest_counts(
    committed: timedelta | None, placed: timedelta | None, lasts: timedelta | None
) -> None:
    """A committed hold is not shortened by one placed at run time, nor the other way round."""
    base = wanted()
    machines = tuple(
        replace(vm, hold=Hold("audit", "sec", NOW + committed if committed else None)) for vm in base.virtual_machines[:1]
    )
    held = with_holds(replace(base, virtual_machines=machines), [hold(until=NOW + placed if placed else None)], NOW)

    assert held.virtual_machines[0].hold is not None
    assert held.virtual_machines[0].hold.until == (NOW + lasts if lasts else None)


def test_a_hold_placed_while_a_run_goes_on_stops_what_has_not_started() -> None:
    """The next look reads it; when it lapses, the machine moves in the same run or the next one."""
    clock = ManualClock(NOW)
    world, store = World(FLEET, clock), MemoryStore(clock)
    store.append(HOLD, hold_data(hold("vm1", until=NOW + DAY)))

    report = Run(wanted(), SimulatedHosts(world), store, clock, Silent(), Options(poll_seconds=15)).execute()
    assert [outcome.subject for outcome in report.in_state(OutcomeState.DONE)] == ["virtualMachine/vm2"]

    store.append(RELEASE, release_data(hold("vm1")))
    report = Run(wanted(), SimulatedHosts(world), store, clock, Silent(), Options(poll_seconds=15)).execute()
    assert [outcome.subject for outcome in report.in_state(OutcomeState.DONE)] == ["virtualMachine/vm1"]
    assert len(store.entries(kinds=(PLANNED,))) == 2


def test_a_machine_whose_role_is_owed_is_exempt_until_it_is_back() -> None:
    """A hold leaves a machine alone; it does not leave it unprotected."""
    held = with_holds(wanted(), [hold("vm1"), hold("vm2")], NOW, exempt={"vm1"})

    assert [vm.name for vm in held.virtual_machines if vm.hold] == ["vm2"]


def test_a_hold_for_a_machine_that_nobody_names_any_more_is_warned_of() -> None:
    """A machine that was renamed would move, though somebody believes it held."""
    (problem,) = holds_of_nobody(wanted(), [hold("vm1"), hold("old-name")])

    assert (problem.code, problem.subject) == ("hold-of-nobody", "virtualMachine/old-name")


def test_a_mistyped_name_is_answered_with_the_likely_one() -> None:
    """Nothing is held by a name that means no machine."""
    problem = machine_called(wanted(), "vm11")

    assert isinstance(problem, Problem)
    assert problem.remedy == "did you mean vm1?"

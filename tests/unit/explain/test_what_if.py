"""Supposed changes of the desired state: what each does, and what is said of a change that makes no sense."""

import pytest

from reconciler.explain import what_if
from reconciler.model.desired import Desired
from reconciler.model.plan import Plan
from reconciler.model.problem import Problem
from tests.builders import a_fleet, a_host, a_vm, desired, desired_vm, vm_id
from tests.unit.plan.planning import blocked, plan_for, step_of, story

FLEET = a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2", a_vm("vm2")), a_host("Host3"))
WANTED = desired(desired_vm("vm1", ("Host1", "Host3")), desired_vm("vm2", "Host2", id=vm_id("vm2")))


def supposed(text: str, wanted: Desired = WANTED, number: int = 1) -> Desired:
    found = what_if(wanted, text, number=number)
    assert isinstance(found, Desired), found
    return found


def plan_if(*changes: str) -> Plan:
    wanted = WANTED
    for number, text in enumerate(changes, start=1):
        wanted = supposed(text, wanted, number)
    return plan_for(wanted, FLEET)


def test_a_host_in_maintenance_is_left() -> None:
    """Its flexible machine goes elsewhere; the host's name may be written in any case."""
    assert story(plan_if("maintenance=host1")) == ["liveMigration vm1 Host1 Host3"]


def test_a_cordoned_host_takes_nobody() -> None:
    """Changes add up: with the only other host cordoned, the drained machine is blocked."""
    assert blocked(plan_if("maintenance=Host1", "cordon=Host3")) == {"vm1": "host-cordoned"}


@pytest.mark.parametrize("text", ["host-limit=Host1:1", "host-limit Host1=1"])
def test_a_limit_is_a_setting_to_be_made(text: str) -> None:
    """The plan makes the setting, and reckons with the supposed limit."""
    assert story(plan_if(text)) == ["configureHost Host1"]
    host = supposed(text).host("Host1")
    assert host is not None
    assert host.migration.maximum_virtual_machine_migrations == 1


@pytest.mark.parametrize("text", ["place=vm2:Host1", "place vm2=Host1", f"place={vm_id('vm2').upper()}:host1"])
def test_a_machine_is_placed_by_name_or_id(text: str) -> None:
    """It is pinned to that host; the step names the supposition as what asks for it."""
    step = step_of(plan_if("cordon=Host3", text), "vm2")
    assert (step.destination, step.reason, step.because) == ("Host1", "placement.host", "--what-if:2")


@pytest.mark.parametrize("text", ["place=vm2:Host3", "place vm2=Host3"])
def test_in_a_fleet_in_place_a_supposed_place_is_the_only_move(text: str) -> None:
    """Nothing else is to be done, and nothing else is proposed; placed where it is, not even that."""
    assert not plan_if().has_changes
    assert story(plan_if(text)) == ["liveMigration vm2 Host2 Host3"]
    assert not plan_if("place=vm2:Host2").has_changes


def test_a_hypothetical_plan_is_never_taken_for_a_committed_one() -> None:
    """Revision and digest are its own, even where the change changes nothing; every change has another digest."""
    plans = [plan_if(), plan_if("place=vm2:Host2"), plan_if("cordon=Host3"), plan_if("cordon=Host3", "cordon=Host3")]
    assert [plan.is_hypothetical for plan in plans] == [False, True, True, True]
    assert len({plan.desired.digest for plan in plans}) == len({plan.fingerprint for plan in plans}) == 4


def test_the_committed_state_is_left_alone() -> None:
    """A supposition makes a new value."""
    before = desired(desired_vm("vm1", "Host1"))
    supposed("maintenance=Host1", before)
    assert before == desired(desired_vm("vm1", "Host1"))


NONSENSE = {
    "": "write one of",
    "maintenance": "write one of",
    "memory=Host1": "write one of",
    "maintenance=Hots1": "did you mean Host1?",
    "cordon=nowhere": "name a host of the desired state",
    "host-limit=Host1": "host-limit=HOST:NUMBER",
    "host-limit=Host1:many": "host-limit=HOST:NUMBER",
    "host-limit=Host1:-1": "host-limit=HOST:NUMBER",
    "host-limit=Hots1:1": "did you mean Host1?",
    "place=vm1": "place=VM:HOST",
    "place=vm1:": "place=VM:HOST",
    "place=vm1:Hots2": "did you mean Host",
    "place=vn1:Host2": "did you mean vm1?",
    "place=stranger:Host2": "name a machine that the desired state manages",
}


@pytest.mark.parametrize("text", NONSENSE)
def test_a_change_that_makes_no_sense_is_a_problem_with_a_remedy(text: str) -> None:
    """The whole option is named, and what to write instead."""
    found = what_if(WANTED, text)
    assert isinstance(found, Problem)
    assert NONSENSE[text] in found.remedy
    assert (found.code, found.subject) == ("what-if", f"--what-if {text}")

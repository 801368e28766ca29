"""Wishes: preferred rules and ``prefer`` choose among targets, and move a machine in place only where the policy says so."""

from dataclasses import replace

import pytest

from reconciler.audit import audit
from reconciler.model.desired import Desired, Placement, Planning, Policy
from reconciler.model.observation import Observation
from reconciler.model.plan import Plan
from reconciler.model.words import Enforcement, Preferences, RuleType
from tests.builders import a_fleet, a_host, a_vm, apart, desired, desired_host, desired_vm
from tests.unit.plan.planning import blocked, plan_for, story

MOVE = Policy(planning=Planning(preferences=Preferences.MOVE))
PLAIN = Policy()
ANYWHERE = ("Host1", "Host2", "Host3")
SPREAD = replace(apart("vm1", "vm2"), enforcement=Enforcement.PREFERRED)
TOGETHER = replace(SPREAD, type=RuleType.AFFINITY)


def planned(wanted: Desired, fleet: Observation, policy: Policy = PLAIN) -> Plan:
    ruled = replace(wanted, policy=policy)
    plan = plan_for(ruled, fleet)
    assert audit(plan, ruled, fleet) == ()
    return plan


@pytest.mark.parametrize(("rule", "target"), [(SPREAD, "Host3"), (TOGETHER, "Host2")])
def test_a_preferred_rule_chooses_among_targets(rule: object, target: str) -> None:
    """vm1 has to leave; though Host2 has more room, the rule decides between the two."""
    fleet = a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2", a_vm("vm2")), a_host("Host3", available_mib=9000))
    if rule is TOGETHER:
        fleet = a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2", a_vm("vm2"), available_mib=9000), a_host("Host3"))
    wanted = desired(desired_vm("vm1", ("Host2", "Host3")), desired_vm("vm2", "Host2"), rule)
    assert story(planned(wanted, fleet)) == [f"liveMigration vm1 Host1 {target}"]


def test_a_preferred_rule_gives_way_to_what_is_required() -> None:
    """Where only the mate's host has room, the machine goes there; nothing is blocked for a wish."""
    fleet = a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2", a_vm("vm2")), a_host("Host3", available_mib=0))
    plan = planned(desired(desired_vm("vm1", ("Host2", "Host3")), desired_vm("vm2", "Host2"), SPREAD), fleet)
    assert (story(plan), blocked(plan)) == (["liveMigration vm1 Host1 Host2"], {})


def two_on_one_host() -> tuple[Desired, Observation]:
    wanted = desired(desired_vm("vm1", ANYWHERE), desired_vm("vm2", "Host1"), SPREAD)
    return wanted, a_fleet(a_host("Host1", a_vm("vm1"), a_vm("vm2")), a_host("Host2", available_mib=9000), a_host("Host3"))


def test_a_wish_moves_nobody_by_itself() -> None:
    """Both are in place, so both stay."""
    assert story(planned(*two_on_one_host())) == []


def test_a_wish_moves_a_machine_where_the_policy_says_so() -> None:
    """One leaves, no migration is called needed for it, the line of the rule is named, and that is the end of it."""
    wanted, fleet = two_on_one_host()
    plan = planned(wanted, fleet, MOVE)
    assert story(plan) == ["liveMigration vm1 Host1 Host3"]
    assert (plan.summary.needed_migrations, plan.steps[0].reason) == (0, "preferredRule/spread")
    assert plan.steps[0].because == "desired-state/spread.yaml:1"
    after = a_fleet(a_host("Host1", a_vm("vm2")), a_host("Host2"), a_host("Host3", a_vm("vm1")))
    assert story(planned(wanted, after, MOVE)) == []


def test_a_preferred_host_draws_a_machine_only_where_the_policy_says_so() -> None:
    """``prefer`` is a wish like a preferred rule."""
    wanted = desired(desired_vm("vm1", placement=Placement("hosts", ANYWHERE, prefer=("Host3",))))
    fleet = a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2"), a_host("Host3"))
    assert story(planned(wanted, fleet)) == []
    assert story(planned(wanted, fleet, MOVE)) == ["liveMigration vm1 Host1 Host3"]


def test_a_wish_that_cannot_be_met_blocks_nothing() -> None:
    """No room where it would be better off: it stays, and the plan says nothing of it."""
    wanted = desired(desired_vm("vm1", placement=Placement("hosts", ANYWHERE, prefer=("Host3",))))
    plan = planned(wanted, a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2"), a_host("Host3", available_mib=0)), MOVE)
    assert (story(plan), blocked(plan)) == ([], {})


def test_rules_mended_by_a_shared_member() -> None:
    """Whatever its name, the machine that is in every broken rule is the one that goes."""
    rules = [apart("vm1", "vm2", name="a"), apart("vm1", "vm3", name="b"), apart("vm1", "vm4", name="c")]
    fleet = a_fleet(a_host("Host1", *(a_vm(f"vm{number}") for number in range(1, 5))), a_host("Host2"), a_host("Host3"))
    plan = planned(desired(*(desired_vm(f"vm{number}", ANYWHERE) for number in range(1, 5)), *rules), fleet)
    assert [line.split()[1] for line in story(plan)] == ["vm1"]


def test_a_drained_host_minds_preferences() -> None:
    """A wish decides where a drained machine goes, and costs nothing."""
    wanted = desired(desired_vm("vm1", ANYWHERE), desired_vm("vm2", "Host2"), SPREAD, desired_host("Host1", maintenance=True))
    fleet = a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2", a_vm("vm2")), a_host("Host3", available_mib=8192))
    assert story(planned(wanted, fleet)) == ["liveMigration vm1 Host1 Host3"]

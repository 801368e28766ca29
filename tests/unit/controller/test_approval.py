"""A saved plan is a bound: what is not in it does not start."""

from datetime import UTC, datetime
from typing import Any

from reconciler.controller.approval import Approval
from reconciler.model.plan import DesiredRef, MachineRef, MachineStep, ObservationRef, Plan, Step, Summary
from reconciler.model.words import Action


def a_step(action: Action = Action.LIVE_MIGRATION, machine: str = "1", **facts: Any) -> MachineStep:
    given = {"id": "s1", "source": "hv1", "destination": "hv2" if action is Action.LIVE_MIGRATION else None}
    return MachineStep(action=action, virtual_machine=MachineRef(id=machine, name="web"), **(given | facts))


def a_plan(*steps: Step, digest: str = "d") -> Plan:
    return Plan(
        desired=DesiredRef(revision=None, digest=digest),
        observation=ObservationRef(digest="o", observed_at=datetime(2026, 11, 22, tzinfo=UTC)),
        complete=True,
        applicable=True,
        summary=Summary(),
        steps=steps,
    )


def test_a_plan_that_no_longer_fits_is_refused_with_what_to_do() -> None:
    """The fingerprint decides: other steps or another desired state are another plan."""
    approval = Approval(a_plan(a_step()))

    assert approval.refuse(a_plan(a_step())) is None
    for other in (a_plan(), a_plan(a_step(destination="hv3")), a_plan(a_step(), digest="e")):
        assert "stale plan" in (approval.refuse(other) or "")


def test_only_the_saved_steps_are_covered() -> None:
    """Another machine, another destination or another kind is somebody else's decision."""
    approval = Approval(a_plan(a_step()))

    assert approval.covers(a_step(id="s7"))
    assert not approval.covers(a_step(machine="2"))
    assert not approval.covers(a_step(destination="hv3"))
    assert not approval.covers(a_step(Action.ADD_CLUSTER_ROLE))


def test_a_crossing_promises_the_role_at_both_ends_and_nowhere_else() -> None:
    """Restoring high availability is part of the one step that took it away."""
    approval = Approval(a_plan(a_step(leaves_cluster="c1", joins_cluster="c2")))

    assert approval.covers(a_step(Action.ADD_CLUSTER_ROLE, source="hv2"))
    assert approval.covers(a_step(Action.ADD_CLUSTER_ROLE, source="hv1"))
    assert not approval.covers(a_step(Action.ADD_CLUSTER_ROLE, source="hv3"))


def test_without_a_saved_plan_everything_planned_may_start() -> None:
    """A run from the desired state alone needs no list."""
    assert Approval(None).refuse(a_plan(a_step())) is None
    assert Approval(None).covers(a_step())

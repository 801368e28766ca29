"""What estimates assume: stated in the plan, and the policy's where it says so."""

from dataclasses import replace

import pytest

from reconciler.model.desired import Estimates, Planning, Policy
from reconciler.model.observation import Migration
from reconciler.model.plan import MachineStep
from reconciler.model.words import MigrationKind, PerformanceOption
from tests.builders import a_fleet, a_host, a_vm, desired, desired_vm
from tests.unit.plan.planning import plan_for


def seconds(**estimates: object) -> float:
    """Return how long a live migration of 4,000 MB with compression is said to take."""
    wanted = replace(
        desired(desired_vm("vm1", "Host2")),
        policy=Policy(planning=Planning(estimates=Estimates(**estimates))),  # type: ignore[arg-type]
    )
    memory = 4_000_000_000 // 1024**2
    fleet = a_fleet(a_host("Host1", a_vm("vm1", memory_mib=memory)), a_host("Host2"), a_host("Host3"))
    return plan_for(wanted, fleet).summary.estimated_seconds


@pytest.mark.parametrize(
    ("estimates", "expected"),
    [
        ({}, 5 + 10),
        ({"memory": {PerformanceOption.COMPRESSION: 800}}, 5 + 5),
        ({"dirty": 200}, 5 + 20),
        ({"dirty": 400}, 5 + 100),
    ],
    ids=["as assumed", "a faster network", "half is rewritten on the way", "a guest that is never caught up with"],
)
def test_estimates_follow_the_policy(estimates: dict[str, object], expected: float) -> None:
    """Five seconds for the rest, and memory by bandwidth; what is rewritten travels again, ten times at the most."""
    assert seconds(**estimates) == pytest.approx(expected, abs=0.05)


def test_a_plan_states_what_it_assumes() -> None:
    """Bytes a second, by performance option for memory."""
    policy = Policy(planning=Planning(estimates=Estimates({PerformanceOption.SMB: 2500}, storage=150)))
    told = plan_for(replace(desired(desired_vm("vm1", "Host2")), policy=policy)).to_json()["assumptions"]
    assert told == {
        "memoryBytesPerSecond": {"TCPIP": 250e6, "Compression": 400e6, "SMB": 2500e6},
        "storageBytesPerSecond": 150e6,
        "dirtyBytesPerSecond": 0,
    }


@pytest.mark.parametrize("destination", ["Host2", "host2.contoso.com"])
def test_migrations_of_others_hold_their_slots_at_both_ends(destination: str) -> None:
    """Of two that could start at once one waits for the migration that runs to Host2 already; hosts tell names or addresses."""
    job = Migration(id="job", virtual_machine=a_vm("vm9").id, kind=MigrationKind.LIVE, destination=destination)
    busy = a_host("Host1", a_vm("vm9")).model_copy(update={"migrations": (job,)})
    there = a_host("Host2").model_copy(update={"address": "host2.contoso.com"})
    fleet = a_fleet(busy, there, a_host("Host3", a_vm("vm1"), a_vm("vm2")))
    plan = plan_for(desired(desired_vm("vm1", "Host2"), desired_vm("vm2", "Host2")), fleet)
    starts = sorted(step.estimated_start_seconds for step in plan.steps if isinstance(step, MachineStep))
    assert starts[0] == 0 < starts[1]

"""How machines, hosts and the fleet are said to stand: unknown is never green, ages are true, causes are not guessed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler.cycle import think
from reconciler.model.desired import Desired, Hold
from reconciler.model.observation import Migration, Observation
from reconciler.model.status import ConditionType, DriftCause, FleetStatus, ObjectStatus, SourceStatus, Truth
from reconciler.model.words import Handling, HostStatus, MigrationKind
from reconciler.status import Before, Facts, events_between, fleet_status
from reconciler.status.conditions import Finding
from tests.builders import OBSERVED_AT, a_fleet, a_host, a_vm, desired, desired_vm, vm_id

SOURCE = SourceStatus(location="desired-state", revision="c1", digest="sha256:test", checked_at=OBSERVED_AT)
MINUTE = timedelta(minutes=1)
ON_HOST1 = desired(desired_vm("vm1", "Host1"), hosts=2)


def facts(wanted: Desired, seen: Observation, **fields: Any) -> Facts:
    thought = think(wanted, seen)
    made = Facts(seen.observed_at, wanted, seen, thought.drift, thought.plan, SOURCE)
    return replace(made, **fields)


def status(wanted: Desired, seen: Observation, before: FleetStatus | None = None, **fields: Any) -> FleetStatus:
    return fleet_status(facts(wanted, seen, **fields), before, None)


def machine(shown: FleetStatus, name: str = "vm1") -> ObjectStatus:
    found = shown.of(f"virtualMachine/{name}")
    assert found is not None
    return found


def holding(one: ObjectStatus) -> list[str]:
    return [condition.type.value for condition in one.conditions if condition.status is Truth.TRUE]


def test_a_fleet_as_committed_is_ready_and_nothing_else() -> None:
    shown = status(desired(desired_vm("vm1", "Host1"), hosts=2), a_fleet())

    assert [holding(one) for one in shown.objects()] == [["Ready"]] * 4


def test_a_machine_out_of_place_is_drifted_and_not_ready() -> None:
    shown = status(desired(desired_vm("vm1", "Host2"), hosts=2), a_fleet())

    assert holding(machine(shown)) == ["Drifted"]
    assert machine(shown).condition(ConditionType.READY).message == "on Host1, where it may not be"
    assert shown.fleet.condition(ConditionType.READY).status is Truth.FALSE


def test_what_cannot_be_seen_is_unknown_and_nothing_about_it_is_green_or_red() -> None:
    silent = a_host("Host2", status=HostStatus.UNREACHABLE, problem="no WinRM answer within 10 s")
    shown = status(desired(desired_vm("vm2", "Host2"), hosts=2), a_fleet(a_host("Host1"), silent))

    for one in (machine(shown, "vm2"), shown.hosts[1]):
        assert holding(one) == ["Unknown"]
        assert {c.status for c in one.conditions if c.type is not ConditionType.UNKNOWN} == {Truth.UNKNOWN}
    assert shown.fleet.condition(ConditionType.READY).status is Truth.UNKNOWN


def test_a_machine_that_cannot_be_seen_any_more_says_where_and_when_it_was_seen_last() -> None:
    wanted = desired(desired_vm("vm2", "Host2"), hosts=2)
    first = status(wanted, a_fleet())
    silent = a_fleet(a_host("Host1"), a_host("Host2", status=HostStatus.UNREACHABLE), observed_at=OBSERVED_AT + MINUTE)
    second = status(wanted, silent, first)

    assert (machine(second, "vm2").host, machine(second, "vm2").observed_at) == ("Host2", OBSERVED_AT)
    assert machine(second, "vm2").condition(ConditionType.UNKNOWN).since == OBSERVED_AT + MINUTE


@pytest.mark.parametrize(
    ("fields", "conditions", "reason"),
    [
        ({"drift": Handling.REPORT}, ["Drifted"], "ReportOnly"),
        ({"drift": Handling.IGNORE}, ["Ready", "Drifted"], "InPlace"),
        ({"hold": Hold("vendor visit", "ops@contoso.com")}, ["Drifted"], "Held"),
    ],
)
def test_what_people_asked_to_leave_alone_is_told_by_its_reason(
    fields: dict[str, Any], conditions: list[str], reason: str
) -> None:
    shown = status(desired(desired_vm("vm1", "Host2", **fields), hosts=2), a_fleet())

    assert holding(machine(shown)) == conditions
    assert machine(shown).condition(ConditionType.READY).reason == reason


def test_a_blocked_machine_names_code_finding_and_remedy() -> None:
    full = a_fleet(a_host("Host1", a_vm("vm1")), a_host("Host2", available_mib=10))
    shown = status(desired(desired_vm("vm1", "Host2"), hosts=2), full)

    blocked = machine(shown).condition(ConditionType.BLOCKED)
    assert (blocked.status, blocked.reason) == (Truth.TRUE, "no-room")
    assert " — " in blocked.message


def test_what_is_under_way_is_reconciling_until_it_ends() -> None:
    wanted = desired(desired_vm("vm1", "Host2"), hosts=2)
    under_way = {"virtualmachine/vm1": Finding(Truth.TRUE, "Migrating", "40 %")}
    shown = status(wanted, a_fleet(), progress=under_way)

    assert holding(machine(shown)) == ["Reconciling", "Drifted"]
    assert machine(shown).condition(ConditionType.READY).reason == "Reconciling"


def test_a_condition_keeps_its_age_while_it_holds() -> None:
    wanted = desired(desired_vm("vm1", "Host2"), hosts=2)
    first = status(wanted, a_fleet())
    second = status(wanted, a_fleet(observed_at=OBSERVED_AT + MINUTE), first)
    third = status(desired(desired_vm("vm1", "Host1"), hosts=2), a_fleet(observed_at=OBSERVED_AT + 2 * MINUTE), second)

    assert machine(second).condition(ConditionType.DRIFTED).since == OBSERVED_AT
    assert machine(third).condition(ConditionType.DRIFTED).since == OBSERVED_AT + 2 * MINUTE


def test_a_refused_desired_state_makes_no_fleet_ready() -> None:
    refused = SOURCE.model_copy(update={"refused": "c2", "problems": ("vms.yaml:3:1: unknown-field: ...",)})
    shown = status(desired(desired_vm("vm1", "Host1"), hosts=2), a_fleet(), source=refused)

    assert shown.fleet.condition(ConditionType.READY).reason == "SourceRefused"


# -- causes


def drifted(before: Observation, now: Observation, wanted: Desired, **fields: Any) -> ObjectStatus:
    looks = Before(str(fields.pop("digest", wanted.digest)), before)
    settled = status(ON_HOST1, before)
    return machine(fleet_status(facts(wanted, now, **fields), settled, looks))


def moved(*, highly_available: bool = False, cluster: str | None = None, **old_host: Any) -> tuple[Observation, Observation]:
    vm = a_vm("vm1", highly_available=highly_available)
    before = a_fleet(a_host("Host1", vm, cluster=cluster), a_host("Host2", cluster=cluster))
    after = a_fleet(a_host("Host1", cluster=cluster, **old_host), a_host("Host2", vm, cluster=cluster))
    return before, after.model_copy(update={"observed_at": OBSERVED_AT + MINUTE})


def test_nothing_that_was_seen_tells_why_then_the_cause_is_unknown() -> None:
    assert drifted(*moved(), ON_HOST1).cause is DriftCause.UNKNOWN


def test_a_new_commit_is_a_change_of_mind_and_no_drift_of_the_fleet() -> None:
    assert drifted(a_fleet(), a_fleet(), desired(desired_vm("vm1", "Host2"), hosts=2), digest="old").cause is DriftCause.COMMIT


def test_a_migration_that_we_did_not_start_was_an_operator() -> None:
    before, after = moved()
    job = Migration(id="1", virtual_machine=vm_id("vm1"), kind=MigrationKind.LIVE, destination="Host2", state="Completed")
    seen = after.model_copy(update={"hosts": (after.hosts[0].model_copy(update={"migrations": (job,)}), after.hosts[1])})

    assert drifted(before, seen, ON_HOST1).cause is DriftCause.OPERATOR


def test_our_own_unfinished_step_is_told_as_such() -> None:
    assert drifted(*moved(), ON_HOST1, ours=frozenset({vm_id("vm1")})).cause is DriftCause.UNFINISHED


def test_a_role_whose_node_went_down_failed_over_and_one_whose_node_is_up_was_balanced() -> None:
    clustered: dict[str, Any] = {"highly_available": True, "cluster": "Cluster1"}

    assert drifted(*moved(**clustered, node_state="Down"), ON_HOST1).cause is DriftCause.FAILOVER
    assert drifted(*moved(**clustered, node_state="Up"), ON_HOST1).cause is DriftCause.BALANCER


def test_a_machine_that_stays_drifted_keeps_its_cause_and_its_moment() -> None:
    before, after = moved(highly_available=True, cluster="Cluster1", node_state="Up")
    settled = status(ON_HOST1, before)
    first = fleet_status(facts(ON_HOST1, after), settled, Before(ON_HOST1.digest, before))
    later = after.model_copy(update={"observed_at": OBSERVED_AT + 9 * MINUTE})
    second = fleet_status(facts(ON_HOST1, later), first, Before(ON_HOST1.digest, after))

    assert (machine(second).cause, machine(second).drifted_since) == (DriftCause.BALANCER, OBSERVED_AT + MINUTE)


# -- events


def names(before: FleetStatus | None, now: FleetStatus) -> list[tuple[str, str]]:
    return [(event.name, event.subject) for event in events_between(before, now)]


def test_a_second_look_at_the_same_tells_nothing() -> None:
    shown = status(ON_HOST1, a_fleet())

    assert names(shown, status(ON_HOST1, a_fleet(), shown)) == []


def test_drift_that_comes_and_goes_is_one_event_each_way() -> None:
    before, after = moved()
    first = status(ON_HOST1, before)
    second = status(ON_HOST1, after, first)
    third = status(ON_HOST1, before, second)

    assert ("drifted", "virtualMachine/vm1") in names(first, second)
    assert ("drift-ended", "virtualMachine/vm1") in names(second, third)
    assert names(third, third) == []


def test_a_silent_host_is_told_once_and_drift_found_behind_it_is_told_when_it_is_seen_again() -> None:
    wanted = desired(desired_vm("vm2", "Host1"), hosts=2)
    silent = a_fleet(a_host("Host1"), a_host("Host2", status=HostStatus.UNREACHABLE))
    first = status(wanted, silent)
    second = status(wanted, a_fleet(), first)

    assert [subject for name, subject in names(None, first) if name == "unknown"] == [
        "fleet",
        "host/Host2",
        "virtualMachine/vm2",
    ]
    assert {("seen-again", "host/Host2"), ("drifted", "virtualMachine/vm2")} <= set(names(first, second))

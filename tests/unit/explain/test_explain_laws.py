"""What holds of every explanation: a verdict on a host is what a plan that pins the machine there would say."""

from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.diff import find_drift
from reconciler.explain import what_if
from reconciler.model import observation as seen
from reconciler.model.desired import Desired, VirtualMachineMigration
from reconciler.model.explanation import HostOption, MachineExplanation, Verdict
from reconciler.model.observation import Observation
from reconciler.model.plan import MachineStep, Plan
from reconciler.model.words import WhenOff
from reconciler.plan import make_plan
from tests.builders import GIB, SHARE, a_fleet, a_host, a_vm, apart, desired, desired_host, desired_vm, migration, stored
from tests.unit.explain.asking import machine as explained

LAWS = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
# What no other machine has any part in: such a reason holds whatever else is placed where.
OWN = {"switch", "version", "vendor", "migrationDisabled", "cordoned", "maintenance", "devices", "limit", "storage", "off"}
# What may be the doing of other machines; alone in the fleet, a machine has no such excuse.
OF_OTHERS = {"rule", "memory"}


@st.composite
def fleets(draw: st.DrawFn) -> tuple[Desired, Observation]:
    """Hosts that lack this or that, machines that may run on any of them, a rule now and then."""
    names = [f"Host{number}" for number in range(1, draw(st.integers(2, 4)) + 1)]
    hosts_asked = [desired_host(name, **draw(st.sampled_from(ASKED))) for name in names]
    on: dict[str, list[seen.VirtualMachine]] = {name: [] for name in names}
    managed = []
    for number in range(1, draw(st.integers(1, 4)) + 1):
        name = f"vm{number}"
        folder = rf"D:\VMs\{name}" if draw(st.booleans()) else None
        state = draw(st.sampled_from(["Running", "Running", "Off"]))
        on[draw(st.sampled_from(names))].append(
            a_vm(name, folder=folder, state=state, memory_mib=draw(st.sampled_from([1024, 4096])))
        )
        habits = VirtualMachineMigration(when_off=draw(st.sampled_from(list(WhenOff))))
        hosts = tuple(names) if number == 1 else draw(st.sampled_from(names))
        managed.append(desired_vm(name, hosts, migration=habits))
    rules = [apart("vm1", "vm2")] if draw(st.booleans()) else []
    return desired(*managed, *rules, *hosts_asked, hosts=()), a_fleet(*(draw_host(draw, name, on[name]) for name in names))


ASKED: list[dict[str, Any]] = [{}, {}, {}, {"cordoned": True}, {"maintenance": True}, {"reserve_memory_mib": 2048}]
SEEN: list[dict[str, Any]] = [
    {},
    {},
    {},
    {"switches": ("Other",)},
    {"supported_configuration_versions": ("8.0",)},
    {"processor_vendor": "AuthenticAMD"},
    {"migration": migration(enabled=False)},
]


CLUSTERS: list[dict[str, Any]] = [{}, {"cluster": "East"}, {"cluster": "East"}, {"cluster": "West"}]
FOLDERS = [None, r"D:\VMs\vm1", r"C:\ClusterStorage\Volume1\vm1"]


@st.composite
def clustered_fleets(draw: st.DrawFn) -> tuple[Desired, Observation]:
    """One machine, in a cluster or not, highly available or not, on whatever storage; nobody else has a part in the answer."""
    names = [f"Host{number}" for number in range(1, draw(st.integers(2, 4)) + 1)]
    protected = st.sampled_from([True, False, None])
    machine = a_vm("vm1", folder=draw(st.sampled_from(FOLDERS)), highly_available=draw(st.booleans()))
    storage = stored(draw(st.sampled_from([None, None, rf"{SHARE}\new", r"D:\new", r"C:\ClusterStorage\Volume1\new"])))
    longest = VirtualMachineMigration(maximum_unprotected_seconds=draw(st.sampled_from([None, 1, 600])))
    wanted = desired_vm("vm1", tuple(names), high_availability=draw(protected), storage=storage, migration=longest)
    hosts = [a_host(name, *([machine] if name == "Host1" else []), **draw(st.sampled_from(CLUSTERS))) for name in names]
    volume = seen.Volume(path=r"C:\ClusterStorage\Volume1", size_bytes=900 * GIB, free_bytes=500 * GIB)
    clusters = tuple(seen.Cluster(name=name, shared_volumes=(volume,)) for name in ("East", "West"))
    return desired(wanted, hosts=tuple(names)), a_fleet(*hosts, clusters=clusters)


def draw_host(draw: st.DrawFn, name: str, machines: list[seen.VirtualMachine]) -> seen.Host:
    lacks = draw(st.sampled_from(SEEN))
    return a_host(name, *machines, available_mib=draw(st.sampled_from([0, 2048, 6144, 65536])), **lacks)


def pinned(wanted: Desired, fleet: Observation, host: str) -> Plan:
    """The plan where vm1 may be on that host alone."""
    supposed = what_if(wanted, f"place=vm1:{host}")
    assert isinstance(supposed, Desired)
    return make_plan(supposed, fleet, find_drift(supposed, fleet))


def uses(plan: Plan, explained: MachineExplanation, host: str) -> bool:
    """Whether the plan leaves vm1 on that host."""
    steps = [step for step in plan.steps if isinstance(step, MachineStep) and step.virtual_machine.name == "vm1"]
    ends = [step.destination for step in steps if step.destination]
    return ends[-1] == host if ends else explained.host == host and not blocked_reasons(plan)


def blocked_reasons(plan: Plan) -> set[str]:
    mine = [one for one in plan.blocked if one.subject == "virtualMachine/vm1"]
    return {reason for one in mine for reason in (one.counts or {one.code: 1})}


def judged(wanted: Desired, fleet: Observation) -> Iterator[tuple[MachineExplanation, HostOption, Plan]]:
    answer = explained(wanted, fleet)
    for option in answer.options:
        yield answer, option, pinned(wanted, fleet, option.host)


@LAWS
@given(fleets())
def test_a_host_that_is_not_refused_is_used_when_asked_for(fleet: tuple[Desired, Observation]) -> None:
    """A plan that pins the machine there uses the host, or blocks for the sake of other machines only."""
    for answer, option, plan in judged(*fleet):
        if option.verdict is not Verdict.REFUSED:
            others = OF_OTHERS if len(fleet[0].virtual_machines) > 1 else set()
            reasons = blocked_reasons(plan)
            assert uses(plan, answer, option.host) or (reasons and reasons <= others), (option, plan.blocked)


@LAWS
@given(clustered_fleets())
def test_alone_in_the_fleet_a_verdict_is_what_the_plan_does(fleet: tuple[Desired, Observation]) -> None:
    """With nobody else to blame, a host is used when asked for if and only if it is not refused."""
    for answer, option, plan in judged(*fleet):
        assert uses(plan, answer, option.host) == (option.verdict is not Verdict.REFUSED), (option, plan.blocked)


@LAWS
@given(fleets())
def test_a_host_refused_for_itself_is_never_used(fleet: tuple[Desired, Observation]) -> None:
    """Where a reason has nothing to do with other machines, pinning changes nothing about it."""
    for answer, option, plan in judged(*fleet):
        if option.verdict is Verdict.REFUSED and {reason.reason for reason in option.reasons} & OWN:
            assert not uses(plan, answer, option.host), option


@LAWS
@given(fleets())
def test_the_plan_never_goes_where_the_explanation_refuses(fleet: tuple[Desired, Observation]) -> None:
    """Explanation and plan are of one mind about the plan's own choice."""
    answer = explained(*fleet)
    ends = {step.destination for step in answer.steps if step.destination and not step.bypass}
    assert {option.host for option in answer.options if option.verdict is Verdict.PLANNED} == ends
    assert all(option.reasons == () for option in answer.options if option.verdict is Verdict.PLANNED)

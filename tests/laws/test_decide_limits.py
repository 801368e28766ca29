"""Whatever the plan, what starts now never exceeds a limit, and the order of the document does not matter."""

from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.decide import Decision, decide
from reconciler.model.memory import Memory
from reconciler.model.observation import Host
from reconciler.model.plan import MachineStep
from reconciler.model.words import MigrationKind
from tests.laws.strategies_decide import Situation, situations
from tests.unit.decide.fleet import NOW, a_plan

COPIES = (MigrationKind.STORAGE, MigrationKind.LIVE_WITH_STORAGE)
# How long it takes to make a situation says something of the machine, nothing of the law.
LAWS = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
Trip = tuple[str, MigrationKind, str, str | None]


def decision_on(case: Situation) -> Decision:
    return decide(case.plan, case.desired, case.observation, Memory(), NOW)


def starts_of(decision: Decision) -> list[MachineStep]:
    return [step for step in decision.starts if isinstance(step, MachineStep)]


def running(case: Situation) -> list[Trip]:
    hosts = case.observation.hosts
    return [(job.virtual_machine, job.kind, host.name, job.destination) for host in hosts for job in host.running_migrations]


def starting(decision: Decision) -> list[Trip]:
    trips = ((step, step.migration_kind) for step in starts_of(decision))
    return [(step.virtual_machine.id, kind, step.source, step.destination) for step, kind in trips if kind]


def at(host: Host, trips: list[Trip], *, storage: bool) -> int:
    wanted = [trip for trip in trips if (trip[1] in COPIES if storage else trip[1] is not MigrationKind.STORAGE)]
    return sum(1 for trip in wanted if host.name in trip[2:])


@LAWS
@given(situations())
def test_slots_of_hosts_and_clusters_are_never_exceeded(case: Situation) -> None:
    """Where something starts, all that runs there fits the smallest limit that applies."""
    now, new = running(case), starting(decision_on(case))
    for host in case.observation.hosts:
        live = at(host, new, storage=False)
        cluster = case.observation.cluster(host.cluster) if host.cluster else None
        own = host.migration.maximum_virtual_machine_migrations or 0
        limit = min(own, (cluster.maximum_parallel_migrations or 0) if cluster else own)
        used = max(at(host, now, storage=False), host.migration.active_virtual_machine_migrations or 0)
        assert not live or live + used <= limit
        copies = at(host, new, storage=True)
        assert not copies or copies + at(host, now, storage=True) <= (host.migration.maximum_storage_migrations or 0)


@LAWS
@given(situations())
def test_limits_of_fleet_location_and_protection_are_never_exceeded(case: Situation) -> None:
    """Counted over the whole fleet."""
    decision, now = decision_on(case), running(case)
    new, limits = starting(decision), case.desired.policy.limits
    copies = [trip for trip in now + new if trip[1] in COPIES]
    # What nobody wants highly available loses nothing by leaving its cluster.
    wanted = {vm.name for vm in case.desired.virtual_machines if vm.high_availability is not False}
    crossings = [step for step in starts_of(decision) if step.is_crossing and step.virtual_machine.name in wanted]
    assert not new or len(now) + len(new) <= limits.concurrent_migrations
    if any(trip[1] in COPIES for trip in new):
        assert len(copies) <= (case.desired.storage_locations[0].maximum_concurrent_migrations or 0)
    assert len(crossings) <= limits.unprotected_virtual_machines


@LAWS
@given(situations())
def test_no_machine_has_two_movers_and_no_host_takes_more_than_it_has_room_for(case: Situation) -> None:
    """Machines of 4 GiB each, less the reserve."""
    new = starting(decision_on(case))
    machines = [trip[0] for trip in new]
    assert len(machines) == len(set(machines))
    assert not set(machines) & {trip[0] for trip in running(case)}
    for host in case.observation.hosts:
        arriving = sum(4096 for trip in new if trip[3] == host.name and trip[1] is not MigrationKind.OFFLINE)
        wanted = case.desired.host(host.name)
        assert wanted is not None
        assert not arriving or arriving <= (host.available_memory_mib or 0) - wanted.reserve_memory_mib


@LAWS
@given(situations())
def test_machines_that_belong_apart_never_meet(case: Situation) -> None:
    """A mover counts on both hosts: nobody starts towards a host where a mate is, is going, or comes from."""
    new = starting(decision_on(case))
    members = {f"id-{name}" for name in case.desired.placement_rules[0].virtual_machines}
    places: dict[str, set[str | None]] = {vm.id: {host.name} for host, vm in case.observation.machines() if vm.id in members}
    for machine, _, _, destination in running(case) + new:
        if machine in places and destination:
            places[machine].add(destination)
    for machine, _, source, destination in new:
        if machine in members and destination not in (None, source):
            assert not any(destination in places[mate] for mate in members - {machine})


@LAWS
@given(situations())
def test_every_step_either_starts_or_waits_with_a_reason(case: Situation) -> None:
    """Nothing is dropped, nothing is told twice."""
    decision = decision_on(case)
    told = [step.id for step in decision.starts] + [waiting.step_id for waiting in decision.waiting]
    assert sorted(told) == sorted(step.id for step in case.plan.steps)
    assert all(waiting.code and waiting.finding for waiting in decision.waiting)


@LAWS
@given(situations(), st.randoms(use_true_random=False))
def test_the_order_of_hosts_and_steps_does_not_matter(case: Situation, shuffle: Random) -> None:
    """The same fleet in another order gives the same decision."""
    hosts, steps = list(case.observation.hosts), list(case.plan.steps)
    shuffle.shuffle(hosts)
    shuffle.shuffle(steps)
    other = Situation(a_plan(*steps), case.desired, case.observation.model_copy(update={"hosts": tuple(hosts)}))
    assert decision_on(other) == decision_on(case)

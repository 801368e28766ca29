"""Plans are stable: planning again on the way gives the rest of the same plan, and room that nobody needs changes nothing."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from reconciler.model.announced import announced_by, announced_hosts
from reconciler.model.desired import Desired, Placement
from reconciler.model.observation import Migration, Observation
from reconciler.model.plan import MachineStep, Plan
from reconciler.model.words import Proof
from reconciler.plan.exact import MAKES_ROOM
from tests.laws.strategies_flexible import flexible_fleets
from tests.laws.strategies_tight import tight_fleets
from tests.laws.test_plan_laws import arrive, machine_steps, plan_for, seen_again, told

LAWS = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@LAWS
@given(flexible_fleets(), st.integers(0, 1000))
def test_planning_again_on_the_way_gives_the_rest_of_the_plan(case: tuple[Desired, Observation], seed: int) -> None:
    """Whichever steps have ended, in any order that dependsOn permits: the same machines go to the same hosts.

    While a migration runs, one that waits for it may be missing, for it has no step to depend on; none goes elsewhere
    (without rules: who is kept from coming by a running migration gives no room to others either).
    """
    wanted, fleet = case
    plan = plan_for(wanted, fleet)
    assume(is_settled(plan) and plan.steps)
    for todo, now in on_the_way(machine_steps(plan), fleet, Random(seed), begin=not wanted.placement_rules):
        again, rest = (sorted(map(told, steps)) for steps in (machine_steps(plan_for(wanted, now)), todo))
        running = any(host.running_migrations for host in now.hosts)
        assert again == ([one for one in rest if one in again] if running else rest)


@LAWS
@given(flexible_fleets(wishes=True), st.integers(0, 1000))
def test_room_that_nobody_needs_changes_no_target(case: tuple[Desired, Observation], share: int) -> None:
    """Other machines grow on hosts of the fleet, as long as what the plan needs is left: the plan stays as it was."""
    wanted, fleet = case
    plan = plan_for(wanted, fleet)
    steps = machine_steps(plan)
    assume(is_settled(plan) and steps)
    needed = {host.name: needed_at(host.name, steps, fleet) for host in fleet.hosts}
    hosts = [
        host.model_copy(update={"available_memory_mib": free - max(0, free - needed[host.name]) * share // 1000})
        for host in fleet.hosts
        if (free := host.available_memory_mib or 0) >= 0
    ]
    assert list(map(told, machine_steps(plan_for(wanted, seen_again(fleet, hosts))))) == list(map(told, steps))


@settings(LAWS, max_examples=12)  # one such fleet in fifteen needs a detour
@given(tight_fleets(), st.integers(0, 1000), st.booleans())
def test_a_plan_with_detours_is_kept_to_on_the_way(case: tuple[Desired, Observation], seed: int, running: bool) -> None:
    """Whoever knows what was announced plans the rest of it, also while machines are on their way to interim stops.

    Only a plan that was not proven to be the shortest may become shorter on the way.
    """
    wanted, fleet = case
    plan = plan_for(wanted, fleet)
    assume(any(step.bypass for step in machine_steps(plan)))
    announced = announced_by(plan.steps)
    for todo, now in on_the_way(machine_steps(plan), fleet, Random(seed), begin=running):
        again, rest = (sorted(map(told, steps)) for steps in (machine_steps(plan_for(wanted, now, announced)), todo))
        moving = any(host.running_migrations for host in now.hosts)
        if plan.summary.proof is Proof.MINIMAL or len(again) >= len(rest) or moving:
            assert again == ([one for one in rest if one in again] if moving else rest)


@LAWS
@given(flexible_fleets(), st.integers(0, 1000))
def test_room_freed_elsewhere_draws_nobody_from_where_it_was_announced_to_go(
    case: tuple[Desired, Observation], seed: int
) -> None:
    """Hosts have more room than when the plan was made: whoever knows what was announced sends nobody elsewhere."""
    wanted, fleet = case
    plan = plan_for(wanted, fleet)
    steps = machine_steps(plan)
    places = [one.placement for one in wanted.virtual_machines if one.placement]
    assume(steps and not plan.blocked and not any(step.bypass or step.reason == MAKES_ROOM for step in steps))
    assume(not any(place.prefer for place in places))
    chance = Random(seed)
    hosts = [
        host.model_copy(update={"available_memory_mib": (host.available_memory_mib or 0) + chance.choice((0, 4096, 65536))})
        for host in fleet.hosts
    ]
    again = plan_for(wanted, seen_again(fleet, hosts), announced_by(plan.steps))
    assert sorted(map(told, machine_steps(again))) == sorted(map(told, steps))


@settings(LAWS, max_examples=150)  # one such change in twenty leads somebody elsewhere
@given(flexible_fleets(), st.integers(0, 1000))
def test_nobody_is_sent_elsewhere_than_announced_without_need(case: tuple[Desired, Observation], seed: int) -> None:
    """Others have to go as well, or hosts have less room: whoever goes elsewhere now could not have been held to its host.

    Held it would be with its announced host pinned, and with it all who are still going to theirs.
    """
    wanted, fleet = without_wishes(case[0]), case[1]
    announced = announced_by(plan_for(wanted, fleet).steps)
    hosts = {names_of(fleet)[machine]: host for machine, host in announced_hosts(announced).items()}
    changed, now = changed_elsewhere(Random(seed), wanted, fleet, frozenset(hosts))
    plan = plan_for(changed, now, announced)
    ends = {name: host for name, host in ends_of(plan).items() if name in hosts}
    kept = {name: host for name, host in ends.items() if hosts[name] == host}
    for name in ends.keys() - kept.keys():
        held = pinned(changed, kept | {name: hosts[name]})
        assert held is None or is_worse(plan_for(held, now, announced), plan)


def without_wishes(wanted: Desired) -> Desired:
    places = ((one, one.placement) for one in wanted.virtual_machines)
    plain = (replace(one, placement=replace(place, prefer=())) if place else one for one, place in places)
    return replace(wanted, virtual_machines=tuple(plain))


def changed_elsewhere(
    chance: Random, wanted: Desired, fleet: Observation, announced: frozenset[str]
) -> tuple[Desired, Observation]:
    """Pin somebody else, empty one more host, or take room from a host."""
    others = [one for one in wanted.virtual_machines if one.name not in announced]
    what, host = chance.choice(("pin", "empty", "fill")), chance.choice(wanted.hosts).name
    if what == "pin" and others:
        return pinned(wanted, {chance.choice(others).name: host}, anywhere=True) or wanted, fleet
    if what == "empty":
        hosts = (replace(one, maintenance=one.maintenance or one.name == host) for one in wanted.hosts)
        return replace(wanted, hosts=tuple(hosts)), fleet
    less = {host: chance.choice((1024, 2048, 4096))}
    rooms = ((one, max(0, (one.available_memory_mib or 0) - less.get(one.name, 0))) for one in fleet.hosts)
    return wanted, seen_again(fleet, [one.model_copy(update={"available_memory_mib": room}) for one, room in rooms])


def pinned(wanted: Desired, hosts: dict[str, str], *, anywhere: bool = False) -> Desired | None:
    """Pin machines to hosts; None where one of them may not be there."""
    machines = {one.name: one for one in wanted.virtual_machines}
    if not anywhere and not all((place := machines[name].placement) and place.allows(host) for name, host in hosts.items()):
        return None
    pins = {name: replace(machines[name], placement=Placement("host", (host,))) for name, host in hosts.items()}
    return replace(wanted, virtual_machines=tuple((machines | pins).values()))


def names_of(fleet: Observation) -> dict[str, str]:
    return {machine.id.casefold(): machine.name for _, machine in fleet.machines()}


def ends_of(plan: Plan) -> dict[str, str]:
    return {step.virtual_machine.name: step.destination for step in machine_steps(plan) if step.destination and not step.bypass}


def is_worse(plan: Plan, other: Plan) -> bool:
    left_out = {one.subject for one in plan.blocked} - {one.subject for one in other.blocked}
    return bool(left_out) or plan.summary.migrations > other.summary.migrations


def is_settled(plan: Plan) -> bool:
    """Without detours, no rule left broken, and who is left out is proven to have no place.

    Of plans with detours, only whoever is told what was announced can plan the rest: see the law above.
    """
    detours = any(step.bypass for step in machine_steps(plan))
    return not detours and all(one.proven and "rule" not in one.counts for one in plan.blocked)


def needed_at(host: str, steps: list[MachineStep], fleet: Observation) -> int:
    """All that comes, whether or not others leave first."""
    memory = {machine.id: machine.memory_mib or 0 for _, machine in fleet.machines()}
    return sum(memory[step.virtual_machine.id] for step in steps if step.destination == host)


def on_the_way(
    steps: list[MachineStep], fleet: Observation, chance: Random, *, begin: bool
) -> Iterator[tuple[list[MachineStep], Observation]]:
    """Yield what is still to be begun, and the fleet as seen at that moment, at every instant of one execution."""
    todo, running, done = list(steps), list[MachineStep](), set[str]()
    while todo or running:
        ready = [step for step in todo if set(step.depends_on) <= done]
        step = chance.choice([*ready, *running])
        if step in running:
            running.remove(step)
            done.add(step.id)
            fleet = arrive(without_job(fleet, step), step)
        elif begin and chance.random() < 0.5:
            todo.remove(step)
            running.append(step)
            fleet = with_job(fleet, step)
        else:
            todo.remove(step)
            done.add(step.id)
            fleet = arrive(fleet, step)
        yield todo, fleet


def with_job(fleet: Observation, step: MachineStep) -> Observation:
    assert step.migration_kind
    job = Migration(id=step.id, virtual_machine=step.virtual_machine.id, kind=step.migration_kind, destination=step.destination)
    return seen_again(
        fleet,
        [
            host.model_copy(update={"migrations": (*(host.migrations or ()), job)}) if host.name == step.source else host
            for host in fleet.hosts
        ],
    )


def without_job(fleet: Observation, step: MachineStep) -> Observation:
    return seen_again(
        fleet,
        [
            host.model_copy(update={"migrations": tuple(job for job in host.migrations or () if job.id != step.id)})
            for host in fleet.hosts
        ],
    )

"""Random fleets, running migrations and plans to decide about: small enough to collide all the time."""

from typing import NamedTuple

from hypothesis import strategies as st

from reconciler.model import desired as wanted
from reconciler.model import observation as seen
from reconciler.model.plan import MachineStep, Plan, Step
from reconciler.model.words import Action, MigrationKind, RuleType
from tests.unit.decide.fleet import (
    SHARE,
    SOURCE,
    a_copy,
    a_host,
    a_job,
    a_machine,
    a_managed,
    a_move,
    a_plan,
    observed,
    settings_of,
)

HOSTS = ("H1", "H2", "H3", "H4")


class Situation(NamedTuple):
    """What ``decide`` is asked about."""

    plan: Plan
    desired: wanted.Desired
    observation: seen.Observation


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Any plan over any fleet; nothing says that the plan is a good one."""
    names = [f"m{number}" for number in range(draw(st.integers(1, 9)))]
    homes = {name: draw(st.sampled_from(HOSTS)) for name in names}
    jobs = {name: draw(_jobs(name)) for name in names if draw(st.integers(0, 4)) == 0}
    hosts = [draw(_hosts(host, [name for name in names if homes[name] == host], jobs)) for host in HOSTS]
    observation = observed(*hosts, clusters=(seen.Cluster(name="C", maximum_parallel_migrations=draw(st.integers(1, 3))),))
    steps: list[Step] = [draw(_steps(name, homes[name])) for name in draw(st.permutations(names))]
    steps += [settings_of(host, f"c-{host}") for host in draw(st.sets(st.sampled_from(HOSTS), max_size=2))]
    return Situation(a_plan(*steps), draw(_desired(names)), observation)


def _jobs(name: str) -> st.SearchStrategy[seen.Migration]:
    return st.builds(a_job, st.just(name), st.sampled_from((None, *HOSTS)), st.sampled_from(MigrationKind))


@st.composite
def _hosts(draw: st.DrawFn, name: str, machines: list[str], jobs: dict[str, seen.Migration]) -> seen.Host:
    limits = {
        "maximum_virtual_machine_migrations": draw(st.integers(0, 3)),
        "maximum_storage_migrations": draw(st.integers(0, 3)),
        "active_virtual_machine_migrations": draw(st.integers(0, 1)),
    }
    return a_host(
        name,
        *(a_machine(machine, highly_available=draw(st.booleans())) for machine in machines),
        migration=limits,
        migrations=tuple(jobs[machine] for machine in machines if machine in jobs),
        cluster=draw(st.sampled_from((None, "C"))),
        available_memory_mib=draw(st.integers(0, 5)) * 4096,
    )


@st.composite
def _steps(draw: st.DrawFn, name: str, home: str) -> MachineStep:
    destination = draw(st.sampled_from([host for host in HOSTS if host != home]))
    leaves = draw(st.sampled_from((None, None, "C")))
    length = draw(st.integers(1, 99))
    return draw(
        st.sampled_from(
            [
                a_move(name, home, destination, leaves_cluster=leaves, estimated_seconds=length),
                a_copy(name, home, estimated_seconds=length),
                a_copy(name, home, destination, leaves_cluster=leaves, estimated_seconds=length),
                a_move(name, home, destination, Action.OFFLINE_MIGRATION),
            ]
        )
    )


@st.composite
def _desired(draw: st.DrawFn, names: list[str]) -> wanted.Desired:
    limits = wanted.Limits(draw(st.integers(1, 6)), draw(st.integers(0, 2)))
    location = wanted.StorageLocation("shared", SOURCE, SHARE, maximum_concurrent_migrations=draw(st.integers(1, 3)))
    members = tuple(sorted(draw(st.sets(st.sampled_from(names), max_size=3))))
    return wanted.Desired(
        digest="sha256:d",
        hosts=tuple(wanted.Host(name, SOURCE, name, reserve_memory_mib=draw(st.sampled_from((0, 4096)))) for name in HOSTS),
        virtual_machines=tuple(a_managed(name, high_availability=draw(st.booleans())) for name in names),
        storage_locations=(location,),
        placement_rules=(wanted.PlacementRule("apart", SOURCE, RuleType.ANTI_AFFINITY, members),),
        policy=wanted.Policy(limits=limits),
    )

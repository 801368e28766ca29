"""Fleets of machines that may go to several hosts: emptied hosts, groups, selectors, preferences, rules, little room.

Drawn by seed, for most fleets that Hypothesis would build up bit by bit leave nothing to choose.
"""

from random import Random

from hypothesis import strategies as st

from reconciler.model.desired import Desired, Placement, PlacementRule
from reconciler.model.observation import Observation
from reconciler.model.words import Enforcement, RuleType
from tests.builders import a_fleet, a_host, a_vm, desired, desired_host, desired_vm, source

RACKS = ("a", "b", "c")


def flexible_fleets(*, wishes: bool = False) -> st.SearchStrategy[tuple[Desired, Observation]]:
    """Return three to five hosts, one to be emptied, and up to seven machines, most of which may be on several hosts.

    ``wishes``: preferred rules too.
    """
    return st.integers(0, 10**6).map(lambda seed: flexible_fleet(Random(seed), wishes=wishes))


def flexible_fleet(chance: Random, *, wishes: bool = False) -> tuple[Desired, Observation]:
    names = [f"Host{number}" for number in range(1, chance.randint(3, 5) + 1)]
    hosts = [
        desired_host(name, maintenance=number == 0 or chance.random() < 0.1, labels={"rack": RACKS[number % 3]})
        for number, name in enumerate(names)
    ]
    machines = [f"vm{number}" for number in range(1, chance.randint(3, 7) + 1)]
    homes = {name: chance.choice([*names, *names[:1] * len(names)]) for name in machines}
    managed = [desired_vm(name, placement=_placement(chance, names, homes[name])) for name in machines]
    rules = [_rule(chance, f"rule{number}", machines, wishes=wishes) for number in range(chance.choice((0, 0, 1, 2)))]
    sizes = {name: chance.choice((1024, 2048, 3072, 4096)) for name in machines}
    seen = [
        a_host(
            name,
            *[a_vm(one, memory_mib=sizes[one]) for one in machines if homes[one] == name],
            available_mib=chance.choice((2048, 8192, 16384, 32768)),
        )
        for name in names
    ]
    return desired(*managed, *hosts, *rules, hosts=tuple(names)), a_fleet(*seen)


def _placement(chance: Random, names: list[str], home: str) -> Placement:
    kind = chance.choice(("host", "hosts", "hosts", "hostGroup", "hostGroup", "hostSelector"))
    if kind == "host":
        return Placement(kind, (chance.choice((home, *names)),))
    rack = chance.choice(RACKS)
    chosen = {
        "hosts": chance.sample(names, chance.randint(2, len(names))),
        "hostGroup": names,
        "hostSelector": [name for number, name in enumerate(names) if RACKS[number % 3] != rack],
    }[kind]
    return Placement(kind, tuple(chosen), prefer=(chance.choice(chosen),) if chance.random() < 0.25 else ())


def _rule(chance: Random, name: str, machines: list[str], *, wishes: bool) -> PlacementRule:
    type_, topology = chance.choice(
        ((RuleType.ANTI_AFFINITY, "host"), (RuleType.ANTI_AFFINITY, "rack"), (RuleType.AFFINITY, "rack"))
    )
    enforcement = chance.choice(tuple(Enforcement)) if wishes else Enforcement.REQUIRED
    return PlacementRule(name, source(name), type_, tuple(chance.sample(machines, 2)), topology, enforcement)

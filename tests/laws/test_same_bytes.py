"""The same wishes and the same fleet give the same bytes, however files are named and in which order things stand.

What may differ: the places that a plan names (FILE:LINE), and the digest of an observation, which is of its spelling.
"""

import re
from random import Random

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.audit import audit
from reconciler.desired import SourceFile, load_desired
from reconciler.diff import find_drift
from reconciler.model.observation import Observation
from reconciler.model.plan import Plan
from reconciler.plan import make_plan
from tests.builders import a_fleet, a_host, a_vm

LAWS = settings(max_examples=25, deadline=None, derandomize=True)
HOSTS = {"Host1": "a", "Host2": "b", "Host3": "a", "Host4": "b"}
PLACEMENTS: dict[str, dict[str, object]] = {
    "vm1": {"hosts": ["Host2", "Host3", "Host4"]},
    "vm2": {"hostGroup": "all"},
    "vm3": {"hostGroup": "all", "prefer": ["Host4"]},
    "vm4": {"hostSelector": {"matchLabels": {"rack": "b"}}},
    "vm5": {"host": "Host1"},
    "vm6": {"host": "Host3"},
    "vm7": {"host": "Host1"},
    "vm8": {"hosts": ["Host3", "Host4"]},
}
PLACE = re.compile(r"[\w-]+\.yaml:\d+")


def a_document(kind: str, name: str, spec: dict[str, object], **metadata: object) -> dict[str, object]:
    return {"apiVersion": "reconciler/v1", "kind": kind, "metadata": {"name": name, **metadata}, "spec": spec}


DOCUMENTS = [
    *(
        a_document(
            "Host",
            name,
            {"hostGroup": "all", "maintenance": name == "Host1", "reserve": {"memoryMiB": 0}},
            labels={"rack": rack},
        )
        for name, rack in HOSTS.items()
    ),
    a_document("HostGroup", "all", {}),
    *(a_document("VirtualMachine", name, {"placement": placement}) for name, placement in PLACEMENTS.items()),
    a_document(
        "PlacementRule", "spread", {"type": "antiAffinity", "virtualMachines": {"names": ["vm1", "vm2"]}, "topology": "host"}
    ),
    a_document("PlacementRule", "pair", {"type": "affinity", "virtualMachines": {"names": ["vm3", "vm8"]}, "topology": "rack"}),
]


def the_plan(chance: Random | None) -> str:
    """Return the plan's text, the input shuffled where asked for, with what may differ taken out."""
    documents, files = list(DOCUMENTS), dict[str, list[str]]()
    names = ["fleet"] if chance is None else [f"{chance.randrange(10**6)}-{number}" for number in range(chance.randint(1, 6))]
    for document in mixed(documents, chance):
        files.setdefault(names[0] if chance is None else chance.choice(names), []).append(yaml.safe_dump(document))
    sources = [SourceFile(f"{name}.yaml", "---\n".join(texts).encode()) for name, texts in files.items()]
    loaded = load_desired(mixed(sources, chance))
    assert loaded.desired is not None, loaded.problems
    fleet = the_fleet(chance)
    plan = make_plan(loaded.desired, fleet, find_drift(loaded.desired, fleet))
    assert audit(plan, loaded.desired, fleet) == ()
    return PLACE.sub("FILE:LINE", plan.model_dump_json(by_alias=True)).replace(fleet.digest, "DIGEST")


def the_fleet(chance: Random | None) -> Observation:
    """Four hosts, one to be emptied, one so full that somebody has to wait and somebody is left out."""
    homes = {"Host1": ["vm1", "vm2", "vm3", "vm4", "vm8"], "Host3": ["vm5", "vm7"], "Host4": ["vm6"]}
    room = {"Host1": 65536, "Host2": 12288, "Host3": 8192, "Host4": 0}
    return a_fleet(
        *mixed(
            [
                a_host(name, *mixed([a_vm(vm) for vm in homes.get(name, [])], chance), available_mib=room[name])
                for name in HOSTS
            ],
            chance,
        )
    )


def mixed(items: list, chance: Random | None) -> list:  # type: ignore[type-arg]
    return list(items) if chance is None else chance.sample(items, len(items))


@LAWS
@given(st.integers(0, 10**6))
def test_files_and_order_make_no_difference(seed: int) -> None:
    """Documents spread over files of any name in any order, hosts and machines seen in any order: the same bytes."""
    assert the_plan(Random(seed)) == USUAL


USUAL = the_plan(None)


def test_the_plan_that_is_compared_has_something_to_it() -> None:
    """Moves, waits and a machine that is left out; else the law above would say little."""
    plan = Plan.model_validate_json(USUAL)
    assert len(plan.steps) > 3
    assert any(step.depends_on for step in plan.steps)
    assert plan.blocked

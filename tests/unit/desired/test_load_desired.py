"""What a desired state means once it is loaded: defaults, names, selectors, digest; and that order never matters."""

import dataclasses
import json
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.desired import SourceFile, load_desired
from reconciler.desired.yaml_reader import read_yaml
from reconciler.model.desired import Desired, Estimates, Guardrails, Planning
from reconciler.model.words import Handling, MigrationKind, PerformanceOption, Preferences

EXAMPLE = Path(__file__).parents[3] / "desired-state"
FLEET = r"""
apiVersion: reconciler/v1
kind: HostGroup
metadata: {name: All Hosts}
spec: {defaults: {reserve: {memoryMiB: 1024}, migration: {maximumStorageMigrations: 3, performanceOption: TCPIP}}}
---
apiVersion: reconciler/v1
kind: HostGroup
metadata: {name: Berlin}
spec: {parent: all hosts, defaults: {migration: {performanceOption: SMB}, storage: {locations: [shared, 'd:\VMs']}}}
---
apiVersion: reconciler/v1
kind: StorageLocation
metadata: {name: Shared}
spec: {path: \\fs.contoso.com\vms, reserve: {freePercent: 12.5}}
---
apiVersion: reconciler/v1
kind: Cluster
metadata: {name: C1}
spec: {maximumParallelMigrations: 3}
---
apiVersion: reconciler/v1
kind: Host
metadata: {name: h1, labels: {rack: r1, gpu: 'yes'}}
spec: {hostGroup: berlin, cluster: c1, reserve: {memoryMiB: 2048}}
---
apiVersion: reconciler/v1
kind: Host
metadata: {name: h2, labels: {rack: r1}}
spec: {address: h2.contoso.com, cluster: C1, migration: {networks: [10.0.0.0/255.255.255.0]}}
"""


def load(text: str) -> Desired:
    loaded = load_desired([SourceFile("fleet.yaml", text.encode())], "abc123")
    assert loaded.problems == ()
    assert loaded.desired is not None
    return loaded.desired


def a_document(kind: str, metadata: str, spec: str) -> str:
    return f"---\napiVersion: reconciler/v1\nkind: {kind}\nmetadata: {metadata}\nspec: {spec}\n"


def with_machine(spec: str) -> Desired:
    return load(FLEET + a_document("VirtualMachine", "{name: web}", spec))


def test_the_nearest_group_wins_and_the_host_wins_over_all() -> None:
    """Defaults come down field by field; a field keeps the place of the line that gave it."""
    h1 = load(FLEET).hosts[0]

    assert h1.reserve_memory_mib == 2048
    assert h1.migration.performance_option is PerformanceOption.SMB
    assert h1.migration.maximum_storage_migrations == 3
    assert h1.source.of("migration.performanceOption").line == 10
    assert h1.source.of("migration.maximumStorageMigrations").line == 5
    assert h1.source.of("reserve.memoryMiB").line == 25


def test_what_nobody_gives_is_none() -> None:
    """A field that is not given is not managed."""
    h1 = load(FLEET).hosts[0]

    assert h1.migration.enabled is None
    assert h1.migration.networks is None
    assert h1.storage.virtual_machine_path is None


def test_names_are_resolved_without_case_and_spelled_as_their_documents_do() -> None:
    """Groups and clusters know their hosts, locations become paths, addresses fall back to names."""
    desired = load(FLEET)
    h1, h2 = desired.hosts

    assert (h1.address, h2.address) == ("h1", "h2.contoso.com")
    assert (h1.cluster, h1.host_group) == ("C1", "Berlin")
    assert h1.storage.locations == (r"\\fs.contoso.com\vms", r"d:\VMs")
    assert h2.migration.networks == ("10.0.0.0/24",)
    assert desired.clusters[0].hosts == ("h1", "h2")
    assert [(group.name, group.hosts) for group in desired.host_groups] == [("All Hosts", ("h1", "h2")), ("Berlin", ("h1",))]


def test_the_root_group_exists_without_a_document() -> None:
    """All Hosts may be named by anyone and holds every host."""
    text = FLEET[FLEET.index("---") + 4 :].replace("maximumParallelMigrations: 3", "")

    assert [group.hosts for group in load(text).host_groups if group.name == "All Hosts"] == [("h1", "h2")]


@pytest.mark.parametrize(
    ("placement", "hosts", "cluster"),
    [
        ("{host: H1}", ("h1",), "C1"),
        ("{hosts: [h2, H1]}", ("h2", "h1"), "C1"),
        ("{hostGroup: BERLIN}", ("h1",), "C1"),
        ("{cluster: c1}", ("h1", "h2"), "C1"),
        ("{hostSelector: {matchLabels: {rack: r1}}}", ("h1", "h2"), "C1"),
        ("{hostSelector: {matchLabels: {rack: r1, gpu: 'yes'}}}", ("h1",), "C1"),
    ],
)
def test_every_way_to_place_a_machine_becomes_hosts(placement: str, hosts: tuple[str, ...], cluster: str) -> None:
    """Whichever field is given, a placement is a list of hosts, and their cluster where they have one in common."""
    machine = with_machine(f"{{placement: {placement}}}").virtual_machines[0]

    assert machine.placement is not None
    assert (machine.placement.hosts, machine.placement.cluster) == (hosts, cluster)


def test_a_machine_has_the_policys_drift_and_the_standard_ways_to_migrate() -> None:
    """A machine without a word about migration may be moved in every way, at middling priority."""
    policy = a_document("Policy", "{name: p}", "{drift: report}")
    machine = a_document("VirtualMachine", "{name: web}", "{}")
    web = load(FLEET + policy + machine).virtual_machines[0]

    assert web.drift is Handling.REPORT
    assert web.migration.allow == frozenset(MigrationKind)
    assert web.migration.priority == 50
    assert web.placement is None


def test_the_policy_says_how_plans_are_made() -> None:
    """What is not given keeps its default: wishes break ties, nothing is split, the planner's own bandwidths."""
    spec = (
        "{planning: {preferences: move, splitCombinedMigrations: true, "
        "estimates: {memoryMegabytesPerSecond: {SMB: 2500}, dirtyMegabytesPerSecond: 50}}}"
    )

    planning = load(FLEET + a_document("Policy", "{name: p}", spec)).policy.planning

    assert load(FLEET).policy.planning == Planning(Preferences.BREAK_TIES, False, Estimates())
    assert planning == Planning(Preferences.MOVE, True, Estimates({PerformanceOption.SMB: 2500}, None, 50))


def test_guard_rails_hold_without_a_policy() -> None:
    """Nobody has to ask for the guard rails; a policy may change one and keep the other."""
    policy = a_document("Policy", "{name: p}", "{guardrails: {maximumShareOfVirtualMachines: 12.5%}}")

    assert load(FLEET).policy.guardrails == Guardrails(200, 0.30)
    assert load(FLEET + policy).policy.guardrails == Guardrails(200, 0.125)


def test_rules_find_their_machines_by_label_or_name() -> None:
    """A selector gives the names of managed machines that carry all its labels."""
    web = FLEET + a_document("VirtualMachine", "{name: web1, labels: {tier: web}}", "{}")

    for chosen in ("{matchLabels: {tier: web}}", "{names: [WEB1]}"):
        rule = a_document("PlacementRule", "{name: r}", f"{{type: affinity, virtualMachines: {chosen}}}")
        assert load(web + rule).placement_rules[0].virtual_machines == ("web1",)


def test_the_digest_is_of_what_is_said_and_not_how() -> None:
    """Comments, quotes and layout leave it; another value changes it; the revision is only passed on."""
    desired = load(FLEET)
    relaid = FLEET.replace("{name: C1}", "\n  # the first\n  name: 'C1'").replace("1024", "1024.0")

    assert load(relaid).digest == desired.digest
    assert load(FLEET.replace("1024", "1025")).digest != desired.digest
    assert desired.revision == "abc123"


def _example_documents() -> list[dict[str, Any]]:
    files = sorted(EXAMPLE.rglob("*.yaml"))
    return [document.data for file in files for document in read_yaml(file.name, file.read_bytes())[0]]


DOCUMENTS = _example_documents()


def _shuffled(data: Any, order: random.Random) -> Any:
    """Return the same mapping with keys in another order, all the way down; lists keep theirs."""
    if isinstance(data, list):
        return [_shuffled(item, order) for item in data]
    if not isinstance(data, dict):
        return data
    return {key: _shuffled(data[key], order) for key in order.sample(sorted(data), len(data))}


def _without_places(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value) if field.name != "source"]
        return {name: _without_places(getattr(value, name)) for name in names}
    return [_without_places(item) for item in value] if isinstance(value, (list, tuple)) else value


def _loaded(documents: Sequence[Any], split: int) -> Desired:
    text = ["".join(f"---\n{json.dumps(document)}\n" for document in part) for part in (documents[:split], documents[split:])]
    loaded = load_desired([SourceFile(name, part.encode()) for name, part in zip("ba", text, strict=True)])
    assert loaded.desired is not None
    return loaded.desired


# A seed and not a drawn permutation: shrinking hundreds of swaps would take minutes and show nothing more.
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_order_of_files_documents_and_keys_never_matters(seed: int) -> None:
    """A law: however the example is cut into files and shuffled, it is the same desired state with the same digest."""
    order = random.Random(seed)
    documents = [_shuffled(document, order) for document in order.sample(DOCUMENTS, len(DOCUMENTS))]
    split = order.randint(0, len(documents))

    shuffled, straight = _loaded(documents, split), _loaded(DOCUMENTS, 0)

    assert shuffled.digest == straight.digest
    assert _without_places(shuffled) == _without_places(straight)


def test_the_examples_of_the_guide_load_together_without_a_word() -> None:
    """What docs/desired-state.md shows can be copied as it stands."""
    guide = (EXAMPLE.parent / "docs" / "desired-state.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)

    desired = load("---\n".join(blocks))

    assert (len(blocks), len(desired.hosts)) == (7, 2)


def test_the_demos_desired_state_loads_without_a_word() -> None:
    """The example is a model for others: not even a warning."""
    files = [SourceFile(path.name, path.read_bytes()) for path in sorted(EXAMPLE.rglob("*.yaml"))]

    assert load_desired(files).problems == ()

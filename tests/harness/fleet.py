"""The harness's fleet: four hosts, two of them in clusters of one node each, and desired states to apply in turn."""

import random
from pathlib import Path
from uuid import UUID

from reconciler.model import observation as seen
from reconciler.model.observation import Observation
from tests.builders import GIB, SHARE, a_fleet, a_host, a_vm, vm_id

HOSTS = {"Host1": None, "Host2": None, "Node1": "C1", "Node2": "C2"}
MACHINES = tuple(f"vm{number}" for number in range(1, 9))


def id_of(machine: str) -> str:
    """The VMId of a machine, as Windows writes it."""
    return str(UUID(vm_id(machine)))


def fleet() -> Observation:
    """Two machines on each host, on the share or on local disks; those on nodes are highly available."""
    hosts = []
    for number, (name, cluster) in enumerate(HOSTS.items()):
        machines = [
            a_vm(
                one,
                gib=8,
                memory_mib=2048,
                highly_available=cluster is not None,
                processors=2,
                processor_compatibility=False,
                generation=2,
                checkpoints=0,
            ).model_copy(update={"id": id_of(one)})
            for one in MACHINES[2 * number : 2 * number + 2]
        ]
        node = {"cluster": cluster, "node_state": "Up"} if cluster else {}
        hosts.append(a_host(name, *machines).model_copy(update=node | {"os_version": "10.0.20348"}))
    clusters = tuple(seen.Cluster(name=name, maximum_parallel_migrations=2) for name in ("C1", "C2"))
    share = seen.Share(path=SHARE, size_bytes=9000 * GIB, free_bytes=5000 * GIB, hosts=tuple(HOSTS))
    return a_fleet(*hosts, clusters=clusters, shares=(share,))


def write_wishes(folder: Path, rng: random.Random) -> dict[str, str]:
    """Write a desired state with a host drawn for each machine; return the hosts by machine."""
    folder.mkdir(exist_ok=True)
    wanted = {machine: rng.choice(sorted(HOSTS)) for machine in MACHINES}
    documents = [_document("Cluster", name, f"{{address: {name.lower()}.contoso.com}}") for name in ("C1", "C2")]
    for name, cluster in HOSTS.items():
        member = f", cluster: {cluster}" if cluster else ""
        spec = f"{{address: {name.lower()}.contoso.com{member}, storage: {{locations: ['{SHARE}']}}}}"
        documents.append(_document("Host", name, spec))
    documents += [
        _document("VirtualMachine", name, f"{{placement: {{host: {host}}}, highAvailability: {_yaml(HOSTS[host])}}}")
        for name, host in wanted.items()
    ]
    (folder / "fleet.yaml").write_text("\n---\n".join(documents) + "\n", encoding="utf-8")
    return wanted


def _document(kind: str, name: str, spec: str) -> str:
    return f"apiVersion: reconciler/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}"


def _yaml(cluster: str | None) -> str:
    return "true" if cluster else "false"

"""Documents of virtual machines: where each runs, and where its files lie; ids only where names do not tell."""

from collections import Counter
from typing import Any

from reconciler.importer.documents import Manifest, can_be_said, is_name, told
from reconciler.importer.hosts import is_cluster_name
from reconciler.importer.storage import storage_of
from reconciler.model.observation import Host, Observation, VirtualMachine
from reconciler.model.problem import Problem

Problems = tuple[Problem, ...]


class Names:
    """Which names of machines are borne by one machine only, and names for the documents of the others."""

    def __init__(self, fleet: Observation) -> None:
        ids = {machine.id.casefold(): machine.name for _, machine in fleet.machines()}
        self._bearers = Counter(name.casefold() for name in ids.values())
        self._taken = {name.casefold() for name in ids.values()}

    def of(self, machine: VirtualMachine) -> tuple[str, bool]:
        """Return the document's name and whether it needs the machine's id beside it."""
        if self._bearers[machine.name.casefold()] == 1 and is_name(machine.name):
            return machine.name, False
        plain = "".join(character if is_name(f"a{character}a") else " " for character in machine.name).strip()[:80].strip()
        name, number = f"{plain or 'machine'}-{machine.id[:8].lower()}", 1
        wanted = name
        while name.casefold() in self._taken:
            number += 1
            name = f"{wanted}-{number}"
        self._taken.add(name.casefold())
        return name, True


def machine_manifest(host: Host, machine: VirtualMachine, names: Names, *, pin: bool) -> tuple[Manifest | None, Problems]:
    """Return the document of a machine on an imported host, None where there can be none, and what was left out of it.

    A machine with a cluster role is placed in its cluster, whose own balancer may move it, unless ``pin`` asks for the host.
    """
    name, by_id = names.of(machine)
    storage, problems = storage_of(machine)
    spec: dict[str, Any] = {"id": machine.id.lower()} if by_id else {}
    spec["placement"] = _placement(host, machine, pin=pin)
    if storage:
        spec["storage"] = storage
    manifest = Manifest("VirtualMachine", name, spec)
    if can_be_said(manifest):
        return manifest, problems
    finding = f"not imported: its name needs the VMId beside it, and {machine.id} is none"
    return None, (
        told("machine-not-imported", finding, "give the machine a name of its own", f"virtualMachine/{machine.name}"),
    )


def unsettled(fleet: Observation) -> dict[str, Problem]:
    """Return the machines (by id, case folded) that are in no one place now, with the reason why they are left out."""
    moving = {job.virtual_machine.casefold() for host in fleet.hosts for job in host.running_migrations}
    counted = Counter(machine.id.casefold() for _, machine in fleet.machines())
    found: dict[str, Problem] = {}
    for _, machine in fleet.machines():
        key, subject = machine.id.casefold(), f"virtualMachine/{machine.name}"
        if key in moving:
            remedy = "import again, into a new folder, when its migration has ended"
            found[key] = told("machine-not-imported", "not imported: it is on the move", remedy, subject)
        elif counted[key] > 1:
            finding = f"not imported: {counted[key]} hosts report the VMId {machine.id}"
            found[key] = told("machine-not-imported", finding, "find out which of them is the machine", subject)
    return found


def _placement(host: Host, machine: VirtualMachine, *, pin: bool) -> dict[str, str]:
    if machine.highly_available and host.cluster is not None and is_cluster_name(host.cluster) and not pin:
        return {"cluster": host.cluster}
    return {"host": host.name}

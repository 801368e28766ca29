"""What a name stands for: machines by name or VMId, hosts by name or address, clusters; or who was probably meant.

A kind in front (``host/web``) settles which of several is meant.
"""

from dataclasses import dataclass

from reconciler.desired.hints import did_you_mean
from reconciler.explain.scene import Scene
from reconciler.model.drift import MachineDrift
from reconciler.model.observation import Host, VirtualMachine
from reconciler.model.problem import Problem

MACHINE, HOST, CLUSTER = "virtualMachine", "host", "cluster"
KINDS = {kind.casefold(): kind for kind in (MACHINE, HOST, CLUSTER)} | {"vm": MACHINE}


@dataclass(frozen=True, slots=True)
class MachineSubject:
    """A machine: as managed, as seen, or both. ``host`` is where it was seen."""

    drift: MachineDrift | None
    host: Host | None = None
    observed: VirtualMachine | None = None


@dataclass(frozen=True, slots=True)
class Subjects:
    """All that bears a name; hosts and clusters by their proper names."""

    machines: tuple[MachineSubject, ...] = ()
    hosts: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()


def find_subjects(scene: Scene, text: str) -> Subjects | Problem:
    """Return what a name stands for; a problem where nothing does, or where several machines do and only an id can tell."""
    kind, name = _parted(text)
    machines = _machines(scene, name) if kind in (None, MACHINE) else ()
    hosts = _hosts(scene, name) if kind in (None, HOST) else ()
    clusters = _clusters(scene, name) if kind in (None, CLUSTER) else ()
    if len(machines) > 1:
        return _ambiguous(name, machines)
    if not (machines or hosts or clusters):
        return _unknown(scene, name, kind)
    return Subjects(machines, hosts, clusters)


def _parted(text: str) -> tuple[str | None, str]:
    lead, slash, rest = text.partition("/")
    kind = KINDS.get(lead.casefold()) if slash else None
    return (kind, rest) if kind else (None, text)


def _machines(scene: Scene, name: str) -> tuple[MachineSubject, ...]:
    wanted = name.casefold()
    found: dict[str, MachineSubject] = {}
    for drift in scene.drift.machines:
        ids = {(drift.machine.id or "").casefold(), drift.observed.id.casefold() if drift.observed else ""}
        if wanted == drift.machine.name.casefold() or (wanted and wanted in ids):
            key = drift.observed.id.casefold() if drift.observed else drift.machine.id or f"name {drift.machine.name}"
            host = scene.observation.host(drift.host) if drift.host else None
            found[key] = MachineSubject(drift, host, drift.observed)
    for host, machine in _seen(scene, wanted):
        if machine.id.casefold() not in found:
            found[machine.id.casefold()] = MachineSubject(_drift_of(scene, machine), host, machine)
    return _without_shadows(found)


def _seen(scene: Scene, wanted: str) -> list[tuple[Host, VirtualMachine]]:
    hits = [one for one in scene.observation.machines() if wanted in (one[1].name.casefold(), one[1].id.casefold())]
    return sorted(hits, key=lambda one: (one[1].id.casefold(), one[0].name.casefold()))


def _drift_of(scene: Scene, machine: VirtualMachine) -> MachineDrift | None:
    """The document that means a seen machine; one that cannot tell it from its namesakes counts too."""
    known = scene.drifts_by_id.get(machine.id.casefold())
    if known is not None:
        return known
    named = scene.drifts_by_name.get(machine.name.casefold())
    return named if named is not None and named.observed is None and named.machine.id in (None, machine.id.casefold()) else None


def _without_shadows(found: dict[str, MachineSubject]) -> tuple[MachineSubject, ...]:
    """A document that found no machine of its own is told of by the machines that it might mean, where there are any."""
    told = {id(one.drift) for one in found.values() if one.observed is not None}
    kept = [found[key] for key in sorted(found)]
    return tuple(one for one in kept if one.observed is not None or id(one.drift) not in told)


def _hosts(scene: Scene, name: str) -> tuple[str, ...]:
    names = {host.name.casefold(): host.name for host in scene.observation.hosts}
    names |= {host.name.casefold(): host.name for host in scene.desired.hosts}
    addresses = {host.address.casefold(): host.name for host in scene.desired.hosts}
    addresses |= {(host.address or "").casefold(): host.name for host in scene.observation.hosts}
    hit = names.get(name.casefold()) or (addresses.get(name.casefold()) if name else None)
    return (hit,) if hit else ()


def _clusters(scene: Scene, name: str) -> tuple[str, ...]:
    names = {cluster.name.casefold(): cluster.name for cluster in scene.observation.clusters}
    names |= {cluster.name.casefold(): cluster.name for cluster in scene.desired.clusters}
    return (names[name.casefold()],) if name.casefold() in names else ()


def _ambiguous(name: str, machines: tuple[MachineSubject, ...]) -> Problem:
    finding = f"{len(machines)} machines are called so: {', '.join(map(_shown, machines))}"
    return Problem("ambiguous-name", finding, "ask by VMId: reconciler explain ID", subject=f"virtualMachine/{name}")


def _shown(subject: MachineSubject) -> str:
    if subject.observed is None:
        wanted = subject.drift.machine if subject.drift else None
        return f"{wanted.id or wanted.name} (not seen; {wanted.source.place})" if wanted else "?"
    host = subject.host.name if subject.host else "an unknown host"
    place = f"; {subject.drift.machine.source.place}" if subject.drift else "; not managed"
    return f"{subject.observed.id} (on {host}{place})"


def _unknown(scene: Scene, name: str, kind: str | None) -> Problem:
    known: list[str] = []
    if kind in (None, MACHINE):
        known += [machine.name for machine in scene.desired.virtual_machines]
        known += [machine.name for _, machine in scene.observation.machines()]
    if kind in (None, HOST):
        known += [*(host.name for host in scene.desired.hosts), *(host.name for host in scene.observation.hosts)]
    if kind in (None, CLUSTER):
        known += [*(one.name for one in scene.desired.clusters), *(one.name for one in scene.observation.clusters)]
    what = {MACHINE: "virtual machine", HOST: "host", CLUSTER: "cluster"}.get(kind or "", "virtual machine, host or cluster")
    remedy = did_you_mean(name, known, "see 'reconciler observe' for what there is")
    finding = f"neither the desired state nor the observation knows a {what} of this name"
    return Problem("unknown-name", finding, remedy, subject=name)

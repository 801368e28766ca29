"""One host explained: what runs there, slots and who sets their limit, room, settings, what comes, goes and is refused."""

from reconciler.explain.machine import UNMANAGED
from reconciler.explain.options import allowed_hosts, judge
from reconciler.explain.room import memory_at
from reconciler.explain.scene import Scene
from reconciler.explain.slots import live_slots, storage_slots
from reconciler.model import desired as wanted_model
from reconciler.model import observation as seen
from reconciler.model import paths
from reconciler.model.drift import MachineDrift, MachineStatus
from reconciler.model.explanation import HostExplanation, RefusedMachine, Resident, Verdict, VolumeRoom
from reconciler.model.plan import Blocked, DriftEntry, MachineStep
from reconciler.model.words import Handling, HostStatus

SETTLED = (MachineStatus.IN_PLACE, MachineStatus.MISPLACED)


def explain_host(scene: Scene, name: str) -> HostExplanation:
    """Return all there is to say about one host, seen or not."""
    host, wanted = scene.observation.host(name), scene.desired.host(name)
    subject = f"host/{name}".casefold()
    arrives, leaves = _crossing(scene, name)
    return HostExplanation(
        name=name,
        because=str(wanted.source.place) if wanted else None,
        answer=_answer(host, wanted, arrives, leaves),
        address=host.address if host and host.address else wanted.address if wanted else None,
        status=host.status if host else None,
        problem=host.problem if host else None,
        cluster=scene.fleet.cluster_of(name),
        node_state=host.node_state if host else None,
        cordoned=bool(wanted and wanted.cordoned),
        maintenance=bool(wanted and wanted.maintenance),
        live=live_slots(scene, name),
        storage=storage_slots(scene, name),
        memory=memory_at(scene, name),
        volumes=tuple(volume_room(scene, name, volume) for volume in (host.storage.volumes if host else ())),
        machines=tuple(_resident(scene, machine) for machine in _by_name(host)),
        migrations=host.running_migrations if host else (),
        drift=drift_of(scene, subject),
        settings=scene.settings_steps.get(subject, ()),
        arrives=arrives,
        leaves=leaves,
        refused=_refused(scene, name),
        blocked=_blocked(scene, subject, host if wanted and wanted.maintenance else None),
    )


def _blocked(scene: Scene, subject: str, emptied: seen.Host | None) -> tuple[Blocked, ...]:
    """Return what is blocked of a host, and of a host that shall be emptied also the machines that cannot leave it."""
    here = {machine.id.casefold() for machine in emptied.virtual_machines} if emptied else set[str]()
    return tuple(
        one
        for one in scene.plan.blocked
        if one.subject.casefold() == subject or (one.id is not None and one.id.casefold() in here)
    )


def drift_of(scene: Scene, subject: str) -> tuple[DriftEntry, ...]:
    """Return the differences of one subject (case folded)."""
    return tuple(entry for entry in scene.drift.entries if entry.subject.casefold() == subject)


def volume_room(scene: Scene, host: str, volume: seen.Volume) -> VolumeRoom:
    """Return the space of a volume, and what of it a copy may use."""
    room = scene.fleet.volume_room(host, paths.join(volume.path, "x")).bytes
    return VolumeRoom(path=volume.path, size_bytes=volume.size_bytes, free_bytes=volume.free_bytes, room_bytes=room)


def _answer(
    host: seen.Host | None,
    wanted: wanted_model.Host | None,
    arrives: tuple[MachineStep, ...],
    leaves: tuple[MachineStep, ...],
) -> str:
    if host is None:
        return "Not observed: nothing that touches it is planned."
    if host.status is not HostStatus.OK:
        return f"{host.status.value.capitalize()}: {host.problem or 'no reason given'}. Its machines may be unknown."
    state = _state(host, wanted)
    traffic = (
        f"{len(arrives)} to arrive and {len(leaves)} to leave by this plan" if arrives or leaves else "nothing comes or goes"
    )
    stay = len(host.virtual_machines) - len({step.virtual_machine.id for step in leaves})
    emptied = "; it is not emptied, for " + (f"{stay} stay" if stay > 1 else "one stays")
    still = emptied if wanted and wanted.maintenance and stay else ""
    return f"{state}: {_count(len(host.virtual_machines))} on it, {traffic}{still}."


def _state(host: seen.Host, wanted: wanted_model.Host | None) -> str:
    if wanted is None:
        return "Not named by the desired state"
    if wanted.maintenance:
        return f"In maintenance ({wanted.source.of('maintenance')}), nothing arrives and what may move leaves"
    if wanted.cordoned:
        return f"Cordoned ({wanted.source.of('cordoned')}), nothing new arrives"
    return "Open to arrivals" if host.node_state in (None, "Up") else f"Cluster node {host.node_state}, nothing arrives"


def _count(number: int) -> str:
    return f"{number} machine" + ("" if number == 1 else "s")


def _by_name(host: seen.Host | None) -> list[seen.VirtualMachine]:
    return sorted(host.virtual_machines, key=lambda one: (one.name.casefold(), one.id)) if host else []


def _resident(scene: Scene, machine: seen.VirtualMachine) -> Resident:
    drift = scene.drifts_by_id.get(machine.id.casefold())
    leaving = [step.id for step in scene.steps_of(machine.id) if step.destination]
    stuck = [one.code for one in scene.plan.blocked if drift and one.subject == drift.subject and one.id in (None, machine.id)]
    return Resident(
        name=machine.name,
        id=machine.id,
        state=machine.state,
        memory_mib=machine.memory_mib,
        standing=drift.status.value if drift else UNMANAGED,
        leaves_by=leaving[0] if leaving else None,
        blocked=stuck[0] if stuck else None,
    )


def _crossing(scene: Scene, name: str) -> tuple[tuple[MachineStep, ...], tuple[MachineStep, ...]]:
    """Return the steps that bring a machine to the host, and those that take one away."""
    moves = [step for step in scene.machine_steps if step.destination]
    arrives = (step for step in moves if (step.destination or "").casefold() == name.casefold())
    leaves = (step for step in moves if step.source.casefold() == name.casefold())
    return tuple(arrives), tuple(leaves)


def _refused(scene: Scene, name: str) -> tuple[RefusedMachine, ...]:
    """Machines that have to go somewhere, may be on this host, and are refused it."""
    found: list[RefusedMachine] = []
    for drift in sorted(scene.drift.machines, key=lambda one: one.machine.name.casefold()):
        if not _seeks(scene, drift, name) or drift.observed is None:
            continue
        option = judge(scene, drift, drift.observed, name)
        if option.verdict is Verdict.REFUSED:
            found.append(RefusedMachine(name=drift.machine.name, id=drift.observed.id, reasons=option.reasons))
    return tuple(found)


def _seeks(scene: Scene, drift: MachineDrift, name: str) -> bool:
    if drift.host is None or drift.host.casefold() == name.casefold() or drift.status not in SETTLED:
        return False
    must_go = drift.handling is Handling.CORRECT and (drift.wrong_host or drift.draining)
    return must_go and name.casefold() in {host.casefold() for host in allowed_hosts(scene, drift)}

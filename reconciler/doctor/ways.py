"""The ways that matter: source to destination, for the machines that the plan moves or that cannot get where they belong."""

from collections import defaultdict
from dataclasses import dataclass

from reconciler.model import paths
from reconciler.model.desired import Desired
from reconciler.model.drift import Drift, MachineDrift, MachineStatus
from reconciler.model.machine_files import CHECKPOINTS, CONFIGURATION, SMART_PAGING, files_of
from reconciler.model.observation import Observation, VirtualMachine
from reconciler.model.plan import MachineStep, Plan

FOLDERS = (CONFIGURATION, CHECKPOINTS, SMART_PAGING)
OUT_OF_PLACE = (MachineStatus.MISPLACED, MachineStatus.HELD, MachineStatus.MOVING)


@dataclass(frozen=True, slots=True)
class Arrival:
    """What one machine brings along to one folder: bytes, None where they are not known."""

    machine: str
    folder: str
    bytes: int | None


@dataclass(frozen=True, slots=True)
class Way:
    """From one host to another, with the machines that need it, as observed, by name, and what is copied on the way."""

    source: str
    destination: str
    machines: tuple[VirtualMachine, ...]
    arrivals: tuple[Arrival, ...] = ()

    @property
    def shares(self) -> tuple[str, ...]:
        r"""The shares (``\\server\share``) that the machines' files lie on: both ends must reach them."""
        found = {paths.share_of(file.path) for machine in self.machines for file in files_of(machine) if file.path}
        return tuple(sorted(share for share in found if share))


def ways_needed(desired: Desired, observation: Observation, drift: Drift, plan: Plan) -> tuple[Way, ...]:
    """Return the ways of the plan's moves, and for a machine out of place that has no move, the ways its placement asks for."""
    seen = {machine.id.casefold(): machine for _, machine in observation.machines()}
    needed: dict[tuple[str, str], dict[str, VirtualMachine]] = defaultdict(dict)
    arrivals: dict[tuple[str, str], list[Arrival]] = defaultdict(list)
    moved: set[str] = set()
    for step in plan.steps:
        if isinstance(step, MachineStep) and step.destination is not None and step.destination != step.source:
            machine = seen[step.virtual_machine.id.casefold()]
            moved.add(machine.id.casefold())
            needed[step.source, step.destination][machine.id] = machine
            arrivals[step.source, step.destination] += _of_step(step)
    for one in drift.machines:
        if one.observed is not None and one.host is not None and one.observed.id.casefold() not in moved:
            for destination in _asked_for(desired, one):
                needed[one.host, destination][one.observed.id] = one.observed
                arrivals[one.host, destination] += _of_wish(one, one.observed)
    order = sorted(needed, key=lambda way: (way[0].casefold(), way[1].casefold()))
    return tuple(
        Way(*way, tuple(sorted(needed[way].values(), key=lambda vm: (vm.name.casefold(), vm.id))), tuple(arrivals[way]))
        for way in order
    )


def _of_step(step: MachineStep) -> list[Arrival]:
    """What a step of the plan copies; folders weigh nothing beside disks."""
    return [
        Arrival(step.virtual_machine.name, paths.folder_of(move.target), move.bytes)
        for move in step.storage
        if move.file not in FOLDERS
    ]


def _of_wish(drift: MachineDrift, machine: VirtualMachine) -> list[Arrival]:
    """What a machine that has no step would have copied: to where its disks are wanted, or from a drive to the same path."""
    wanted = {paths.normal(one.path): one.folder for one in drift.files if one.file not in FOLDERS}
    found: list[Arrival] = []
    for disk in machine.disks:
        folder = wanted.get(paths.normal(disk.path)) if disk.path else None
        if folder is None and disk.path and _is_local(disk.path):
            folder = paths.folder_of(disk.path)
        found += [Arrival(machine.name, folder, disk.file_bytes)] if folder else []
    return found


def _is_local(path: str) -> bool:
    return not paths.is_smb(path) and not paths.is_cluster_volume(path)


def _asked_for(desired: Desired, drift: MachineDrift) -> list[str]:
    placement = drift.machine.placement
    if drift.status not in OUT_OF_PLACE or not drift.wrong_host or placement is None:
        return []
    return [host.name for name in placement.hosts if (host := desired.host(name)) and host.name != drift.host]


def questions_for(ways: tuple[Way, ...], addresses: dict[str, str], host: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what a host is to try: addresses of hosts that it sends machines to, and shares that it must see."""
    peers = {addresses.get(way.destination, way.destination) for way in ways if way.source == host}
    shares = {share for way in ways if host in (way.source, way.destination) for share in way.shares}
    return tuple(sorted(peers)), tuple(sorted(shares))

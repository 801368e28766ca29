"""What a migration is refused for: one small rule each, in the order in which a host would find out.

A rule looks and either returns or raises ``Refused``; it changes nothing. Lasting reasons come before passing ones, so that
"try later" is only heard where trying later can help. What nobody observed (None) is believed to be fine.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from reconciler.model.observation import VirtualMachine
from reconciler.model.words import MigrationKind
from reconciler.simulator import slots
from reconciler.simulator.paths import Place, can_hold, is_clustered_path, place_of, stays_in_reach
from reconciler.simulator.refusal import BUSY, DISABLED, FILE_CLASH, NO_ROOM, NOT_MIGRATABLE, OTHER, Refused
from reconciler.simulator.roles import role_of
from reconciler.simulator.state import FileMove, FleetState, HostState, VolumeState, memory_of

OUT_OF_MEMORY, DISK_FULL, INVALID_PARAMETER = "0x8007000E", "0x80070070", "0x80070057"
FILE_EXISTS, PATH_NOT_FOUND = "0x80070050", "0x80070003"
ISO_NOT_FOUND, NOT_A_POSSIBLE_OWNER = "0xC03A0014", "0x80071398"
RUNNING_KINDS = (MigrationKind.LIVE, MigrationKind.LIVE_WITH_STORAGE)


@dataclass(frozen=True, slots=True)
class Request:
    """A migration that is asked for. ``destination`` None stays on its host; ``all_files`` means every file moves."""

    machine: VirtualMachine
    kind: MigrationKind
    source: HostState
    destination: HostState | None
    moves: tuple[FileMove, ...] = ()
    all_files: bool = False

    @property
    def end(self) -> HostState:
        """The host that has the machine afterwards."""
        return self.destination or self.source

    @property
    def memory_mib(self) -> int:
        """The memory it needs at the destination."""
        return memory_of(self.machine) if self.destination else 0


def check(fleet: FleetState, request: Request) -> None:
    """Return where the migration may start now; raise ``Refused`` for the first reason why not."""
    for rule in HOST_CHANGE_RULES if request.destination else STAYING_RULES:
        rule(fleet, request)


def _state_fits(_: FleetState, request: Request) -> None:
    machine, kind = request.machine, request.kind
    if not (machine.is_running or machine.is_off):
        raise _not_migratable(request, f"its state is {machine.state}")
    if kind in RUNNING_KINDS and not machine.is_running:
        raise _not_migratable(request, f"a live migration needs it running, and it is {machine.state}")
    if kind is MigrationKind.OFFLINE and not machine.is_off:
        raise _not_migratable(request, f"an offline migration needs it stopped, and it is {machine.state}")
    if kind is MigrationKind.LIVE and request.moves:
        raise Refused(OTHER, INVALID_PARAMETER, "A plain live migration moves no files, and files were listed.")
    if (kind is MigrationKind.STORAGE) is not (request.destination is None):
        raise Refused(OTHER, INVALID_PARAMETER, f"A migration of kind {kind} does not fit the destination given.")


def _not_occupied(_: FleetState, request: Request) -> None:
    if request.machine.operation:
        raise Refused(BUSY, None, f"{request.machine.name} is in another operation: {request.machine.operation}.")


def _migration_enabled(_: FleetState, request: Request) -> None:
    for host in (request.source, request.end):
        if host.facts.migration.enabled is False:
            raise Refused(DISABLED, None, f"Live migration is not enabled on {host.name}.")
    if request.end.facts.migration.networks == ():
        raise Refused(DISABLED, None, f"No migration network listens on {request.end.name}.")


def _not_there_already(fleet: FleetState, request: Request) -> None:
    key = request.machine.id.casefold()
    if key in request.end.machines or any(job.machine == key and job.destination is request.end for job in fleet.running()):
        raise _not_migratable(request, f"{request.end.name} already has a machine with this id")
    if any(planned.id.casefold() == key for planned in request.end.facts.planned_virtual_machines or ()):
        raise _not_migratable(request, f"{request.end.name} still has a planned machine with this id")


def _plain_disks(_: FleetState, request: Request) -> None:
    for disk in request.machine.disks:
        if disk.pass_through:
            raise _not_migratable(request, "it has a pass-through disk")
        if disk.shared:
            raise _not_migratable(request, f"{disk.path} is shared with other machines")


def _no_ties_to_host(_: FleetState, request: Request) -> None:
    if request.machine.assigned_devices:
        raise _not_migratable(request, "devices of the host are assigned to it")
    if request.machine.replication not in (None, "None"):
        raise _not_migratable(request, f"it is replicated ({request.machine.replication})")


def _processor_fits(_: FleetState, request: Request) -> None:
    here, there, machine = request.source.facts, request.end.facts, request.machine
    vendors, models = {here.processor_vendor, there.processor_vendor}, {here.processor_model, there.processor_model}
    if machine.state != "Off" and len(vendors - {None}) > 1:
        raise _not_migratable(request, f"{request.end.name} has a processor of another vendor")
    if machine.checkpoints and machine.processor_compatibility is False and len(models - {None}) > 1:
        raise _not_migratable(request, "it has checkpoints, processor compatibility is off and the processors differ")


def _version_supported(_: FleetState, request: Request) -> None:
    version, supported = request.machine.configuration_version, request.end.facts.supported_configuration_versions
    if version is not None and supported is not None and version not in supported:
        raise _not_migratable(request, f"{request.end.name} does not support configuration version {version}")


def _switches_exist(_: FleetState, request: Request) -> None:
    there = request.end.facts.switches
    missing = sorted(set(request.machine.switches or ()) - set(there or ())) if there is not None else []
    if missing:
        raise _not_migratable(request, f"{request.end.name} has no virtual switch named {', '.join(missing)}")


def _iso_in_reach(fleet: FleetState, request: Request) -> None:
    iso = request.machine.mounted_iso
    if iso and not stays_in_reach(fleet, request.source, request.end, iso):
        raise _not_migratable(request, f"{request.end.name} cannot open the mounted {iso}", ISO_NOT_FOUND)


def _role_kept(_: FleetState, request: Request) -> None:
    if role_of(request.source, request.machine) is None:
        return
    if request.end.cluster is not request.source.cluster:
        raise _not_migratable(request, "it has a cluster role and would leave its cluster; remove the role first")
    if request.end.facts.node_state not in (None, "Up"):
        raise _not_migratable(request, f"the node {request.end.name} is {request.end.facts.node_state}", NOT_A_POSSIBLE_OWNER)
    if request.destination and request.moves:
        raise Refused(OTHER, None, "Inside a cluster the host and the storage move one after the other.")
    for move in request.moves:
        if not is_clustered_path(request.end, move.target):
            raise Refused(OTHER, INVALID_PARAMETER, f"{move.target} is not clustered storage, and the machine has a role.")


def _remaining_files_in_reach(fleet: FleetState, request: Request) -> None:
    for path in () if request.all_files else _remaining(request):
        if not stays_in_reach(fleet, request.source, request.end, path):
            raise Refused(OTHER, PATH_NOT_FOUND, f"{request.end.name} cannot reach {path}, which does not move along.")


def _remaining(request: Request) -> Iterator[str]:
    machine = request.machine
    folders = {
        "configuration": machine.configuration_path,
        "checkpoints": machine.checkpoint_path,
        "smartPaging": machine.smart_paging_path,
    }
    moving = {move.file for move in request.moves if move.disk is None}
    moving_disks = {move.disk for move in request.moves}
    yield from (path for name, path in folders.items() if path and name not in moving)
    for index, disk in enumerate(machine.disks):
        yield from (path for path in (disk.path if index not in moving_disks else None, disk.parent_path) if path)


def _targets_in_reach(fleet: FleetState, request: Request) -> None:
    for move in request.moves:
        if not can_hold(fleet, request.end, move.target):
            raise Refused(OTHER, PATH_NOT_FOUND, f"{request.end.name} cannot write to {move.target}.")


def _no_file_clash(fleet: FleetState, request: Request) -> None:
    taken = dict(_files(fleet))
    for move in request.moves:
        if move.disk is None:
            continue
        if move.target_place in taken:
            owner = taken[move.target_place]
            raise Refused(FILE_CLASH, FILE_EXISTS, f"{move.target} belongs to {owner}; a folder for each machine avoids this.")
        taken[move.target_place] = request.machine.name


def _files(fleet: FleetState) -> Iterator[tuple[Place, str]]:
    """Disks that machines have, and those being written for machines on the move, with the machine's name."""
    for host in fleet.hosts:
        for machine in host.machines.values():
            yield from ((place_of(host, disk.path), machine.name) for disk in machine.disks if disk.path)
    for job in fleet.running():
        yield from ((move.target_place, "a machine on the move") for move in job.moves if move.disk is not None)


def _room_on_disk(_: FleetState, request: Request) -> None:
    needed: dict[VolumeState, int] = {}
    for move in request.moves:
        if move.target_volume is not None:
            needed[move.target_volume] = needed.get(move.target_volume, 0) + move.bytes
    for volume, count in needed.items():
        if not volume.has_room(count):
            raise Refused(NO_ROOM, DISK_FULL, f"{count} bytes do not fit on {volume.path} ({volume.free_bytes} are free).")


def _room_in_memory(fleet: FleetState, request: Request) -> None:
    free = fleet.free_mib(request.end)
    if free is not None and request.memory_mib > free:
        text = f"{request.end.name} has {free} MiB free, and {request.machine.name} needs {request.memory_mib} MiB."
        raise Refused(NO_ROOM, OUT_OF_MEMORY, text)


def _slots_free(fleet: FleetState, request: Request) -> None:
    live, storage = slots.charges(request.kind, request.source, request.destination, bool(request.moves))
    slots.check_free(fleet, live, storage)


def _not_migratable(request: Request, why: str, code: str | None = None) -> Refused:
    return Refused(NOT_MIGRATABLE, code, f"{request.machine.name} cannot be migrated: {why}.")


Rule = Callable[[FleetState, Request], None]

STAYING_RULES: tuple[Rule, ...] = (
    _state_fits,
    _not_occupied,
    _plain_disks,
    _role_kept,
    _targets_in_reach,
    _no_file_clash,
    _room_on_disk,
    _slots_free,
)
HOST_CHANGE_RULES: tuple[Rule, ...] = (
    _state_fits,
    _not_occupied,
    _migration_enabled,
    _not_there_already,
    _plain_disks,
    _no_ties_to_host,
    _processor_fits,
    _version_supported,
    _switches_exist,
    _iso_in_reach,
    _role_kept,
    _remaining_files_in_reach,
    _targets_in_reach,
    _no_file_clash,
    _room_on_disk,
    _room_in_memory,
    _slots_free,
)

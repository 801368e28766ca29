"""From what the scripts answer (docs/design/0001-remote-protocol.md) to the values of the model. Pure.

Two kinds of bad answers are told apart. Where the shape is wrong (no host, machines that are no objects) nothing can be
believed: ``FrameError``. Where a single fact is missing or odd, that fact is unknown and the host ``partial``, with
the fact named in its problem. Nothing here raises anything else, whatever comes in.
"""

from collections.abc import Iterable
from typing import Any

from reconciler.hosts.port import HostEvent, HostEvents, HostReport, RoleSettings, Started, Target
from reconciler.hosts.winrm import codes
from reconciler.hosts.winrm.facts import Facts, as_object, plain_list
from reconciler.hosts.winrm.frame import FrameError
from reconciler.model.document import slim
from reconciler.model.observation import (
    Cluster,
    Disk,
    Host,
    HostMigration,
    HostStorage,
    Migration,
    Networks,
    PlannedMachine,
    Share,
    VirtualMachine,
    Volume,
)
from reconciler.model.paths import share_of
from reconciler.model.words import HostStatus, MigrationKind

NAMED_PROBLEMS = 5  # a sentence that lists more helps nobody


def decode_survey(result: Any, target: Target) -> HostReport:
    """Return the report in the result of Get-Survey.

    The host keeps the computer's own name: whoever merges the reports needs it to recognise the host where other hosts
    speak of it, and puts the fleet's name in its place.
    """
    whole = Facts(as_object(result, "the survey"))
    raw = Facts(as_object(whole.raw.get("host"), "host"), "host.", whole.problems)
    whole.problems.extend(raw.texts("problems") or ())
    host, cluster = _host(raw, target), _cluster(whole)
    shares = _shares(whole, host)
    slim(host)
    if whole.problems:
        host = host.model_copy(update={"status": HostStatus.PARTIAL, "problem": _sentence(whole.problems)})
    return HostReport(host, cluster, shares)


def decode_migrations(result: Any) -> tuple[Migration, ...]:
    """Return the jobs in the result of Get-Migrations; FrameError where one of them is not understood."""
    facts = Facts(as_object(result, "the list of migrations"))
    jobs = _migrations(facts, ())
    if facts.problems or facts.raw.get("migrations") is None:
        raise FrameError(f"the list of migrations is not understood: {_sentence(facts.problems)}")
    return jobs


def decode_events(result: Any) -> HostEvents:
    """Return the entries in the result of Get-Events; FrameError where one of them is not understood."""
    facts = Facts(as_object(result, "the list of events"))
    entries = facts.parts("events")
    found = tuple(
        HostEvent(one.number("id") or 0, one.number("level") or 0, one.moment("at"), one.text("text") or "")
        for one in entries or ()
    )
    if facts.problems or entries is None:
        raise FrameError(f"the list of events is not understood: {_sentence(facts.problems)}")
    return HostEvents(found)


def decode_started(result: Any) -> Started:
    """Return the answer of Start-Migration."""
    facts = Facts(as_object(result, "the answer"))
    started = Started(facts.text("migrationId"), facts.flag("alreadyRunning") or False)
    if facts.problems:
        raise FrameError(f"the answer is not understood: {_sentence(facts.problems)}")
    return started


def decode_role(result: Any) -> RoleSettings:
    """Return the answer of Get-ClusterRole or Remove-ClusterRole: the role's settings as they came."""
    settings = as_object(as_object(result, "the answer").get("settings"), "settings")
    return RoleSettings({name: plain_list(value) for name, value in settings.items()})


def _host(raw: Facts, target: Target) -> Host:
    machines = raw.parts("virtualMachines")
    if machines is None:
        # No list is not an empty list: taking it for one would make every machine of the host look absent.
        raise FrameError("the survey has no list of virtual machines")
    decoded = tuple(_machine(machine) for machine in machines)
    return Host(
        name=raw.text("name") or target.name,
        address=target.address,
        cluster=raw.text("cluster"),
        node_state=raw.code("nodeState", codes.NODE_STATES),
        os_version=raw.text("osVersion"),
        supported_configuration_versions=raw.texts("supportedConfigurationVersions"),
        processor_vendor=raw.text("processorVendor"),
        processor_model=raw.text("processorModel"),
        logical_processors=raw.number("logicalProcessors"),
        memory_mib=raw.number("memoryMiB"),
        available_memory_mib=raw.number("availableMemoryMiB"),
        switches=raw.texts("switches"),
        migration=_settings(raw.part("migration")),
        storage=_storage(raw.part("storage")),
        virtual_machines=decoded,
        migrations=_migrations(raw, decoded),
        planned_virtual_machines=_planned(raw),
    )


def _planned(raw: Facts) -> tuple[PlannedMachine, ...] | None:
    # Not told is unknown, and nothing that anybody has to mend: a host without the class is as good as before.
    if raw.raw.get("plannedVirtualMachines") is None:
        return None
    listed = [(item.text("id"), item.text("name")) for item in raw.parts("plannedVirtualMachines") or ()]
    return tuple(PlannedMachine(id=identity.lower(), name=name) for identity, name in listed if identity)


def _settings(raw: Facts) -> HostMigration:
    return HostMigration(
        enabled=raw.flag("enabled"),
        maximum_virtual_machine_migrations=raw.number("maximumVirtualMachineMigrations"),
        maximum_storage_migrations=raw.number("maximumStorageMigrations"),
        active_virtual_machine_migrations=raw.number("activeVirtualMachineMigrations"),
        active_storage_migrations=raw.number("activeStorageMigrations"),
        performance_option=raw.code("performanceOption", codes.PERFORMANCE_OPTIONS),
        authentication_type=raw.code("authenticationType", codes.AUTHENTICATION_TYPES),
        networks=_networks(raw),
    )


def _networks(raw: Facts) -> Networks | None:
    return "any" if raw.raw.get("networks") == "any" else raw.texts("networks")


def _storage(raw: Facts) -> HostStorage:
    return HostStorage(
        virtual_machine_path=raw.text("virtualMachinePath"),
        virtual_hard_disk_path=raw.text("virtualHardDiskPath"),
        volumes=_volumes(raw, "volumes"),
    )


def _volumes(raw: Facts, name: str) -> tuple[Volume, ...]:
    places = [(item.text("path"), item.number("sizeBytes"), item.number("freeBytes")) for item in raw.parts(name) or ()]
    return tuple(Volume(path=path, size_bytes=size, free_bytes=free) for path, size, free in places if path)


def _cluster(whole: Facts) -> Cluster | None:
    if whole.raw.get("cluster") is None:
        return None
    raw = whole.part("cluster")
    name, limit = raw.text("name"), raw.number("maximumParallelMigrations")
    volumes = _volumes(raw, "sharedVolumes")
    return Cluster(name=name, maximum_parallel_migrations=limit, shared_volumes=volumes) if name else None


def _shares(whole: Facts, host: Host) -> tuple[Share, ...]:
    """Return the shares as listed, or where the script left them to us, those that the host's paths lie on."""
    if whole.raw.get("shares") is not None:
        volumes = _volumes(whole, "shares")
        return tuple(Share(path=volume.path, size_bytes=volume.size_bytes, free_bytes=volume.free_bytes) for volume in volumes)
    used = {share for path in set(_paths(host)) if path and (share := share_of(path))}
    return tuple(Share(path=share) for share in sorted(used))


def _paths(host: Host) -> Iterable[str | None]:
    yield from (host.storage.virtual_machine_path, host.storage.virtual_hard_disk_path)
    for machine in host.virtual_machines:
        yield from (machine.configuration_path, machine.checkpoint_path, machine.smart_paging_path)
        yield from (disk.path for disk in machine.disks)


def _machine(raw: Facts) -> VirtualMachine:
    identity, name = raw.text("id"), raw.text("name")
    if not identity or not name:
        raise FrameError(f"{raw.prefix[:-1]} has no id or no name")
    raw.prefix = f"{name}: "
    return VirtualMachine(
        id=identity.lower(),
        name=name,
        state=raw.code("state", codes.VM_STATES),
        operation=_operation(raw),
        memory_mib=raw.number("memoryMiB"),
        maximum_memory_mib=raw.number("maximumMemoryMiB"),
        processors=raw.number("processors"),
        generation=raw.number("generation"),
        configuration_version=raw.text("configurationVersion"),
        highly_available=raw.flag("highlyAvailable"),
        switches=raw.texts("switches"),
        processor_compatibility=raw.flag("processorCompatibility"),
        checkpoints=raw.number("checkpoints"),
        replication=raw.code("replication", codes.REPLICATION_MODES),
        mounted_iso=raw.text("mountedIso"),
        assigned_devices=raw.number("assignedDevices"),
        configuration_path=raw.text("configurationPath"),
        checkpoint_path=raw.text("checkpointPath"),
        smart_paging_path=raw.text("smartPagingPath"),
        disks=_disks(raw),
    )


def _operation(raw: Facts) -> str | None:
    """Return what keeps the machine busy: the second status where it is an operation, else a first one that is not Ok.

    A machine whose status cannot be read is busy with something unknown, never free.
    """
    status = raw.numbers("operationalStatus")
    if not status:
        return "Unknown"
    busy = [number for number in status[1:] if number not in codes.NOT_OPERATIONS]
    if busy:
        return codes.OPERATIONS.get(busy[0], f"Operation{busy[0]}")
    return None if status[0] == codes.PRIMARY_OK else codes.PRIMARY_STATUSES.get(status[0], f"Status{status[0]}")


def _disks(raw: Facts) -> tuple[Disk, ...]:
    disks = raw.parts("disks")
    # A disk of which nothing is known stands for disks that could not be read: none at all would be a statement.
    return (Disk(),) if disks is None else tuple(_disk(disk) for disk in disks)


def _disk(raw: Facts) -> Disk:
    return Disk(
        controller=raw.text("controller") or "SCSI",
        controller_number=raw.number("controllerNumber") or 0,
        location=raw.number("location") or 0,
        path=raw.text("path"),
        size_bytes=raw.number("sizeBytes"),
        file_bytes=raw.number("fileBytes"),
        shared=raw.flag("shared"),
        pass_through=raw.flag("passThrough"),
        parent_path=raw.text("parentPath"),
    )


def _migrations(raw: Facts, machines: tuple[VirtualMachine, ...]) -> tuple[Migration, ...]:
    stopped = {machine.id for machine in machines if machine.is_off}
    jobs = [_migration(item, stopped) for item in raw.parts("migrations") or ()]
    return tuple(sorted(jobs, key=lambda job: job.id))


def _migration(raw: Facts, stopped: set[str]) -> Migration:
    identity, machine = raw.text("id"), (raw.text("virtualMachine") or "").lower()
    if not identity or not machine:
        raise FrameError(f"{raw.prefix[:-1]} has no id or no machine")
    destination = raw.text("destination")
    is_off = destination is not None and (machine in stopped or raw.raw.get("machineState") in codes.STOPPED_STATES)
    return Migration(
        id=identity,
        virtual_machine=machine,
        kind=MigrationKind.OFFLINE if is_off else _kind(raw),
        destination=destination,
        percent=raw.number("percent"),
        state=raw.code("jobState", codes.JOB_STATES) or "Running",
        started_at=raw.moment("startedAt"),
        error_code=raw.number("errorCode"),
        error=raw.text("error"),
    )


def _kind(raw: Facts) -> MigrationKind:
    """Return what moves, by job type, else by migration type; a job we do not know takes every slot it might."""
    kind = codes.JOB_TYPES.get(raw.number("jobType") or 0) or codes.MIGRATION_TYPES.get(raw.number("migrationType") or 0)
    return kind or MigrationKind.LIVE_WITH_STORAGE


def _sentence(problems: list[str]) -> str:
    more = len(problems) - NAMED_PROBLEMS
    return "; ".join(problems[:NAMED_PROBLEMS]) + (f"; and {more} more" if more > 0 else "")

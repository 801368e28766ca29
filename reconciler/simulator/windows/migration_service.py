"""Msvm_VirtualSystemMigrationService and its jobs: a move is asked for, and from then on a job tells what becomes of it.

The service itself refuses only what it cannot take at all (a machine that another operation holds). Everything else, a limit
that is reached as much as a full disk, is found out by the job, which then ends with an error, as on Windows.
"""

from collections.abc import Callable
from typing import Any

from reconciler.hosts.port import CancelMigration, CheckMigration, ListMigrations, Started, StartMigration
from reconciler.hosts.winrm.signatures import method_parameters
from reconciler.model import paths
from reconciler.model.machine_files import CHECKPOINTS, CONFIGURATION, SMART_PAGING
from reconciler.model.observation import Migration, VirtualMachine
from reconciler.model.plan import StorageMove
from reconciler.model.words import MigrationKind, PerformanceOption
from reconciler.simulator.powershell import NotInSubsetError, PowerShellError
from reconciler.simulator.powershell.convert import to_text
from reconciler.simulator.powershell.values import NetObject, items_of, net_object, plain
from reconciler.simulator.refusal import BUSY, Refused
from reconciler.simulator.windows.host import WindowsHost, hresult_of
from reconciler.simulator.windows.instances import instance, key_of, path_of, read_text

STARTED, INVALID_STATE, IN_USE, INVALID_PARAMETER = 4096, 32775, 32774, 32773
TCP_TRANSPORT, SMB_TRANSPORT = 5, 32768
LIVE, STORAGE_ONLY, WITH_STORAGE = 32768, 32769, 32771
ROOTS = {"ConfigurationDataRoot": CONFIGURATION, "SnapshotDataRoot": CHECKPOINTS, "SwapFileDataRoot": SMART_PAGING}
SERVICE, SETTINGS = "Msvm_VirtualSystemMigrationService", "Msvm_VirtualSystemMigrationSettingData"
JobObject = Callable[[WindowsHost, Migration], NetObject]


def service_object(host: WindowsHost, properties: dict[str, Any]) -> NetObject:
    """Return the service with its counts and methods."""
    service = net_object(SERVICE, properties)
    methods = {"MigrateVirtualSystemToHost": _migrate, "CheckVirtualSystemIsMigratable": _check}

    def parameters(arguments: list[Any]) -> NetObject:
        name = to_text(arguments[0])
        if name not in methods:
            raise NotInSubsetError(f"method {name} of {SERVICE}")
        return instance(f"__PARAMETERS_{name}", dict.fromkeys(method_parameters(SERVICE, name)))

    def invoke(arguments: list[Any]) -> NetObject:
        name, given = to_text(arguments[0]), arguments[1]
        if name not in methods:
            raise NotInSubsetError(f"method {name} of {SERVICE}")
        return methods[name](host, given)

    service.methods = {"getmethodparameters": parameters, "invokemethod": invoke}
    return service


def _answer(host: WindowsHost, code: int, job: str | None = None) -> NetObject:
    path = path_of(host.name, "Msvm_MigrationJob", "InstanceID", job) if job else None
    return net_object("__PARAMETERS", {"ReturnValue": code, "Job": path})


def _machine(host: WindowsHost, given: NetObject) -> VirtualMachine | None:
    return host.machine(key_of(to_text(given.read("ComputerSystem"))))


def _migrate(host: WindowsHost, given: NetObject) -> NetObject:
    machine = _machine(host, given)
    if machine is None:
        return _answer(host, INVALID_PARAMETER)
    operation = _operation(machine, given)
    try:
        started = host.execute(operation)
    except Refused as refused:
        if refused.error_id == BUSY:
            return _answer(host, IN_USE)
        job = host.fleet.note_failed_job(host.name, operation, hresult_of(refused), refused.message)
        return _answer(host, STARTED, job)
    assert isinstance(started, Started)
    return _answer(host, STARTED if started.migration_id else 0, started.migration_id)


def _operation(machine: VirtualMachine, given: NetObject) -> StartMigration:
    settings = read_text(to_text(given.read("MigrationSettingData")), SETTINGS)
    destination = to_text(given.read("DestinationHost")) or None
    kind = _kind(machine, int(settings["MigrationType"] or 0), destination)
    storage = [*_folders(machine, plain(given.read("NewSystemSettingData")), destination), *_disks(machine, given)]
    return StartMigration(machine.id.lower(), kind, destination, tuple(storage), _option(settings))


def _kind(machine: VirtualMachine, number: int, destination: str | None) -> MigrationKind:
    if number not in (LIVE, STORAGE_ONLY, WITH_STORAGE) or (number == STORAGE_ONLY) is not (destination is None):
        raise PowerShellError("Invalid parameter.", "InvalidParameter", category="InvalidArgument")
    if number == STORAGE_ONLY:
        return MigrationKind.STORAGE
    if machine.is_off:
        return MigrationKind.OFFLINE
    return MigrationKind.LIVE_WITH_STORAGE if number == WITH_STORAGE else MigrationKind.LIVE


def _option(settings: dict[str, Any]) -> PerformanceOption | None:
    if settings["TransportType"] is None:
        return None
    if settings["TransportType"] not in (TCP_TRANSPORT, SMB_TRANSPORT):
        raise PowerShellError("Invalid parameter.", "InvalidParameter", category="InvalidArgument")
    if settings["TransportType"] == SMB_TRANSPORT:
        return PerformanceOption.SMB
    return PerformanceOption.COMPRESSION if settings["EnableCompression"] else PerformanceOption.TCPIP


def _folders(machine: VirtualMachine, text: Any, destination: str | None) -> list[StorageMove]:
    """Return the folders that move: those with a new path, and on another host also those whose old one is of this host."""
    if text is None:
        return []
    system = read_text(to_text(text), "Msvm_VirtualSystemSettingData")
    now = {
        CONFIGURATION: machine.configuration_path,
        CHECKPOINTS: machine.checkpoint_path,
        SMART_PAGING: machine.smart_paging_path,
    }
    found: list[StorageMove] = []
    for root, file in ROOTS.items():
        new, old = system[root], now[file]
        if not new or not old:
            continue
        of_this_host = destination is not None and not paths.is_smb(new) and not paths.is_cluster_volume(new)
        if of_this_host or paths.normal(new) != paths.normal(old):
            found.append(StorageMove(file=file, source=old, target=new))
    return found


def _disks(machine: VirtualMachine, given: NetObject) -> list[StorageMove]:
    moves: list[StorageMove] = []
    for text in items_of(plain(given.read("NewResourceSettingData"))) if given.read("NewResourceSettingData") else []:
        resource = read_text(to_text(text), "Msvm_StorageAllocationSettingData")
        disk = machine.disks[int(resource["InstanceID"].rpartition("\\")[2])]
        if disk.path is None or resource["PoolID"]:
            raise PowerShellError("A new path is taken only without a pool.", "InvalidParameter", category="InvalidArgument")
        moves.append(StorageMove(file=paths.file_of(disk.path), source=disk.path, target=resource["HostResource"][0]))
    return moves


def _check(host: WindowsHost, given: NetObject) -> NetObject:
    machine = _machine(host, given)
    if machine is None:
        return _answer(host, INVALID_PARAMETER)
    operation = _operation(machine, given)
    job = f"check-{len(host.checks) + 1}"
    try:
        host.execute(CheckMigration(operation.machine_id, operation.kind, operation.destination))
    except Refused as refused:
        host.checks[job] = (10, hresult_of(refused), refused.message)
    else:
        host.checks[job] = (7, 0, "")
    return _answer(host, STARTED, job)


def job_by_id(host: WindowsHost, job_id: str, job_object: JobObject) -> NetObject:
    """Return a job by its id: one that only checked, or a migration."""
    if job_id in host.checks:
        state, code, text = host.checks[job_id]
        return net_object("Msvm_MigrationJob", {"JobState": state, "ErrorCode": code, "ErrorDescription": text})
    listed = host.execute(ListMigrations())
    assert isinstance(listed, tuple)
    for job in listed:
        if job.id == job_id:
            return job_object(host, job)
    raise PowerShellError("Not found", "WMIException", category="ObjectNotFound", target=job_id)


def let_be_cancelled(host: WindowsHost, job: NetObject, job_id: str) -> None:
    """Give a job the method by which it is asked to end."""

    def parameters(arguments: list[Any]) -> NetObject:
        if to_text(arguments[0]) != "RequestStateChange":
            raise NotInSubsetError(f"method {to_text(arguments[0])} of Msvm_MigrationJob")
        names = method_parameters("Msvm_MigrationJob", "RequestStateChange")
        return instance("__PARAMETERS_RequestStateChange", dict.fromkeys(names))

    def invoke(arguments: list[Any]) -> NetObject:
        if to_text(arguments[0]) != "RequestStateChange" or arguments[1].read("RequestedState") != 4:
            raise NotInSubsetError("any other method of Msvm_MigrationJob than asking it to terminate")
        try:
            host.execute(CancelMigration(job_id))
        except Refused:
            return net_object("__PARAMETERS", {"ReturnValue": INVALID_STATE})
        return net_object("__PARAMETERS", {"ReturnValue": 0})

    job.methods |= {"getmethodparameters": parameters, "invokemethod": invoke}

"""From values of the model to what the scripts answer: the inverse of ``decode``, on the same tables. Pure.

Tests answer with it in a host's place, so that the production decoder reads numbers, as it would from Windows.
"""

from typing import Any

from reconciler.hosts.port import HostReport
from reconciler.hosts.winrm import codes
from reconciler.hosts.winrm.codes import number_of
from reconciler.model.observation import Host, Migration, VirtualMachine
from reconciler.model.words import MigrationKind

Raw = dict[str, Any]


def encode_survey(report: HostReport) -> Raw:
    """Return the result of Get-Survey that says what the report says."""
    shares = [share.to_json() for share in report.shares]
    for share in shares:
        share.pop("hosts")
    return {
        "host": _host(report.host),
        "cluster": report.cluster.to_json() if report.cluster else None,
        "shares": shares,
    }


def encode_migrations(migrations: tuple[Migration, ...]) -> list[Raw]:
    """Return the items of ``migrations`` in the results of Get-Survey and Get-Migrations."""
    return [_migration(job) for job in migrations]


def _host(host: Host) -> Raw:
    raw = host.to_json()
    for name in ("address", "status", "problem", "observedAt"):
        raw.pop(name)
    migration = raw["migration"]
    migration["performanceOption"] = number_of(codes.PERFORMANCE_OPTIONS, host.migration.performance_option)
    migration["authenticationType"] = number_of(codes.AUTHENTICATION_TYPES, host.migration.authentication_type)
    raw["nodeState"] = number_of(codes.NODE_STATES, host.node_state)
    raw["problems"] = [host.problem] if host.problem else []
    raw["virtualMachines"] = [_machine(machine) for machine in host.virtual_machines]
    raw["migrations"] = encode_migrations(host.migrations)
    return raw


def _machine(machine: VirtualMachine) -> Raw:
    raw = machine.to_json()
    raw.pop("operation")
    raw["state"] = number_of(codes.VM_STATES, machine.state)
    raw["replication"] = number_of(codes.REPLICATION_MODES, machine.replication)
    raw["operationalStatus"] = _operational_status(machine.operation)
    return raw


def _operational_status(operation: str | None) -> list[int]:
    if operation is None:
        return [codes.PRIMARY_OK]
    primary = number_of(codes.PRIMARY_STATUSES, operation)
    if primary is not None:
        return [primary]
    # An operation that Windows has no number for still keeps the machine busy: in service, and no more said.
    secondary = number_of(codes.OPERATIONS, operation)
    return [codes.IN_SERVICE] if secondary is None else [codes.IN_SERVICE, secondary]


def _migration(job: Migration) -> Raw:
    raw = job.to_json()
    for name in ("kind", "state"):
        raw.pop(name)
    raw["jobType"], raw["migrationType"] = codes.JOB_NUMBERS[job.kind]
    raw["jobState"] = number_of(codes.JOB_STATES, job.state)
    raw["machineState"] = codes.OFF if job.kind is MigrationKind.OFFLINE else None
    return raw

"""A small fleet to decide about: hosts that allow two of each kind, machines of 4 GiB, and steps between them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.decide import Decision, decide
from reconciler.model import desired as wanted
from reconciler.model import observation as seen
from reconciler.model.memory import Memory
from reconciler.model.plan import DesiredRef, MachineRef, MachineStep, ObservationRef, Plan, SettingsStep, Step, Summary
from reconciler.model.problem import Place
from reconciler.model.words import Action, MigrationKind, PerformanceOption

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
SHARE = r"\\fs1.contoso.com\vms"
GIB = 1024**3
SOURCE = wanted.Source(Place("vms.yaml", 1))


def seconds(amount: float) -> timedelta:
    return timedelta(seconds=amount)


def a_machine(name: str, **facts: Any) -> seen.VirtualMachine:
    disk = seen.Disk(path=rf"{SHARE}\{name}\os.vhdx", file_bytes=10 * GIB)
    return seen.VirtualMachine.model_validate(
        {"id": f"id-{name}", "name": name, "state": "Running", "memory_mib": 4096, "disks": (disk,)} | facts
    )


def a_host(name: str, *machines: seen.VirtualMachine, **facts: Any) -> seen.Host:
    settings = {
        "enabled": True,
        "maximum_virtual_machine_migrations": 2,
        "maximum_storage_migrations": 2,
        "active_virtual_machine_migrations": 0,
        "active_storage_migrations": 0,
    } | facts.pop("migration", {})
    return seen.Host.model_validate(
        {
            "name": name,
            "address": f"{name}.contoso.com".lower(),
            "virtual_machines": machines,
            "available_memory_mib": 65536,
            "migration": seen.HostMigration.model_validate(settings),
        }
        | facts
    )


def a_job(name: str, destination: str | None, kind: MigrationKind = MigrationKind.LIVE) -> seen.Migration:
    return seen.Migration(id=f"job-{name}", virtual_machine=f"id-{name}", kind=kind, destination=destination)


def observed(*hosts: seen.Host, **facts: Any) -> seen.Observation:
    shares = (seen.Share(path=SHARE, size_bytes=1000 * GIB, free_bytes=500 * GIB),)
    return seen.Observation.model_validate({"observed_at": NOW, "hosts": hosts, "shares": shares} | facts)


def asked(observation: seen.Observation, **more: Any) -> wanted.Desired:
    """Every host and machine that is seen, managed and with nothing special about it, unless ``more`` says so."""
    hosts = tuple(wanted.Host(name=host.name, source=SOURCE, address=host.name) for host in observation.hosts)
    machines = tuple(wanted.VirtualMachine(name=vm.name, source=SOURCE) for _, vm in observation.machines())
    return wanted.Desired(**{"digest": "sha256:d", "hosts": hosts, "virtual_machines": machines} | more)


def a_managed(name: str, **fields: Any) -> wanted.VirtualMachine:
    return wanted.VirtualMachine(name=name, source=SOURCE, **fields)


def a_move(
    name: str, source: str, destination: str | None, action: Action = Action.LIVE_MIGRATION, **fields: Any
) -> MachineStep:
    return MachineStep.model_validate(
        {
            "id": f"s-{name}",
            "action": action,
            "virtual_machine": MachineRef(id=f"id-{name}", name=name),
            "source": source,
            "destination": destination,
            "estimated_seconds": 10,
        }
        | fields
    )


def a_copy(name: str, host: str, destination: str | None = None, **fields: Any) -> MachineStep:
    """A storage migration; with a destination, a live migration with storage."""
    action = Action.LIVE_MIGRATION_WITH_STORAGE if destination else Action.STORAGE_MIGRATION
    move = {"file": "os.vhdx", "from": rf"{SHARE}\{name}\os.vhdx", "to": rf"{SHARE}\new\{name}\os.vhdx", "bytes": 10 * GIB}
    return a_move(name, host, destination, action, **{"storage": [move]} | fields)


def settings_of(host: str, step_id: str = "c1") -> SettingsStep:
    change = {"field": "migration.performanceOption", "from": "TCPIP", "to": PerformanceOption.SMB}
    return SettingsStep.model_validate({"id": step_id, "action": Action.CONFIGURE_HOST, "host": host, "settings": [change]})


def settings_of_cluster(name: str, limit: int, step_id: str = "c1") -> SettingsStep:
    change = {"field": "maximumParallelMigrations", "from": limit + 1, "to": limit}
    return SettingsStep.model_validate(
        {"id": step_id, "action": Action.CONFIGURE_CLUSTER, "cluster": name, "settings": [change]}
    )


def a_plan(*steps: Step, **fields: Any) -> Plan:
    refs = {"desired": DesiredRef(revision=None, digest="sha256:d"), "observation": ObservationRef(digest="o", observed_at=NOW)}
    base = {"complete": True, "applicable": True, "summary": Summary(), "steps": steps}
    return Plan.model_validate({**refs, **base, **fields})


def decided(observation: seen.Observation, *steps: Step, memory: Memory | None = None, **more: Any) -> Decision:
    """Decide about these steps; ``more`` replaces parts of the desired state."""
    return decide(a_plan(*steps), asked(observation, **more), observation, memory or Memory(), NOW)


def started(decision: Decision) -> list[str]:
    return [step.id for step in decision.starts]


def reasons(decision: Decision) -> dict[str, str]:
    return {waiting.step_id: waiting.code for waiting in decision.waiting}

"""The simulated fleet: booted from an observation, asked operations as hosts are, moving on with its clock.

The world has no thread and reads no time but its clock's: every call first lets all migrations end that should have ended
by now, in the order of their ends, then answers. Callers may have threads: one lock lets them in one after another.
Methods named after what people and faults do go through the same rules as operations, where they start something.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from reconciler.clock import Clock
from reconciler.hosts.port import (
    AddClusterRole,
    CancelMigration,
    CheckMigration,
    ConfigureCluster,
    ConfigureHost,
    Diagnose,
    Echo,
    Echoed,
    HostEvent,
    HostEvents,
    HostReport,
    ListEvents,
    ListMigrations,
    Operation,
    ReadClusterRole,
    RemoveClusterRole,
    RoleSettings,
    Started,
    StartMachine,
    StartMigration,
    Survey,
    Value,
)
from reconciler.model import paths
from reconciler.model.diagnosis import HostDiagnosis
from reconciler.model.observation import Migration, Observation, VirtualMachine
from reconciler.model.plan import StorageMove
from reconciler.model.words import MigrationKind
from reconciler.simulator import jobs, roles, rules, settings, slots, survey
from reconciler.simulator.assumptions import Assumptions
from reconciler.simulator.boot import boot
from reconciler.simulator.history import Event, EventKind
from reconciler.simulator.paths import share_at, stays_in_reach
from reconciler.simulator.refusal import BUSY, JOB_GONE, NO_ROOM, NOT_FOUND, OTHER, HostUnreachable, Refused
from reconciler.simulator.rules import Request
from reconciler.simulator.state import COMPLETED, HostState, Job, ShareState, memory_of
from reconciler.simulator.storage import moves_to, resolve
from reconciler.simulator.surroundings import Surroundings

__all__ = ["Assumptions", "Event", "EventKind", "HostUnreachable", "Refused", "World"]

ABORTED = 0x80004005
MIGRATION_FAILED_EVENT = 21502
EVENTS_COUNT_FOR = timedelta(minutes=15)
FAILURES = (EventKind.MIGRATION_FAILED, EventKind.MIGRATION_REFUSED)

P = ParamSpec("P")
R = TypeVar("R")


def _one_at_a_time(method: "Callable[Concatenate[World, P], R]") -> "Callable[Concatenate[World, P], R]":
    """Let one caller in, and let happen first what is due."""

    @wraps(method)
    def guarded(world: "World", /, *args: P.args, **kwargs: P.kwargs) -> R:
        with world._lock:
            world._catch_up()
            return method(world, *args, **kwargs)

    return guarded


class World:
    """A fleet of hosts. Hosts are named by their computer name or address, machines by VMId, both without regard to case."""

    def __init__(self, observation: Observation, clock: Clock, assumptions: Assumptions | None = None) -> None:
        """Boot; the fleet is as observed, and from now on it lives by ``clock``."""
        self.assumptions = assumptions or Assumptions()
        self.surroundings = Surroundings()
        self._clock, self._lock = clock, threading.RLock()
        self._now = clock.now()
        self._fleet = boot(observation, self._now, self.assumptions)
        self._history: list[Event] = []
        self._arranged: dict[str, tuple[int, str, float]] = {}
        self._slowed: dict[str, float] = {}
        self._machines_at_boot = self._count_machines()
        for job in self._fleet.running():
            self._note_start(job, "person")

    # What a host is asked

    @_one_at_a_time
    def execute(self, host_name: str, operation: Operation) -> Value:
        """Carry out an operation on a host and return its answer.

        Raises ``Refused`` as the host would, ``HostUnreachable`` where it cannot be reached or there is no such host.
        """
        host = self._fleet.host(host_name)
        if host is None or host.unreachable:
            raise HostUnreachable(host_name)
        return self._handlers[type(operation)](self, host, operation)

    def _catch_up(self) -> None:
        now = max(self._now, self._clock.now())
        while (job := self._next_to_end()) is not None and job.ends_at <= now:
            self._now = max(self._now, job.ends_at)
            jobs.end(job)
            self._note_end(job)
        self._now = now
        jobs.forget_old(self._fleet, now, self.assumptions.job_retention)

    def _survey(self, host: HostState, _: Survey) -> HostReport:
        return survey.report(self._fleet, host, self._now, show_arrivals=self.assumptions.arrivals_lower_memory)

    def _list(self, host: HostState, _: ListMigrations) -> tuple[Migration, ...]:
        return survey.migrations(self._fleet, host, self._now)

    def _events(self, host: HostState, _: ListEvents) -> HostEvents:
        """What Windows logs at both ends of a migration that fails."""
        since = self._now - EVENTS_COUNT_FOR
        failed = (one for one in reversed(self._history) if one.kind in FAILURES and one.time >= since)
        mine = (one for one in failed if host.name in (one.host, one.detail.get("destination")))
        return HostEvents(tuple(HostEvent(MIGRATION_FAILED_EVENT, 2, one.time, _message(one)) for one in mine))

    def _diagnose(self, host: HostState, operation: Diagnose) -> HostDiagnosis:
        return self.surroundings.diagnose(self._fleet, host, operation)

    def _echo(self, _: HostState, operation: Echo) -> Echoed:
        lengths = tuple(len(text.encode("utf-16-le")) // 2 for text in operation.texts)
        return Echoed(operation.texts, lengths, operation.filler)

    def _check(self, host: HostState, operation: CheckMigration) -> None:
        machine = _machine_on(host, operation.machine_id)
        if self._fleet.job_of(host, machine.id.casefold()):
            raise Refused(BUSY, None, f"{machine.name} is on the move.")
        destination = self._destination(host, operation.destination)
        copies = operation.kind is not MigrationKind.LIVE
        rules.check(self._fleet, Request(machine, operation.kind, host, destination, all_files=copies))

    def _start(self, host: HostState, operation: StartMigration) -> Started:
        return self._begin(host, operation, by="request")

    def _begin(self, host: HostState, operation: StartMigration, by: str) -> Started:
        machine = _machine_on(host, operation.machine_id)
        destination = self._destination(host, operation.destination)
        moves = resolve(self._fleet, host, destination or host, machine, operation.storage)
        running = self._fleet.job_of(host, machine.id.casefold())
        if running is not None:
            return _adopt(running, machine, destination, {move.target_place for move in moves})
        if destination is None and not moves:
            return Started(None)
        request = Request(machine, operation.kind, host, destination, moves)
        rules.check(self._fleet, request)
        return Started(self._run(request, operation, by).id)

    def _run(self, request: Request, operation: StartMigration, by: str) -> Job:
        option, given = operation.performance_option, operation.destination
        job = jobs.start(self._fleet, request, self._now, self.assumptions, option, given)
        jobs.slow_down(job, self._slowed.pop(job.machine, 1))
        arranged = self._arranged.pop(job.machine, None)
        if arranged is not None:
            jobs.arrange_failure(job, *arranged)
        self._note_start(job, by)
        return job

    def _cancel(self, host: HostState, operation: CancelMigration) -> None:
        wanted = operation.migration_id.casefold()
        job = next((job for job in self._fleet.running() if job.source is host and job.id.casefold() == wanted), None)
        if job is None:
            raise Refused(JOB_GONE, None, f"{host.name} runs no migration {operation.migration_id}; it may have ended.")
        jobs.cancel(job, self._now)
        self._note_end(job)

    def _configure_host(self, host: HostState, operation: ConfigureHost) -> None:
        self._note_settings(settings.configure_host(host, operation.settings))

    def _configure_cluster(self, host: HostState, operation: ConfigureCluster) -> None:
        changes = settings.configure_cluster(self._fleet, host, operation.maximum_parallel_migrations)
        self._note_settings(changes)

    def _start_machine(self, host: HostState, operation: StartMachine) -> None:
        machine = self._idle_machine(host, operation.machine_id)
        if machine.is_running:
            return
        if not machine.is_off:
            raise Refused(OTHER, "0x8007139F", f"{machine.name} cannot be started: its state is {machine.state}.")
        needed, free = machine.memory_mib or 0, self._fleet.free_mib(host)
        if free is not None and needed > free:
            text = f"{host.name} has {free} MiB free, and {machine.name} needs {needed} MiB."
            raise Refused(NO_ROOM, rules.OUT_OF_MEMORY, text)
        host.add_memory(-needed)
        self._set(host, machine, state="Running")
        self._note(EventKind.MACHINE_STARTED, machine.id, host.name)

    def _read_role(self, host: HostState, operation: ReadClusterRole) -> RoleSettings:
        return RoleSettings(dict(roles.role_of(host, _machine_on(host, operation.machine_id)) or {}))

    def _remove_role(self, host: HostState, operation: RemoveClusterRole) -> RoleSettings:
        machine = self._idle_machine(host, operation.machine_id)
        removed = roles.remove_role(host, machine)
        if removed is None:
            return RoleSettings()
        self._note(EventKind.ROLE_REMOVED, machine.id, host.name, {"cluster": _cluster_name(host), "settings": removed})
        return RoleSettings(dict(removed))

    def _add_role(self, host: HostState, operation: AddClusterRole) -> None:
        machine = self._idle_machine(host, operation.machine_id)
        if roles.add_role(host, machine, operation.settings):
            detail = {"cluster": _cluster_name(host), "settings": roles.role_of(host, machine)}
            self._note(EventKind.ROLE_ADDED, machine.id, host.name, detail)

    _handlers: dict[type, Callable[["World", HostState, Any], Value]] = {
        Survey: _survey,
        ListMigrations: _list,
        ListEvents: _events,
        Diagnose: _diagnose,
        Echo: _echo,
        CheckMigration: _check,
        StartMigration: _start,
        CancelMigration: _cancel,
        ConfigureHost: _configure_host,
        ConfigureCluster: _configure_cluster,
        StartMachine: _start_machine,
        ReadClusterRole: _read_role,
        RemoveClusterRole: _remove_role,
        AddClusterRole: _add_role,
    }

    # What a host's own Windows needs beside the operations

    def nodes_of(self, host_name: str) -> list[tuple[str, str | None, str | None]]:
        """Return the nodes of a host's cluster, itself included: name, address, state. None for a stand-alone host."""
        cluster = self._known(host_name).cluster
        nodes = [host for host in self._fleet.hosts if cluster is not None and host.cluster is cluster]
        return [(node.name, node.facts.address, node.facts.node_state) for node in nodes]

    def machines_of(self, host_name: str) -> tuple[VirtualMachine, ...]:
        """Return the machines that a host has now."""
        return tuple(self._known(host_name).machines.values())

    def role_settings(self, host_name: str, machine_id: str) -> dict[str, Any] | None:
        """Return the settings of a machine's role, to read and to change; None where it has none."""
        cluster = self._known(host_name).cluster
        return cluster.roles.get(machine_id.casefold()) if cluster else None

    @_one_at_a_time
    def note_failed_job(self, host_name: str, operation: StartMigration, code: int, message: str) -> str:
        """Let a host remember a migration that failed as it began; return the job's id. Nothing was held, nothing moved."""
        host = self._known(host_name)
        job = jobs.failed_at_once(self._fleet, host, operation, self._now, code, message)
        self._note(EventKind.MIGRATION_REFUSED, job.machine, host.name, {"migration": job.id, "error": job.error})
        return job.id

    def seconds(self) -> float:
        """Return the fleet's time, in seconds since some moment."""
        return max(self._now, self._clock.now()).timestamp()

    # What people and faults do

    @_one_at_a_time
    def person_moves(self, machine_id: str, destination: str | None, storage: tuple[StorageMove, ...] = ()) -> Started:
        """Start a migration that nobody planned, by the same rules; files out of reach go to the destination's default path."""
        host, machine = self._find(machine_id)
        target = self._destination(host, destination)
        if target is not None and not storage:
            storage = self._out_of_reach(host, target, machine)
        kind = _natural_kind(machine, target, bool(storage))
        return self._begin(host, StartMigration(machine.id, kind, destination, storage), by="person")

    @_one_at_a_time
    def fail_next_migration(self, machine_id: str, code: int, message: str, share: float = 0.5) -> None:
        """Let the next migration of the machine that starts fail after ``share`` of its time; the machine stays."""
        self._arranged[machine_id.casefold()] = (code, message, share)

    @_one_at_a_time
    def slow_next_migration(self, machine_id: str, factor: float) -> None:
        """Let the next migration of the machine that starts take ``factor`` times as long."""
        self._slowed[machine_id.casefold()] = factor

    @_one_at_a_time
    def restart_host(self, host_name: str) -> None:
        """Let a host restart: every migration it takes part in fails. Its machines are saved and run again afterwards."""
        host = self._known(host_name)
        for job in [job for job in self._fleet.running() if host in (job.source, job.destination)]:
            jobs.fail(job, self._now, ABORTED, f"{host.name} was restarted.")
            self._note_end(job)

    @_one_at_a_time
    def stop_machine(self, machine_id: str) -> None:
        """Switch a machine off; a migration it is in fails."""
        host, machine = self._find(machine_id)
        job = self._fleet.job_of(host, machine.id.casefold())
        if job is not None:
            jobs.fail(job, self._now, ABORTED, "The virtual machine was switched off.")
            self._note_end(job)
        host.add_memory(memory_of(machine))
        self._set(host, machine, state="Off")
        self._note(EventKind.MACHINE_STOPPED, machine.id, host.name)

    @_one_at_a_time
    def set_operation(self, machine_id: str, operation: str | None) -> None:
        """Keep a machine busy with something else ("BackingUpVirtualMachine"), or free it again with None."""
        host, machine = self._find(machine_id)
        self._set(host, machine, operation=operation)

    @_one_at_a_time
    def set_unreachable(self, host_name: str, unreachable: bool) -> None:
        """Let the controller reach a host no longer, or again; migrations between hosts go on."""
        self._known(host_name).unreachable = unreachable

    def is_reachable(self, host_name: str) -> bool:
        """Tell whether a host would answer now; False for one that does not exist."""
        host = self._fleet.host(host_name)
        return host is not None and not host.unreachable

    @_one_at_a_time
    def deny_share(self, path: str, host_name: str) -> None:
        """Take a host's rights on a share away, so that it can neither read nor write there."""
        share = share_at(self._fleet, path)
        if share is None:
            share = ShareState(paths.share_of(path) or path)
            self._fleet.shares.append(share)
        share.denied.add(self._known(host_name).name.casefold())

    # What tests look at

    @property
    @_one_at_a_time
    def events(self) -> list[Event]:
        """All that happened until now, in order; ``history`` answers questions about it."""
        return list(self._history)

    @_one_at_a_time
    def events_since(self, number: int) -> list[Event]:
        """Return what happened after the first ``number`` events, for whoever has seen those."""
        return self._history[number:]

    @property
    def host_names(self) -> list[str]:
        """The computer names of all hosts, in the order of the observation."""
        return [host.name for host in self._fleet.hosts]

    @_one_at_a_time
    def observation(self) -> Observation:
        """Return the whole truth of this moment, hosts out of reach included."""
        return survey.observation(self._fleet, self._now, show_arrivals=self.assumptions.arrivals_lower_memory)

    @_one_at_a_time
    def next_end(self) -> datetime | None:
        """Return when the next running migration will end, or None where none runs; a test can sleep until then."""
        job = self._next_to_end()
        return job.ends_at if job else None

    @_one_at_a_time
    def check(self) -> list[str]:
        """Return a sentence for each thing that must never be so, and is; empty is good."""
        fleet = self._fleet
        volumes = [*fleet.shares, *(v for h in fleet.hosts for v in h.volumes), *(v for c in fleet.clusters for v in c.volumes)]
        found = [f"{volume.path} has {volume.free_bytes} bytes free" for volume in volumes if not volume.has_room(0)]
        found += [f"{host.name} has {free} MiB free" for host in fleet.hosts if (free := fleet.free_mib(host) or 0) < 0]
        if self._count_machines() != self._machines_at_boot:
            found.append("a machine is gone or exists more often than before")
        return found

    # Below: small things that several of the above need

    def _next_to_end(self) -> Job | None:
        return min(self._fleet.running(), key=lambda job: job.ends_at, default=None)

    def _known(self, host_name: str) -> HostState:
        host = self._fleet.host(host_name)
        if host is None:
            raise KeyError(host_name)
        return host

    def _find(self, machine_id: str) -> tuple[HostState, VirtualMachine]:
        host = self._fleet.holder(machine_id)
        if host is None:
            raise KeyError(machine_id)
        return host, host.machines[machine_id.casefold()]

    def _destination(self, host: HostState, given: str | None) -> HostState | None:
        """The other host that a migration leads to, or None where the machine stays on this one."""
        if given is None:
            return None
        found = self._fleet.host(given)
        if found is None:
            raise Refused(OTHER, "0x8007274C", f"{host.name} cannot connect to {given}.")
        return None if found is host else found

    def _idle_machine(self, host: HostState, machine_id: str) -> VirtualMachine:
        machine = _machine_on(host, machine_id)
        if machine.operation or self._fleet.job_of(host, machine.id.casefold()):
            raise Refused(BUSY, None, f"{machine.name} is in another operation.")
        return machine

    def _out_of_reach(self, host: HostState, target: HostState, machine: VirtualMachine) -> tuple[StorageMove, ...]:
        folder = paths.join(target.facts.storage.virtual_machine_path or "D:\\Hyper-V", machine.name)
        return tuple(move for move in moves_to(machine, folder) if not stays_in_reach(self._fleet, host, target, move.source))

    def _set(self, host: HostState, machine: VirtualMachine, **changes: Any) -> None:
        host.machines[machine.id.casefold()] = machine.model_copy(update=changes)

    def _count_machines(self) -> dict[str, int]:
        ids = [machine for host in self._fleet.hosts for machine in host.machines]
        return {machine: ids.count(machine) for machine in sorted(set(ids))}

    def _note(self, kind: EventKind, vm: str | None, host: str, detail: dict[str, Any] | None = None) -> None:
        self._history.append(Event(self._now, kind, vm.casefold() if vm else None, host, detail or {}))

    def _note_start(self, job: Job, by: str) -> None:
        self._note(EventKind.MIGRATION_STARTED, job.machine, job.source.name, _described(job) | {"by": by})

    def _note_end(self, job: Job) -> None:
        kind = {COMPLETED: EventKind.MIGRATION_COMPLETED, "Terminated": EventKind.MIGRATION_CANCELLED}.get(job.state)
        seconds = (job.ends_at - job.started_at).total_seconds()
        failed = EventKind.MIGRATION_FAILED
        detail = _described(job) | {"seconds": seconds, "error": job.error}
        self._note(kind or failed, job.machine, job.source.name, detail)

    def _note_settings(self, changes: list[settings.Change]) -> None:
        for change in changes:
            detail = {"field": change.field, "from": change.before, "to": change.after}
            self._note(EventKind.SETTING_CHANGED, None, change.owner, detail)


def _message(event: Event) -> str:
    _, message = event.detail.get("error") or (None, "")
    return f"Live migration of '{event.vm}' failed. {message}".strip()


def _machine_on(host: HostState, machine_id: str) -> VirtualMachine:
    machine = host.machines.get(machine_id.casefold())
    if machine is None:
        raise Refused(NOT_FOUND, None, f"{host.name} has no virtual machine {machine_id}.")
    return machine


def _adopt(job: Job, machine: VirtualMachine, destination: HostState | None, targets: set[tuple[str, str]]) -> Started:
    """The answer where the machine is on the move already: its job where that leads to the same end, else a refusal."""
    same_files = targets == {move.target_place for move in job.moves}
    if job.destination is destination and same_files:
        return Started(job.id, already_running=True)
    raise Refused(BUSY, None, f"{machine.name} is on the move to {job.given or 'other storage'} already.")


def _natural_kind(machine: VirtualMachine, destination: HostState | None, with_storage: bool) -> MigrationKind:
    if destination is None:
        return MigrationKind.STORAGE
    if machine.is_off:
        return MigrationKind.OFFLINE
    return MigrationKind.LIVE_WITH_STORAGE if with_storage else MigrationKind.LIVE


def _cluster_name(host: HostState) -> str | None:
    return host.cluster.name if host.cluster else None


def _described(job: Job) -> dict[str, Any]:
    return {
        "migration": job.id,
        "kind": job.kind.value,
        "destination": job.destination.name if job.destination else None,
        "performanceOption": job.option.value,
        "live": {host.name: slots.live_limit(host) for host in job.live},
        "storage": {host.name: slots.storage_limit(host) for host in job.storage},
    }

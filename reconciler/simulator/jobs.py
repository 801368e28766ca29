"""Migrations from start to end: what is held while one runs, what changes at its end, how long it takes.

Memory and disk space are held at the target from the start; the source gives up its own only at the end, when the machine
changes hands in one moment. The speed of a job is settled when it starts, from the number of jobs its hosts run then.
"""

import uuid
from datetime import datetime, timedelta

from reconciler.hosts.port import StartMigration
from reconciler.model.words import PerformanceOption
from reconciler.simulator import slots
from reconciler.simulator.assumptions import Assumptions
from reconciler.simulator.rules import Request
from reconciler.simulator.state import COMPLETED, EXCEPTION, TERMINATED, FleetState, HostState, Job
from reconciler.simulator.storage import moved

JOB_IDS = uuid.UUID("7c1e5a3e-4d0b-5b0a-9a63-0d1f6d2c8b55")


def start(
    fleet: FleetState,
    request: Request,
    now: datetime,
    assumptions: Assumptions,
    option: PerformanceOption | None = None,
    given: str | None = None,
) -> Job:
    """Start a migration that the rules allow; return its job."""
    used = option or request.source.facts.migration.performance_option or PerformanceOption.COMPRESSION
    seconds = assumptions.seconds(
        request.kind,
        memory_mib=request.memory_mib,
        file_bytes=sum(move.bytes for move in request.moves),
        option=used,
        sharers=1 + max(_jobs_on(fleet, host) for host in (request.source, request.end)),
    )
    live, storage = slots.charges(request.kind, request.source, request.destination, bool(request.moves))
    fleet.jobs_ever += 1
    job = Job(
        id=str(uuid.uuid5(JOB_IDS, str(fleet.jobs_ever))),
        machine=request.machine.id.casefold(),
        kind=request.kind,
        source=request.source,
        destination=request.destination,
        given=given,
        moves=request.moves,
        memory_mib=request.memory_mib,
        option=used,
        started_at=now,
        ends_at=now + timedelta(seconds=seconds),
        full_seconds=seconds,
        live=live,
        storage=storage,
    )
    for move in job.moves:
        if move.target_volume is not None:
            move.target_volume.take(move.bytes)
    fleet.jobs.append(job)
    return job


def failed_at_once(
    fleet: FleetState, host: HostState, operation: StartMigration, now: datetime, code: int, message: str
) -> Job:
    """Let a host remember a migration that failed as it began, which took nothing and moved nothing; return its job."""
    fleet.jobs_ever += 1
    job = Job(
        id=str(uuid.uuid5(JOB_IDS, str(fleet.jobs_ever))),
        machine=operation.machine_id.casefold(),
        kind=operation.kind,
        source=host,
        destination=fleet.host(operation.destination),
        given=operation.destination,
        moves=(),
        memory_mib=0,
        option=operation.performance_option or PerformanceOption.COMPRESSION,
        started_at=now,
        ends_at=now,
        full_seconds=0,
        state=EXCEPTION,
        error=(code, message),
    )
    fleet.jobs.append(job)
    return job


def arrange_failure(job: Job, code: int, message: str, share: float) -> None:
    """Let a job that has just started fail after that share of its time."""
    job.fails_with = (code, message)
    job.ends_at = job.started_at + timedelta(seconds=job.full_seconds * share)


def slow_down(job: Job, factor: float) -> None:
    """Let a job that has just started take that many times as long."""
    job.full_seconds *= factor
    job.ends_at = job.started_at + timedelta(seconds=job.full_seconds)


def end(job: Job) -> None:
    """End a job whose time has come: as arranged, or with the machine at its destination."""
    if job.fails_with is not None:
        fail(job, job.ends_at, *job.fails_with)
        return
    machine = job.source.machines.get(job.machine)
    job.state, job.percent = COMPLETED, 100
    if machine is None:
        return
    for move in job.moves:
        if move.source_volume is not None:
            move.source_volume.give(move.bytes)
    target = job.destination or job.source
    del job.source.machines[job.machine]
    target.machines[job.machine] = moved(machine, job.moves)
    if job.destination is not None:
        job.source.add_memory(job.memory_mib)
        job.destination.add_memory(-job.memory_mib)


def fail(job: Job, now: datetime, code: int, message: str) -> None:
    """End a job with an error; the machine stays where it was."""
    _give_up(job, now, EXCEPTION)
    job.error = (code, message)


def cancel(job: Job, now: datetime) -> None:
    """End a job because somebody asked for it; the machine stays where it was."""
    _give_up(job, now, TERMINATED)


def forget_old(fleet: FleetState, now: datetime, retention: float) -> None:
    """Drop jobs that ended longer ago than hosts remember."""
    limit = timedelta(seconds=retention)
    fleet.jobs = [job for job in fleet.jobs if job.is_running or now - job.ends_at < limit]


def _give_up(job: Job, now: datetime, state: str) -> None:
    job.percent = job.percent_at(now)
    job.state, job.ends_at = state, now
    for move in job.moves:
        if move.target_volume is not None:
            move.target_volume.give(move.bytes)


def _jobs_on(fleet: FleetState, host: HostState) -> int:
    return sum(host in (job.source, job.destination) for job in fleet.running())

"""Cancelling one migration because a person asks: find it, ask its host, look until it has ended, say what was seen.

The host decides whether it can still be cancelled. A controller that follows the migration sees it end, gives back a role
that it took off, and leaves the machine alone until the desired state changes.
"""

from dataclasses import dataclass

from reconciler.clock import Clock
from reconciler.hosts.port import Call, CancelMigration, Hosts, ListMigrations
from reconciler.model.desired import Desired
from reconciler.model.observation import Host, Migration, Observation
from reconciler.model.problem import Problem
from reconciler.observe import survey, targets_of

POLL_SECONDS, PATIENCE_SECONDS = 2.0, 120.0


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What came of it. ``cancelled``: the migration is over and its machine is where it was, both seen."""

    cancelled: bool
    finding: str


def cancel_migration(name: str, desired: Desired, hosts: Hosts, clock: Clock) -> Cancelled | Problem:
    """Cancel the one migration that runs for a machine (by name or VMId) and report what was seen then."""
    found = find_migration(survey(hosts, targets_of(desired), clock), name)
    if isinstance(found, Problem):
        return found
    host, job = found
    target = next(one for one in targets_of(desired) if one.name == host.name)
    (answer,) = hosts.ask([Call(target, CancelMigration(job.id))])
    if answer.failure:
        return Problem("cancel-refused", answer.failure.finding, answer.failure.remedy, subject=f"host/{host.name}")
    deadline = PATIENCE_SECONDS
    while deadline > 0 and _runs(job, hosts.ask([Call(target, ListMigrations())])[0].value):
        clock.sleep(POLL_SECONDS)
        deadline -= POLL_SECONDS
    return _seen(name, host.name, job, survey(hosts, targets_of(desired), clock))


def find_migration(observation: Observation, name: str) -> tuple[Host, Migration] | Problem:
    """Return the running migration of the one machine that is meant, with its source host."""
    wanted, subject = name.casefold(), f"virtualMachine/{name}"
    ids = {vm.id.casefold() for _, vm in observation.machines() if wanted in (vm.name.casefold(), vm.id.casefold())}
    if len(ids) > 1:
        return Problem("ambiguous-name", f"{len(ids)} machines have this name", "give the VMId", subject=subject)
    jobs = [(host, job) for host in observation.hosts for job in host.running_migrations]
    mine = [(host, job) for host, job in jobs if job.virtual_machine.casefold() in ids | {wanted}]
    # A job may be listed at both ends; the source is the one that it leads away from.
    sources = [(host, job) for host, job in mine if (job.destination or "").casefold() != host.name.casefold()]
    if not sources:
        remedy = "see which migrations run with 'reconciler status'"
        return Problem("no-such-migration", "no migration of this machine runs now", remedy, subject=subject)
    return sources[0]


def _runs(job: Migration, listed: object) -> bool:
    """Unknown is not over: without an answer the host is asked again."""
    if not isinstance(listed, tuple):
        return True
    return any(one.id == job.id and one.is_running for one in listed)


def _seen(name: str, source: str, job: Migration, observation: Observation) -> Cancelled:
    machine = job.virtual_machine.casefold()
    places = [host.name for host, vm in observation.machines() if vm.id.casefold() == machine]
    running = any(one.id == job.id for host in observation.hosts for one in host.running_migrations)
    if running:
        return Cancelled(False, f"{name}: its host was asked, and the migration still runs")
    if places == [source] and job.destination:
        return Cancelled(True, f"{name}: cancelled; it is on {source}, where it was")
    if places == [source]:
        return Cancelled(True, f"{name}: the storage migration on {source} is over")
    where = " and ".join(places) or "no host that answers"
    return Cancelled(False, f"{name}: the migration ended before it could be cancelled; the machine is on {where}")

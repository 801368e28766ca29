"""What the controller can know: the surveys that reached it, the changes it asked for since, and what it wrote down.

Every request is judged against this and not against the truth, which nobody could have known; where knowledge and truth
differ, hosts refuse, and that is judged by whether anything happened in between.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.hosts.port import (
    AddClusterRole,
    Answer,
    Call,
    ConfigureCluster,
    ConfigureHost,
    HostReport,
    Operation,
    ReadClusterRole,
    RemoveClusterRole,
    RoleSettings,
    StartMachine,
    StartMigration,
    Survey,
)
from reconciler.model.desired import Desired
from reconciler.model.observation import Cluster, Host, Migration, VirtualMachine
from reconciler.model.words import HostStatus

Change = StartMigration | StartMachine | RemoveClusterRole | AddClusterRole | ConfigureHost | ConfigureCluster
CHANGES = (StartMigration, StartMachine, RemoveClusterRole, AddClusterRole, ConfigureHost, ConfigureCluster)


# Msvm_MigrationJob, JobState by name: what has ended one way or another; everything else may still move the machine.
ENDED = ("Completed", "CompletedWithWarnings", "Terminated", "Killed", "Exception")


def runs(job: Migration) -> bool:
    """Tell whether a job that a host lists has not ended."""
    return job.state not in ENDED


@dataclass
class Told:
    """The last good survey of a host that reached the controller, and what it has asked there since.

    ``look`` counts surveys: the changes of one look are judged together, as one decision. ``altered`` says that a fault
    changed the answer, so that it need not be true.
    """

    report: HostReport
    asked_at: datetime
    true_at: datetime
    look: int
    altered: bool
    since: list[tuple[str, Change]] = field(default_factory=list)


class Knowledge:
    """Facts by host name (lower case). Forgotten when the controller dies, except what was written down."""

    def __init__(self, addresses: dict[str, str]) -> None:
        self._names = addresses
        self.told: dict[str, Told] = {}
        self.look = 0
        self._looking = False
        self.changed_in_look: dict[str, int] = {}
        self.intents: set[str] = set()
        self.roles_kept: set[str] = set()
        self.disturbances = 0
        self.disturbed_before_look = 0
        self.debts: dict[str, str] = {}
        self.written_debts: set[str] = set()
        self.holds: dict[str, datetime | None] = {}
        self.holds_before_look: frozenset[str] = frozenset()
        self.refused: set[str] = set()
        self.misled: set[str] = set()

    def forget(self) -> None:
        """The controller is a new process: it has seen nothing yet, and knows of debts only what was written down."""
        self.debts = {machine: host for machine, host in self.debts.items() if machine in self.written_debts}
        self.told.clear()
        self.changed_in_look.clear()
        self.intents.clear()
        self.roles_kept.clear()
        self._looking = False

    def disturb(self) -> None:
        """Something happened that no survey so far has shown."""
        self.disturbances += 1

    def key(self, name: str) -> str:
        """Return the key of a host by its name or address."""
        return self._names.get(name.casefold(), name.casefold())

    # -- what comes and goes

    def asking(self, calls: list[Call]) -> None:
        """Note that a question goes out; surveys after anything else begin a new look."""
        surveys = any(isinstance(call.operation, Survey) for call in calls)
        if surveys and not self._looking:
            self.look += 1
            self.disturbed_before_look = self.disturbances
            self.holds_before_look = frozenset(self.holds)
            self.intents.clear()
            self.roles_kept.clear()
            self.refused.clear()
        self._looking = surveys

    def answered(self, answer: Answer, asked_at: datetime, true_at: datetime, *, altered: bool) -> None:
        """Take in what came back."""
        host = self.key(answer.call.target.name)
        if isinstance(answer.call.operation, ReadClusterRole) and answer.value == RoleSettings():
            self.roles_kept.add(answer.call.operation.machine_id)  # there is nothing to write down
        if isinstance(answer.call.operation, Survey):
            self.told.pop(host, None)
            if altered or answer.failure:
                self.disturbances += 1
            if isinstance(answer.value, HostReport):
                for machine in answer.value.host.virtual_machines:
                    if machine.highly_available or answer.value.host.cluster is None:
                        self.misled |= {machine.id} & self.debts.keys() if altered else set()
                        self.debts.pop(machine.id, None)
                self.told[host] = Told(answer.value, asked_at, true_at, self.look, altered)

    def asked(self, host: str, operation: Change) -> None:
        """Note a change that was asked for, whatever came of it."""
        for end in self.ends(host, operation):
            self.changed_in_look[end] = self.look
            if end in self.told:
                self.told[end].since.append((host, operation))

    def ends(self, host: str, operation: Operation) -> tuple[str, ...]:
        """Return the keys of the hosts that an operation concerns."""
        if isinstance(operation, StartMigration) and operation.destination:
            other = self.key(operation.destination)
            return (host,) if other == host else (host, other)
        if isinstance(operation, ConfigureCluster):
            cluster = self.cluster_of(host)
            return tuple(key for key in sorted(self.told) if self.cluster_of(key) == cluster)
        return (host,)

    # -- what is known

    def host(self, key: str) -> Host | None:
        """Return a host as it was told last, or None."""
        return self.told[key].report.host if key in self.told else None

    def cluster_of(self, key: str) -> str | None:
        """Return the cluster that a host said it is in."""
        host = self.host(key)
        return host.cluster if host else None

    def cluster(self, key: str) -> Cluster | None:
        """Return the facts of a host's cluster, as any node told them."""
        name = self.cluster_of(key)
        reports = (told.report for _, told in sorted(self.told.items()))
        found = (report.cluster for report in reports if report.cluster and report.cluster.name == name)
        return next((one for one in found if one.maximum_parallel_migrations is not None), None) if name else None

    def all_answered(self) -> bool:
        """Tell whether every host answered the last look, in full."""
        keys = set(self._names.values())
        return all(key in self.told and self.told[key].report.host.status is HostStatus.OK for key in keys)

    def sightings(self, machine: str) -> list[tuple[str, VirtualMachine]]:
        """Return where a machine was seen."""
        return [(key, vm) for key, told in self.told.items() for vm in told.report.host.virtual_machines if vm.id == machine]

    def is_held_by_hand(self, machine: str, now: datetime) -> bool:
        """Tell whether a hold that was placed before the last look still stands."""
        until = self.holds.get(machine)
        return machine in self.holds_before_look & self.holds.keys() and (until is None or now < until)

    def lists(self, job_id: str) -> bool:
        """Tell whether a host listed that migration as one that has not ended."""
        jobs = (job for told in self.told.values() for job in told.report.host.migrations)
        return any(job.id == job_id and runs(job) for job in jobs)

    def owed_by(self, desired: Desired) -> frozenset[str]:
        """Return the machines whose role was taken off and must come back; what nobody wants any more nobody owes."""
        unwanted = {one.id for one in desired.virtual_machines if one.high_availability is False}
        return frozenset(self.debts.keys() - unwanted)

    def moving(self) -> dict[str, set[tuple[str, str]]]:
        """Return the hosts that machines are on their way between: as listed by hosts, and as asked for since."""
        found: dict[str, set[tuple[str, str]]] = {}
        for key, told in self.told.items():
            for job in filter(runs, told.report.host.migrations):
                end = self.key(job.destination) if job.destination else key
                found.setdefault(job.virtual_machine, set()).add((key, end))
        for machine, host, operation in self.own_starts():
            end = self.key(operation.destination) if operation.destination else host
            found.setdefault(machine, set()).add((host, end))
        return found

    def own_starts(self) -> Iterator[tuple[str, str, StartMigration]]:
        """Yield migrations asked for since the survey of their source: machine, source, what was asked."""
        for key, told in sorted(self.told.items()):
            for host, operation in told.since:
                if host == key and isinstance(operation, StartMigration) and operation.machine_id not in self.refused:
                    yield operation.machine_id, host, operation

"""What a person must know about an observation before trusting a comparison with it: hosts and machines not seen."""

from reconciler.model.desired import Desired
from reconciler.model.drift import MachineDrift, MachineStatus
from reconciler.model.observation import Observation
from reconciler.model.problem import Problem, Severity
from reconciler.model.words import HostStatus


def host_problems(desired: Desired, observation: Observation, machines: tuple[MachineDrift, ...]) -> tuple[Problem, ...]:
    """Return one warning for each host that was not fully seen and each machine that is therefore unknown."""
    hosts = [_host_problem(observation, name) for name in sorted(_names(desired, observation), key=str.casefold)]
    unknown = [_machine_problem(drift) for drift in machines if drift.status is MachineStatus.UNKNOWN]
    return tuple(problem for problem in hosts if problem is not None) + tuple(unknown)


def _names(desired: Desired, observation: Observation) -> list[str]:
    seen = {host.name.casefold(): host.name for host in observation.hosts}
    seen.update({host.name.casefold(): host.name for host in desired.hosts})
    return list(seen.values())


def _host_problem(observation: Observation, name: str) -> Problem | None:
    host = observation.host(name)
    if host is not None and host.status is HostStatus.OK:
        return None
    finding = (
        "this host is not in the observation" if host is None else f"{host.status.value}: {host.problem or 'no reason given'}"
    )
    return Problem(
        code="host-unknown",
        finding=finding,
        remedy="observe again once the host answers; until then nothing that touches it is planned",
        subject=f"host/{name}",
        severity=Severity.WARNING,
    )


def _machine_problem(drift: MachineDrift) -> Problem:
    return Problem(
        code="machine-unknown",
        finding=drift.finding,
        remedy="make its hosts reachable and observe again; unknown is never taken for absent",
        subject=drift.subject,
        place=drift.machine.source.place,
        severity=Severity.WARNING,
    )

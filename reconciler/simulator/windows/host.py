"""One simulated host as its own cmdlets see it: what it reports now, and how they change it.

All goes through the operations of the fleet, so a script can do no more than they allow. What the fleet refuses comes out as
the error that Windows would give: a refusal of the migration service is a job that fails, see ``migration_service``.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

from reconciler.hosts.port import Diagnose, HostReport, Operation, StartMigration, Survey, Value
from reconciler.model.diagnosis import HostDiagnosis
from reconciler.model.observation import Host, VirtualMachine
from reconciler.simulator.powershell import PowerShellError
from reconciler.simulator.refusal import Refused

GENERIC_FAILURE = -2147467259  # 0x80004005, E_FAIL


class Fleet(Protocol):
    """What is needed of the simulated fleet (``World`` has it)."""

    def execute(self, host_name: str, operation: Operation) -> Value:
        """Carry out an operation on a host."""
        ...

    def nodes_of(self, host_name: str) -> list[tuple[str, str | None, str | None]]:
        """Return the nodes of a host's cluster: name, address, state."""
        ...

    def machines_of(self, host_name: str) -> tuple[VirtualMachine, ...]:
        """Return the machines of a host, whether it can be reached or not."""
        ...

    def role_settings(self, host_name: str, machine_id: str) -> dict[str, Any] | None:
        """Return the settings of a machine's role, to read and to change; None where it has none."""
        ...

    def note_failed_job(self, host_name: str, operation: StartMigration, code: int, message: str) -> str:
        """Let a host remember a migration that failed at once; return the job's id."""
        ...

    def seconds(self) -> float:
        """Return the time of the fleet, in seconds since some moment."""
        ...


@dataclass(slots=True)
class WindowsHost:
    """A host that scripts run on. It lives as long as the fleet; each script runs in a session of its own."""

    name: str
    fleet: Fleet
    networks: list[str] = field(default_factory=list)
    checks: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    cluster_service: str = "Running"

    def execute(self, operation: Operation) -> Value:
        """Carry out an operation; raises Refused."""
        return self.fleet.execute(self.name, operation)

    def report(self) -> HostReport:
        """Return what the host knows of itself now."""
        value = self.execute(Survey())
        assert isinstance(value, HostReport)
        return value

    @property
    def facts(self) -> Host:
        """Return the host's own facts now."""
        return self.report().host

    def diagnosis(self, *, peers: tuple[str, ...] = (), shares: tuple[str, ...] = ()) -> HostDiagnosis:
        """Return what the host finds when it looks around itself."""
        value = self.execute(Diagnose(peers, shares))
        assert isinstance(value, HostDiagnosis)
        return value

    def machine(self, machine_id: str) -> VirtualMachine | None:
        """Return a machine of this host by its VMId."""
        wanted = machine_id.casefold()
        return next((one for one in self.facts.virtual_machines if one.id.casefold() == wanted), None)

    def seconds(self) -> float:
        """Return the fleet's time in seconds."""
        return self.fleet.seconds()

    def attempt(self, operation: Operation, error_id: str) -> Value:
        """Carry out an operation for a cmdlet; a refusal becomes the cmdlet's error."""
        try:
            return self.execute(operation)
        except Refused as refused:
            raise failure(refused, error_id) from None


def failure(refused: Refused, error_id: str) -> PowerShellError:
    """Return the error of a cmdlet whose request was refused."""
    return PowerShellError(refused.message, error_id, category="InvalidOperation", hresult=hresult_of(refused))


def hresult_of(refused: Refused) -> int:
    """Return a refusal's code as a signed 32-bit number."""
    if refused.code is None:
        return GENERIC_FAILURE
    number = int(refused.code, 16)
    return number - 2**32 if number >= 2**31 else number


def unreadable(what: str, error_id: str) -> PowerShellError:
    """Return the error for a fact that the simulated host does not know: reading it fails, as it can on Windows."""
    return PowerShellError(f"{what} cannot be read.", error_id, category="NotSpecified", hresult=GENERIC_FAILURE)


def known(value: Any, what: str, error_id: str) -> Any:
    """Return a fact; PowerShellError where the host does not know it."""
    if value is None:
        raise unreadable(what, error_id)
    return value

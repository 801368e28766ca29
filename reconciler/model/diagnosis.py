"""Whether the way is clear: what a host tells of its own set-up, and the matrix of checks that is made of it.

``HostDiagnosis`` is what was read, None where it could not be; a ``Checkup`` is what it comes to, one cell for each check.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from reconciler.model.document import API_VERSION, Document


class Quotas(Document):
    """WinRM quotas of a host; 0 is no bound where Windows says so (memory)."""

    shells_per_user: int | None = None
    processes_per_shell: int | None = None
    memory_per_shell_mb: int | None = None
    operations_per_user: int | None = None


class Delegation(Document):
    """For which services the host's computer account may speak for others (msDS-AllowedToDelegateTo).

    ``any_protocol``: also for accounts that came in by another protocol than Kerberos.
    """

    services: tuple[str, ...] = ()
    any_protocol: bool = False


class PortTest(Document):
    """Whether the host could open a connection to port 6600 of a peer, by the address that was asked for."""

    address: str
    open: bool | None = None


class ShareTest(Document):
    """Whether a session on the host sees a folder; False may be the session's own lack of rights."""

    path: str
    reachable: bool | None = None


class HostDiagnosis(Document):
    """What a host tells of its set-up. ``domain`` is empty for a host in none; ``clock_skew_seconds`` is set by the asker.

    ``forests``: of all domains that the host knows; ``processors``: family, model and stepping, as Windows describes them.
    """

    power_shell: str | None = None
    domain: str | None = None
    credential_guard: bool | None = None
    forests: tuple[str, ...] | None = None
    processors: tuple[str, ...] | None = None
    hyper_v_modules: tuple[str, ...] | None = None
    quotas: Quotas | None = None
    delegation: Delegation | None = None
    ports: tuple[PortTest, ...] = ()
    shares: tuple[ShareTest, ...] = ()
    time: str | None = None
    clock_skew_seconds: float | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Diagnosed:
    """A host that was asked: its answer, or why there is none (``code`` as in ``FailureKind``)."""

    diagnosis: HostDiagnosis | None = None
    code: str = ""
    finding: str = ""
    remedy: str = ""


class Verdict(StrEnum):
    """What a check came to."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "cannot tell"


class Cell(Document):
    """One check: its verdict, what was found, and (unless it is a yes) the command or step that mends or settles it."""

    check: str
    verdict: Verdict
    finding: str = ""
    remedy: str = ""


class HostCheckup(Document):
    """The checks of one host, in the order of the matrix."""

    host: str
    cells: tuple[Cell, ...]


class PairCheckup(Document):
    """The checks of one way, source to destination, and the machines that it is for."""

    source: str
    destination: str
    machines: tuple[str, ...]
    cells: tuple[Cell, ...]


class Checkup(Document):
    """The whole matrix."""

    api_version: Literal["reconciler/v1"] = API_VERSION
    kind: Literal["Checkup"] = "Checkup"
    hosts: tuple[HostCheckup, ...] = ()
    pairs: tuple[PairCheckup, ...] = ()

    def cells(self, verdict: Verdict) -> list[tuple[str, Cell]]:
        """Return the cells of a verdict with what they are about: a host, or ``source → destination``."""
        named = [(row.host, cell) for row in self.hosts for cell in row.cells]
        named += [(f"{row.source} → {row.destination}", cell) for row in self.pairs for cell in row.cells]
        return [(name, cell) for name, cell in named if cell.verdict is verdict]

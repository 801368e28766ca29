"""Problems as values: something a person must know, where it is, and what they can do about it.

Every finding that reaches a person is one of these, whichever part noticed it. Errors of our own logic are not
problems: they raise.
"""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """An error makes the answer unusable; a warning stands beside a usable answer."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a file; line and column count from 1."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding with its remedy.

    ``code`` is stable and searchable ("host-unreachable"); ``subject`` names whose problem it is
    ("host/StandAlone1", "virtualMachine/web1") or is empty where a place says it better.
    """

    code: str
    finding: str
    remedy: str
    subject: str = ""
    place: Place | None = None
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        head = f"{self.place.file}:{self.place.line}:{self.place.column}" if self.place else self.subject
        return f"{head}: {self.code}: {self.finding} — {self.remedy}"

"""Cells of the matrix, and the texts that make a remedy exact: PowerShell for administrators, with names quoted."""

from reconciler.model.diagnosis import Cell, Verdict


def yes(check: str, finding: str = "") -> Cell:
    """Return a check that holds."""
    return Cell(check=check, verdict=Verdict.YES, finding=finding)


def no(check: str, finding: str, remedy: str) -> Cell:
    """Return a check that does not hold, with the command or step that mends it."""
    return Cell(check=check, verdict=Verdict.NO, finding=finding, remedy=remedy)


def cannot_tell(check: str, finding: str, remedy: str) -> Cell:
    """Return a check that could not be made, with what would tell."""
    return Cell(check=check, verdict=Verdict.UNKNOWN, finding=finding, remedy=remedy)


def quoted(text: str) -> str:
    """Return a text as a PowerShell literal. Every kind of single quote ends one there, so each is doubled."""
    return "'" + "".join(char * 2 if char in "'\u2018\u2019\u201a\u201b" else char for char in text) + "'"


def on_host(address: str, command: str) -> str:
    """Return a command to run on a host from anywhere."""
    return f"Invoke-Command -ComputerName {quoted(address)} {{ {command} }}"

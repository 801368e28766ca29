"""Cells of the matrix, and the texts that make a remedy exact: PowerShell for administrators, with names quoted."""

from collections.abc import Iterable

from reconciler.model.diagnosis import Cell, Verdict

WORST_FIRST = (Verdict.NO, Verdict.UNKNOWN, Verdict.YES)


def yes(check: str, finding: str = "") -> Cell:
    """Return a check that holds."""
    return Cell(check=check, verdict=Verdict.YES, finding=finding)


def no(check: str, finding: str, remedy: str) -> Cell:
    """Return a check that does not hold, with the command or step that mends it."""
    return Cell(check=check, verdict=Verdict.NO, finding=finding, remedy=remedy)


def cannot_tell(check: str, finding: str, remedy: str) -> Cell:
    """Return a check that could not be made, with what would tell."""
    return Cell(check=check, verdict=Verdict.UNKNOWN, finding=finding, remedy=remedy)


def worst(*cells: Cell) -> Cell:
    """Return what cells of one check come to: a no before what cannot be told before a yes, with all that is said of it."""
    verdict = min((cell.verdict for cell in cells), key=WORST_FIRST.index)
    said = [cell for cell in cells if cell.verdict is verdict]
    finding, remedy = _joined(cell.finding for cell in said), _joined(cell.remedy for cell in said)
    return Cell(check=cells[0].check, verdict=verdict, finding=finding, remedy=remedy)


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(text for text in texts if text))


def quoted(text: str) -> str:
    """Return a text as a PowerShell literal. Every kind of single quote ends one there, so each is doubled."""
    return "'" + "".join(char * 2 if char in "'\u2018\u2019\u201a\u201b" else char for char in text) + "'"


def on_host(address: str, command: str) -> str:
    """Return a command to run on a host from anywhere."""
    return f"Invoke-Command -ComputerName {quoted(address)} {{ {command} }}"

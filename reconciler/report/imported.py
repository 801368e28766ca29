"""What an import wrote: how much of what, into which files, and what was left out."""

from collections.abc import Sequence
from os.path import commonpath
from typing import Any

from reconciler.model.desired import Desired
from reconciler.model.document import API_VERSION
from reconciler.model.problem import Problem
from reconciler.report.console import line, render
from reconciler.report.problems import problems_json, problems_text, sizes_of
from reconciler.report.units import count


def imported_text(desired: Desired, files: Sequence[str], problems: Sequence[Problem], color: bool = False) -> str:
    """Return what was left out, one line each, and then what was written."""
    left_out = problems_text(problems, color) if problems else ""
    where = commonpath(files) if files else "nowhere"
    written = line(("Imported", "bold green"), f": {sizes_of(desired)}, in {count(len(files), 'file')} below {where}.")
    return left_out + render([written, line("The plan for it is empty: it asks for just what is.")], color)


def imported_json(desired: Desired, files: Sequence[str], problems: Sequence[Problem]) -> dict[str, Any]:
    """Return the files written and what was left out, as a document of kind ``Import``."""
    return {
        "apiVersion": API_VERSION,
        "kind": "Import",
        "files": list(files),
        "machines": len(desired.virtual_machines),
        "hosts": len(desired.hosts),
        "problems": problems_json(problems),
    }

"""Problems as lines that editors and people both understand: ``file:line:column: code: finding — remedy``, then a count.

Lines are never wrapped, so that they can be searched and clicked.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.text import Text

from reconciler.model.desired import Desired
from reconciler.model.plan import PlanProblem
from reconciler.model.problem import Problem, Severity
from reconciler.report.console import line, render, wrapped
from reconciler.report.escape import code, prose
from reconciler.report.units import count
from reconciler.report.words import ARROW, STYLES, subject_name


def problems_text(problems: Iterable[Problem], color: bool = False) -> str:
    """Return one line a problem, sorted by place and then by subject, and a line that counts them."""
    listed = sorted_problems(problems)
    return render([*map(_line, listed), line((counted(listed), "bold"))], color)


def problems_json(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """Return problems as plain data: code, severity, subject, finding, remedy, file, line, column (null without a place)."""
    return [
        {
            "code": problem.code,
            "severity": problem.severity.value,
            "subject": problem.subject,
            "finding": problem.finding,
            "remedy": problem.remedy,
            "file": problem.place.file if problem.place else None,
            "line": problem.place.line if problem.place else None,
            "column": problem.place.column if problem.place else None,
        }
        for problem in sorted_problems(problems)
    ]


def problems_markdown(problems: Iterable[Problem]) -> str:
    """Return problems as a markdown list with the count in front."""
    listed = sorted_problems(problems)
    items = [f"- {code(_where(item))} {code(item.code)}: {prose(item.finding)} — {prose(item.remedy)}\n" for item in listed]
    return f"**{counted(listed)}**\n\n" + "".join(items)


def validated_text(desired: Desired, problems: Iterable[Problem], color: bool = False) -> str:
    """Return the answer to a valid desired state: what it holds, with its warnings in front."""
    listed = sorted_problems(problems)
    beside = f" · {counted(listed)}" if listed else ""
    return render([*map(_line, listed), line(("Valid", "bold green"), f": {sizes_of(desired)}{beside}.")], color)


def sizes_of(desired: Desired) -> str:
    """Return what a desired state holds: ``10 virtual machines, 7 hosts``, or ``nothing``."""
    sizes = (
        (len(desired.virtual_machines), "virtual machine"),
        (len(desired.hosts), "host"),
        (len(desired.clusters), "cluster"),
        (len(desired.storage_locations), "storage location"),
        (len(desired.placement_rules), "placement rule"),
    )
    return ", ".join(count(number, noun) for number, noun in sizes if number) or "nothing"


def plan_problem_lines(problems: Sequence[PlanProblem], width: int) -> Iterator[Text]:
    """Yield a plan's problems, errors first: subject and code, then finding, remedy and place on lines of their own."""
    for item in sorted(problems, key=lambda item: (item.severity != "error", item.subject.casefold(), item.code, item.finding)):
        sign, style = ("!", STYLES["!"]) if item.severity == "error" else ("?", STYLES["?"])
        yield line("  ", (f"{sign} ", style), (subject_name(item.subject) or "fleet", "bold"), f"  {item.code}")
        yield from wrapped(item.finding, width=width, indent=8)
        yield from wrapped(f"{ARROW} {item.remedy}", width=width, indent=8, hanging=10)
        if item.place:
            yield line((item.place, "dim"), indent=8)


def sorted_problems(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems by place, those without a place first, then by subject, code and finding."""
    return sorted(problems, key=_order)


def counted(problems: Sequence[Problem]) -> str:
    """Return ``2 errors, 1 warning``, or ``no problems``."""
    warnings = sum(problem.severity is Severity.WARNING for problem in problems)
    errors = len(problems) - warnings
    parts = [count(number, noun) for number, noun in ((errors, "error"), (warnings, "warning")) if number]
    return ", ".join(parts) or "no problems"


def _order(problem: Problem) -> tuple[str, int, int, str, str, str]:
    place = problem.place
    where = (place.file, place.line, place.column) if place else ("", 0, 0)
    return (*where, problem.subject.casefold(), problem.code, problem.finding)


def _where(problem: Problem) -> str:
    place = problem.place
    return f"{place.file}:{place.line}:{place.column}" if place else problem.subject or "fleet"


def _line(problem: Problem) -> Text:
    # The severity stands last: searches and editors' matchers expect the code right after the place.
    style = "red" if problem.severity is Severity.ERROR else "yellow"
    tail = " (warning)" if problem.severity is Severity.WARNING else ""
    return line((_where(problem), "bold"), ": ", (problem.code, style), f": {problem.finding} — {problem.remedy}{tail}")

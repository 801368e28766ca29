"""Explanations on one screen, the answer first; and the sentence that stands above hypothetical plans."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from reconciler.model.desired import Desired
from reconciler.model.explanation import Explanation
from reconciler.model.plan import Plan
from reconciler.report.console import line, render, wrapped
from reconciler.report.escape import prose
from reconciler.report.explain_hosts import cluster_lines, host_lines
from reconciler.report.explain_machine import machine_lines
from reconciler.report.plan_rows import step_rows


def explanation_text(explanation: Explanation, plan: Plan, desired: Desired, width: int = 100, color: bool = False) -> str:
    """Return the explanation for a terminal of ``width`` cells; ``plan`` and ``desired`` are those that it was made from."""
    return render(_lines(explanation, plan, desired, width), color)


def what_if_text(changes: Sequence[str], width: int = 100, color: bool = False) -> str:
    """Return the sentence that stands above every hypothetical plan, an empty line after it; empty without changes."""
    return render([*wrapped(_supposed(changes), width=width, indent=0, style="bold yellow"), Text()], color) if changes else ""


def what_if_markdown(changes: Sequence[str]) -> str:
    """Return the same for a pull request."""
    return f"> {prose(_supposed(changes))}\n\n" if changes else ""


def _supposed(changes: Sequence[str]) -> str:
    return f"Hypothetical: what if {' and '.join(changes)}? Nothing of this is committed, and no apply carries it out."


def _lines(explanation: Explanation, plan: Plan, desired: Desired, width: int) -> Iterator[Text]:
    rows = {row.id: row for row in step_rows(plan, desired)}
    blocks = [
        *(machine_lines(one, rows, width) for one in explanation.virtual_machines),
        *(host_lines(one, width) for one in explanation.hosts),
        *(cluster_lines(one, width) for one in explanation.clusters),
    ]
    for number, block in enumerate(blocks):
        yield from (Text(),) * (number > 0)
        yield from block
    yield Text()
    seen = explanation.observation.observed_at.strftime("%Y-%m-%d %H:%M:%SZ")
    yield line((f"Plan {plan.fingerprint[:19]}, hosts seen {seen}, as of {explanation.at:%Y-%m-%d %H:%M:%SZ}", "dim"))

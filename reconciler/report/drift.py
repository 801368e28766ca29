"""What differs between the desired state and the hosts, whoever will do something about it."""

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from reconciler.model.document import API_VERSION
from reconciler.model.plan import Plan
from reconciler.report.console import line, render
from reconciler.report.markdown import blocks, cut_to_fit
from reconciler.report.plan_markdown import blocked_items, drift_table, problem_items
from reconciler.report.plan_rows import standing
from reconciler.report.plan_text import blocked_lines, drift_lines, section
from reconciler.report.problems import plan_problem_lines
from reconciler.report.units import count

MARKER = "<!-- reconciler:drift -->"


def drift_text(plan: Plan, width: int = 100, color: bool = False) -> str:
    """Return every difference that the plan found, then what is blocked and the problems."""
    return render(_lines(plan, width), color)


def drift_markdown(plan: Plan) -> str:
    """Return the same as markdown."""
    return cut_to_fit(lambda most: _markdown(plan, most))


def drift_json(plan: Plan) -> dict[str, Any]:
    """Return the plan's drift, blocked, problems and summary as a document of kind ``Drift``."""
    data = plan.to_json()
    kept = ("desired", "observation", "complete", "summary", "drift", "blocked", "problems")
    return {"apiVersion": API_VERSION, "kind": "Drift"} | {key: data[key] for key in kept}


def drift_headline(plan: Plan) -> str:
    """Return whether anything differs, in one line."""
    if plan.drift:
        return f"{count(len(plan.drift), 'difference')} · {standing(plan.summary)}"
    if plan.complete:
        return f"No drift: {standing(plan.summary)}"
    return f"No drift among what could be seen: {standing(plan.summary)}"


def _lines(plan: Plan, width: int) -> Iterator[Text]:
    yield line((drift_headline(plan), "bold"))
    yield from section("Drift", drift_lines(plan.drift, width))
    yield from section(f"Blocked: {len(plan.blocked)}", list(blocked_lines(plan.blocked, width)))
    yield from section(f"Problems: {len(plan.problems)}", list(plan_problem_lines(plan.problems, width)))


def _markdown(plan: Plan, most: int | None) -> str:
    attention = blocked_items(plan.blocked, most) + problem_items(plan.problems, most)
    return blocks(
        MARKER,
        f"**{drift_headline(plan)}**",
        drift_table(plan.drift, most),
        "### Needs attention\n\n" + attention if attention.strip() else "",
    )

"""Views: every text, markdown comment and JSON document that people and pipelines see, as pure functions of values.

One value feeds all its views. Nothing here decides anything, reads the environment or prints; foreign names are made
harmless on the way out (``escape``). May know ``reconciler.model`` alone.
"""

from typing import Any

from reconciler.model.plan import Plan
from reconciler.report.apply import apply_json, apply_markdown, apply_text
from reconciler.report.drift import drift_json, drift_markdown, drift_text
from reconciler.report.observation import migrations_json, migrations_text, observation_text
from reconciler.report.plan_markdown import plan_markdown
from reconciler.report.plan_text import plan_text
from reconciler.report.preview_markdown import preview_markdown
from reconciler.report.preview_text import preview_json, preview_text
from reconciler.report.problems import problems_json, problems_markdown, problems_text, validated_text
from reconciler.report.progress import ending_lines, progress_lines, progress_table
from reconciler.report.units import human_bytes, human_seconds

__all__ = [
    "apply_json",
    "apply_markdown",
    "apply_text",
    "drift_json",
    "drift_markdown",
    "drift_text",
    "ending_lines",
    "human_bytes",
    "human_seconds",
    "migrations_json",
    "migrations_text",
    "observation_text",
    "plan_json",
    "plan_markdown",
    "plan_text",
    "preview_json",
    "preview_markdown",
    "preview_text",
    "problems_json",
    "problems_markdown",
    "problems_text",
    "progress_lines",
    "progress_table",
    "validated_text",
]


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return the published plan document."""
    return plan.to_json()

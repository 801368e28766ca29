"""The sentences of a preview, shared by screen, comment, status and pipeline so that they cannot disagree. No markup here."""

from collections.abc import Iterator

from reconciler.model.plan import MachineStep, PlanProblem, SettingsStep, Step
from reconciler.model.preview import Change, FieldChange, Preview, RiskLevel, Side, WindowFit
from reconciler.model.words import Proof
from reconciler.report import words
from reconciler.report.units import count, human_bytes, human_seconds

MOST_STATUS = 140  # what GitHub takes as the description of a status; the others take more
RISK_MARKS = {RiskLevel.LOW: "✓", RiskLevel.MEDIUM: "⚠", RiskLevel.HIGH: "‼"}


def verdict(preview: Preview) -> str:
    """Return the line that says it all: moves and how many are needed, or why there is no plan."""
    if not preview.head.is_valid:
        errors = sum(problem.severity == "error" for problem in preview.head.problems)
        return f"no plan: the head revision has {count(errors, 'error')}"
    if preview.summary.migrations:
        least = "" if preview.summary.proof is Proof.MINIMAL else "at least "
        text = f"{count(preview.summary.migrations, 'move')}, {least}{preview.summary.needed_migrations:,} needed"
    else:
        text = f"no move, {count(len(_now(preview)), 'other step')}" if _now(preview) else "nothing to do"
    return text if preview.applicable else f"{text}, held back"


def mark(preview: Preview) -> str:
    """Return the sign in front of the verdict: wrong, look closely, or fine."""
    if not preview.head.is_valid or not preview.applicable:
        return "✗"
    return RISK_MARKS[preview.risk.level]


def cost(preview: Preview) -> str:
    """Return bytes, time and time without high availability; empty where nothing is to do."""
    summary = preview.summary
    parts = [human_bytes(summary.bytes)] if summary.bytes else []
    parts += [f"about {human_seconds(summary.estimated_seconds)}"] if summary.estimated_seconds else []
    lost = preview.unprotected_seconds
    parts += [f"{human_seconds(lost)} without high availability"] if lost else []
    return " · ".join(parts)


def origin(preview: Preview) -> str:
    """Return how much of it this change causes and how much is due anyway."""
    if not preview.base.is_valid:
        return "the base revision cannot be planned, so what was due before is unknown: this is the head alone"
    texts = {
        Change.ADDED: "{} from this change",
        Change.KEPT: "{} already due without it",
        Change.REMOVED: "{} no longer due",
    }
    parts = [text.format(_things(steps)) for change, text in texts.items() if (steps := preview.steps_of(change))]
    changes_nothing = not preview.has_changes
    return ", ".join(["this change moves nothing"] * changes_nothing + parts)


def moves_of(steps: tuple[Step, ...]) -> int:
    """Return how many migrations these steps are, counted as in a plan: live with storage is two."""
    return sum(step.migrations for step in steps if isinstance(step, MachineStep))


def others_of(steps: tuple[Step, ...]) -> int:
    """Return how many of these steps are no migration: settings, starts, cluster roles."""
    return sum(not (isinstance(step, MachineStep) and step.migrations) for step in steps)


def number_of(steps: tuple[Step, ...]) -> str:
    """Return how many moves these steps are, with the number of steps where that is another."""
    moves = moves_of(steps)
    return f"{moves:,}" if moves == len(steps) else f"{moves:,} in {count(len(steps), 'step')}"


def _things(steps: tuple[Step, ...]) -> str:
    moves, others = moves_of(steps), others_of(steps)
    parts = [count(moves, "move")] * bool(moves) + [count(others, "other step")] * bool(others)
    return " and ".join(parts)


def window_sentence(preview: Preview) -> str:
    """Return whether it fits the window, in one sentence."""
    if preview.window is None:
        return "no windows: migrations may start at any time"
    return _window(preview.window, preview)


def _window(window: WindowFit, preview: Preview) -> str:
    which = "the window that is open" if window.is_open else "the next window"
    span = f"{window.opens_at:%a %Y-%m-%d %H:%MZ} to {window.closes_at:%a %H:%MZ}"
    if not preview.summary.estimated_seconds:
        return f"{which}: {span}"
    verb = "fits" if window.fits else "does not fit"
    rest = "" if window.fits else "; what is left waits for the one after it"
    return f"{verb} {which}, {span}{rest}"


def risk_sentence(preview: Preview) -> str:
    """Return the level and every rule that spoke."""
    reasons = "; ".join(preview.risk.reasons) or "no rule finds anything to look at"
    return f"{preview.risk.level.value}: {reasons}"


def status_text(preview: Preview) -> str:
    """Return verdict and risk in at most 140 characters, for a commit status. Own words and numbers only."""
    text = verdict(preview)
    if preview.head.is_valid:
        blocked = len(preview.blocked_of(Change.ADDED, Change.KEPT, Change.UNKNOWN))
        text += f" · {blocked} blocked" * bool(blocked) + f" · risk {preview.risk.level.value}"
    return text[:MOST_STATUS]


def is_fine(preview: Preview) -> bool:
    """Tell whether a commit status should be green: a plan could be made, and it may be applied."""
    return preview.head.is_valid and preview.applicable


def variables(preview: Preview) -> dict[str, str]:
    """Return what a pipeline branches on. Values are numbers and words of ours, never names."""
    return {
        "hasChanges": "true" if preview.has_changes else "false",
        "moves": str(preview.summary.migrations),
        "addedMoves": str(preview.added_migrations),
        "blocked": str(len(preview.blocked_of(Change.ADDED, Change.KEPT, Change.UNKNOWN))),
        "risk": preview.risk.level.value if preview.head.is_valid else "unknown",
        "valid": "true" if preview.head.is_valid else "false",
    }


def unprotected_text(step: Step) -> str:
    """Return how long a step leaves its machine without high availability, or nothing."""
    lost = step.unprotected_seconds if isinstance(step, MachineStep) else 0
    return human_seconds(lost) if lost else ""


def change_ends(change: FieldChange) -> tuple[str, str]:
    """Return a changed field's values as YAML would write them; what is not given is "not set"."""
    source = "not set" if change.change == "added" else words.value(change.source)
    return source, "not set" if change.change == "removed" else words.value(change.target)


def routes(steps: tuple[Step, ...]) -> list[tuple[str, str, int, int]]:
    """Return (way, kind, number, bytes) of the moves, the most common first: what is left of a table that is too long."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for step in steps:
        if isinstance(step, MachineStep):
            key = (words.route(step.source, step.destination), words.LABELS[step.action])
            number, size = found.get(key, (0, 0))
            found[key] = (number + 1, size + step.bytes)
    return sorted(((*key, *value) for key, value in found.items()), key=lambda row: (-row[2], row))


def is_settings(step: Step) -> bool:
    """Tell whether a step changes settings of a host or cluster."""
    return isinstance(step, SettingsStep)


def side_text(side: Side) -> str:
    """Return a revision as asked for, with its commit."""
    short = (side.commit or "")[:12]
    return side.name if not short or side.name.startswith(short) else f"{side.name} ({short})"


def errors_first(problems: tuple[PlanProblem, ...]) -> Iterator[PlanProblem]:
    """Give a revision's problems, errors first, each in the order of loading (by place)."""
    yield from sorted(problems, key=lambda problem: problem.severity != "error")


def _now(preview: Preview) -> tuple[Step, ...]:
    return preview.steps_of(Change.ADDED, Change.KEPT, Change.UNKNOWN)

"""A plan as a comment for a pull request: one verdict, the numbers, the moves, what needs a person, the rest folded.

The hidden marker in front lets a later run find and replace its own comment.
"""

from reconciler.model.desired import Desired
from reconciler.model.observation import Observation
from reconciler.model.plan import Blocked, DriftEntry, Plan, PlanProblem
from reconciler.model.words import Proof
from reconciler.report import words
from reconciler.report.escape import code, prose
from reconciler.report.markdown import MOST_CHARACTERS, blocks, cut_to_fit, details, table
from reconciler.report.plan_rows import SETTINGS, StepRow, plan_headline, reasons_text, standing, step_rows
from reconciler.report.plan_text import limit_text
from reconciler.report.slots import slots_of
from reconciler.report.units import human_bytes, human_seconds

MARKER = "<!-- reconciler:plan -->"
DRIFT_HEAD = ("", "Field", "Desired", "Observed", "")
MOVE_HEAD = ("", "Step", "Machine", "From → to", "Kind", "Bytes", "Time", "Because")


def plan_markdown(plan: Plan, desired: Desired, observation: Observation, limit: int = MOST_CHARACTERS) -> str:
    """Return the plan as GitHub-flavoured markdown of at most about ``limit`` characters; long tables are cut, and say so."""
    return cut_to_fit(lambda most: _build(plan, desired, observation, most), limit)


def verdict(plan: Plan) -> str:
    """Return the one line that decides whether a reader must read on, as markdown with a plain mark in front."""
    if not plan.applicable:
        return "**✗ This plan may not be applied.** See what needs attention."
    worries = [
        text
        for text, holds in (
            (f"{len(plan.blocked)} blocked", bool(plan.blocked)),
            ("the observation is incomplete", not plan.complete),
            ("high availability is off for a while", any(getattr(step, "leaves_cluster", None) for step in plan.steps)),
        )
        if holds
    ]
    return f"**{'⚠' if worries else '✓'} {plan_headline(plan)}**" + (f" — {', '.join(worries)}" if worries else "")


def blocked_items(blocked: tuple[Blocked, ...], most: int | None = None) -> str:
    """Return what cannot be helped as a list: name, code, finding, hosts per reason, remedy."""
    lines = [
        f"- {code(words.subject_name(entry.subject, entry.id))} {code(entry.code)}: {prose(entry.finding)}"
        + (f" ({prose(reasons_text(entry))})" if entry.counts else "")
        + words.certainty(entry)
        + "".join(f" {number}. {prose(demand)}" for number, demand in enumerate(entry.conflict, 1))
        + f" — {prose(entry.remedy)}"
        + (f" ({code(entry.because)})" if entry.because else "")
        for entry in blocked
    ]
    return _cut(lines, most)


def problem_items(problems: tuple[PlanProblem, ...], most: int | None = None) -> str:
    """Return a plan's problems as a list, errors first."""
    ordered = sorted(problems, key=lambda item: (item.severity != "error", item.subject.casefold(), item.code, item.finding))
    lines = [
        f"- {'**error**' if item.severity == 'error' else 'warning'} {code(words.subject_name(item.subject) or 'fleet')} "
        f"{code(item.code)}: {prose(item.finding)} — {prose(item.remedy)}"
        for item in ordered
    ]
    return _cut(lines, most)


def drift_table(entries: tuple[DriftEntry, ...], most: int | None = None) -> str:
    """Return differences as a table."""
    twins = words.repeated_subjects(entries)
    rows = [
        (
            code(words.subject_name(entry.subject, entry.id if entry.subject.casefold() in twins else None)),
            code(entry.field),
            code(words.value(entry.desired)) if entry.desired is not None else "not set",
            code(words.value(entry.observed)) if entry.observed is not None else "unknown",
            prose(words.handling(entry)),
        )
        for entry in sorted(entries, key=lambda entry: (entry.subject.casefold(), entry.id or "", entry.field))
    ]
    return table(DRIFT_HEAD, rows, most)


def _build(plan: Plan, desired: Desired, observation: Observation, most: int | None) -> str:
    rows = step_rows(plan, desired)
    left = tuple(entry for entry in plan.drift if words.is_left(entry))
    attention = blocked_items(plan.blocked, most) + problem_items(plan.problems, most)
    return blocks(
        MARKER,
        verdict(plan),
        _summary(plan),
        table(MOVE_HEAD, [_move(row) for row in rows if row.group != SETTINGS], most),
        "### Needs attention\n\n" + attention if attention.strip() else "",
        details(f"Settings: {plan.summary.host_settings}", _setting_table(rows, most)),
        details("Details of the moves", _cut([line for row in rows if row.group != SETTINGS for line in _more(row)], most)),
        details("Slots per host", _slots(plan, desired, observation, most)),
        details(f"Drift that is not corrected: {len(left)}", drift_table(left, most)),
        _footer(plan),
    )


def _summary(plan: Plan) -> str:
    summary = plan.summary
    bound = f" (at least {human_seconds(summary.lower_bound_seconds)})" if summary.lower_bound_seconds else ""
    head = ("Migrations", "Needed", "Live", "Storage", "Offline", "Settings", "Bytes", "Time", "Machines")
    row = (
        str(summary.migrations),
        str(summary.needed_migrations) if summary.proof is Proof.MINIMAL else f"at least {summary.needed_migrations}",
        str(summary.live_migrations),
        str(summary.storage_migrations),
        str(summary.offline_migrations),
        str(summary.host_settings),
        human_bytes(summary.bytes),
        human_seconds(summary.estimated_seconds) + bound,
        standing(summary),
    )
    return table(head, [row])


def _move(row: StepRow) -> tuple[str, ...]:
    kind = f"{row.kind}, {row.option}" if row.option else row.kind
    return (
        code(row.sign),
        prose(row.id),
        code(row.name),
        code(row.route),
        kind,
        row.size,
        row.time,
        code(row.why) if row.why else "",
    )


def _setting_table(rows: tuple[StepRow, ...], most: int | None) -> str:
    lines = [
        (prose(row.id), code(row.name), code(what), f"{code(source)} → {code(target)}", code(row.why) if row.why else "")
        for row in rows
        if row.group == SETTINGS
        for what, source, target in row.moves
    ]
    return table(("Step", "Host", "Setting", "From → to", "Because"), lines, most)


def _more(row: StepRow) -> list[str]:
    lines = [f"  - {code(what)}: {code(source)} → {code(target)}" for what, source, target in row.moves]
    lines += [f"  - {prose(note)}" for note in row.notes]
    return [f"- {prose(row.id)} {code(row.name)}", *lines] if lines else []


def _slots(plan: Plan, desired: Desired, observation: Observation, most: int | None) -> str:
    head = ("Host", "Live now", "Peak", "Limit", "Storage now", "Peak", "Limit")
    rows = [
        (
            code(row.host),
            *(cell for use in (row.live, row.storage) for cell in (_number(use.now), str(use.peak), limit_text(use))),
        )
        for row in slots_of(plan, desired, observation)
    ]
    return table(head, rows, most)


def _footer(plan: Plan) -> str:
    revision = f"revision {code(plan.desired.revision)}, " if plan.desired.revision else ""
    seen = plan.observation.observed_at.strftime("%Y-%m-%d %H:%M:%SZ")
    return (
        f"Plan {code(plan.fingerprint[:19])}, {revision}hosts seen {seen}. Nothing has been changed; `reconciler apply` would."
    )


def _number(number: int | None) -> str:
    return "?" if number is None else str(number)


def _cut(lines: list[str], most: int | None) -> str:
    if most is None or len(lines) <= most:
        return "".join(line + "\n" for line in lines)
    return "".join(line + "\n" for line in lines[:most]) + f"\n… and {len(lines) - most:,} more lines.\n"

"""A preview as one comment: the verdict, the numbers, the moves this change causes, what needs a person, the rest folded.

The hidden marker in front lets a later run find and replace its own comment. Every name is made harmless by ``escape``; the
only thing that differs between forges is how much they accept.
"""

from collections.abc import Sequence

from reconciler.model.plan import MachineStep, PlanProblem, Step
from reconciler.model.preview import Change, FieldChange, Preview
from reconciler.report import preview_words as say
from reconciler.report import words
from reconciler.report.escape import clean, code, prose
from reconciler.report.fitting import Form, Section, fitted
from reconciler.report.forges import DIALECTS, ForgeName
from reconciler.report.markdown import details, table
from reconciler.report.plan_markdown import blocked_items, problem_items
from reconciler.report.plan_rows import StepRow, rows_of
from reconciler.report.units import count, human_bytes, human_seconds

LONGEST_NAME = 200  # in the summary, which must always fit
MOVE_HEAD = ("", "Machine", "Kind", "From → to", "Bytes", "Time", "Without HA", "Because")
NUMBER_HEAD = ("", "Moves", "Other steps", "Bytes", "Without HA", "Blocked", "Time")
_ROWS = {
    Change.ADDED: "From this change",
    Change.KEPT: "Already due",
    Change.REMOVED: "No longer due",
    Change.UNKNOWN: "Due, with or without it",
}
NEW = (Change.ADDED, Change.UNKNOWN)


def marker_of(fleet: str = "") -> str:
    """Return the hidden first line of a comment; ``fleet`` (letters, digits, ``.``, ``_``, ``-``) tells several apart."""
    return f"<!-- reconciler:preview{':' + fleet if fleet else ''} -->"


def preview_markdown(
    preview: Preview, forge: ForgeName, fleet: str = "", artifact: str = "plan.json", room: int | None = None
) -> str:
    """Return the comment, within what the forge accepts (or ``room`` characters); ``artifact`` is where the full plan is."""
    dialect = DIALECTS[forge]

    def left_out(titles: Sequence[str]) -> str:
        said = f"**Left out**, because {dialect.title} accepts {dialect.limit:,} characters: {', '.join(titles)}."
        return f"{said} The full plan is the artifact {code(_short(artifact))}."

    head = "\n\n".join([marker_of(fleet), _title(preview, fleet), *_summary(preview)])
    return fitted(head, _sections(preview), _foot(preview), room or dialect.room, left_out)


def _title(preview: Preview, fleet: str) -> str:
    where = f" ({fleet})" if fleet else ""
    return f"### {say.mark(preview)} reconciler{where}: {say.verdict(preview)}"


def _summary(preview: Preview) -> list[str]:
    if not preview.head.is_valid:
        return ["The desired state at the head cannot be used, so nothing is planned. Nothing on any host changes."]
    lines = [" · ".join(part for part in (say.cost(preview), say.origin(preview)) if part) + "."]
    lines.append(f"**Risk {preview.risk.level.value}**" + _reasons(preview))
    lines.append(f"**Window** {say.window_sentence(preview)}")
    return [*lines, _numbers(preview)]


def _reasons(preview: Preview) -> str:
    reasons = [prose(_short(reason)) or "?" for reason in preview.risk.reasons]
    return "".join(f"\n- {reason}" for reason in reasons) if reasons else " no rule finds anything to look at"


def _numbers(preview: Preview) -> str:
    """One row each for what the change causes, what is due anyway, what falls away, and what is to do after the merge."""
    rows = [_number_row(title, preview, change) for change, title in _ROWS.items() if _concerns(preview, change)]
    summary, now = preview.summary, preview.steps_of(Change.ADDED, Change.KEPT, Change.UNKNOWN)
    blocked = len(preview.blocked) - len(preview.blocked_of(Change.REMOVED))
    total = (
        *(f"{say.moves_of(now):,}", f"{say.others_of(now):,}", human_bytes(summary.bytes)),
        human_seconds(preview.unprotected_seconds) if preview.unprotected_seconds else "",
        f"{blocked:,}",
        human_seconds(summary.estimated_seconds) if summary.estimated_seconds else "",
    )
    return table(NUMBER_HEAD, [*rows, tuple(f"**{cell}**" if cell else "" for cell in ("After the merge", *total))])


def _concerns(preview: Preview, change: Change) -> bool:
    always = Change.ADDED if preview.base.is_valid else Change.UNKNOWN
    return change is always or bool(preview.steps_of(change) or preview.blocked_of(change))


def _number_row(title: str, preview: Preview, change: Change) -> tuple[str, ...]:
    steps, blocked = preview.steps_of(change), preview.blocked_of(change)
    moves = [step for step in steps if isinstance(step, MachineStep)]
    lost = sum(step.unprotected_seconds for step in moves)
    size = human_bytes(sum(step.bytes for step in moves))
    return (
        *(title, f"{say.moves_of(steps):,}", f"{say.others_of(steps):,}", size),
        *(human_seconds(lost) if lost else "", f"{len(blocked):,}", ""),
    )


def _sections(preview: Preview) -> list[Section]:
    if not preview.head.is_valid:
        return [_revision_problems("Problems of the head", preview.head.problems, False), _base_section(preview)]
    moves = tuple(step for step in preview.steps_of(*NEW) if not say.is_settings(step))
    due = preview.steps_of(Change.KEPT)
    gone = preview.steps_of(Change.REMOVED)
    settings = tuple(step for step in preview.steps_of(*NEW) if say.is_settings(step))
    return [
        _attention(preview),
        _moves_section("Moves that this change causes", moves, folded=False),
        _folding("Changed settings", len(settings), lambda: _setting_table(settings)),
        _folding("Changes of the desired state", len(preview.changes), lambda: _change_table(preview.changes)),
        Section(
            "files, order and roles of these moves", (lambda: details("Files, order and roles of these moves", _more(moves)),)
        ),
        _moves_section("Already due without this change", due, folded=True),
        _moves_section("No longer due", gone, folded=True),
        _base_section(preview),
        _revision_problems("Warnings of the desired state", preview.head.problems, True),
    ]


def _attention(preview: Preview) -> Section:
    title = "what needs attention"
    new, kept, freed = (preview.blocked_of(*which) for which in (NEW, (Change.KEPT,), (Change.REMOVED,)))

    def form(most: int | None) -> str:
        listed = blocked_items(new, most) + problem_items(preview.problems, most)
        listed += _under("Blocked before this change already", blocked_items(kept, most))
        listed += _under("No longer blocked", blocked_items(freed, most))
        return f"#### Needs attention\n\n{listed}" if listed.strip() else ""

    return Section(title, (lambda: form(None), lambda: form(50), lambda: form(5)))


def _under(title: str, items: str) -> str:
    return f"\n{title}:\n\n{items}" if items else ""


def _moves_section(title: str, steps: tuple[Step, ...], folded: bool) -> Section:
    named = f"{title}: {say.number_of(steps)}"

    def wrapped(body: str) -> str:
        return "" if not steps else details(named, body) if folded else f"#### {named}\n\n{body}"

    return Section(_plain_title(title, len(steps)), (lambda: wrapped(_move_table(steps)), lambda: wrapped(_routes(steps))))


def _move_table(steps: tuple[Step, ...]) -> str:
    return table(MOVE_HEAD, [_move(row, step) for row, step in zip(rows_of(steps), steps, strict=True)])


def _plain_title(title: str, number: int) -> str:
    return f"{title[0].lower()}{title[1:]} ({number:,})"


def _move(row: StepRow, step: Step) -> tuple[str, ...]:
    kind = f"{row.kind}, {row.option}" if row.option else row.kind
    because = code(row.why) if row.why else ""
    way = code(row.route) if row.route else ""
    return (code(row.sign), code(row.name), kind, way, row.size, row.time, say.unprotected_text(step), because)


def _routes(steps: tuple[Step, ...]) -> str:
    rows = [(code(way), kind, f"{number:,}", human_bytes(size)) for way, kind, number, size in say.routes(steps)]
    return "Too many for a table of their own; by way and kind:\n\n" + table(("From → to", "Kind", "Machines", "Bytes"), rows)


def _folding(title: str, number: int, body: Form) -> Section:
    """Return a folded section that is shown whole or not at all."""
    return Section(_plain_title(title, number), (lambda: details(f"{title}: {number:,}", body()) if number else "",))


def _setting_table(steps: tuple[Step, ...]) -> str:
    rows = [
        (code(row.name), code(what), f"{code(source)} → {code(target)}", code(row.why) if row.why else "")
        for row in rows_of(steps)
        for what, source, target in row.moves
    ]
    return table(("Host", "Setting", "From → to", "Because"), rows)


def _change_table(changes: tuple[FieldChange, ...]) -> str:
    rows = []
    for change in changes:
        subject, where = code(words.subject_name(change.subject)), code(change.place) if change.place else ""
        if change.field:
            source, target = say.change_ends(change)
            rows.append((subject, code(change.field), f"{code(source)} → {code(target)}", where))
        else:
            rows.append((subject, f"*{change.change}*", "", where))
    return table(("", "Field", "From → to", "Line"), rows)


def _more(steps: tuple[Step, ...]) -> str:
    lines: list[str] = []
    for row in rows_of(steps):
        below = [f"  - {code(what)}: {code(source)} → {code(target)}" for what, source, target in row.moves]
        below += [f"  - {prose(note)}" for note in row.notes]
        lines += [f"- {prose(row.id)} {code(row.name)}", *below] if below else []
    return "\n".join(lines)


def _base_section(preview: Preview) -> Section:
    title = "Problems of the base, which this change may mend"
    problems = () if preview.base.is_valid else preview.base.problems
    return _revision_problems(title, problems, True)


def _revision_problems(title: str, problems: tuple[PlanProblem, ...], folded: bool) -> Section:
    def form(most: int | None) -> str:
        body = _problem_lines(problems, most)
        if not body:
            return ""
        named = f"{title}: {len(problems):,}"
        return details(named, body) if folded else f"#### {named}\n\n{body}"

    return Section(_plain_title(title, len(problems)), (lambda: form(None), lambda: form(200), lambda: form(20)))


def _problem_lines(problems: tuple[PlanProblem, ...], most: int | None) -> str:
    ordered = list(say.errors_first(problems))
    shown = ordered if most is None else ordered[:most]
    lines = [
        f"- {code(problem.place or problem.subject or 'fleet')} {code(problem.code)}"
        f"{' (warning)' if problem.severity == 'warning' else ''}: {prose(problem.finding)} — {prose(problem.remedy)}\n"
        for problem in shown
    ]
    rest = len(ordered) - len(shown)
    return "".join(lines) + (f"\n… and {count(rest, 'more problem')}; `reconciler validate` lists all.\n" if rest else "")


def _foot(preview: Preview) -> str:
    sides = f"{code(_short(say.side_text(preview.base)))} → {code(_short(say.side_text(preview.head)))}"
    plan = f"Plan {code(preview.head.fingerprint[:19])}, " if preview.head.fingerprint else ""
    seen = f"hosts seen {preview.observation.observed_at:%Y-%m-%d %H:%M:%SZ}"
    later = "; after the merge this is what reconciler would do" if plan else ""
    return f"{plan}{sides}, {seen}. Nothing has been changed{later}."


def _short(name: str) -> str:
    shown = clean(name)
    return shown if len(shown) <= LONGEST_NAME else shown[:LONGEST_NAME] + "…"

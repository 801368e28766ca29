"""A plan on one screen: what would be done and why, slot use per host, what stays undone, and what to type next."""

from collections.abc import Iterator

from rich.text import Text

from reconciler.model.desired import Desired
from reconciler.model.observation import Observation
from reconciler.model.plan import Blocked, DriftEntry, Plan
from reconciler.report import words
from reconciler.report.console import Cell, columns, line, render, wrapped
from reconciler.report.plan_rows import GROUPS, StepRow, plan_headline, reasons_text, standing, step_rows
from reconciler.report.problems import plan_problem_lines
from reconciler.report.slots import HostSlots, SlotUse, slots_of

MOST_HOSTS = 20
DETAIL = 8
SLOTS = "Slots, both directions together; peak: of this plan, estimated"


def plan_text(plan: Plan, desired: Desired, observation: Observation, width: int = 100, color: bool = False) -> str:
    """Return the plan for a terminal of ``width`` cells, ANSI colours only where ``color``; ends with a newline."""
    return render(_lines(plan, desired, observation, width), color)


def drift_lines(entries: tuple[DriftEntry, ...], width: int) -> list[Text]:
    """Return differences aligned: subject, field, desired, observed, what happens about it; below a held one, who holds it."""
    if not entries:
        return []
    head: tuple[Cell, ...] = tuple(Text(name, style="dim") for name in ("", "field", "desired", "observed", ""))
    twins = words.repeated_subjects(entries)
    ordered = sorted(entries, key=lambda entry: (entry.subject.casefold(), entry.id or "", entry.field))
    rows = [
        (
            words.subject_name(entry.subject, entry.id if entry.subject.casefold() in twins else None),
            entry.field,
            words.value(entry.desired) if entry.desired is not None else "not set",
            words.value(entry.observed),
            words.HANDLINGS[entry.handling],
        )
        for entry in ordered
    ]
    table = columns([head, *rows], align="<<<<<", width=width, shrink=(0, 2, 3))
    return [table[0], *(text for row, entry in zip(table[1:], ordered, strict=True) for text in (row, *_holder(entry, width)))]


def _holder(entry: DriftEntry, width: int) -> list[Text]:
    return wrapped(words.handling(entry), width=width, indent=DETAIL, style="dim") if entry.hold else []


def blocked_lines(blocked: tuple[Blocked, ...], width: int) -> Iterator[Text]:
    """Yield what cannot be helped: name and code, finding with hosts per reason, remedy, and the line that asks for it."""
    for entry in blocked:
        yield line(
            "  ", ("! ", words.STYLES["!"]), (words.subject_name(entry.subject, entry.id), "bold"), "  ", (entry.code, "red")
        )
        counts = f" ({reasons_text(entry)})" if entry.counts else ""
        yield from wrapped(entry.finding + counts + words.certainty(entry), width=width, indent=DETAIL)
        for demand in entry.conflict:
            yield from wrapped(f"- {demand}", width=width, indent=DETAIL + 2, hanging=DETAIL + 4)
        yield from wrapped(f"{words.ARROW} {entry.remedy}", width=width, indent=DETAIL, hanging=DETAIL + 2)
        if entry.because:
            yield line((entry.because, "dim"), indent=DETAIL)


def section(title: str, lines: list[Text]) -> Iterator[Text]:
    """Yield a titled block after an empty line, or nothing where the block is empty."""
    if lines:
        yield Text()
        yield line((title, "bold"))
        yield from lines


def _lines(plan: Plan, desired: Desired, observation: Observation, width: int) -> Iterator[Text]:
    yield from wrapped(plan_headline(plan), width=width, indent=0, style="bold")
    if plan.steps:
        yield line((standing(plan.summary), "dim"))
    rows = step_rows(plan, desired)
    for group in GROUPS:
        yield from section(group, list(_group([row for row in rows if row.group == group], width)))
    yield from section(SLOTS, _slot_lines(plan, desired, observation, width))
    yield from section(f"Blocked: {len(plan.blocked)}", list(blocked_lines(plan.blocked, width)))
    left = tuple(entry for entry in plan.drift if words.is_left(entry))
    yield from section(f"Drift that is not corrected: {len(left)}", drift_lines(left, width))
    yield from section(f"Problems: {len(plan.problems)}", list(plan_problem_lines(plan.problems, width)))
    yield Text()
    yield from _ending(plan, width)


def _group(rows: list[StepRow], width: int) -> Iterator[Text]:
    heads = columns([_head(row) for row in rows], align="<<<<>>", width=10 * width)
    # Hosts are never cut short: where the row is too long, the way goes on a line of its own.
    is_split = any(head.cell_len > width for head in heads)
    if is_split:
        heads = columns([_head(row, with_route=False) for row in rows], align="<<<>>", width=width, shrink=(1,))
    for head, row in zip(heads, rows, strict=True):
        yield head
        yield from wrapped(row.route, width=width, indent=DETAIL) if is_split and row.route else ()
        yield from _details(row, width)


def _head(row: StepRow, with_route: bool = True) -> tuple[Cell, ...]:
    lead = line((row.sign, words.STYLES[row.sign]), f" {row.id}")
    way = (row.route,) if with_route else ()
    return (lead, line((row.name, "bold")), *way, row.kind, row.size, row.time)


def _details(row: StepRow, width: int) -> Iterator[Text]:
    because = " · ".join(part for part in (row.option, row.why) if part)
    if because:
        yield line((because, "dim"), indent=DETAIL)
    for what, source, target in row.moves:
        text = f"~ {what}: {source} {words.ARROW} {target}"
        yield from wrapped(text, width=width, indent=DETAIL, hanging=DETAIL + 2, style="yellow")
    for note in row.notes:
        yield from wrapped(note, width=width, indent=DETAIL, hanging=DETAIL + 2)


def _slot_lines(plan: Plan, desired: Desired, observation: Observation, width: int) -> list[Text]:
    slots = slots_of(plan, desired, observation)
    if not slots:
        return []
    busiest = sorted(slots, key=lambda row: (-row.live.peak - row.storage.peak, row.host.casefold()))[:MOST_HOSTS]
    shown = [row for row in slots if row in busiest]
    head = tuple(Text(name, style="dim") for name in ("", "live now", "peak", "limit", "storage now", "peak", "limit"))
    table = columns([head, *map(_slot_row, shown)], align="<>>>>>>", width=width, gap=3, shrink=(0,))
    hidden = len(slots) - len(shown)
    return [*table, line((f"… and {hidden} hosts that are less busy", "dim"), indent=2)] if hidden else table


def _slot_row(row: HostSlots) -> tuple[Cell, ...]:
    return (row.host, *_use(row.live), *_use(row.storage))


def _use(use: SlotUse) -> tuple[Cell, Cell, Cell]:
    full = use.limit is not None and use.peak >= use.limit
    return _number(use.now), Text(str(use.peak), style="bold" if full else ""), limit_text(use)


def limit_text(use: SlotUse) -> str:
    """Return a limit, with what the plan's settings make of it where that differs: ``2`` or ``2 → 4``."""
    return _number(use.limit) if use.limit == use.later else words.route(_number(use.limit), _number(use.later))


def _number(number: int | None) -> str:
    return "?" if number is None else str(number)


def _ending(plan: Plan, width: int) -> Iterator[Text]:
    yield from wrapped(next_step(plan), width=width, indent=0) if next_step(plan) else ()
    revision = f"revision {plan.desired.revision}, " if plan.desired.revision else ""
    seen = plan.observation.observed_at.strftime("%Y-%m-%d %H:%M:%SZ")
    yield line((f"Plan {plan.fingerprint[:19]}, {revision}hosts seen {seen}", "dim"))


def next_step(plan: Plan) -> str:
    """Return what a person can do next with this plan, as one or two sentences; empty where nothing is left to do."""
    if not plan.applicable:
        return "Next: mend the errors above. This plan may not be applied, and apply would start nothing."
    if plan.is_hypothetical:
        return "Next: commit the change if this is what you want; nothing was changed by asking."
    unknown = "What is unknown is left alone. " if not plan.complete else ""
    if plan.steps:
        return f"{unknown}Next: reconciler apply, or keep this very plan with --out FILE and run reconciler apply FILE."
    return f"{unknown}{'Next: follow the remedies above.' if plan.blocked else ''}"

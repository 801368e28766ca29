"""Lines that explanations of machines, hosts and clusters share: reasons, sums of memory, steps in brief."""

from collections.abc import Iterable, Iterator

from rich.text import Text

from reconciler.model.explanation import MemoryRoom, Reason
from reconciler.model.observation import Migration
from reconciler.model.plan import MachineStep, Step
from reconciler.report import words
from reconciler.report.console import Cell, columns, line, wrapped
from reconciler.report.plan_text import DETAIL


def bullet(text: str, width: int) -> list[Text]:
    """Return a sentence as an item of a list."""
    return wrapped(f"{words.ARROW} {text}", width=width, indent=2, hanging=4)


def migration_line(job: Migration) -> Text:
    """Return a migration that runs: kind, where to, how far."""
    percent = f", {job.percent} % done" if job.percent is not None else ""
    target = f" to {job.destination}" if job.destination else ""
    return line("  ", (words.sign_of(job.kind), "bold cyan"), f" {words.LABELS[job.kind]}{target}{percent} ({job.state})")


def step_lines(steps: Iterable[Step], width: int) -> Iterator[Text]:
    """Yield steps briefly, one a line: id, machine or subject, way and kind."""
    cells: list[tuple[Cell, ...]] = []
    for step in steps:
        sign = words.sign_of(step.action)
        lead = line((sign, words.STYLES[sign]), f" {step.id}")
        if isinstance(step, MachineStep):
            way = words.route(step.source, step.destination)
            cells.append((lead, step.virtual_machine.name, way, words.LABELS[step.action]))
        else:
            changed = (
                f"{one.field}: {words.value(one.source)} {words.ARROW} {words.value(one.target)}" for one in step.settings
            )
            cells.append((lead, words.subject_name(step.subject), ", ".join(changed), words.LABELS[step.action]))
    yield from columns(cells, align="<<<<", width=width, shrink=(2,))


def reason_lines(reason: Reason, width: int) -> list[Text]:
    """Return a reason and its remedy."""
    lines = wrapped(f"{reason.reason}: {reason.finding}", width=width, indent=DETAIL, hanging=DETAIL + 2)
    remedy = f"{words.ARROW} {reason.remedy}"
    return [*lines, *(wrapped(remedy, width=width, indent=DETAIL, hanging=DETAIL + 2) if reason.remedy else ())]


def memory_text(memory: MemoryRoom) -> str:
    """Return a host's memory as a sum: room, what it is made of, what comes and goes, what is needed."""
    if memory.available_mib is None:
        return "memory: unknown"
    parts = [f"{memory.available_mib} MiB available", f"{memory.reserve_mib} reserve", f"{memory.on_its_way_mib} on the way"]
    room = f"memory: {memory.room_mib} MiB of room ({' - '.join(parts)})"
    moves = [f"{memory.leaving_mib} leave"] if memory.leaving_mib else []
    moves += [f"{memory.arriving_mib} arrive"] if memory.arriving_mib else []
    needed = [f"{memory.needed_mib} needed"] if memory.needed_mib is not None else []
    return ", ".join([room, *moves, *needed])

"""One machine explained on a screen: facts, what is asked, hosts with equal reasons on one line, steps and their waits."""

from collections.abc import Iterator

from rich.text import Text

from reconciler.model.explanation import HostOption, LastFailure, MachineExplanation, StepStart, Verdict
from reconciler.model.observation import VirtualMachine
from reconciler.report import words
from reconciler.report.console import columns, line, wrapped
from reconciler.report.explain_parts import bullet, memory_text, migration_line, reason_lines
from reconciler.report.plan_rows import FOLDERS, StepRow
from reconciler.report.plan_text import DETAIL, blocked_lines, section
from reconciler.report.units import MIB, count, human_bytes

SIGNS = {
    Verdict.HERE: ("=", "green"),
    Verdict.ARRIVING: (">", "bold cyan"),
    Verdict.PLANNED: (">", "bold cyan"),
    Verdict.POSSIBLE: ("+", "green"),
    Verdict.WAITS: ("…", "yellow"),
    Verdict.REFUSED: ("!", "bold red"),
}
MOST_HOSTS = 30


def machine_lines(machine: MachineExplanation, rows: dict[str, StepRow], width: int) -> Iterator[Text]:
    """Yield all that is shown of one machine; ``rows`` are the plan's steps by id."""
    yield from wrapped(f"{machine.name}: {machine.answer}", width=width, indent=0, style="bold")
    yield from section("Now", list(_now(machine, width)))
    yield from section("Asked for", _asked(machine, width))
    yield from section("Where it may be", list(_options(machine, width)))
    yield from section("On the way", [migration_line(machine.migration)] if machine.migration else [])
    yield from section(_planned_title(machine), list(_steps(machine, rows, width)))
    yield from section("Last attempt", list(_last_failure(machine.last_failure, width)) if machine.last_failure else [])
    yield from section(f"Blocked: {len(machine.blocked)}", list(blocked_lines(machine.blocked, width)))
    yield from section("What would help", [text for one in machine.unblock for text in bullet(one, width)])


def _now(machine: MachineExplanation, width: int) -> Iterator[Text]:
    facts = [("host", machine.host or "not seen"), ("id", machine.id or "unknown")]
    if machine.observed is not None:
        facts += _facts(machine.observed)
    yield from columns([(Text(name, style="dim"), value) for name, value in facts], align="<<", width=10 * width)
    for files, path, size, belongs in _folders(machine):
        yield from wrapped(f"{files}{size}: {path}", width=width, indent=2, hanging=4)
        yield from wrapped(f"{words.ARROW} {belongs}", width=width, indent=4, hanging=6, style="yellow") if belongs else ()


def _facts(seen: VirtualMachine) -> list[tuple[str, str]]:
    memory = human_bytes(seen.memory_mib * MIB) if seen.memory_mib is not None else "unknown"
    switches = "unknown" if seen.switches is None else ", ".join(seen.switches) or "none"
    facts = [
        ("state", f"{seen.state or 'unknown'}, {memory} of memory"),
        ("version", seen.configuration_version or "unknown"),
        ("switches", switches),
        ("cluster role", {True: "yes", False: "no", None: "unknown"}[seen.highly_available]),
    ]
    odd = {
        "busy": seen.operation,
        "replication": None if seen.replication in ("None", "Disabled") else seen.replication or "unknown",
        "devices": str(seen.assigned_devices) if seen.assigned_devices else None,
        "mounted ISO": seen.mounted_iso,
        "checkpoints": str(seen.checkpoints) if seen.checkpoints else None,
    }
    return facts + [(name, value) for name, value in odd.items() if value]


def _folders(machine: MachineExplanation) -> list[tuple[str, str, str, str]]:
    """Data roots that share a folder share a line; a disk has one of its own. (files, path, size, where it belongs)."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for file in machine.files:
        size = f" ({human_bytes(file.bytes)})" if file.file not in FOLDERS else ""
        belongs = f"belongs in {file.belongs_in} ({file.because})" if file.belongs_in else ""
        key = (file.path or "unknown", size, belongs)
        groups.setdefault(key, []).append(FOLDERS.get(file.file, file.file))
    return [(", ".join(files), path, size, belongs) for (path, size, belongs), files in groups.items()]


def _asked(machine: MachineExplanation, width: int) -> list[Text]:
    rows = [(one.field, words.value(one.value), Text(one.because or "", style="dim")) for one in machine.asked]
    return columns(rows, align="<<<", width=width, shrink=(1,))


def _options(machine: MachineExplanation, width: int) -> Iterator[Text]:
    for options in _alike(machine.options)[:MOST_HOSTS]:
        yield from _option(options, width)
    if machine.other_hosts:
        others = count(machine.other_hosts, "other host")
        yield line((f"{others}: not allowed by its placement", "dim"), indent=2)


def _alike(options: tuple[HostOption, ...]) -> list[list[HostOption]]:
    """Hosts of one verdict whose findings are equal but for the host's name, together; the best verdicts first."""
    groups: dict[tuple[object, ...], list[HostOption]] = {}
    for option in options:
        findings = tuple((one.reason, one.finding.replace(option.host, "")) for one in option.reasons)
        key: tuple[object, ...] = (option.verdict, findings, option.migration, option.copies, option.unverified)
        key += (option.host,) if option.verdict in (Verdict.POSSIBLE, Verdict.WAITS, Verdict.PLANNED) else ()
        groups.setdefault(key, []).append(option)
    ranks = list(SIGNS)
    return sorted(groups.values(), key=lambda group: (ranks.index(group[0].verdict), group[0].host.casefold()))


def _option(options: list[HostOption], width: int) -> Iterator[Text]:
    first, names = options[0], ", ".join(option.host for option in options)
    yield line("  ", SIGNS[first.verdict], " ", (names, "bold"), f"  {first.verdict.value}", (_way(first), "dim"))
    if first.memory is not None and first.verdict not in (Verdict.HERE, Verdict.REFUSED):
        yield from wrapped(memory_text(first.memory), width=width, indent=DETAIL, style="dim")
    for reason in first.reasons:
        yield from reason_lines(reason, width)
    if first.verdict is Verdict.REFUSED and first.unreached and not first.migration:
        yield from wrapped(
            f"not reached from there: {', '.join(first.unreached)}", width=width, indent=DETAIL, hanging=DETAIL + 2
        )
    if first.unverified:
        yield from wrapped(f"could not be checked: {', '.join(first.unverified)}", width=width, indent=DETAIL)


def _way(option: HostOption) -> str:
    if option.migration is None or option.verdict in (Verdict.HERE, Verdict.REFUSED):
        return ""
    copies = f", copies {human_bytes(option.bytes)}" if option.copies else ", no file moves"
    return f"  {words.LABELS[option.migration]}{copies}"


def _last_failure(failure: LastFailure, width: int) -> Iterator[Text]:
    times = f", {failure.failures} in a row" if failure.failures > 1 else ""
    text = f"{failure.at:%Y-%m-%d %H:%MZ} failed{times} ({failure.cause}): {failure.finding}"
    yield from wrapped(text, width=width, indent=2, hanging=4, style="yellow")
    if failure.remedy:
        yield from wrapped(f"{words.ARROW} {failure.remedy}", width=width, indent=4, hanging=6)


def _planned_title(machine: MachineExplanation) -> str:
    return f"Planned: {count(len(machine.steps), 'step')}"


def _steps(machine: MachineExplanation, rows: dict[str, StepRow], width: int) -> Iterator[Text]:
    starts = {start.step_id: start for start in machine.starts}
    for row in (rows[step.id] for step in machine.steps if step.id in rows):
        head = "  ".join(part for part in (row.route, row.kind, row.size, row.time, row.option) if part)
        yield line("  ", (row.sign, words.STYLES[row.sign]), f" {row.id}  ", (head, "bold"))
        yield line((row.why, "dim"), indent=DETAIL)
        for what, source, target in row.moves:
            text = f"~ {what}: {source} {words.ARROW} {target}"
            yield from wrapped(text, width=width, indent=DETAIL, hanging=DETAIL + 2, style="yellow")
        for note in row.notes:
            yield from wrapped(note, width=width, indent=DETAIL, hanging=DETAIL + 2) if not note.startswith("waits for") else ()
        yield from _start(starts[row.id], width)


def _start(start: StepStart, width: int) -> Iterator[Text]:
    for before in start.after:
        yield from wrapped(f"after {before}", width=width, indent=DETAIL, hanging=DETAIL + 2)
    if start.may_start:
        yield line(("may start now", "green"), indent=DETAIL)
        return
    until = f" (until {start.until:%Y-%m-%d %H:%MZ})" if start.until else ""
    text = f"not now: {start.code}: {start.finding}{until}"
    yield from wrapped(text, width=width, indent=DETAIL, hanging=DETAIL + 2, style="yellow")

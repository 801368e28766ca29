"""The history that the store keeps, for people: one line an event, under a line for each run with its commit and its user."""

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from reconciler.model.history import History, HistoryEvent
from reconciler.model.words import Action
from reconciler.report import words
from reconciler.report.console import Cell, columns, line, render, wrapped
from reconciler.report.units import count, human_seconds

STYLES = {"failed": "bold red", "attempt failed": "bold red", "done": "green", "cancelled": "yellow", "held": "magenta"}


def history_text(history: History, width: int = 100, color: bool = False) -> str:
    """Return the events for a terminal, oldest first, then guard rails that were passed, and the state of the chain."""
    return render(_lines(history, width), color)


def history_json(history: History) -> dict[str, Any]:
    """Return the document of kind ``History``."""
    return history.to_json()


def _lines(history: History, width: int) -> Iterator[Text]:
    if not history.events:
        yield line(("Nothing is recorded.", "bold"))
    if history.more:
        yield line(("… older events are left out; --limit 0 shows all", "dim"))
    for run in _runs(history.events):
        yield line((_headline(run[0]), "bold"))
        yield from columns([_row(event) for event in run], align="<<<<<", width=width, shrink=(2, 4))
    for code, times in history.overrides.items():
        yield line(("! ", words.STYLES["!"]), f"guard rail {code} was passed {count(times, 'time')}")
    yield from _chain(history, width)


def _runs(events: tuple[HistoryEvent, ...]) -> list[list[HistoryEvent]]:
    runs: list[list[HistoryEvent]] = []
    for event in events:
        if runs and _run_of(runs[-1][-1]) == _run_of(event) and event.what != "applied":
            runs[-1].append(event)
        else:
            runs.append([event])
    return runs


def _run_of(event: HistoryEvent) -> tuple[str, ...]:
    return (event.command, event.actor, event.revision or "", event.digest or "", f"{event.at:%Y-%m-%d}")


def _headline(event: HistoryEvent) -> str:
    digest = (event.digest or "").removeprefix("sha256:")[:12]
    state = f"commit {event.revision[:12]}" if event.revision else f"desired state {digest}" if digest else ""
    by = f"{event.command or 'recorded'} by {event.actor}" if event.actor else event.command or "recorded"
    return f"{event.at:%Y-%m-%d}  {by}" + (f", {state}" if state else "")


def _row(event: HistoryEvent) -> tuple[Cell, ...]:
    what = Text(event.what, style=STYLES.get(event.what, ""))
    return (f"{event.at:%H:%M:%SZ}", what, event.subject or "", _deed(event), _rest(event))


def _deed(event: HistoryEvent) -> str:
    if event.action is None:
        return ""
    label = words.LABELS[Action(event.action)] if event.action in set(Action) else event.action
    return f"{label} {words.route(event.source, event.destination)}" if event.source else label


def _rest(event: HistoryEvent) -> str:
    took = f"in {human_seconds(event.seconds)}" if event.seconds is not None else ""
    passed = f"passing {', '.join(event.overrides)}" if event.overrides else ""
    return " · ".join(part for part in (took, event.detail, passed, event.because or "") if part)


def _chain(history: History, width: int) -> Iterator[Text]:
    if history.breaches is None:
        return
    if not history.breaches:
        yield line(("The record is whole: every entry is as it was written, and none is missing.", "green"))
    for breach in history.breaches:
        yield from wrapped(f"! {breach}", width=width, indent=0, hanging=2, style=words.STYLES["!"])

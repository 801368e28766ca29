"""``reconciler history``: what was planned, what was started and what came of it, by whom, and for which commit."""

import json
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli.arguments import PlainOutput, StateFile, TextOrJson
from reconciler.cli.console import fail, finish, print_data, print_json, say, use_color, width
from reconciler.model.exit_codes import ExitCode
from reconciler.model.history import History
from reconciler.model.problem import Problem
from reconciler.report.history import history_json, history_text
from reconciler.store import Access, Entry, Store, StoreError
from reconciler.store.chain import breaches, let_go_by
from reconciler.store.history import concerns, events_of, passed_guard_rails
from reconciler.store.kinds import APPLIED, PLANNED, TRIMMED
from reconciler.store.rows import line_of
from reconciler.wiring import open_store, system_clock


def history(
    name: Annotated[str | None, typer.Argument(metavar="VM|HOST", help="Only this machine (name or VMId) or host.")] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=0, help="The newest N events; 0 for all.")] = 50,
    verify: Annotated[bool, typer.Option("--verify", help="Check every entry: none edited, none missing.")] = False,
    export: Annotated[
        Path | None, typer.Option("--export", metavar="FILE", help="Write all entries, one JSON line each, with their seals.")
    ] = None,
    state: StateFile = None,
    output: PlainOutput = TextOrJson.TEXT,
) -> None:
    """Show what was planned, started, and came of it: when, by whom, for which commit. Reads the store alone, no host."""
    try:
        with open_store(state, system_clock(), command="history", access=Access.READ) as store:
            told = _history(store, name, limit, verify)
            if export:
                _export(store, export)
    except StoreError as error:
        fail(error.problem)
    if output is TextOrJson.JSON:
        print_json(history_json(told))
    else:
        print_data(history_text(told, width=width(), color=use_color()))
    finish(ExitCode.ERROR if told.breaches else ExitCode.DONE)


def _history(store: Store, name: str | None, limit: int, verify: bool) -> History:
    found = _entries(store, name, limit + 1 if limit else None)
    shown = found[-limit:] if limit else found
    return History(
        events=events_of(shown),
        overrides=passed_guard_rails(store.entries(kinds=(APPLIED,))) if name is None else {},
        more=len(shown) < len(found),
        breaches=tuple(breaches(store.entries(), let_go_by(store.entries(kinds=(TRIMMED,))))) if verify else None,
    )


def _entries(store: Store, name: str | None, limit: int | None) -> list[Entry]:
    """Of one machine also the plans that name it; those have no one subject."""
    found = store.entries(about=name, limit=limit)
    if name is None:
        return found
    plans = [entry for entry in store.entries(kinds=(PLANNED,)) if concerns(entry, name)]
    both = sorted([*found, *plans], key=lambda entry: entry.number)
    return both[-limit:] if limit else both


def _export(store: Store, file: Path) -> None:
    after, count = 0, 0
    try:
        with file.open("w", encoding="utf-8") as out:
            for entry in store.entries():
                out.write(json.dumps(line_of(entry), ensure_ascii=False) + "\n")
                after, count = entry.number, count + 1
    except OSError as error:
        fail(Problem("cannot-write", f"{error.strerror or error}", "name a file that can be written", subject=str(file)))
    say(f"Exported {count} entries to {file}, up to {after}; kept elsewhere, the last seal proves that none was rewritten.")

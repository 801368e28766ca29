"""How a running apply is shown: bars on a terminal, plain lines anywhere else; both on standard error."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live

from reconciler.cli.console import say, widest
from reconciler.controller import View
from reconciler.model.progress import Progress
from reconciler.report import ending_lines, progress_lines, progress_table


class PlainView:
    """One line for each change that a reader of a log wants to know of."""

    def __init__(self) -> None:
        self._before: Progress | None = None

    def show(self, progress: Progress) -> None:
        """Say what is new since the last look."""
        for line in progress_lines(self._before, progress):
            self.say(line)
        self._before = progress

    def say(self, text: str) -> None:
        """Say one sentence."""
        say(text)


class LiveView:
    """Bars that move, below the lines that stay: what ended, and how."""

    def __init__(self, live: Live) -> None:
        self._before: Progress | None = None
        self._live = live

    def show(self, progress: Progress) -> None:
        """Say what ended and redraw the bars."""
        for line in ending_lines(self._before, progress):
            self.say(line)
        self._before = progress
        self._live.update(progress_table(progress, self._live.console.width))

    def say(self, text: str) -> None:
        """Say one sentence above the bars."""
        self._live.console.print(text, highlight=False, markup=False)


@contextmanager
def progress_view() -> Iterator[View]:
    """Choose by where standard error goes; clean up the bars at the end."""
    if not sys.stderr.isatty():
        yield PlainView()
        return
    console = Console(stderr=True, width=widest(), no_color=bool(os.environ.get("NO_COLOR")))
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        yield LiveView(live)

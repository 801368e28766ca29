"""``reconciler run``: the continuous service, until SIGTERM or Ctrl-C; or one pass of it with ``--once``."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli.console import fail, finish, say
from reconciler.hosts.winrm.config import WinRmConfigError
from reconciler.model.exit_codes import ExitCode, exit_code_for
from reconciler.model.problem import Problem
from reconciler.store import StoreError

if TYPE_CHECKING:
    from reconciler.serving import Served


def run(
    config: Annotated[Path, typer.Option("--config", metavar="FILE", help="The service's own configuration.")],
    once: Annotated[
        bool, typer.Option("--once", help="Take one pass, and end; exit code as of 'plan --detailed-exitcode'.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Read the configuration and say whether it is sound; start nothing.")
    ] = False,
) -> None:
    """Follow a desired state: pass after pass, with an API, metrics and notices; ends gracefully on SIGTERM."""
    # What only the service needs is loaded here, so that no other command waits for it.
    from reconciler.api.tokens import TokensError
    from reconciler.service.config import ConfigError
    from reconciler.service.notifier import TargetsError
    from reconciler.serving import Served, read_config

    try:
        settings = read_config(config)
        if check:
            say(f"{config} is sound.")
            finish(ExitCode.DONE)
        with Served(settings, api=not once) as served:
            if once:
                served.service.following.take_up()
                served.service.once()
                _finish_once(served)
            say(f"Following {served.service.following.status().location}" + (f"; API at {served.url}" if served.url else ""))
            with _stop_on_signals(served):
                served.service.run()
    except ConfigError as error:
        fail(*error.problems)
    except (TokensError, TargetsError, StoreError) as error:
        fail(error.problem)
    except WinRmConfigError as error:
        fail(Problem("configuration", str(error), "see docs/winrm.md for its fields", subject="winrm"))


def _finish_once(served: "Served") -> None:
    latest = served.board.latest
    if latest.plan is None:
        fail(Problem("no-plan", latest.ready or "no desired state is in force", "see the log above", subject="run"))
    code, reason = exit_code_for(latest.plan, detailed=True, always=True)
    if code is not ExitCode.DONE:
        say(f"exit {int(code)}: {reason}")
    finish(code)


@contextmanager
def _stop_on_signals(served: "Served") -> Iterator[None]:
    """The first SIGTERM or Ctrl-C ends it gracefully, a second Ctrl-C at once; what runs on the hosts goes on all the same."""

    def stop(number: int, _frame: object) -> None:
        if served.service.stopping and number == signal.SIGINT:
            raise KeyboardInterrupt
        say("Stopping: nothing more is started; roles that are owed are given back first.")
        served.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

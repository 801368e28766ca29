"""``reconciler apply``: carry out the plan within every limit, verify by looking again, and report what is left."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli.arguments import DEFAULT_FOLDER, ConfigFile, Output, OutputFormat, StateFile
from reconciler.cli.console import fail, finish, print_data, print_json, say, use_color, warn, width
from reconciler.cli.inputs import desired_or_fail, hosts_or_fail
from reconciler.cli.plan import this_is_a_bug
from reconciler.cli.view import progress_view
from reconciler.clock import Clock
from reconciler.controller import Options, Run
from reconciler.controller.recall import was_applied
from reconciler.cycle import UnsoundPlan
from reconciler.desired.holding import holds_of_nobody
from reconciler.files import FileProblem, read_plan
from reconciler.hosts.port import Hosts
from reconciler.model.desired import Desired
from reconciler.model.exit_codes import ExitCode
from reconciler.model.plan import Plan
from reconciler.model.progress import ApplyReport
from reconciler.report import apply_json, apply_markdown, apply_text
from reconciler.store import Store, StoreError
from reconciler.store.holds import HOLD_KINDS, active_holds
from reconciler.store.kinds import APPLIED
from reconciler.wiring import open_store, solver, system_clock


def apply(
    target: Annotated[
        Path, typer.Argument(metavar="DIR|PLAN", help="Folder of the desired state, or a plan saved with 'plan --out'.")
    ] = DEFAULT_FOLDER,
    desired_state: Annotated[
        Path, typer.Option("--desired-state", metavar="DIR", help="Folder of the desired state a saved plan is for.")
    ] = DEFAULT_FOLDER,
    override: Annotated[
        list[str] | None, typer.Option("--override", metavar="CODE", help="Pass this guard rail, once (its code in the plan).")
    ] = None,
    state: StateFile = None,
    config: ConfigFile = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Migrate what is out of place, verify every step by observation, and report the drift that is left."""
    approved = _saved_plan(target) if target.suffix == ".json" else None
    desired = desired_or_fail(desired_state if approved else target)
    clock = system_clock()
    try:
        with (
            open_store(state, clock, command="apply", desired=desired) as store,
            hosts_or_fail(config, may_change=True) as hosts,
        ):
            _refuse_second_use(store, approved)
            report = run_apply(desired, hosts, store, clock, Options(approved=approved, override=frozenset(override or ())))
    except StoreError as error:
        say("Nothing more is started without a store. Migrations that run go on, on their hosts.")
        fail(error.problem)
    show_report(report, output)
    finish(ExitCode(report.exit_code))


def run_apply(desired: Desired, hosts: Hosts, store: Store, clock: Clock, options: Options) -> ApplyReport:
    """Run to the end with progress shown; Ctrl-C stops starting, and the report says what goes on without us."""
    with progress_view() as view:
        warn(holds_of_nobody(desired, active_holds(store.entries(kinds=HOLD_KINDS), clock.now())))
        run = Run(desired, hosts, store, clock, view, options, solver())
        with _stop_on_interrupt(run):
            try:
                return run.execute()
            except UnsoundPlan as unsound:
                fail(*unsound.findings, this_is_a_bug())


def show_report(report: ApplyReport, output: OutputFormat) -> None:
    """Print what came of it."""
    if output is OutputFormat.JSON:
        print_json(apply_json(report))
    elif output is OutputFormat.MARKDOWN:
        print_data(apply_markdown(report))
    else:
        print_data(apply_text(report, width=width(), color=use_color()))


def _saved_plan(file: Path) -> Plan:
    try:
        return read_plan(file)
    except FileProblem as problem:
        fail(problem.problem)


def _refuse_second_use(store: Store, approved: Plan | None) -> None:
    if approved is None:
        return
    made_at = approved.observation.observed_at.isoformat()
    if was_applied(store.entries(kinds=(APPLIED,)), approved.fingerprint, made_at):
        say("This plan has been applied before; a plan is applied once. Plan again: reconciler plan --out FILE")
        finish(ExitCode.STALE)


@contextmanager
def _stop_on_interrupt(run: Run) -> Iterator[None]:
    """First Ctrl-C: stop starting. Second: leave at once (what runs on the hosts goes on all the same)."""

    def stop(_signal: int, _frame: object) -> None:
        if run.stopping:
            raise KeyboardInterrupt
        say("\nStopping: nothing more is started. Migrations that run go on, on their hosts; run apply again to follow them.")
        run.stop()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

"""``reconciler plan`` and ``reconciler drift``: what differs, and what exactly would be done about it. Changes nothing."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from reconciler.cli.arguments import (
    DEFAULT_FOLDER,
    ConfigFile,
    DetailedExitcode,
    Folder,
    ObservationFile,
    Output,
    OutputFormat,
    StateFile,
)
from reconciler.cli.console import fail, finish, print_data, print_json, say, use_color, width
from reconciler.cli.inputs import announced_or_fail, desired_under_holds, observation_or_fail
from reconciler.cli.patch import print_patch
from reconciler.collector import collector_at_rest
from reconciler.cycle import Thought, UnsoundPlan, think
from reconciler.explain import FORMS, what_if
from reconciler.model.announced import AnnouncedMove
from reconciler.model.desired import Desired
from reconciler.model.exit_codes import ExitCode, exit_code_for
from reconciler.model.observation import Observation
from reconciler.model.plan import Plan
from reconciler.model.problem import Problem
from reconciler.report import drift_json, drift_markdown, drift_text, plan_markdown, plan_text
from reconciler.report.explain import what_if_markdown, what_if_text
from reconciler.wiring import solver, system_clock


def plan(
    folder: Folder = DEFAULT_FOLDER,
    observation: ObservationFile = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Save the plan, for 'reconciler apply FILE'.")
    ] = None,
    suppose: Annotated[
        list[str] | None,
        typer.Option("--what-if", metavar="CHANGE", help=f"Suppose a change, in memory only: {FORMS}. May be repeated."),
    ] = None,
    detailed_exitcode: DetailedExitcode = False,
    config: ConfigFile = None,
    state: StateFile = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Show the exact moves that bring the fleet to its desired state, and why each is needed."""
    changes = suppose or []
    if changes and out:
        _refuse_to_save(out)
    clock = system_clock()
    desired = suppose_all(desired_under_holds(folder, state, clock), changes)
    seen = observation_or_fail(desired, observation, config, clock)
    made = think_or_fail(desired, seen, announced_or_fail(state, clock)).plan
    if out:
        _save(made, out)
    if output is OutputFormat.JSON:
        print_json(made.to_json())
    elif output is OutputFormat.MARKDOWN:
        print_data(what_if_markdown(changes) + plan_markdown(made, desired, seen))
    else:
        head = what_if_text(changes, width=width(), color=use_color())
        print_data(head + plan_text(made, desired, seen, width=width(), color=use_color()))
    code, reason = exit_code_for(made, detailed=detailed_exitcode, always=False)
    if code is not ExitCode.DONE:
        say(f"exit {int(code)}: {reason}")
    finish(code)


def drift(
    folder: Folder = DEFAULT_FOLDER,
    observation: ObservationFile = None,
    as_patch: Annotated[
        bool,
        typer.Option("--as-patch", help="Print a diff of the YAML, for 'git apply', that lets it say what the fleet is."),
    ] = False,
    detailed_exitcode: DetailedExitcode = False,
    config: ConfigFile = None,
    state: StateFile = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Show what differs between desired state and fleet, and what is done about each difference."""
    clock = system_clock()
    desired = desired_under_holds(folder, state, clock)
    seen = observation_or_fail(desired, observation, config, clock)
    thought = think_or_fail(desired, seen, announced_or_fail(state, clock))
    made = thought.plan
    if as_patch:
        print_patch(folder, thought)
    elif output is OutputFormat.JSON:
        print_json(drift_json(made))
    elif output is OutputFormat.MARKDOWN:
        print_data(drift_markdown(made))
    else:
        print_data(drift_text(made, width=width(), color=use_color()))
    finish(exit_code_for(made, detailed=detailed_exitcode, always=False)[0])


def suppose_all(desired: Desired, changes: Sequence[str]) -> Desired:
    """Return the desired state with every supposed change, one upon the other; end the command where one makes no sense."""
    for number, change in enumerate(changes, start=1):
        supposed = what_if(desired, change, number=number)
        if isinstance(supposed, Problem):
            fail(supposed, code=ExitCode.USAGE)
        desired = supposed
    return desired


@collector_at_rest()
def think_or_fail(desired: Desired, seen: Observation, announced: Sequence[AnnouncedMove] = ()) -> Thought:
    """Return drift and plan; a plan that the audit refuses is a bug of ours, and is said as such."""
    try:
        return think(desired, seen, solver(), announced)
    except UnsoundPlan as unsound:
        fail(*unsound.findings, this_is_a_bug())


def this_is_a_bug() -> Problem:
    """Return what to say when the auditor stopped a plan."""
    return Problem(
        "unsound-plan",
        "the plan above was made but its own audit refused it; nothing was started",
        "this is a bug in reconciler: please report it with the output of 'reconciler observe -o json' and your YAML",
        subject="reconciler",
    )


def _refuse_to_save(out: Path) -> NoReturn:
    finding = "a hypothetical plan is not saved: nothing of it may be applied"
    remedy = "leave out --out or --what-if; -o json prints the hypothetical plan"
    fail(Problem("usage", finding, remedy, subject=f"--out {out}"), code=ExitCode.USAGE)


def _save(made: Plan, file: Path) -> None:
    try:
        file.write_text(json.dumps(made.to_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        fail(Problem("cannot-write", f"{error.strerror or error}", "name a file that can be written", subject=str(file)))
    say(f"Saved to {file}; carry it out with: reconciler apply {file}")

"""``reconciler preview``: what a change of the desired state would do, from two revisions in Git and one observation."""

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from reconciler.cli.arguments import ConfigFile, DetailedExitcode, Output, OutputFormat
from reconciler.cli.console import fail, finish, print_data, print_json, say, use_color, width
from reconciler.cli.observed import given_observation_or_fail, live_observation_or_fail
from reconciler.cli.pipeline import hand_over
from reconciler.cli.plan import this_is_a_bug
from reconciler.clock import Clock
from reconciler.cycle import UnsoundPlan
from reconciler.folder import user_cache
from reconciler.model.exit_codes import ExitCode, exit_code_for
from reconciler.model.observation import Observation
from reconciler.model.plan import Plan
from reconciler.model.preview import Preview
from reconciler.model.problem import Problem
from reconciler.preview import Revision, make_preview
from reconciler.report import preview_json, preview_markdown, preview_text
from reconciler.report.forges import ForgeName
from reconciler.revision import read_revision
from reconciler.wiring import solver, system_clock

Forge = Annotated[ForgeName, typer.Option("--forge", help="Whose comments and pipelines are written for.")]
Fleet = Annotated[
    str, typer.Option("--fleet", metavar="NAME", help="A name for this comment, where one repository serves several fleets.")
]


def preview(
    base: Annotated[str, typer.Option("--base", metavar="REV", help="The revision before the change.")],
    head: Annotated[str, typer.Option("--head", metavar="REV", help="The revision with the change.")],
    repo: Annotated[Path, typer.Option("--repo", metavar="DIR", help="The Git repository.")] = Path(),
    path: Annotated[
        str, typer.Option("--path", metavar="FOLDER", help="Folder of the desired state, below the repository's top.")
    ] = "desired-state",
    observation: Annotated[
        str | None,
        typer.Option(
            "--observation", metavar="FILE|URL", help="A saved or published observation, instead of asking the hosts."
        ),
    ] = None,
    verify_key: Annotated[
        list[str] | None,
        typer.Option("--verify-key", metavar="KEY", help="Public key (ed25519:... or a file) that must have signed it."),
    ] = None,
    maximum_age: Annotated[
        float, typer.Option("--maximum-age", metavar="SECONDS", min=0, help="How old a signed observation may be.")
    ] = 3600,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Save the preview, for 'reconciler comment'.")
    ] = None,
    artifact: Annotated[
        Path | None, typer.Option("--artifact", metavar="FILE", help="Save the full plan of the head as JSON.")
    ] = None,
    forge: Forge = ForgeName.GITHUB,
    pipeline: Annotated[
        bool,
        typer.Option("--pipeline", help="Hand variables (hasChanges, moves, risk ...) and a summary to the forge's pipeline."),
    ] = False,
    fleet: Fleet = "",
    detailed_exitcode: DetailedExitcode = False,
    config: ConfigFile = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Show what a change does before it is merged: moves it adds and removes, changed fields, blocked machines, risk."""
    check_fleet(fleet)
    clock = system_clock()
    before, after = _revision(repo, base, path), _revision(repo, head, path)
    if observation is not None:
        seen = given_observation_or_fail(observation, verify_key or [], maximum_age, clock)
    else:
        seen = live_observation_or_fail(before.desired, config, clock)
    made, plan = _made_or_fail(before, after, seen, clock)
    if out:
        save_json(preview_json(made), out)
    if artifact and plan:
        save_json(plan.to_json(), artifact)
    _print(made, output, forge, fleet, artifact)
    if pipeline:
        hand_over(made, forge, fleet, artifact.name if artifact else "plan.json")
    _finish(made, plan, detailed_exitcode)


def check_fleet(fleet: str) -> None:
    """Refuse a name that could end the hidden marker it stands in."""
    if fleet and not (len(fleet) <= 64 and all(char.isascii() and (char.isalnum() or char in "._-") for char in fleet)):
        finding = "a fleet's name is made of letters, digits, '.', '_' and '-', 64 at most"
        fail(Problem("usage", finding, "name it otherwise", subject="--fleet"), code=ExitCode.USAGE)


def save_json(data: dict[str, Any], file: Path) -> None:
    """Write a document for another command or for people; end the command where that cannot be done."""
    try:
        file.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        fail(Problem("cannot-write", f"{error.strerror or error}", "name a file that can be written", subject=str(file)))


def _revision(repo: Path, name: str, path: str) -> Revision:
    read = read_revision(repo, name, path)
    if read.commit is None:
        fail(*read.problems)
    return Revision.of(name, read.commit, read.files, read.problems, cache=user_cache(os.environ))


def _made_or_fail(before: Revision, after: Revision, seen: Observation, clock: Clock) -> tuple[Preview, Plan | None]:
    try:
        return make_preview(before, after, seen, clock.now(), solver())
    except UnsoundPlan as unsound:
        fail(*unsound.findings, this_is_a_bug())


def _print(made: Preview, output: OutputFormat, forge: ForgeName, fleet: str, artifact: Path | None) -> None:
    if output is OutputFormat.JSON:
        print_json(preview_json(made))
    elif output is OutputFormat.MARKDOWN:
        print_data(preview_markdown(made, forge, fleet, artifact.name if artifact else "plan.json"))
    else:
        print_data(preview_text(made, width=width(), color=use_color()))


def _finish(made: Preview, plan: Plan | None, detailed: bool) -> None:
    if plan is None:
        say("exit 1: the head revision has errors")
        finish(ExitCode.ERROR)
    code, reason = exit_code_for(plan, detailed=detailed, always=False)
    if code is ExitCode.CHANGES and not made.has_changes:
        code = ExitCode.DONE
    if code is not ExitCode.DONE:
        say(f"exit {int(code)}: {reason}")
    finish(code)

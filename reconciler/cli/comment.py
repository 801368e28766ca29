"""``reconciler comment``: a saved preview as one comment on its pull request, edited in place, and a status of its head."""

import os
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli.console import fail, finish, say
from reconciler.cli.preview import Fleet, Forge, check_fleet
from reconciler.files import FileProblem, read_preview
from reconciler.forges.environment import Job, NoPullRequest, forge_of, run_url
from reconciler.forges.port import Forge as PullRequest
from reconciler.forges.port import ForgeError, Status, Trouble
from reconciler.forges.sticky import post_sticky
from reconciler.model.exit_codes import ExitCode
from reconciler.model.preview import Preview
from reconciler.model.problem import Problem
from reconciler.report import preview_markdown
from reconciler.report.forges import DIALECTS, ForgeName
from reconciler.report.preview_markdown import marker_of
from reconciler.report.preview_words import is_fine, status_text
from reconciler.wiring import system_clock

_REMEDIES = {
    Trouble.REFUSED: "check the token and what it may do: docs/pull-requests.md has it for each forge",
    Trouble.GONE: "check the repository and the number of the pull request, and that the token may see them",
    Trouble.UNAVAILABLE: "run the job again later",
    Trouble.UNCLEAR: "run the job again later",
}


def comment(
    preview: Annotated[Path, typer.Argument(metavar="PREVIEW", help="A preview saved with 'reconciler preview --out'.")],
    forge: Forge = ForgeName.GITHUB,
    fleet: Fleet = "",
    pull_request: Annotated[
        int | None, typer.Option("--pull-request", metavar="NUMBER", min=1, help="Default: the one that this job is for.")
    ] = None,
    artifact: Annotated[
        str, typer.Option("--artifact", metavar="NAME", help="What the full plan is called among the job's artifacts.")
    ] = "plan.json",
    status: Annotated[bool, typer.Option("--status/--no-status", help="Also set a status of the head: the verdict.")] = True,
) -> None:
    """Post a saved preview to its pull request. The token comes from the environment only."""
    check_fleet(fleet)
    try:
        made = read_preview(preview)
        request = forge_of(forge, Job(os.environ, system_clock(), pull_request))
    except (FileProblem, NoPullRequest) as error:
        fail(error.problem)
    try:
        _post(request, made, forge, fleet, artifact, status)
    except ForgeError as error:
        remedy = _REMEDIES.get(error.trouble, "run the job again; if it stays so, please report it")
        fail(Problem(f"forge-{error.trouble}", str(error), remedy, subject=DIALECTS[forge].title))
    finish(ExitCode.DONE)


def _post(request: PullRequest, made: Preview, forge: ForgeName, fleet: str, artifact: str, status: bool) -> None:
    room = DIALECTS[forge].room
    done = post_sticky(request, marker_of(fleet), lambda most: preview_markdown(made, forge, fleet, artifact, most), room)
    say(f"Comment {done}.")
    if status:
        name = f"reconciler/preview{'-' + fleet if fleet else ''}"
        request.set_status(Status(name, is_fine(made), status_text(made), run_url(forge, os.environ)))
        say(f"Status {name}: {status_text(made)}")

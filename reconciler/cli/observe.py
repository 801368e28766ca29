"""``reconciler observe``: what do the hosts report? Reading never changes a host."""

import json
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli.arguments import DEFAULT_FOLDER, ConfigFile, Folder, ObservationFile, PlainOutput, TextOrJson
from reconciler.cli.console import fail, finish, print_data, print_json, say, use_color, width
from reconciler.cli.inputs import desired_or_fail, observation_or_fail
from reconciler.model.exit_codes import ExitCode
from reconciler.model.observation import Observation
from reconciler.model.problem import Problem
from reconciler.model.words import HostStatus
from reconciler.report import observation_text
from reconciler.wiring import system_clock


def observe(
    folder: Folder = DEFAULT_FOLDER,
    observation: ObservationFile = None,
    save: Annotated[Path | None, typer.Option("--save", metavar="FILE", help="Save the observation for later use.")] = None,
    config: ConfigFile = None,
    output: PlainOutput = TextOrJson.TEXT,
) -> None:
    """Ask every host of the desired state once; a host that does not answer is named, with the reason."""
    desired = desired_or_fail(folder)
    seen = observation_or_fail(desired, observation, config, system_clock())
    if save:
        _save(seen, save)
    if output is TextOrJson.JSON:
        print_json(seen.to_json())
    else:
        print_data(observation_text(seen, width=width(), color=use_color()))
    incomplete = any(host.status is not HostStatus.OK for host in seen.hosts)
    finish(ExitCode.INCOMPLETE if incomplete else ExitCode.DONE)


def _save(seen: Observation, file: Path) -> None:
    try:
        file.write_text(json.dumps(seen.to_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        fail(Problem("cannot-write", f"{error.strerror or error}", "name a file that can be written", subject=str(file)))
    say(f"Saved to {file}.")

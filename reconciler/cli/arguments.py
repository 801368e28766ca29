"""The arguments and options that several commands share, spelled once so that they mean the same everywhere."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

DEFAULT_FOLDER = Path("desired-state")


class OutputFormat(StrEnum):
    """How to print the answer."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


class TextOrJson(StrEnum):
    """How to print an answer that has no markdown form."""

    TEXT = "text"
    JSON = "json"


Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder (or file) of the desired state.", show_default=True)]
ObservationFile = Annotated[
    Path | None,
    typer.Option("--observation", metavar="FILE", help="Use this saved observation instead of asking the hosts."),
]
Output = Annotated[OutputFormat, typer.Option("--output", "-o", help="How to print the answer.")]
PlainOutput = Annotated[TextOrJson, typer.Option("--output", "-o", help="How to print the answer.")]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        envvar="RECONCILER_CONFIG",
        help="The controller's own configuration: how to reach hosts, and as whom.",
    ),
]
StateFile = Annotated[
    Path | None, typer.Option("--state", metavar="FILE", help="The store; default: in this user's state folder.")
]
DetailedExitcode = Annotated[
    bool,
    typer.Option("--detailed-exitcode", help="Exit 2 when there are changes, 3, 4 or 6 as listed under 'reconciler --help'."),
]

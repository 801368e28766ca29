"""What a preview hands to the pipeline it runs in: variables to branch on, and a summary page. Needs no token."""

import os
from collections.abc import Mapping
from pathlib import Path

from reconciler.cli.console import fail, print_exactly, say
from reconciler.model.preview import Preview
from reconciler.model.problem import Problem
from reconciler.report import preview_markdown
from reconciler.report.forges import ForgeName
from reconciler.report.preview_words import variables

GITLAB_FILE = "reconciler.env"
AZURE_SUMMARY = "reconciler-preview.md"


def hand_over(made: Preview, forge: ForgeName, fleet: str, artifact: str, environ: Mapping[str, str] = os.environ) -> None:
    """Give variables and summary to the agent in the forge's own way; end the command where its files cannot be written."""
    text = preview_markdown(made, forge, fleet, artifact)
    try:
        if forge is ForgeName.GITHUB:
            _github(made, text, environ)
        elif forge is ForgeName.GITLAB:
            Path(GITLAB_FILE).write_text(_lines(made), encoding="utf-8")
        else:
            _azure_devops(made, text, environ)
    except OSError as error:
        fail(Problem("cannot-write", f"{error.strerror or error}", "see the agent's own folders", subject="pipeline variables"))


def _lines(made: Preview) -> str:
    return "".join(f"{name}={value}\n" for name, value in variables(made).items())


def _github(made: Preview, text: str, environ: Mapping[str, str]) -> None:
    for variable, content in (("GITHUB_OUTPUT", _lines(made)), ("GITHUB_STEP_SUMMARY", text)):
        if not environ.get(variable):
            say(f"{variable} is not set, so nothing is handed over there")
            continue
        with Path(environ[variable]).open("a", encoding="utf-8") as file:
            file.write(content)


def _azure_devops(made: Preview, text: str, environ: Mapping[str, str]) -> None:
    """Agents read commands from standard output; values are words and numbers of ours."""
    for name, value in variables(made).items():
        print_exactly(f"##vso[task.setvariable variable={name};isOutput=true]{value}")
    summary = Path(environ.get("AGENT_TEMPDIRECTORY") or ".").resolve() / AZURE_SUMMARY
    summary.write_text(text, encoding="utf-8")
    print_exactly(f"##vso[task.uploadsummary]{summary}")

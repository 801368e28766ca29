"""``reconciler schema``: the published JSON Schemas, for editors and for programs that read our documents."""

from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli.console import fail, finish, print_data, say
from reconciler.desired.schemas import schema_names, schema_text
from reconciler.model.exit_codes import ExitCode
from reconciler.model.problem import Problem


def schema(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Which schema to print; without one, list them.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write all schemas into this folder.")] = None,
) -> None:
    """List, print or export the JSON Schemas of the desired state, the observation and the plan."""
    if out is not None:
        _export(out)
    elif name is None:
        print_data("\n".join(schema_names()))
    elif name in schema_names():
        print_data(schema_text(name))
    else:
        fail(
            Problem("unknown-schema", f"there is no schema {name!r}", f"one of: {', '.join(schema_names())}", subject="schema")
        )
    finish(ExitCode.DONE)


def _export(folder: Path) -> None:

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in schema_names():
            (folder / f"{name}.schema.json").write_text(schema_text(name), encoding="utf-8")
    except OSError as error:
        fail(Problem("cannot-write", f"{error.strerror or error}", "name a folder that can be written", subject=str(folder)))
    say(f"Wrote {len(schema_names())} schemas to {folder}.")

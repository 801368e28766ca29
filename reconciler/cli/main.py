"""The command line: one command a file, parsed by Typer; exit codes are ours, so that a typing error never reads as a plan."""

import io
import sys
from typing import Annotated

import typer

import reconciler
from reconciler.cli.commands import Commands
from reconciler.cli.console import Finished, print_data
from reconciler.model.exit_codes import ExitCode

# Typer ends with 2 on wrong usage, which in this field means "changes present"; see the table below.
TYPER_USAGE = 2

EPILOG = "Exit codes: " + " · ".join(f"{int(code)} {code.meaning}" for code in ExitCode)

app = typer.Typer(
    name="reconciler",
    cls=Commands,
    help="GitOps for Hyper-V fleets: YAML says where virtual machines run; see the exact moves, then let them happen safely.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print_data(f"reconciler {reconciler.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    _write_utf8()
    try:
        app(arguments if arguments is not None else sys.argv[1:])
    except Finished as finished:
        return finished.code
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)
    except SystemExit as ended:
        return int(ExitCode.USAGE) if ended.code == TYPER_USAGE else _plain(ended.code)
    return int(ExitCode.DONE)


def _write_utf8() -> None:
    """Names are Unicode and so are our signs; a pipe on Windows would otherwise get a code page that lacks them."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower().replace("-", "") != "utf8":
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _plain(code: object) -> int:
    if code is None:
        return int(ExitCode.DONE)
    return code if isinstance(code, int) else int(ExitCode.ERROR)


if __name__ == "__main__":
    sys.exit(main())

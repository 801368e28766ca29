"""Where commands print: data on standard output, talk on standard error, and how a command ends with its exit code."""

import json
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from shutil import get_terminal_size
from typing import Any, NoReturn, TextIO

from reconciler.cli.agents import unobeyed, unobeyed_json
from reconciler.model.exit_codes import ExitCode
from reconciler.model.problem import Problem


class Finished(Exception):  # noqa: N818 - the end of a command, not an error
    """A command has given its answer; carries the exit code past the argument parser."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def finish(code: ExitCode) -> NoReturn:
    """End the command with this exit code."""
    raise Finished(int(code))


def fail(*problems: Problem, code: ExitCode = ExitCode.ERROR) -> NoReturn:
    """Say what is wrong, and what to do about it, and end the command."""
    _say_problems(problems)
    finish(code)


def say(text: str) -> None:
    """Print talk (progress, warnings, errors) to standard error; nobody listening any more stops no run."""
    with suppress(OSError):
        _write(sys.stderr, unobeyed(text))


def print_data(text: str) -> None:
    """Print the answer to standard output; no name in it is a command to the agent of a pipeline."""
    print_exactly(unobeyed(text))


def print_exactly(text: str) -> None:
    """Print what another program reads. A reader that has seen enough (``head``) changes neither work nor exit code."""
    try:
        _write(sys.stdout, text)
    except OSError as error:
        fail(
            Problem("cannot-write", error.strerror or str(error), "make room where the output goes", subject="standard output")
        )


def _write(stream: TextIO, text: str) -> None:
    try:
        print(text.rstrip("\n"), file=stream, flush=True)
    except OSError as error:
        _silence(stream)
        if not isinstance(error, BrokenPipeError):
            raise


def _silence(stream: TextIO) -> None:
    """What is still buffered would fail once more, with a complaint, when the process ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def print_json(data: Any) -> None:
    """Print the answer as JSON, keys in the order the document gives them."""
    print_exactly(unobeyed_json(json.dumps(data, indent=2, ensure_ascii=False)))


def warn(problems: Iterable[Problem]) -> None:
    """Say problems that do not stop the command."""
    listed = list(problems)
    if listed:
        _say_problems(listed)


def _say_problems(problems: Iterable[Problem]) -> None:
    from reconciler.report import problems_text  # loads all views; --help and --version show none

    say(problems_text(problems))


def use_color() -> bool:
    """Colour only where a person sees it: on a terminal, unless NO_COLOR is set."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def width() -> int:
    """Return the columns to use for text: the terminal's, between 80 and 140; 120 where there is none."""
    return max(80, widest())


def widest() -> int:
    """Return the columns that bars may use: no more than the terminal has, for a bar that wraps cannot be taken back."""
    return min(140, get_terminal_size((120, 40)).columns)

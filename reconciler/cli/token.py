"""``reconciler token``: make a token for the service's API; it is shown once, and only its hash is kept."""

import os
import re
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from reconciler.api.tokens import Role, Token, TokensError, digest_of_token, new_token, read_tokens, token_entry
from reconciler.cli.console import fail, print_data, say
from reconciler.model.exit_codes import ExitCode
from reconciler.model.problem import Problem
from reconciler.wiring import system_clock

NAME = re.compile(r"^[A-Za-z0-9._-]{1,64}$")


class RoleName(StrEnum):
    """The roles as people write them."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


def token(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who will use it; this name stands in the audit trail.")],
    file: Annotated[Path, typer.Option("--file", metavar="FILE", help="The file that the service reads (api.tokens).")],
    role: Annotated[
        RoleName, typer.Option("--role", help="What it may do; each may do what those before it may.")
    ] = RoleName.VIEWER,
    days: Annotated[int | None, typer.Option("--days", min=1, max=3650, help="It ends after so many days.")] = None,
) -> None:
    """Make a token for the API and add its hash to a file; the token itself is printed, once."""
    if not NAME.match(name):
        fail(
            Problem("usage", "a name has letters, digits, dots and dashes", "for example: ci", subject=name[:64]),
            code=ExitCode.USAGE,
        )
    known = _known(file)
    if any(one.name == name for one in known):
        fail(Problem("token-exists", f"{name} has a token already", "take its entry out of the file first", subject=str(file)))
    secret = new_token(os.urandom)
    expires = system_clock().now() + timedelta(days=days) if days else None
    _add(file, token_entry(Token(name, Role[role.name], digest_of_token(secret), expires)))
    say(f"Added {name} ({role}) to {file}; the service reads it at its next start. This is the token, shown once:")
    print_data(secret)


def _known(file: Path) -> tuple[Token, ...]:
    if not file.exists():
        return ()
    try:
        return read_tokens(file)
    except TokensError as error:
        fail(error.problem)


def _add(file: Path, entry: str) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as out:
            out.write(entry if out.tell() else "tokens:\n" + entry)
    except OSError as error:
        fail(Problem("cannot-write", f"{error.strerror or error}", "name a file that can be written", subject=str(file)))

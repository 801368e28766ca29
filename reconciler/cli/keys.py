"""``reconciler keys``: a pair of keys, to sign published observations and to check them."""

from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli.console import fail, finish, print_data, say
from reconciler.files import FileProblem
from reconciler.model.exit_codes import ExitCode
from reconciler.published.keys import make_keys


def keys(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where to write the private key; the public one goes to FILE.pub.")
    ],
) -> None:
    """Make a pair of Ed25519 keys. The private one signs (observe --publish), the public one checks (preview --verify-key)."""
    try:
        public_file, text = make_keys(file)
    except FileProblem as problem:
        fail(problem.problem)
    say(f"Wrote {file} (keep it where observations are published) and {public_file}. The public key, for --verify-key:")
    print_data(text)
    finish(ExitCode.DONE)

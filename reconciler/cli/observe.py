"""``reconciler observe``: what do the hosts report? Reading never changes a host."""

import json
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reconciler.cli.arguments import DEFAULT_FOLDER, ConfigFile, Folder, ObservationFile, PlainOutput, TextOrJson
from reconciler.cli.console import fail, finish, print_data, print_json, say, use_color, width
from reconciler.cli.inputs import desired_or_fail, observation_or_fail
from reconciler.files import FileProblem
from reconciler.model.exit_codes import ExitCode
from reconciler.model.observation import Observation
from reconciler.model.problem import Problem
from reconciler.model.words import HostStatus
from reconciler.published.envelope import sealed
from reconciler.published.keys import public_text, read_private_key
from reconciler.published.placing import put_in_place
from reconciler.published.redaction import Redaction, redacted
from reconciler.report import observation_text
from reconciler.wiring import system_clock


def observe(
    folder: Folder = DEFAULT_FOLDER,
    observation: ObservationFile = None,
    save: Annotated[Path | None, typer.Option("--save", metavar="FILE", help="Save the observation for later use.")] = None,
    publish: Annotated[
        Path | None, typer.Option("--publish", metavar="FILE", help="Write it redacted and signed, for previews elsewhere.")
    ] = None,
    sign_key: Annotated[
        Path | None, typer.Option("--sign-key", metavar="KEYFILE", help="The private key to sign with (see 'reconciler keys').")
    ] = None,
    redact: Annotated[
        list[Redaction], typer.Option("--redact", help="What to leave out of what is published. May be repeated.")
    ] = [Redaction.ADDRESSES, Redaction.NOTES],  # noqa: B006 - typer copies it
    config: ConfigFile = None,
    output: PlainOutput = TextOrJson.TEXT,
) -> None:
    """Ask every host of the desired state once; a host that does not answer is named, with the reason."""
    key = _sign_key(publish, sign_key)
    desired = desired_or_fail(folder)
    seen = observation_or_fail(desired, observation, config, system_clock())
    if save:
        _save(seen, save)
    if publish and key:
        _publish(seen, publish, key, redact)
    if output is TextOrJson.JSON:
        print_json(seen.to_json())
    else:
        print_data(observation_text(seen, width=width(), color=use_color()))
    incomplete = any(host.status is not HostStatus.OK for host in seen.hosts)
    finish(ExitCode.INCOMPLETE if incomplete else ExitCode.DONE)


def _sign_key(publish: Path | None, sign_key: Path | None) -> Ed25519PrivateKey | None:
    """Read the key before any host is asked: a survey that cannot be published is not wanted."""
    if (publish is None) != (sign_key is None):
        finding = "--publish and --sign-key belong together: nothing is published unsigned"
        fail(Problem("usage", finding, "give both, or --save FILE", subject="observe"), code=ExitCode.USAGE)
    if sign_key is None:
        return None
    try:
        return read_private_key(sign_key)
    except FileProblem as problem:
        fail(problem.problem)


def _publish(seen: Observation, file: Path, key: Ed25519PrivateKey, redact: list[Redaction]) -> None:
    try:
        put_in_place(sealed(redacted(seen, redact), key), file)
    except OSError as error:
        fail(Problem("cannot-write", f"{error.strerror or error}", "name a file that can be written", subject=str(file)))
    say(f"Published to {file}, without {' and '.join(redact)}; signed by {public_text(key.public_key())}")


def _save(seen: Observation, file: Path) -> None:
    try:
        file.write_text(json.dumps(seen.to_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        fail(Problem("cannot-write", f"{error.strerror or error}", "name a file that can be written", subject=str(file)))
    say(f"Saved to {file}.")

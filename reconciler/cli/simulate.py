"""``reconciler simulate``: a simulated fleet on loopback, to try the program on, until Ctrl-C."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from reconciler.cli.console import fail, finish, print_data, say
from reconciler.clock import ScaledClock
from reconciler.files import FileProblem, read_observation
from reconciler.model.exit_codes import ExitCode
from reconciler.model.observation import Observation
from reconciler.model.problem import Problem
from reconciler.simulator.fleets import demo_observation
from reconciler.simulator.stage import Stage, staged


def simulate(
    observation: Annotated[
        Path | None, typer.Option("--observation", metavar="FILE", help="Boot this fleet; default: the demo's.")
    ] = None,
    speed: Annotated[float, typer.Option("--speed", min=0.1, max=10_000, help="Simulated seconds per second.")] = 1,
    first_port: Annotated[
        int | None, typer.Option("--first-port", min=1024, max=60_000, help="First port of 127.0.0.1; default: free ones.")
    ] = None,
    write_config: Annotated[
        Path, typer.Option("--write-config", metavar="FILE", help="Where to write the configuration that reaches this fleet.")
    ] = Path("simulated-fleet.yaml"),
    events: Annotated[
        Path | None, typer.Option("--events", metavar="FILE", help="Append what happens in the fleet, one JSON object a line.")
    ] = None,
) -> None:
    """Serve a simulated fleet, one WinRM endpoint per host, until Ctrl-C."""
    fleet = _fleet(observation)
    clock = ScaledClock(datetime.now(UTC), speed)
    _refuse_to_overwrite(write_config)
    try:
        with staged(fleet, clock, first_port=first_port) as stage, _written_config(stage, write_config):
            _introduce(stage, write_config)
            _until_interrupted(clock, stage, events)
    except OSError as error:
        fail(Problem("cannot-serve", _words_of(error), "choose another --first-port or --write-config", subject="simulate"))
    finish(ExitCode.DONE)


def _fleet(file: Path | None) -> Observation:
    if file is None:
        return demo_observation()
    try:
        return read_observation(file)
    except FileProblem as problem:
        fail(problem.problem)


def _refuse_to_overwrite(file: Path) -> None:
    """The configuration of real hosts, or of a fleet that still runs, must not be lost to a simulated one."""
    if file.exists():
        finding = "the file exists: another simulated fleet may be using it, or it is somebody's configuration"
        remedy = "name another with --write-config, or remove it if it was left behind"
        fail(Problem("file-exists", finding, remedy, subject=str(file)))


@contextmanager
def _written_config(stage: Stage, file: Path) -> Iterator[None]:
    """The file holds a password (of a fleet that does not exist): readable by its owner only, like a real one."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as text:
            yaml.safe_dump(_config_of(stage), text, sort_keys=False)
        yield
    finally:
        file.unlink(missing_ok=True)


def _words_of(error: OSError) -> str:
    """Return what the system says, with the file or the port it says it of."""
    said = error.strerror or str(error)
    return f"{error.filename}: {said}" if error.filename else said


def _config_of(stage: Stage) -> dict[str, Any]:
    config = stage.config
    return {"username": config.username, "password": config.password.reveal(), "endpoints": dict(config.endpoints)}


def _introduce(stage: Stage, config: Path) -> None:
    width = max(len(name) for name in stage.endpoints.urls)
    for name, url in stage.endpoints.urls.items():
        print_data(f"{name:<{width}}  {url}")
    say(f"\nIn another terminal:  reconciler plan --config {config}\nStop with Ctrl-C.")


def _until_interrupted(clock: ScaledClock, stage: Stage, events: Path | None) -> None:
    written = 0
    try:
        while True:
            clock.sleep(3600 if events is None else 10)
            written = _append(stage, events, written) if events else 0
    except KeyboardInterrupt:
        if events:
            _append(stage, events, written)
        say("Stopped.")


def _append(stage: Stage, file: Path, written: int) -> int:
    """Append what happened since; return how many happenings the file holds now."""
    new = stage.world.events_since(written)
    with file.open("a", encoding="utf-8") as text:
        for event in new:
            row = {
                "time": event.time.isoformat(),
                "kind": event.kind,
                "vm": event.vm,
                "host": event.host,
                "detail": event.detail,
            }
            text.write(json.dumps(row) + "\n")
    return written + len(new)

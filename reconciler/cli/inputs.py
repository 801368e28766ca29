"""What commands start from: the desired state of a folder, and an observation from a file or from the hosts."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.cli.console import fail, say, warn
from reconciler.clock import Clock
from reconciler.files import FileProblem, read_observation
from reconciler.folder import load_folder, user_cache
from reconciler.hosts.port import Hosts
from reconciler.hosts.winrm.config import WinRmConfigError
from reconciler.model.desired import Desired
from reconciler.model.observation import Observation
from reconciler.model.problem import Problem
from reconciler.observe import survey, targets_of
from reconciler.wiring import winrm_hosts


def load(folder: Path) -> tuple[Desired | None, tuple[Problem, ...]]:
    """Return the desired state of a folder, None where it has errors, and all its problems."""
    loaded = load_folder(folder, user_cache(os.environ))
    return loaded.desired, loaded.problems


def desired_or_fail(folder: Path) -> Desired:
    """Return the desired state, warnings said; end the command where it has errors."""
    desired, problems = load(folder)
    if desired is None:
        fail(*problems)
    warn(problems)
    return desired


def observation_or_fail(desired: Desired, file: Path | None, config: Path | None, clock: Clock) -> Observation:
    """Return the saved observation, or what the hosts report now."""
    if file is not None:
        return saved_observation_or_fail(file)
    with hosts_or_fail(config) as hosts:
        say(f"Asking {len(desired.hosts)} hosts ...")
        return survey(hosts, targets_of(desired), clock)


def saved_observation_or_fail(file: Path) -> Observation:
    """Return a saved observation; end the command where the file holds none."""
    try:
        return read_observation(file)
    except FileProblem as problem:
        fail(problem.problem)


@contextmanager
def hosts_or_fail(config: Path | None, *, may_change: bool = False) -> Iterator[Hosts]:
    """Reach the hosts as configured, to look only unless said; end the command where the configuration does not do."""
    try:
        with winrm_hosts(config, os.environ, may_change=may_change) as hosts:
            yield hosts
    except WinRmConfigError as error:
        finding, _, remedy = str(error).partition("; ")
        fail(Problem("configuration", finding, remedy or "see docs/winrm.md for its fields", subject="winrm"))

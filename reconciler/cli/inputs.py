"""What commands start from: the desired state of a folder, and an observation from a file or from the hosts."""

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from reconciler.cli.console import fail, say, warn
from reconciler.clock import Clock
from reconciler.controller.recall import FAILURE_KINDS, ROLE_KINDS, recall, recall_failures
from reconciler.desired.holding import holds_of_nobody, with_holds
from reconciler.files import FileProblem, read_observation
from reconciler.folder import load_folder, user_cache
from reconciler.hosts.port import Hosts
from reconciler.hosts.winrm.config import WinRmConfigError
from reconciler.model.announced import AnnouncedMove
from reconciler.model.desired import Desired
from reconciler.model.hold import MachineHold
from reconciler.model.memory import Memory
from reconciler.model.observation import Observation
from reconciler.model.problem import Problem
from reconciler.observe import survey, targets_of
from reconciler.store import Access, Entry, StoreError
from reconciler.store.holds import HOLD_KINDS, active_holds
from reconciler.store.plans import last_announced
from reconciler.wiring import open_store, winrm_hosts

Way = TypeVar("Way")


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


def entries_or_fail(state: Path | None, clock: Clock, kinds: Collection[str]) -> list[Entry]:
    """Return what the store has of these kinds, oldest first; end the command where it cannot be read."""
    try:
        with open_store(state, clock, command="read", access=Access.READ) as store:
            return store.entries(kinds=kinds)
    except StoreError as error:
        fail(error.problem)


def announced_or_fail(state: Path | None, clock: Clock) -> tuple[AnnouncedMove, ...]:
    """Return what the plan that was carried out last announced; nothing where no plan was ever carried out from here."""
    try:
        with open_store(state, clock, command="read", access=Access.READ) as store:
            return last_announced(store)
    except StoreError as error:
        fail(error.problem)


def holds_or_fail(state: Path | None, clock: Clock) -> tuple[MachineHold, ...]:
    """Return the runtime holds that stand now; end the command where the store cannot say."""
    return active_holds(entries_or_fail(state, clock, HOLD_KINDS), clock.now())


def desired_under_holds(folder: Path, state: Path | None, clock: Clock) -> Desired:
    """Return the desired state with the runtime holds upon it; end the command where either cannot be read."""
    desired = desired_or_fail(folder)
    holds = holds_or_fail(state, clock)
    warn(holds_of_nobody(desired, holds))
    return with_holds(desired, holds, clock.now())


def memory_or_fail(state: Path | None, clock: Clock, now: datetime) -> Memory:
    """Return what the store knew at that moment of failed attempts and of roles that are owed; end the command without it."""
    known = [entry for entry in entries_or_fail(state, clock, (*ROLE_KINDS, *FAILURE_KINDS)) if entry.at <= now]
    return recall_failures(recall(known), known)


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
    with configured(lambda: winrm_hosts(config, os.environ, may_change=may_change)) as hosts:
        yield hosts


@contextmanager
def configured(reach: Callable[[], AbstractContextManager[Way]]) -> Iterator[Way]:
    """Reach hosts in some way; end the command where the configuration does not do."""
    try:
        with reach() as way:
            yield way
    except WinRmConfigError as error:
        finding, _, remedy = str(error).partition("; ")
        fail(Problem("configuration", finding, remedy or "see docs/winrm.md for its fields", subject="winrm"))

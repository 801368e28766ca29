"""The only place that picks: real, recorded or simulated hosts, clock and journal. Everything below takes what it is given."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from reconciler.clock import Clock, SystemClock
from reconciler.cpsat import installed_solver
from reconciler.hosts.port import Hosts
from reconciler.hosts.winrm.config import Purpose, config_from
from reconciler.hosts.winrm.identities import TwoIdentities
from reconciler.journal import Journal, SqliteJournal
from reconciler.plan.solver import Solver


@contextmanager
def winrm_hosts(
    config_file: Path | None, environment: Mapping[str, str] = os.environ, *, may_change: bool = False
) -> Iterator[Hosts]:
    """Reach hosts over WinRM as the configuration says; give back shells and connections at the end.

    Only with ``may_change`` is the writing identity loaded; without it every change is refused before it leaves.
    """
    from reconciler.hosts.winrm.adapter import WinRmHosts  # its client takes a third of a second to load; files need none

    reading = WinRmHosts(as_reader := config_from(environment, config_file, Purpose.READ))
    hosts = TwoIdentities(reading, None)
    if may_change:
        as_writer = config_from(environment, config_file, Purpose.WRITE)
        hosts = TwoIdentities(reading, reading if as_writer == as_reader else WinRmHosts(as_writer))
    try:
        yield hosts
    finally:
        hosts.close()


@contextmanager
def file_journal(path: Path | None, clock: Clock) -> Iterator[Journal]:
    """Open the journal at ``path``, or where this system keeps an application's state."""
    journal = SqliteJournal(path or default_state_folder() / "journal.sqlite3", clock)
    try:
        yield journal
    finally:
        journal.close()


def default_state_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder for state: RECONCILER_STATE, else the system's usual place for this user."""
    if environment.get("RECONCILER_STATE"):
        return Path(environment["RECONCILER_STATE"])
    if sys.platform == "win32":
        return Path(environment.get("LOCALAPPDATA", str(Path.home()))) / "reconciler"
    return Path(environment.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "reconciler"


def solver() -> Solver | None:
    """Return the exact solver where it is installed (``pip install reconciler[solver]``), else None."""
    return installed_solver()


def system_clock() -> Clock:
    """Return the clock of this machine."""
    return SystemClock()

"""The only place that picks: real, recorded or simulated hosts, clock and store. Everything below takes what it is given."""

import getpass
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.clock import Clock, SystemClock
from reconciler.cpsat import installed_solver
from reconciler.hosts.port import Hosts
from reconciler.hosts.winrm.config import Purpose, WinRmConfig, config_from, kerberos_environment
from reconciler.hosts.winrm.identities import TwoIdentities
from reconciler.model.desired import Desired
from reconciler.plan.solver import Solver
from reconciler.store import Access, MemoryStore, Origin, Retention, SqliteStore, Store

if TYPE_CHECKING:
    from reconciler.hosts.winrm.recorded import Recorder


@contextmanager
def winrm_hosts(
    config_file: Path | None, environment: Mapping[str, str] = os.environ, *, may_change: bool = False
) -> Iterator[Hosts]:
    """Reach hosts over WinRM as the configuration says; give back shells and connections at the end.

    Only with ``may_change`` is the writing identity loaded; without it every change is refused before it leaves.
    """
    from reconciler.hosts.winrm.adapter import WinRmHosts  # its client takes a third of a second to load; files need none

    as_reader = config_from(environment, config_file, Purpose.READ)
    os.environ.update(kerberos_environment(as_reader))
    reading = WinRmHosts(as_reader)
    hosts = TwoIdentities(reading, None)
    if may_change:
        as_writer = config_from(environment, config_file, Purpose.WRITE)
        os.environ.update(kerberos_environment(as_writer))
        hosts = TwoIdentities(reading, reading if as_writer == as_reader else WinRmHosts(as_writer))
    try:
        yield hosts
    finally:
        hosts.close()


@contextmanager
def recorded_hosts(
    config_file: Path | None, clock: Clock, environment: Mapping[str, str] = os.environ
) -> Iterator[tuple[Hosts, "Recorder", WinRmConfig]]:
    """Reach hosts as the reader, and note every exchange; give back shells and connections at the end."""
    from reconciler.hosts.winrm.adapter import WinRmHosts
    from reconciler.hosts.winrm.recorded import Recorder

    config, recorder = config_from(environment, config_file, Purpose.READ), Recorder(clock)
    os.environ.update(kerberos_environment(config))
    hosts = WinRmHosts(config, make_channel=recorder.channel)
    try:
        yield TwoIdentities(hosts, None), recorder, config
    finally:
        hosts.close()


@contextmanager
def open_store(
    path: Path | None,
    clock: Clock,
    *,
    command: str,
    desired: Desired | None = None,
    access: Access = Access.CONTROL,
    environment: Mapping[str, str] = os.environ,
) -> Iterator[Store]:
    """Open the store at ``path``, or where this system keeps an application's state; entries name user, command and desired.

    Raise StoreError. For reading, a file that does not exist is an empty store.
    """
    file = path or default_store(environment)
    origin = Origin(who(), command, desired.revision if desired else None, desired.digest if desired else None)
    if access is Access.READ and not file.exists():
        yield MemoryStore(clock)
        return
    store = SqliteStore(file, clock, access=access, origin=origin, machine=socket.gethostname())
    try:
        if access is Access.CONTROL:
            store.trim(Retention())
        yield store
    finally:
        store.close()


def default_store(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the file of the store: ``store.sqlite3`` in the folder for state, or the journal that an older version left."""
    folder = default_state_folder(environment)
    store, journal = folder / "store.sqlite3", folder / "journal.sqlite3"
    return journal if journal.exists() and not store.exists() else store


def who() -> str:
    """Return ``user@host`` for whoever runs this process."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in many a container
        user = str(os.getuid()) if sys.platform != "win32" else "unknown"
    return f"{user}@{socket.gethostname()}"


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

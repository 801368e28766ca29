"""One wrong password is one failed logon, for all hosts together: domains lock accounts after a few.

Until a credential has been accepted once, only one host at a time is tried with it; once it has been refused, no host is
tried with it again in this process. Another password is another credential. After it has been accepted, one host that refuses
it has trouble of its own (a lost trust with its domain) and only that host is left alone; two in a row mean the password.
"""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from reconciler.hosts.winrm.config import WinRmConfig

IN_A_ROW: Final = 2  # so many hosts refuse a proven credential, none accepting it in between: it has been changed


class CredentialRefusedError(Exception):
    """The credential was refused before, by ``host``; it is not tried again."""

    def __init__(self, host: str) -> None:
        super().__init__(f"the credential was refused by {host}")
        self.host = host


class CredentialBusyError(Exception):
    """Another host is being tried with the credential for the first time, and takes its time."""


class Breaker:
    """What is known of one credential; shared by all channels that use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_good = False
        self._refused_by: str | None = None
        self._alone: set[str] = set()
        self._in_a_row: set[str] = set()

    def refuse(self, host: str) -> None:
        """Note that the host refused the credential: it is not tried there again, and nowhere once it seems to be wrong."""
        self._alone.add(host)
        self._in_a_row.add(host)
        if not self._is_good or len(self._in_a_row) >= IN_A_ROW:
            self._refused_by = self._refused_by or host

    @contextmanager
    def attempt(self, host: str, seconds: float) -> Iterator[None]:
        """Surround a logon. Raises CredentialRefusedError at once, CredentialBusyError after waiting that long.

        The first attempts wait for each other; leaving without an exception proves the credential good.
        """
        if self._is_good or not self._is_first(seconds):
            self.check(host)
            yield
            self._in_a_row.clear()
            return
        try:
            self.check(host)
            yield
            self._is_good = True
        finally:
            self._lock.release()

    def _is_first(self, seconds: float) -> bool:
        """Wait for whoever logs on before us. True, the lock held: nobody was accepted yet. False: all may go at once now."""
        if not self._lock.acquire(timeout=max(0.0, seconds)):
            raise CredentialBusyError
        if self._is_good:
            self._lock.release()
        return not self._is_good

    def check(self, host: str) -> None:
        """Raise CredentialRefusedError where the credential was refused before: by this host, or for all of them."""
        refused_by = self._refused_by or (host if host in self._alone else None)
        if refused_by is not None:
            raise CredentialRefusedError(refused_by)


class Breakers:
    """The breakers of a process, one for each credential."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, Breaker] = {}

    def of(self, config: WinRmConfig) -> Breaker:
        """Return the breaker of the configuration's credential; passwords are kept only as digests."""
        parts = (config.transport, config.username, config.password.reveal(), config.certificate_path or "")
        key = hashlib.sha256("\0".join(parts).encode()).hexdigest()
        with self._lock:
            return self._known.setdefault(key, Breaker())


PROCESS_BREAKERS: Final = Breakers()

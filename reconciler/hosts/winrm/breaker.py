"""One wrong password is one failed logon, for all hosts together: domains lock accounts after a few.

Until a credential has been accepted once, only one host at a time is tried with it; once it has been refused, no host is
tried with it again in this process. Another password is another credential.
"""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from reconciler.hosts.winrm.config import WinRmConfig


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

    def refuse(self, host: str) -> None:
        """Note that the host refused the credential: nobody tries it again."""
        self._refused_by = self._refused_by or host

    @contextmanager
    def attempt(self, seconds: float) -> Iterator[None]:
        """Surround a logon. Raises CredentialRefusedError at once, CredentialBusyError after waiting that long.

        The first attempts wait for each other; leaving without an exception proves the credential good.
        """
        if self._is_good:
            self.check()
            yield
            return
        if not self._lock.acquire(timeout=max(0.0, seconds)):
            raise CredentialBusyError
        try:
            self.check()
            yield
            self._is_good = True
        finally:
            self._lock.release()

    def check(self) -> None:
        """Raise CredentialRefusedError where the credential was refused before."""
        if self._refused_by is not None:
            raise CredentialRefusedError(self._refused_by)


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

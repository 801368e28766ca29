"""Publishing what was seen, redacted and signed, so that previews elsewhere need no credentials: as a file, and for the API."""

import threading
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reconciler.model.observation import Observation
from reconciler.published.envelope import sealed
from reconciler.published.placing import put_in_place
from reconciler.published.redaction import Redaction, redacted

EVERY: Final = timedelta(seconds=60)  # signing a large fleet takes a second; a preview does not mind facts of a minute ago


class Publisher:
    """Signs with one key. ``failed`` is called with a sentence when the file cannot be written, once for each new reason."""

    def __init__(
        self,
        key: Ed25519PrivateKey,
        redact: Collection[Redaction],
        file: Path | None = None,
        failed: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._key, self._redact, self._file, self._failed = key, tuple(redact), file, failed
        self._written_at: datetime | None = None
        self._trouble: str | None = None
        self._signed: tuple[datetime, bytes] | None = None
        self._lock = threading.Lock()

    def take(self, observation: Observation) -> None:
        """Write the file, if there is to be one and it is a minute old."""
        seen = observation.observed_at
        if self._file is None or (self._written_at is not None and timedelta(0) <= seen - self._written_at < EVERY):
            return
        trouble = self._write(self._file, self.signed(observation))
        if trouble is None:
            self._written_at = seen
        elif trouble != self._trouble:
            self._failed(trouble)
        self._trouble = trouble

    def signed(self, observation: Observation) -> bytes:
        """Return the envelope; the same one as long as nothing was seen since. May be called from any thread."""
        with self._lock:
            if self._signed is None or self._signed[0] != observation.observed_at:
                self._signed = (observation.observed_at, sealed(redacted(observation, self._redact), self._key))
            return self._signed[1]

    @staticmethod
    def _write(file: Path, content: bytes) -> str | None:
        try:
            put_in_place(content, file)
        except OSError as error:
            return f"{file} cannot be written: {error.strerror or error}"
        return None

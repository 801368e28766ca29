"""A store that forgets at the end of the process; for demos and simulation. It behaves like the one on disk in all else."""

import json
from collections import defaultdict
from collections.abc import Collection
from typing import Any

from reconciler.clock import Clock
from reconciler.model.document import canonical_json
from reconciler.store.chain import let_go_by, next_entry
from reconciler.store.kinds import TRIMMED
from reconciler.store.port import Entry, Origin, Retention
from reconciler.store.retention import expendable, joined


class MemoryStore:
    """Entries in a list, and by kind."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._origin = clock, Origin()
        self._entries: list[Entry] = []
        self._by_kind: dict[str, list[Entry]] = defaultdict(list)

    def acting(self, origin: Origin) -> None:
        """Say on whose behalf all that follows is appended."""
        self._origin = origin

    def append(self, kind: str, data: dict[str, Any]) -> Entry:
        """Keep one entry; what the caller does to ``data`` later does not change it."""
        last = self._entries[-1] if self._entries else None
        entry = next_entry(last, self._clock.now(), kind, json.loads(canonical_json(data)), self._origin)
        self._entries.append(entry)
        self._by_kind[kind].append(entry)
        return entry

    def entries(
        self, *, kinds: Collection[str] = (), about: str | None = None, after: int = 0, limit: int | None = None
    ) -> list[Entry]:
        """Return entries, oldest first; see the port."""
        found = [entry for entry in self._of(kinds) if entry.number > after]
        if about is not None:
            subjects = {about.casefold(), *(one.subject for one in self._entries if one.name == about.casefold())} - {""}
            found = [entry for entry in found if entry.subject in subjects or entry.name == about.casefold()]
        return found if limit is None else found[max(0, len(found) - limit) :]

    def _of(self, kinds: Collection[str]) -> list[Entry]:
        if not kinds:
            return self._entries
        return sorted((entry for kind in set(kinds) for entry in self._by_kind[kind]), key=lambda entry: entry.number)

    def latest(self, kinds: Collection[str]) -> list[Entry]:
        """Return for each subject the newest of its entries of these kinds, oldest first."""
        newest = {entry.subject: entry for entry in self._of(kinds)} if kinds else {}
        return sorted(newest.values(), key=lambda entry: entry.number)

    def trim(self, retention: Retention) -> int:
        """Let go of what need not be kept."""
        gone = expendable(self._entries, retention, self._clock.now())
        if gone:
            ranges = joined(let_go_by(self._by_kind[TRIMMED]), gone)
            self.append(TRIMMED, {"entries": len(gone), "ranges": ranges})
            unwanted = set(gone)
            self._entries = [entry for entry in self._entries if entry.number not in unwanted]
            self._by_kind.clear()
            for entry in self._entries:
                self._by_kind[entry.kind].append(entry)
        return len(gone)

    def close(self) -> None:
        """Nothing is held."""

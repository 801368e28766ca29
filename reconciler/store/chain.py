"""The chain of entries: each is sealed with a digest over itself and the seal before, so that gaps and edits are seen. Pure.

It guards against accidents and quiet edits of single entries. Whoever may write the file can forge a whole chain anew; against
that, keep the newest seal elsewhere: ``reconciler history --export`` prints it.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from reconciler.model.document import canonical_json
from reconciler.store.kinds import TRIMMED, name_of, subject_of
from reconciler.store.port import Entry, Origin

Ranges = list[tuple[int, int]]


def next_entry(last: Entry | None, at: datetime, kind: str, data: dict[str, Any], origin: Origin) -> Entry:
    """Return the entry that follows ``last`` (None: the first of all), sealed."""
    number, previous = (last.number + 1, last.seal) if last else (1, "")
    made = Entry(at, kind, data, number, subject_of(data), name_of(data), origin, previous)
    return replace(made, seal=seal_of(made))


def seal_of(entry: Entry) -> str:
    """Return the SHA-256, in hex, of the entry and the seal before it."""
    origin = entry.origin
    by = [origin.actor, origin.command, origin.revision, origin.digest]
    what = [entry.number, entry.at.isoformat(), entry.kind, entry.subject, entry.name, by, entry.data]
    return hashlib.sha256(canonical_json([entry.previous, what]).encode("ascii")).hexdigest()


def breaches(entries: Iterable[Entry], let_go: Ranges) -> Iterator[str]:
    """Say what is wrong with a chain, oldest first. ``let_go`` are the numbers that ``trim`` took out, first and last each."""
    before: Entry | None = None
    for entry in entries:
        if seal_of(entry) != entry.seal:
            yield f"entry {entry.number} is not as it was written"
        yield from _link(before, entry, let_go)
        before = entry


def _link(before: Entry | None, entry: Entry, let_go: Ranges) -> Iterator[str]:
    expected = before.number + 1 if before else 1
    if entry.number == expected and entry.previous != (before.seal if before else ""):
        yield f"entry {entry.number} does not follow from the one before it"
    elif entry.number != expected and not any(first <= expected and entry.number <= last + 1 for first, last in let_go):
        yield f"entries {expected} to {entry.number - 1} are missing"


def let_go_by(trims: Sequence[Entry]) -> Ranges:
    """Return the numbers that have been trimmed, as the newest of the entries that record it says."""
    newest = max((entry for entry in trims if entry.kind == TRIMMED), key=lambda entry: entry.number, default=None)
    return [(int(first), int(last)) for first, last in newest.data["ranges"]] if newest else []

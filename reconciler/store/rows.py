"""Entries as rows of the SQLite store, and back. Long data (a plan, a list of machines) is stored compressed."""

import json
import zlib
from datetime import datetime
from typing import Any, Final

from reconciler.model.document import canonical_json
from reconciler.store.port import Entry, Origin

COLUMNS: Final = "number, at, kind, subject, name, actor, command, revision, digest, data, previous, seal"
INSERT: Final = f"INSERT INTO entries ({COLUMNS}) VALUES ({', '.join('?' * len(COLUMNS.split(',')))})"
SELECT: Final = f"SELECT {COLUMNS} FROM entries"
LONG: Final = 4096  # characters; below, compression saves less than a page


def row_of(entry: Entry) -> tuple[Any, ...]:
    """Return the row that keeps this entry."""
    origin = entry.origin
    by = (origin.actor, origin.command, origin.revision, origin.digest)
    text = canonical_json(entry.data)
    data = zlib.compress(text.encode("ascii")) if len(text) > LONG else text
    return (entry.number, entry.at.isoformat(), entry.kind, entry.subject, entry.name, *by, data, entry.previous, entry.seal)


def entry_of(row: tuple[Any, ...]) -> Entry:
    """Return the entry that a row keeps; ValueError or zlib.error where it is no entry of ours."""
    number, at, kind, subject, name, actor, command, revision, digest, data, previous, seal = row
    text = zlib.decompress(data) if isinstance(data, bytes) else data
    origin = Origin(actor, command, revision, digest)
    return Entry(datetime.fromisoformat(at), kind, json.loads(text), number, subject, name, origin, previous, seal)


def line_of(entry: Entry) -> dict[str, Any]:
    """Return the entry as it is exported: all its fields, so that the chain can be checked without us."""
    origin = entry.origin
    return {
        "number": entry.number,
        "at": entry.at.isoformat(),
        "kind": entry.kind,
        "subject": entry.subject,
        "name": entry.name,
        "actor": origin.actor,
        "command": origin.command,
        "revision": origin.revision,
        "digest": origin.digest,
        "data": entry.data,
        "previous": entry.previous,
        "seal": entry.seal,
    }

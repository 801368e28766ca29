"""Which entries a store may let go of: old ones, or the oldest of too many, unless something is still open. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from reconciler.store.holds import standing
from reconciler.store.kinds import ENDED_BY, NEWEST_MATTERS
from reconciler.store.port import Entry, Retention

Ranges = list[tuple[int, int]]


def expendable(entries: Sequence[Entry], retention: Retention, now: datetime) -> list[int]:
    """Return the numbers of the entries, of all that a store has, that may go; the newest never does."""
    if not entries:
        return []
    oldest_kept = now - retention.age
    first_kept = entries[max(0, len(entries) - max(1, retention.entries))].number
    needed = _needed(entries, now) | {entries[-1].number}
    old = (entry for entry in entries if entry.at < oldest_kept or entry.number < first_kept)
    gone = [entry.number for entry in old if entry.number not in needed]
    return gone if len(gone) > retention.slack else []


def _needed(entries: Iterable[Entry], now: datetime) -> set[int]:
    """What is still open, and the newest of what only the newest matters of."""
    ended: dict[tuple[str, str], int] = {}
    newest: dict[str, int] = {}
    listed = list(entries)
    for entry in listed:
        ended[entry.kind, entry.subject] = entry.number
        newest[entry.kind] = entry.number
    open_entries = {entry.number for entry in listed if _is_open(entry, ended)}
    holds = {entry.number for entry in standing(listed).values() if not _lapsed(entry, now)}
    return open_entries | holds | {newest[kind] for kind in NEWEST_MATTERS if kind in newest}


def _is_open(entry: Entry, ended: dict[tuple[str, str], int]) -> bool:
    enders = ENDED_BY.get(entry.kind)
    return enders is not None and all(ended.get((kind, entry.subject), 0) < entry.number for kind in enders)


def _lapsed(entry: Entry, now: datetime) -> bool:
    until = entry.data.get("until")
    return until is not None and datetime.fromisoformat(until) <= now


def joined(ranges: Ranges, numbers: Sequence[int]) -> Ranges:
    """Return the ranges with these numbers (ascending) taken in, sorted, and neighbours made one."""
    result: Ranges = []
    for first, last in sorted([*ranges, *((number, number) for number in numbers)]):
        if result and first <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(last, result[-1][1]))
        else:
            result.append((first, last))
    return result

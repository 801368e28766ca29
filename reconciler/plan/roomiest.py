"""Hosts to choose from, those with most room first; the order is mended while machines come and go, never made anew.

Thousands of machines share one list of hosts, and each choice changes the room of two: sorting the list again for each machine
was most of the time that draining a large fleet took. Knows names and numbers; decides nothing.
"""

from bisect import bisect_left, insort
from collections.abc import Mapping

Ranked = tuple[int, str, str]  # room, taken negative; name, case folded; name


class Rooms:
    """MiB for arrivals at each host, as the choices made so far leave it. None is not known, and ranks like no room."""

    def __init__(self, by_host: dict[str, int | None]) -> None:
        self.by_host = by_host
        self.changed: list[str] = []  # hosts in the order in which their room changed

    def get(self, host: str) -> int | None:
        """Return the room at a host, or None where it is not known."""
        return self.by_host.get(host)

    def add(self, host: str, mib: int) -> None:
        """Count on so much more room (or less) at a host; unknown stays unknown."""
        room = self.by_host.get(host)
        if room is not None and mib:
            self.by_host[host] = room + mib
            self.changed.append(host)


class HostList:
    """One list of hosts without doubles (case does not matter). ``closed`` are those that take nobody, by name."""

    def __init__(self, names: tuple[str, ...], rooms: Rooms, closed: frozenset[str]) -> None:
        self._rooms = rooms
        self.hosts: Mapping[str, str] = dict(sorted({name.casefold(): name for name in sorted(names)}.items()))
        self.closed = [(key, host) for key, host in self.hosts.items() if host in closed]
        self._open = {host: key for key, host in self.hosts.items() if host not in closed}
        self._rank()

    def without(self, home: str) -> int:
        """Return how many hosts there are to choose from for a machine on ``home`` (case folded)."""
        return len(self.hosts) - (self.leaves_out(home))

    def leaves_out(self, home: str) -> bool:
        """Tell whether a machine that must go has another host in this list than ``home``, and home is in it."""
        return home in self.hosts and len(self.hosts) > 1

    def entry(self, key: str) -> Ranked | None:
        """Return the rank of an open host of the list by its name (case folded)."""
        host = self.hosts.get(key)
        return self._rank_of(host) if host is not None and host in self._open else None

    def ranked(self) -> list[Ranked]:
        """Return the open hosts, those with most room first, then by name; good until a room changes."""
        changed = self._rooms.changed[self._seen :]
        if len(changed) > len(self._entries):
            self._rank()
        else:
            for host in changed:
                if host in self._entries:
                    self._mend(host)
            self._seen += len(changed)
        return self._ranked

    def _rank(self) -> None:
        self._entries = {host: self._rank_of(host) for host in self._open}
        self._ranked = sorted(self._entries.values())
        self._seen = len(self._rooms.changed)

    def _rank_of(self, host: str) -> Ranked:
        return -(self._rooms.get(host) or 0), self._open[host], host

    def _mend(self, host: str) -> None:
        before, now = self._entries[host], self._rank_of(host)
        if before != now:
            del self._ranked[bisect_left(self._ranked, before)]
            insort(self._ranked, now)
            self._entries[host] = now

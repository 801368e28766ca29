"""Each machine's own order of hosts: fixed, another one for each machine, and the same whatever others do meanwhile.

Of hosts that are equally good the first in this order with room is taken. What others have done only ever takes room away that
was planned for them anyway, so a machine's first host with room stays the same while a plan is carried out; "the host with
most room" would not. Hosts stand on a ring by their names' digests, several times each so that they get like shares; a machine
begins at the place of its own digest. A host that comes or goes changes nothing for those who were not bound for it. The
host that a machine was announced to go to, where that is known, is its first: room freed elsewhere draws nobody away.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Iterator, Mapping

ROUND = 2**32


class OwnOrder:
    """Digests are taken once for each name, rings once for each list of hosts. ``announced``: hosts by VMId (case folded)."""

    def __init__(self, announced: Mapping[str, str]) -> None:
        self._announced = announced
        self._points: dict[str, tuple[int, ...]] = {}
        self._rings: dict[int, tuple[tuple[str, ...], list[tuple[int, str]]]] = {}

    def distance(self, machine: str, host: str) -> int:
        """Return how far along its order a machine (VMId) meets a host; the smaller, the earlier."""
        if self._announced.get(machine.casefold()) == host:
            return -1
        start = self._of(machine)[0]
        return min((point - start) % ROUND for point in self._of(host))

    def walk(self, machine: str, hosts: tuple[str, ...]) -> Iterator[str]:
        """Yield hosts in the machine's own order, each once; ``hosts`` is one object for all machines with the same list."""
        if id(hosts) not in self._rings:
            self._rings[id(hosts)] = hosts, sorted((point, host) for host in hosts for point in self._of(host))
        ring, met = self._rings[id(hosts)][1], set[str]()
        if (first_of_all := self._announced.get(machine.casefold())) in hosts:
            met.add(first_of_all)
            yield first_of_all
        first = bisect_left(ring, (self._of(machine)[0], ""))
        for number in range(len(ring)):
            host = ring[(first + number) % len(ring)][1]
            if host not in met:
                met.add(host)
                yield host

    def _of(self, name: str) -> tuple[int, ...]:
        if (points := self._points.get(name)) is None:
            digest = hashlib.sha256(name.casefold().encode()).digest()
            points = self._points[name] = tuple(int.from_bytes(digest[at : at + 4], "big") for at in range(0, 32, 4))
        return points

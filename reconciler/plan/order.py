"""The safe sequence: moves one after the other, each with the earlier ones it must wait for, so that any order that
respects the waits is safe in memory, disk space and required rules. What fits nowhere in the sequence is left over.
"""

import hashlib
import heapq
from collections import defaultdict
from collections.abc import Callable, Sequence

from reconciler.model.desired import PlacementRule
from reconciler.model.drift import MachineDrift
from reconciler.plan.fleet import Fleet
from reconciler.plan.moves import Move, Placed
from reconciler.plan.pools import NOW, Pool
from reconciler.plan.rules import Rules

Key = tuple[str, ...]
Rank = Callable[[Move], tuple[object, ...]]
GIB = 1024**3
ATTEMPTS = 8  # shuffled orders tried when the sensible ones leave something over


class State:
    """What has been placed so far and the room that is left; cheap to copy, so that a search can branch."""

    def __init__(self, fleet: Fleet, rules: Rules) -> None:
        self.fleet, self.rules = fleet, rules
        self.placed: list[Placed] = []
        self._pools: dict[Key, Pool] = {}
        self._last: dict[str, int] = {}
        self._present: dict[Key, tuple[str, ...]] = {}
        self._left: dict[Key, tuple[tuple[int, str], ...]] = {}
        # Kept with the move itself, so that no other can get its number; shared by all copies.
        self._costs: dict[int, tuple[Move, dict[Key, int], dict[Key, int]]] = {}
        for rule in rules.required:
            self._settle(rule)

    def copy(self) -> "State":
        """Return an independent state; pools and rule members are immutable and therefore shared."""
        other = object.__new__(State)
        other.fleet, other.rules, other.placed = self.fleet, self.rules, list(self.placed)
        other._pools, other._last = dict(self._pools), dict(self._last)
        other._present, other._left = dict(self._present), dict(self._left)
        other._costs = self._costs
        return other

    def obstacle(self, move: Move) -> Key | None:
        """Return what keeps a move from being next (a pool or a rule's place), or None where nothing does."""
        for key, amount in self.takes(move).items():
            if not self._pool(key).fits(amount):
                return key
        return next((key for key in self._arrivals(move) if self._mates(key, move)), None) if self.rules.required else None

    def place(self, move: Move) -> list[Key]:
        """Put a move next, and return the keys under which something became free."""
        index, waits = len(self.placed), self._waits_of_rules(move)
        if move.id in self._last:
            waits.setdefault(self._last[move.id], "the same machine has to arrive there first")
        for key, amount in self.takes(move).items():
            self._pools[key], givers, lacking = self._pool(key).take(amount)
            for giver in givers:
                waits.setdefault(giver, _lack(self.fleet, key, lacking))
        gives = self.gives(move)
        for key, amount in gives.items():
            self._pools[key] = self._pool(key).give(amount, index)
        self.placed.append(Placed(move, dict(sorted(waits.items())) if len(waits) > 1 else waits))
        self._last[move.id] = index
        return list(gives) + (self._pass_on(move, index) if self.rules.required else [])

    def takes(self, move: Move) -> dict[Key, int]:
        """Return what a move needs while it is on its way."""
        return self._cost(move)[1]

    def gives(self, move: Move) -> dict[Key, int]:
        """Return what a move frees once it has ended."""
        return self._cost(move)[2]

    def _cost(self, move: Move) -> tuple[Move, dict[Key, int], dict[Key, int]]:
        if (known := self._costs.get(id(move))) is None:
            known = self._costs[id(move)] = (move, _takes(self.fleet, move), _gives(self.fleet, move))
        return known

    def release(self, host: str, mib: int) -> None:
        """Count on memory that a migration already running will free."""
        key = memory_key(host)
        self._pools[key] = self._pool(key).give(mib, NOW)

    def count_on_leavers(self) -> None:
        """Count on the memory of all machines that are on their way to where they belong."""
        for host, mib in sorted(self.fleet.leaving_memory.items()):
            self.release(host, mib)

    def room_ever(self, key: Key) -> int | None:
        """Return the room under a key once all that was placed has happened."""
        pool = self._pool(key)
        return None if pool.tokens is None else sum(size for _, size in pool.tokens) - pool.debt

    def room_under(self, key: Key) -> int | None:
        """Return ``room_ever``; of a rule's place, how many may still come: one, less those who are there."""
        return 1 - len(self._present.get(key, ())) if key[0] == "rule" else self.room_ever(key)

    def rule_places(self, move: Move) -> tuple[dict[Key, int], dict[Key, int]]:
        """Return the places of rules that a move takes while it is on its way, and those that it frees."""
        arrivals = self._arrivals(move)
        rules = {rule.name: rule for rule in self.rules.apart(move.drift)}
        freed = [("rule", key[1], self.rules.value(rules[key[1]], move.source) or "") for key in arrivals]
        return dict.fromkeys(arrivals, 1), dict.fromkeys(freed, 1)

    def _pool(self, key: Key) -> Pool:
        if key not in self._pools:
            if key[0] == "memory":
                self._pools[key] = Pool.of(self.fleet.memory_room(key[1]))
            else:
                self._pools[key] = Pool.of(self.fleet.room_under((key[1], key[2], key[3])))
        return self._pools[key]

    def _settle(self, rule: PlacementRule) -> None:
        for name in sorted(rule.virtual_machines):
            member = self.rules.members.get(name.casefold())
            for host in member.hosts if member else ():
                key = ("rule", rule.name, self.rules.value(rule, host) or "")
                self._present[key] = (*self._present.get(key, ()), name.casefold())

    def _arrivals(self, move: Move) -> list[Key]:
        """The rule places that the machine comes to and was not in before."""
        found: list[Key] = []
        if not self.rules.required:
            return found
        for rule in self.rules.apart(move.drift):
            here, there = self.rules.value(rule, move.source), self.rules.value(rule, move.target)
            if here != there:
                found.append(("rule", rule.name, there or ""))
        return found

    def is_kept_off(self, move: Move, leavers: frozenset[str]) -> bool:
        """Tell whether a mate that is none of those who may still leave stands where a move leads: moving, or seen twice."""
        return any(name not in leavers for key in self._arrivals(move) for name in self._mates(key, move))

    def mates_at(self, key: Key, move: Move) -> list[MachineDrift]:
        """Return the managed machines that keep a move off a rule's place."""
        names = set(self._mates(key, move))
        return [drift for drift in self.fleet.drift.machines if drift.machine.name.casefold() in names]

    def _mates(self, key: Key, move: Move) -> list[str]:
        own = move.drift.machine.name.casefold()
        return [name for name in self._present.get(key, ()) if name != own]

    def _waits_of_rules(self, move: Move) -> dict[int, str]:
        if not self._left:
            return {}
        own = move.drift.machine.name.casefold()
        return {
            index: f"rule {key[1]} keeps it apart from {name} until then"
            for key in self._arrivals(move)
            for index, name in self._left.get(key, ())
            if name != own
        }

    def _pass_on(self, move: Move, index: int) -> list[Key]:
        own = move.drift.machine.name.casefold()
        freed: list[Key] = []
        for arrival in self._arrivals(move):
            rule = next(rule for rule in self.rules.apart(move.drift) if rule.name == arrival[1])
            departure = ("rule", rule.name, self.rules.value(rule, move.source) or "")
            self._present[arrival] = (*self._present.get(arrival, ()), own)
            self._present[departure] = tuple(name for name in self._present.get(departure, ()) if name != own)
            self._left[departure] = (*self._left.get(departure, ()), (index, own))
            freed.append(departure)
        return freed


def memory_key(host: str) -> Key:
    """Return the key of a host's memory."""
    return ("memory", host.casefold())


def _takes(fleet: Fleet, move: Move) -> dict[Key, int]:
    """Return what a move needs while it is on its way: MiB under memory keys, bytes under volume keys."""
    wanted: dict[Key, int] = defaultdict(int)
    if move.memory_mib:
        wanted[memory_key(move.target)] += move.memory_mib
        if move.route.starts:
            wanted[memory_key(move.source)] += move.memory_mib
    for file in move.route.storage:
        if file.bytes:
            wanted[volume_key(fleet, move.target, file.target)] += file.bytes
    return wanted


def _gives(fleet: Fleet, move: Move) -> dict[Key, int]:
    """Return what a move frees once it has ended."""
    freed: dict[Key, int] = defaultdict(int)
    if move.memory_mib:
        freed[memory_key(move.source)] += move.memory_mib
    for file in move.route.storage:
        if file.bytes:
            freed[volume_key(fleet, move.source, file.source)] += file.bytes
    return freed


def put_in_order(fleet: Fleet, rules: Rules, moves: Sequence[Move]) -> tuple[State, list[Move]]:
    """Return the best safe sequence found and the moves that did not fit into it.

    Sensible orders are tried first (by priority; then departures from places that others wait for), then a few fixed
    shuffles: taking whatever fits can give the last hole to an outsider that a ring of moves needed.
    """
    best: tuple[State, list[Move]] | None = None
    for rank in _ranks(moves):
        state = State(fleet, rules)
        left = run(state, moves, rank)
        if left and fleet.leaving_memory:
            state.count_on_leavers()
            left = run(state, left, rank)
        if best is None or len(left) < len(best[1]):
            best = state, left
        if not left:
            break
    assert best is not None
    return best


def run(state: State, moves: Sequence[Move], rank: Rank) -> list[Move]:
    """Place all moves that fit, the lowest rank first, waking those that waited for what a move frees; return the rest."""
    ready = [(rank(move), number, move) for number, move in enumerate(moves)]
    heapq.heapify(ready)
    waiting: dict[Key, list[tuple[tuple[object, ...], int, Move]]] = defaultdict(list)
    while ready:
        entry = heapq.heappop(ready)
        obstacle = state.obstacle(entry[2])
        if obstacle is not None:
            waiting[obstacle].append(entry)
            continue
        for key in state.place(entry[2]):
            for woken in waiting.pop(key, ()):
                heapq.heappush(ready, woken)
    return [entry[2] for entry in sorted((entry for entries in waiting.values() for entry in entries), key=lambda one: one[:2])]


def by_priority(move: Move) -> tuple[object, ...]:
    """Rank by the priority people gave, then by name, so that a plan reads well and never depends on input order."""
    return (-move.drift.machine.migration.priority, move.drift.machine.name.casefold(), move.id)


def _ranks(moves: Sequence[Move]) -> list[Rank]:
    awaited = {move.target for move in moves if move.changes_host}

    def holes_first(move: Move) -> tuple[object, ...]:
        return (move.source not in awaited, *by_priority(move))

    def large_first(move: Move) -> tuple[object, ...]:
        return (-move.memory_mib, *by_priority(move))

    def shuffled(attempt: int) -> Rank:
        return lambda move: (hashlib.sha256(f"{attempt} {move.id}".encode()).hexdigest(), move.id)

    return [by_priority, holes_first, large_first, *(shuffled(attempt) for attempt in range(ATTEMPTS))]


def volume_key(fleet: Fleet, host: str, path: str) -> Key:
    """Return the key of the volume that a path lies on, seen from a host."""
    return ("volume", *fleet.volume_room(host, path).key)


def _lack(fleet: Fleet, key: Key, amount: int) -> str:
    if key[0] == "memory":
        return f"{_name(fleet, key[1])} lacks {_memory(amount)} until then"
    return f"{place_of(fleet, key)} lacks {amount / GIB:.1f} GiB until then"


def place_of(fleet: Fleet, key: Key) -> str:
    """Return the words for a volume: its path, and of a host's own the host."""
    return f"{key[3]} of {_name(fleet, key[2])}" if key[1] == "host" else key[3]


def _name(fleet: Fleet, host: str) -> str:
    known = fleet.observation.host(host)
    return known.name if known else host


def _memory(mib: int) -> str:
    return f"{mib / 1024:g} GiB" if mib % 256 == 0 else f"{mib} MiB"

"""Place several machines at once, with as few migrations as there can be: an exact search over hosts, with a budget.

Knows sizes, rooms, costs and groups, and nothing of the fleet: ``exact`` makes the puzzle and reads the answer. Room is that
of the end state; which order is safe is settled later. Deterministic: the budget counts tries, never seconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

DEEPEST = 6  # extra migrations, and machines left out, that are searched for


@dataclass(frozen=True, slots=True)
class Item:
    """A machine. ``options`` are (host, migrations) in the order of preference; ``home`` is where it stands.

    ``forced``: it must go to one of its options. Otherwise it stays at no cost, and may go to make room. Those with few
    ``choices`` (by default: options) are placed first.
    """

    name: str
    home: str
    size: int
    options: tuple[tuple[str, int], ...]
    forced: bool = True
    choices: int | None = None

    @property
    def cheapest(self) -> int:
        """The migrations that its cheapest option takes."""
        return min((cost for _, cost in self.options), default=0)


@dataclass(frozen=True, slots=True)
class Group:
    """Items that must share no value (``apart``), or share one. ``values`` are hosts' values; ``fixed`` those of outsiders."""

    apart: bool
    members: frozenset[str]
    values: dict[str, str | None]
    fixed: tuple[str, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class Puzzle:
    """What is to be placed. ``room``: what arrivals may take per host once every forced item has left; None: no limit."""

    items: tuple[Item, ...]
    room: dict[str, int | None]
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """Hosts by item for all that go, forced items left out, and the fewest migrations that any answer takes.

    ``bound`` is for as many items as are placed here; ``proven``: nobody can place more, nor place these with fewer;
    ``impossible``: it is proven that somebody must be left out.
    """

    hosts: dict[str, str]
    left_out: tuple[str, ...]
    migrations: int
    bound: int
    proven: bool
    impossible: bool = False


@dataclass(slots=True)
class _Search:
    puzzle: Puzzle
    budget: int
    room: dict[str, int | None]
    at: dict[str, str]
    items: dict[str, Item]
    groups: dict[str, list[Group]] = field(default_factory=dict)
    mates_here: dict[str, list[str]] = field(default_factory=dict)


def assign(puzzle: Puzzle, budget: int) -> Answer | None:
    """Return the best placement found; None where the budget ended before any was.

    Machines left out come first in the order of badness, then migrations; each pair of numbers is tried from below, so the
    first answer is the best one, proven as long as the budget held until then.
    """
    search = _begin(puzzle, budget)
    forced = sorted((item for item in puzzle.items if item.forced), key=_tightest)
    least = sum(item.cheapest for item in forced)
    for out in range(min(DEEPEST, len(forced)) + 1):
        for extra in range(DEEPEST + 1 if out == 0 else 2):
            found = _place(search, forced, extra, out, {})
            if search.budget <= 0 and found is None:
                return None
            if found is not None:
                return _answer(search, found, least, extra, proven=out == 0)
    return None


def _tightest(item: Item) -> tuple[int, int, str]:
    """The order of placing machines one by one, too: what it finds without turning back is what the search finds first."""
    return (len(item.options) if item.choices is None else item.choices, -item.size, item.name)


def _begin(puzzle: Puzzle, budget: int) -> _Search:
    items = {item.name: item for item in puzzle.items}
    at = {item.name: item.home for item in puzzle.items if not item.forced}
    search = _Search(puzzle, budget, dict(puzzle.room), at, items)
    for group in puzzle.groups:
        for name in sorted(group.members):
            search.groups.setdefault(name, []).append(group)
    for item in sorted(puzzle.items, key=lambda one: (one.size, one.name)):
        if not item.forced:
            search.mates_here.setdefault(item.home, []).append(item.name)
    return search


def _answer(search: _Search, found: dict[str, str | None], least: int, extra: int, *, proven: bool) -> Answer:
    hosts = {name: host for name, host in found.items() if host is not None}
    left_out = tuple(sorted(name for name, host in found.items() if host is None))
    migrations = sum(dict(search.items[name].options)[host] for name, host in hosts.items())
    spared = sum(search.items[name].cheapest for name in left_out)
    bound = least + extra if proven else least - spared
    # With nobody to make way and no dearer option left untried, the search for a place for all was exhaustive.
    dearer = sum(max((cost for _, cost in item.options), default=0) - item.cheapest for item in search.items.values())
    alone = not any(item.options for item in search.items.values() if not item.forced)
    return Answer(hosts, left_out, migrations, min(bound, migrations), proven, bool(left_out) and alone and dearer <= DEEPEST)


def _place(
    search: _Search, todo: list[Item], extra: int, out: int, done: dict[str, str | None]
) -> dict[str, str | None] | None:
    """Place the first item in every way that costs no more than ``extra``, then the rest; None where no way leads through."""
    if not todo:
        return dict(done)
    item, rest = todo[0], todo[1:]
    if not _could_fit(search, todo, extra, out):
        return None
    for host, cost in item.options:
        more = cost - item.cheapest
        if more <= extra:
            found = _try(search, item, host, rest, extra - more, out, done)
            if found is not None or search.budget <= 0:
                return found
    return _leave_out(search, item, rest, extra, out, done) if item.forced and out else None


def _could_fit(search: _Search, todo: list[Item], extra: int, out: int) -> bool:
    """Tell whether room could suffice at all: in sum, and (where nobody may make way) counted in machines of one size."""
    hosts = search.room if extra else {host for item in todo for host, _ in item.options}
    rooms = [search.room[host] for host in hosts]
    if out or any(room is None for room in rooms):
        return True
    free = [room for room in rooms if room is not None and room > 0]
    if extra:
        return sum(free) >= sum(item.size for item in todo)
    sizes = sorted({item.size for item in todo if item.size})
    return all(sum(room // size for room in free) >= sum(item.size >= size for item in todo) for size in sizes)


def _try(
    search: _Search, item: Item, host: str, rest: list[Item], extra: int, out: int, done: dict[str, str | None]
) -> dict[str, str | None] | None:
    search.budget -= 1
    lacking, mates = _lacking(search, item, host), _mates_in_the_way(search, item, host)
    if lacking <= 0 and not mates:
        _move(search, item, host, -item.size)
        found = _place(search, rest, extra, out, {**done, item.name: host})
        if found is None:
            _unmove(search, item, host)
        return found
    for other in _who_may_go(search, host, lacking, mates, done) if extra else ():
        left = extra - other.cheapest
        found = _evict(search, other, item, host, rest, left, out, done) if left >= 0 else None
        if found is not None or search.budget <= 0:
            return found
    return None


def _evict(
    search: _Search, other: Item, item: Item, host: str, rest: list[Item], extra: int, out: int, done: dict[str, str | None]
) -> dict[str, str | None] | None:
    """Send a settled item away, then try the same place again; it is placed before the others, being the tighter."""
    _add(search, other.home, other.size)
    del search.at[other.name]
    found = _try(search, item, host, [other, *rest], extra, out, {**done, other.name: None})
    if found is None:
        search.at[other.name] = other.home
        _add(search, other.home, -other.size)
    return found


def _leave_out(
    search: _Search, item: Item, rest: list[Item], extra: int, out: int, done: dict[str, str | None]
) -> dict[str, str | None] | None:
    """It stays where it is, and takes the room there that its leaving would have given."""
    _move(search, item, item.home, -item.size)
    found = _place(search, rest, extra, out - 1, {**done, item.name: None})
    if found is None:
        _unmove(search, item, item.home)
    return found


def _lacking(search: _Search, item: Item, host: str) -> int:
    room = search.room[host]
    return item.size - room if room is not None and item.size else 0


def _mates_in_the_way(search: _Search, item: Item, host: str) -> list[str | None]:
    """Return the placed or settled items that a group forbids beside this one there; None stands for an outsider."""
    found: list[str | None] = []
    for group in search.groups.get(item.name, ()):
        here = group.values.get(host)
        others = [
            (name, group.values.get(search.at[name])) for name in sorted(group.members - {item.name}) if name in search.at
        ]
        found += [name for name, value in others if value is not None and (value == here) == group.apart]
        found += [None for value in group.fixed if (value == here) == group.apart] + ([None] if here is None else [])
    return found


def _who_may_go(
    search: _Search, host: str, lacking: int, mates: list[str | None], done: dict[str, str | None]
) -> Iterator[Item]:
    """Yield who could make way, one of whom must: a mate in the way, else anybody settled there, the best fit first."""
    if None in mates:
        return
    names = [mates[0]] if mates else search.mates_here.get(host, [])
    free = [search.items[name] for name in names if name is not None and name in search.at and name not in done]
    able = [one for one in free if not one.forced and one.options and (mates or one.size)]
    yield from sorted(able, key=lambda one: (one.size < lacking, abs(one.size - lacking), one.name))


def _move(search: _Search, item: Item, host: str, change: int) -> None:
    search.at[item.name] = host
    _add(search, host, change)


def _unmove(search: _Search, item: Item, host: str) -> None:
    del search.at[item.name]
    _add(search, host, item.size)


def _add(search: _Search, host: str, change: int) -> None:
    room = search.room.get(host)
    if room is not None:
        search.room[host] = room + change

"""Commits that are awkward for a controller: what people do to real fleets, and chance alone would hardly bring about.

Each belongs to a trait of the fleet (``TRAITS`` in ``options.py``); a fleet without traits knows none of them.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from reconciler.model.desired import Limits

if TYPE_CHECKING:
    from reconciler.simulation.wishes import HostWish, Wish, Wishes

Commit = Callable[[random.Random, datetime], str]
OFTEN = 6  # times as likely as any other kind of commit
MOST_RULES = 8
IN_A_HURRY = Limits(concurrent_migrations=50, unprotected_virtual_machines=5)


def kinds(wishes: "Wishes") -> tuple[Commit, ...]:
    """Return the kinds of commits that this fleet's people are given to, each as often as it is likely."""
    by_trait: dict[str, Callable[[Wishes, random.Random, datetime], str]] = {
        "relays": relay,
        "rushes": rush,
        "large-swaps": swap_large,
        "returning-machines": cross,
        "trouble-at-work": come_together,
    }
    return tuple(partial(by_trait[trait], wishes) for trait in sorted(by_trait.keys() & wishes.traits) for _ in range(OFTEN))


def second_thoughts(wishes: "Wishes", under_way: tuple[str, ...]) -> tuple[Commit, ...]:
    """Return the same for commits that follow another, whose machines (VMIds) are ``under_way``."""
    if "second-thoughts" not in wishes.traits:
        return ()
    return tuple(partial(instead, wishes, under_way) for _ in range(2 * OFTEN))


def relay(wishes: "Wishes", rng: random.Random, _: datetime) -> str:
    """A machine leaves a host, and one that must keep apart from it takes its place."""
    for leaving, coming in _pairs(wishes, rng):
        here = wishes.hosts[leaving.host]
        for host in _in_any_order(wishes, rng):
            if host.name in (here.name, coming.host) or not wishes.fits(leaving, host):
                continue
            if wishes.fits(coming, here, frozenset({leaving.name})):
                wishes.send(leaving, host, rng)
                wishes.send(coming, here, rng)
                _keep_apart(wishes, leaving, coming)
                return f"{leaving.name} to {host.name}, {coming.name} takes its place on {here.name}, and both keep apart"
    return "relay of nothing"


def instead(wishes: "Wishes", under_way: tuple[str, ...], rng: random.Random, _: datetime) -> str:
    """Not the machine that is on its way to a host, but one that must keep apart from it."""
    for first, other in _pairs(wishes, rng):
        there = wishes.hosts[first.host]
        if first.id not in under_way or not wishes.fits(other, there, frozenset({first.name})):
            continue
        for host in _in_any_order(wishes, rng):
            if host.name not in (there.name, other.host) and wishes.fits(first, host):
                wishes.send(first, host, rng)
                wishes.send(other, there, rng)
                _keep_apart(wishes, first, other)
                return f"{other.name} instead of {first.name} to {there.name}, and both keep apart; {first.name} to {host.name}"
    return "nothing instead"


def rush(wishes: "Wishes", rng: random.Random, now: datetime) -> str:
    """Raise the limits of fleet and host, one with much room, and send many machines there."""
    host = _with_much_room(wishes, rng)
    most = rng.choice((2, 2, 3))  # fewer than machines come: some still wait when the next commit squeezes
    _limit(wishes, host, live=most, storage=most)
    wishes.focus = (*wishes.focus, host.name)
    wishes.rushed = host.name
    wishes.policy = replace(wishes.policy, limits=IN_A_HURRY)
    return f"limits of {host.name} to {most}; {wishes.gather(rng, now, host)}"


def come_together(wishes: "Wishes", rng: random.Random, now: datetime) -> str:
    """Send many machines to a host with much room, whatever its limits are."""
    wishes.policy = replace(wishes.policy, limits=IN_A_HURRY)
    return wishes.gather(rng, now, _with_much_room(wishes, rng))


def _with_much_room(wishes: "Wishes", rng: random.Random) -> "HostWish":
    alone, hosts = rng.random() < 0.5, _in_any_order(wishes, rng)
    return max([one for one in hosts if not (alone and one.cluster)][:4] or hosts[:4], key=wishes.room)


def squeeze_after_rush(wishes: "Wishes", name: str, under_way: tuple[str, ...], rng: random.Random, now: datetime) -> str:
    """Allow one at a time where many are on their way; send more there, and elsewhere what was there before."""
    host, live, storage = wishes.hosts[name], *rng.choice(((1, 1), (1, 4), (4, 1), (1, 1)))
    _limit(wishes, host, live=live, storage=storage)
    wishes.focus = (*wishes.focus, host.name)
    wishes.urgent = True
    there = [one for one in _in_any_order_of_machines(wishes, rng) if one.host == name and one.id not in under_way]
    told = wishes.gather(rng, now, host)
    for wish in there[:2]:
        fitting = [one for one in _in_any_order(wishes, rng) if one is not host and wishes.fits(wish, one)]
        if fitting:
            wishes.send(wish, fitting[0], rng)
    return f"squeeze {host.name} to {live} and {storage}; {told}; {', '.join(one.name for one in there[:2])} leave"


def swap_large(wishes: "Wishes", rng: random.Random, _: datetime) -> str:
    """Two machines change places, one of a cluster and one of a stand-alone host, and neither fits beside the other.

    Another node has room for the first of them for a while: what no detour can help is a long search at every look.
    """
    for one, other in _pairs(wishes, rng):
        here, there = wishes.hosts[one.host], wishes.hosts[other.host]
        pair = frozenset({one.name, other.name})
        if here.cluster is None or there.cluster is not None or wishes.fits(one, there) or wishes.fits(other, here):
            continue
        nodes = (host for host in wishes.hosts.values() if host.cluster == here.cluster and host is not here)
        if not any(wishes.fits(one, node) for node in nodes):
            continue
        if wishes.fits(one, there, pair) and wishes.fits(other, here, pair) and not _apart(wishes, one, other):
            wishes.send(one, there, rng)
            wishes.send(other, here, rng)
            return f"swap the large {one.name} and {other.name}"
    return "swap nothing large"


def cross(wishes: "Wishes", rng: random.Random, _: datetime | None, without: str = "") -> str:
    """Send highly available machines from their clusters to others, none from or to the host that is to be left out."""
    moved: list[str] = []
    for wish in _in_any_order_of_machines(wishes, rng):
        source = wishes.hosts[wish.host]
        if len(moved) == 3 or not source.cluster or not wish.high_availability or source.name == without:
            continue
        others = [host for host in _in_any_order(wishes, rng) if host.cluster not in (None, source.cluster)]
        fitting = [host for host in others if host.name != without and wishes.fits(wish, host)]
        if fitting:
            wishes.send(wish, fitting[0], rng)
            wish.high_availability = True
            moved.append(f"{wish.name} to {wish.host}")
    return f"cross {', '.join(moved) or 'nothing'}"


def _pairs(wishes: "Wishes", rng: random.Random) -> "list[tuple[Wish, Wish]]":
    """Some pairs of machines on different hosts that would be moved if another host were wanted for them."""
    free = _in_any_order_of_machines(wishes, rng)[:24]
    return [(one, other) for one in free for other in free if one.host != other.host]


def _in_any_order_of_machines(wishes: "Wishes", rng: random.Random) -> "list[Wish]":
    free = [one for _, one in sorted(wishes.machines.items()) if one.drift == "correct" and not one.hold]
    return rng.sample(free, len(free))


def _in_any_order(wishes: "Wishes", rng: random.Random) -> "list[HostWish]":
    hosts = [host for _, host in sorted(wishes.hosts.items())]
    return rng.sample(hosts, len(hosts))


def _limit(wishes: "Wishes", host: "HostWish", *, live: int, storage: int) -> None:
    host.storage = storage
    if host.cluster:
        wishes.cluster_limits[host.cluster] = live
    else:
        host.live = live


def _apart(wishes: "Wishes", one: "Wish", other: "Wish") -> bool:
    return any({one.name, other.name} <= set(members) for members in wishes.rules.values())


def _keep_apart(wishes: "Wishes", one: "Wish", other: "Wish") -> None:
    """Add a rule for two machines, which are pinned for it; the oldest gives way where there are many."""
    one.flexible = other.flexible = False
    if _apart(wishes, one, other):
        return
    if len(wishes.rules) >= MOST_RULES:
        del wishes.rules[next(iter(wishes.rules))]
    wishes.rules[f"apart-{wishes.revision}-{len(wishes.rules)}"] = tuple(sorted((one.name, other.name)))

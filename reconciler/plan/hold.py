"""Hold to the hosts that were announced: of plans that cost the same, the one that sends fewest machines elsewhere.

A choice made anew weighs all machines alike, so who comes to the plan only now may take the room that was meant for another.
So where machines would go elsewhere than announced, the choice is made once more with their announced hosts as given.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from reconciler.model.announced import AnnouncedMove, announced_hosts
from reconciler.model.drift import SETTLED, MachineDrift
from reconciler.model.words import Handling
from reconciler.plan.checks import host_refusal
from reconciler.plan.fleet import Fleet
from reconciler.plan.outcome import Outcome
from reconciler.plan.roles import crossing
from reconciler.plan.rules import Rules
from reconciler.plan.targets import rank_of

TRIES = 16  # choices made once more
Hosts = Mapping[str, str]  # by machine name (case folded)
Worth = tuple[int, int, int, int, int]


def hold_to_announced(
    fleet: Fleet,
    rules: Rules,
    fresh: Outcome,
    announced: Sequence[AnnouncedMove],
    holding: Callable[[Hosts], Outcome],
) -> Outcome:
    """Return the outcome with as many machines as was found at their announced hosts, if it is as good as the fresh one.

    As good is: nobody is left out who would not be anyway, and no more migrations, changes of roles, wishes left open, or
    bytes. ``holding`` returns what comes of a choice with some hosts given.
    """
    best, meant = fresh, _meant(fleet, announced, fresh)
    missed = _missed(meant, best)
    groups, tries = [missed], TRIES
    while groups and tries:
        group = {name: host for name, host in groups.pop().items() if name in missed}
        if not group:
            continue
        tries -= 1
        given = {name: host for name, host in meant.items() if name not in missed or name in group}
        found = holding(given)
        still_missed = _missed(meant, found)
        if not given.keys() & still_missed.keys() and _is_as_good(fleet, rules, found, best):
            best, missed = found, still_missed
        elif len(group) > 1:
            groups += _halves(group)
    return best if best is fresh else replace(best, needed=min(fresh.needed, best.migrations))


def _meant(fleet: Fleet, announced: Sequence[AnnouncedMove], fresh: Outcome) -> dict[str, str]:
    """Return the announced hosts of machines that are not there yet and may go there, if anybody would go elsewhere."""
    hosts = announced_hosts(announced)
    ends = {placed.move.id: placed.move.target for placed in fresh.sequence}
    if all(ends.get(machine) == host for machine, host in hosts.items()):
        return {}
    told = ((drift, hosts.get(drift.observed.id.casefold())) for drift in fleet.drift.machines if drift.observed)
    return {drift.machine.name.casefold(): host for drift, host in told if host and _may_still_go(fleet, drift, host)}


def _may_still_go(fleet: Fleet, drift: MachineDrift, host: str) -> bool:
    if drift.host is None or drift.status not in SETTLED or drift.handling is not Handling.CORRECT or drift.host == host:
        return False
    placement = drift.machine.placement
    if host_refusal(fleet, host) is not None:
        return False
    return placement.allows(host) if placement is not None else drift.draining and host in fleet.neighbours(drift.host)


def _missed(meant: Hosts, found: Outcome) -> dict[str, str]:
    """Return the announced hosts of machines that would not come there."""
    ends = {placed.move.drift.machine.name.casefold(): placed.move.target for placed in found.sequence}
    return {name: host for name, host in meant.items() if ends.get(name) != host}


def _halves(group: Hosts) -> list[dict[str, str]]:
    names = sorted(group)
    half = len(names) // 2
    return [{name: group[name] for name in part} for part in (names[half:], names[:half])]


def _is_as_good(fleet: Fleet, rules: Rules, found: Outcome, best: Outcome) -> bool:
    left_out = {one.subject for one in found.blocked} - {one.subject for one in best.blocked}
    return not left_out and _worth(fleet, rules, found) <= _worth(fleet, rules, best)


def _worth(fleet: Fleet, rules: Rules, found: Outcome) -> Worth:
    """Return what hosts are chosen by: migrations, changes of roles, preferred rules broken, ranks in ``prefer``, bytes."""
    moves = [placed.move for placed in found.sequence]
    ends = {move.drift.machine.name.casefold(): move for move in moves}
    roles = sum(crossing(fleet, move.drift, move.machine, move.source, move.target).roles for move in ends.values())
    ranks = sum(rank_of(move.drift, move.target) for move in ends.values())
    broken = rules.broken_wishes({name: move.target for name, move in ends.items()})
    return found.migrations, roles, broken, ranks, sum(move.route.copied_bytes for move in moves)

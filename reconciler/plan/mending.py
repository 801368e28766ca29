"""Who leaves so that required rules hold that are broken now: the fewest machines, as long as that is quickly found."""

from collections.abc import Iterable
from itertools import combinations, islice

from reconciler.model.desired import PlacementRule
from reconciler.model.drift import MachineDrift, MachineStatus
from reconciler.model.words import Handling, RuleType
from reconciler.plan.rules import Rules

TRIES = 2000  # sets of machines that are looked at
SETTLED = (MachineStatus.IN_PLACE, MachineStatus.MISPLACED)
Broken = list[tuple[PlacementRule, list[MachineDrift]]]


def who_leaves(rules: Rules, broken: Broken) -> dict[str, str]:
    """Return the names of those who go, each with the rule that it goes for; ``broken`` are rules with who stays so far.

    Rule by rule first: everyone but one per place (apart), or all outside the fullest place (together). One machine may be in
    several broken rules, so smaller sets are tried then, from one machine up.
    """
    chosen: dict[str, str] = {}
    for rule, staying in broken:
        for drift in _leavers(rules, rule, [one for one in staying if one.machine.name not in chosen]):
            chosen.setdefault(drift.machine.name, rule.name)
    smaller = _smaller(rules, broken, len(chosen))
    if smaller is None:
        return chosen
    named = [(name, rule.name) for rule, staying in broken for name in sorted(_names(staying) & smaller)]
    return dict(reversed(named))


def _smaller(rules: Rules, broken: Broken, most: int) -> frozenset[str] | None:
    """Return the first smallest set of fewer machines than ``most`` whose leaving mends as much."""
    free = sorted({drift.machine.name for _, staying in broken for drift in staying if _is_free(drift)}, key=str.casefold)
    sets = (frozenset(names) for size in range(1, most) for names in combinations(free, size))
    return next((gone for gone in islice(sets, TRIES) if all(_holds(rules, rule, left, gone) for rule, left in broken)), None)


def _holds(rules: Rules, rule: PlacementRule, staying: list[MachineDrift], gone: frozenset[str]) -> bool:
    values = [rules.value(rule, drift.host or "") for drift in staying if drift.machine.name not in gone]
    if rule.type is RuleType.AFFINITY:
        return len(set(values)) <= 1
    values += sorted(_values_of_unmanaged(rules, rule))
    return len(set(values)) == len(values)


def _names(drifts: Iterable[MachineDrift]) -> set[str]:
    return {drift.machine.name for drift in drifts}


def _leavers(rules: Rules, rule: PlacementRule, staying: list[MachineDrift]) -> list[MachineDrift]:
    places: dict[str, list[MachineDrift]] = {}
    for drift in staying:
        places.setdefault(rules.value(rule, drift.host or "") or "", []).append(drift)
    if rule.type is RuleType.AFFINITY:
        home = max(
            sorted(places), key=lambda value: (sum(not _is_free(one) for one in places[value]), len(places[value])), default=""
        )
        return [drift for value in sorted(places) if value != home for drift in places[value] if _is_free(drift)]
    leavers: list[MachineDrift] = []
    unmanaged = _values_of_unmanaged(rules, rule)
    for value, mates in sorted(places.items()):
        ranked = sorted(mates, key=lambda one: (_is_free(one), one.machine.name.casefold()))
        leavers += [drift for drift in (ranked if value in unmanaged else ranked[1:]) if _is_free(drift)]
    return leavers


def _values_of_unmanaged(rules: Rules, rule: PlacementRule) -> set[str]:
    managed = {drift.machine.name.casefold() for drift in rules.drifts}
    names = {name.casefold() for name in rule.virtual_machines} - managed
    members = [rules.members[name] for name in sorted(names) if name in rules.members]
    return {rules.value(rule, host) or "" for member in members for host in member.hosts}


def _is_free(drift: MachineDrift) -> bool:
    """Whether a machine could go elsewhere: corrected, settled, and allowed on more than one host."""
    placement = drift.machine.placement
    elsewhere = placement is not None and len({name.casefold() for name in placement.hosts}) > 1
    return drift.handling is Handling.CORRECT and drift.status in SETTLED and elsewhere

"""Who leaves so that required rules hold that are broken now: the fewest machines, as long as that is quickly found."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import combinations, islice

from reconciler.model.desired import PlacementRule
from reconciler.model.drift import SETTLED, MachineDrift
from reconciler.model.words import Handling, RuleType
from reconciler.plan.rules import Rules

TRIES = 2000  # sets of machines that are looked at


@dataclass(frozen=True, slots=True)
class Broken:
    """A required rule that is broken now, its members that stay so far, and those that go anyway."""

    rule: PlacementRule
    staying: list[MachineDrift]
    going: list[MachineDrift]


def who_leaves(rules: Rules, broken: list[Broken], closed: frozenset[str]) -> dict[str, str]:
    """Return the names of those who go, each with the rule that it goes for; ``closed`` are hosts that take no arrivals.

    Rule by rule first: everyone but one per place (apart), or all to the place with most of them that all can reach (together).
    One machine may be in several broken rules, so other sets are tried then, from one machine up. Who stands where a rule sees
    no place (a host without its label) breaks nothing, and need not leave.
    """
    search = _Mending(rules, closed)
    broken = [replace(one, staying=[drift for drift in one.staying if search.place(one, drift) is not None]) for one in broken]
    chosen: dict[str, str] = {}
    for one in broken:
        for drift in search.leavers(one, [drift for drift in one.staying if drift.machine.name not in chosen]):
            chosen.setdefault(drift.machine.name, one.rule.name)
    mended = all(search.holds(one, frozenset(chosen)) for one in broken)
    smaller = search.smaller(broken, len(chosen) if mended else len(chosen) + 2)
    if smaller is None:
        return chosen
    named = [(name, one.rule.name) for one in broken for name in sorted(_names(one.staying) & smaller)]
    return dict(reversed(named))


@dataclass(frozen=True, slots=True)
class _Mending:
    rules: Rules
    closed: frozenset[str]

    def place(self, one: Broken, drift: MachineDrift) -> str | None:
        """Return where a rule sees a machine that stays."""
        return self.rules.value(one.rule, drift.host or "")

    def smaller(self, broken: list[Broken], most: int) -> frozenset[str] | None:
        """Return the first smallest set of fewer machines than ``most`` whose leaving mends all."""
        free = sorted({drift.machine.name for one in broken for drift in one.staying if _is_free(drift)}, key=str.casefold)
        sets = (frozenset(names) for size in range(1, most) for names in combinations(free, size))
        return next((gone for gone in islice(sets, TRIES) if all(self.holds(one, gone) for one in broken)), None)

    def holds(self, one: Broken, gone: frozenset[str]) -> bool:
        """Tell whether a rule can hold once these have left; one that nothing mends asks for nobody to leave."""
        staying = [drift for drift in one.staying if drift.machine.name not in gone]
        values = [self.rules.value(one.rule, drift.host or "") for drift in staying]
        if one.rule.type is RuleType.AFFINITY:
            places = self._places_for_all(one)
            return set(values) <= places and len(set(values)) <= 1 if places else not gone & _names(one.staying)
        values += sorted(_values_of_unmanaged(self.rules, one.rule))
        return len(set(values)) == len(values)

    def leavers(self, one: Broken, staying: list[MachineDrift]) -> list[MachineDrift]:
        """Return who of those staying has to leave for the rule's sake."""
        places: dict[str, list[MachineDrift]] = {}
        for drift in staying:
            places.setdefault(self.rules.value(one.rule, drift.host or "") or "", []).append(drift)
        if one.rule.type is RuleType.AFFINITY:
            reachable = sorted(self._places_for_all(one))
            home = max(reachable, key=lambda value: len(places.get(value, ())), default=None)
            return [] if home is None else [drift for value in sorted(places) if value != home for drift in places[value]]
        leavers: list[MachineDrift] = []
        unmanaged = _values_of_unmanaged(self.rules, one.rule)
        for value, mates in sorted(places.items()):
            ranked = sorted(mates, key=lambda one: (_is_free(one), one.machine.name.casefold()))
            leavers += [drift for drift in (ranked if value in unmanaged else ranked[1:]) if _is_free(drift)]
        return leavers

    def _places_for_all(self, one: Broken) -> set[str]:
        """Return the values of the rule's topology at which all its members could be; where there is none, nobody need go."""
        found = [self._reach(one.rule, drift, stays=True) for drift in one.staying]
        found += [self._reach(one.rule, drift, stays=False) for drift in one.going]
        unmanaged = _values_of_unmanaged(self.rules, one.rule)
        return set.intersection(*found, *([unmanaged] if unmanaged else [])) if found else set()

    def _reach(self, rule: PlacementRule, drift: MachineDrift, *, stays: bool) -> set[str]:
        hosts = [drift.host or ""] if stays else []
        if not stays or _is_free(drift):
            placement = drift.machine.placement
            hosts += [host for host in (placement.hosts if placement else ()) if host not in self.closed]
        return {value for host in hosts if (value := self.rules.value(rule, host)) is not None}


def _names(drifts: Iterable[MachineDrift]) -> set[str]:
    return {drift.machine.name for drift in drifts}


def _values_of_unmanaged(rules: Rules, rule: PlacementRule) -> set[str]:
    managed = {drift.machine.name.casefold() for drift in rules.drifts}
    names = {name.casefold() for name in rule.virtual_machines} - managed
    hosts = [host for name in sorted(names) if name in rules.members for host in rules.members[name].hosts]
    return {value for host in hosts if (value := rules.value(rule, host)) is not None}


def _is_free(drift: MachineDrift) -> bool:
    """Whether a machine could go elsewhere: corrected, settled, and allowed on more than one host."""
    placement = drift.machine.placement
    elsewhere = placement is not None and len({name.casefold() for name in placement.hosts}) > 1
    return drift.handling is Handling.CORRECT and drift.status in SETTLED and elsewhere

"""Placement rules as the planner needs them: who must keep apart from, or together with, whom, and where; and who should."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from reconciler.model.desired import PlacementRule
from reconciler.model.drift import MachineDrift, MachineStatus
from reconciler.model.plan import Blocked
from reconciler.model.words import Enforcement, Handling, RuleType
from reconciler.plan.fleet import Fleet
from reconciler.plan.moves import Placed, Refusal


@dataclass(frozen=True, slots=True)
class Member:
    """A machine that rules name: its name there and the hosts on which it counts now (two while it moves, or is seen twice)."""

    name: str
    hosts: tuple[str, ...]
    settled: str | None


class Rules:
    """The rules of a fleet, and where the machines they name stand. Preferred rules are only ever counted (``disliked``)."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self.drifts = fleet.drift.machines
        ordered = sorted(fleet.desired.placement_rules, key=lambda rule: rule.name)
        self.required = tuple(rule for rule in ordered if rule.enforcement is Enforcement.REQUIRED)
        self.preferred = tuple(rule for rule in ordered if rule.enforcement is Enforcement.PREFERRED)
        self._of, self._wishes = _by_member(self.required), _by_member(self.preferred)
        self.members = self._members()

    def of(self, drift: MachineDrift) -> list[PlacementRule]:
        """Return the required rules that name a machine."""
        return self._of.get(drift.machine.name.casefold(), [])

    def apart(self, drift: MachineDrift) -> list[PlacementRule]:
        """Return the required rules that keep a machine apart from others."""
        return [rule for rule in self.of(drift) if rule.type is RuleType.ANTI_AFFINITY]

    def may_choose(self, drift: MachineDrift, host: str) -> bool:
        """Tell whether a machine may go to a host as far as can be said without knowing who will be there.

        Whom it keeps apart from is for the order of moves to see; who keeps together is weighed as hosts are chosen.
        """
        return len(self.apart(drift)) == len(self.of(drift)) and self.know(drift, host)

    def know(self, drift: MachineDrift, host: str) -> bool:
        """Tell whether a host is a place to every required rule of a machine, as any host that it comes to must be."""
        return all(self.value(rule, host) is not None for rule in self.of(drift))

    def are_wished(self, drift: MachineDrift) -> bool:
        """Tell whether preferred rules name a machine."""
        return drift.machine.name.casefold() in self._wishes

    def value(self, rule: PlacementRule, host: str) -> str | None:
        """Return the topology value that a rule sees at a host."""
        return self._fleet.topology(host, rule.topology)

    def refusal(self, drift: MachineDrift, host: str, positions: dict[str, str]) -> Refusal | None:
        """Return why rules forbid a host, given where the other machines will stand (names case folded)."""
        for rule in self.of(drift):
            here = self.value(rule, host)
            if here is None:
                finding = f"{host} has no label {rule.topology}, which rule {rule.name} needs"
                return Refusal("label", "no-host", finding, f"give host {host} the label {rule.topology}")
            for mate in self._mates(rule, drift):
                there = self.value(rule, positions[mate]) if mate in positions else None
                if there is not None and (there == here) == (rule.type is RuleType.ANTI_AFFINITY):
                    return self._broken(rule, drift, mate, host)
        return None

    def disliked(self, drift: MachineDrift, host: str, positions: dict[str, str]) -> list[PlacementRule]:
        """Return the preferred rules that a host would break, once for each mate, given where the mates will stand."""
        found: list[PlacementRule] = []
        for rule in self._wishes.get(drift.machine.name.casefold(), ()):
            here = self.value(rule, host)
            theirs = (self.value(rule, positions[mate]) for mate in self._mates(rule, drift) if mate in positions)
            found += [
                rule for there in theirs if there is not None and (there == here) == (rule.type is RuleType.ANTI_AFFINITY)
            ]
        return found

    def broken_wishes(self, moved: dict[str, str]) -> int:
        """Return how many pairs of machines a preferred rule is broken for, once some (names case folded) have moved."""
        if not self.preferred:
            return 0
        ends = self._positions_after(moved)
        members = {rule.name: {name.casefold() for name in rule.virtual_machines} & ends.keys() for rule in self.preferred}
        pairs = (self._pairs_at_odds(rule, {name: ends[name] for name in members[rule.name]}) for rule in self.preferred)
        return sum(1 for found in pairs for _ in found)

    def clash(self, rule: PlacementRule, positions: dict[str, str]) -> list[str]:
        """Return the first two members (by name) whose hosts break the rule between them, or none."""
        return list(next(self._pairs_at_odds(rule, positions), ()))

    def _pairs_at_odds(self, rule: PlacementRule, positions: dict[str, str]) -> Iterator[tuple[str, str]]:
        apart = rule.type is RuleType.ANTI_AFFINITY
        values = {name: self.value(rule, host) for name, host in sorted(positions.items())}
        pairs = combinations([name for name, value in values.items() if value is not None], 2)
        return ((one, other) for one, other in pairs if (values[one] == values[other]) == apart)

    def _positions_after(self, moved: dict[str, str]) -> dict[str, str]:
        return {name: member.settled for name, member in self.members.items() if member.settled} | moved

    def unmended(self, placed: Sequence[Placed], blocked: Sequence[Blocked]) -> list[Blocked]:
        """Return the rules that are broken now and after all moves; one whose member is blocked is told by that already."""
        positions = self._positions_after({one.move.drift.machine.name.casefold(): one.move.target for one in placed})
        told = {one.subject.casefold() for one in blocked}
        found = (self._unmended(broken.rule, positions, told) for broken in self._fleet.drift.rules)
        return [one for one in found if one]

    def _unmended(self, rule: PlacementRule, positions: dict[str, str], told: set[str]) -> Blocked | None:
        names = [name for name in sorted(rule.virtual_machines) if name.casefold() in positions]
        clash = self.clash(rule, {name: positions[name.casefold()] for name in names})
        if not clash or any(f"virtualMachine/{name}".casefold() in told for name in names):
            return None
        kept = [drift.machine.name for drift in self.drifts if drift.machine.name in clash and _is_kept(drift)]
        why = "none of them may go where it would hold"
        remedy = "allow one of them on another host, make room there, or relax the rule"
        if kept:
            why = f"{' and '.join(kept)} {'is' if len(kept) == 1 else 'are'} not to be moved: held, or only reported"
            remedy = "release the hold, set drift: correct, or relax the rule"
        return Blocked(
            subject=f"placementRule/{rule.name}",
            code="no-host",
            finding=f"{' and '.join(clash)} break this rule, and {why}",
            remedy=remedy,
            counts={"rule": 1},
            because=str(rule.source.place),
        )

    def _mates(self, rule: PlacementRule, drift: MachineDrift) -> list[str]:
        own = drift.machine.name.casefold()
        return sorted({name.casefold() for name in rule.virtual_machines} - {own})

    def _broken(self, rule: PlacementRule, drift: MachineDrift, mate: str, host: str) -> Refusal:
        name = self.members[mate].name if mate in self.members else mate
        wish = "apart from" if rule.type is RuleType.ANTI_AFFINITY else "together with"
        finding = f"rule {rule.name} keeps {drift.machine.name} {wish} {name}, which does not allow {host}"
        remedy = f"change the placement of {drift.machine.name} or {name}, or relax rule {rule.name}"
        return Refusal("rule", "no-host", finding, remedy)

    def _members(self) -> dict[str, Member]:
        if not self._of and not self._wishes:
            return {}
        members: dict[str, Member] = {}
        for host, machine in self._fleet.observation.machines():
            name = machine.name.casefold()
            if name in self._of or name in self._wishes:
                # Seen twice, while it is handed over or by mistake: it counts wherever it is seen.
                others = members[name].hosts if name in members else ()
                members[name] = Member(machine.name, (*others, host.name), host.name)
        for drift in self._fleet.drift.machines:
            name = drift.machine.name.casefold()
            if drift.host is not None and (name in self._of or name in self._wishes):
                # It counts at both ends of a migration that nobody asked for as well, but will not be left where that leads.
                hosts = (drift.host,) + ((drift.destination,) if drift.destination else ())
                moving = drift.destination if drift.status is MachineStatus.MOVING else None
                members[drift.machine.name.casefold()] = Member(drift.machine.name, hosts, moving or drift.host)
        return members


def _is_kept(drift: MachineDrift) -> bool:
    return drift.status is MachineStatus.HELD or drift.handling is not Handling.CORRECT


def _by_member(rules: Sequence[PlacementRule]) -> dict[str, list[PlacementRule]]:
    """Return the rules by the machines that they name (case folded)."""
    found: dict[str, list[PlacementRule]] = defaultdict(list)
    for rule in rules:
        for name in rule.virtual_machines:
            found[name.casefold()].append(rule)
    return found

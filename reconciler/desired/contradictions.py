"""What is well-formed but cannot be met: pins to hosts in maintenance, rules that their machines' placements break.

Works on resolved values. All but high availability outside a cluster are warnings: the plan leaves the machine blocked and
does the rest.
"""

from collections.abc import Iterator
from typing import Final

from reconciler.desired.hints import did_you_mean, listed
from reconciler.model.desired import Desired, PlacementRule, Source, VirtualMachine
from reconciler.model.problem import Problem, Severity
from reconciler.model.words import Enforcement, RuleType

_BUILT_IN: Final = ("host", "cluster")


def contradiction_problems(desired: Desired) -> list[Problem]:
    """Return contradictions in a resolved desired state."""
    found = [problem for machine in desired.virtual_machines for problem in _machine(desired, machine)]
    state = _State(desired)
    return found + [problem for rule in desired.placement_rules for problem in _rule(state, rule)]


class _State:
    """A desired state looked at from many rules: what each of them asks for is gathered once."""

    def __init__(self, desired: Desired) -> None:
        self.desired = desired
        self.labels = {label for host in desired.hosts for label in host.labels}
        self._at = {machine.name.casefold(): at for at, machine in enumerate(desired.virtual_machines)}

    def members(self, rule: PlacementRule) -> list[VirtualMachine]:
        """Return the managed machines of a rule, in the order of the desired state."""
        names = {name.casefold() for name in rule.virtual_machines}
        return [self.desired.virtual_machines[at] for at in sorted(self._at[name] for name in names if name in self._at)]


def _machine(desired: Desired, machine: VirtualMachine) -> Iterator[Problem]:
    placement = machine.placement
    if placement is None:
        return
    hosts = [host for name in placement.hosts if (host := desired.host(name))]
    subject, field = f"virtualMachine/{machine.name}", f"placement.{placement.field}"
    if not hosts and placement.field not in ("host", "hosts"):
        finding = f"{machine.name} is placed by {placement.field}, but no host belongs to it"
        yield _warning(
            "no-host-matches", finding, "mend the placement, or the hosts' labels and groups", subject, machine.source, field
        )
    if hosts and all(host.maintenance for host in hosts):
        one = f"{hosts[0].name}, which is" if len(hosts) == 1 else f"{len(hosts)} hosts, which are all"
        finding = f"{machine.name} may only run on {one} in maintenance"
        yield _warning(
            "pinned-to-maintenance", finding, "allow another host, or end the maintenance", subject, machine.source, field
        )
    outside = [host.name for host in hosts if host.cluster is None]
    if machine.high_availability and outside:
        yield _not_clustered(machine, outside)


def _not_clustered(machine: VirtualMachine, outside: list[str]) -> Problem:
    finding = f"{machine.name} asks for high availability, but may run on {listed(outside)}, in no cluster"
    remedy = "place it in a cluster, or set highAvailability to false"
    place = machine.source.of("highAvailability")
    return Problem("high-availability-outside-cluster", finding, remedy, f"virtualMachine/{machine.name}", place)


def _rule(state: _State, rule: PlacementRule) -> Iterator[Problem]:
    subject = f"placementRule/{rule.name}"
    if not rule.virtual_machines:
        finding = f"the rule {rule.name} matches no machine"
        yield _warning(
            "no-machine-matches", finding, "mend its selector, or remove it", subject, rule.source, "virtualMachines"
        )
    labels = state.labels
    if rule.topology not in _BUILT_IN and state.desired.hosts and rule.topology not in labels:
        finding = f"the rule {rule.name} is about {rule.topology}, but no host has that label"
        remedy = did_you_mean(rule.topology, labels | set(_BUILT_IN), f"add the label {rule.topology} to the hosts")
        yield _warning("unknown-topology", finding, remedy, subject, rule.source, "topology")
    elif rule.enforcement is Enforcement.REQUIRED:
        yield from _broken_by_placement(state, rule)


def _broken_by_placement(state: _State, rule: PlacementRule) -> Iterator[Problem]:
    """Tell where placements alone break a required rule: two in one place apart by rule, or the other way round."""
    domains = _domains(state, rule)
    if rule.type is RuleType.ANTI_AFFINITY:
        yield from _crowded(rule, domains)
    elif len(domains) > 1 and not frozenset.intersection(*domains.values()):
        finding = f"the rule {rule.name} wants {listed(domains)} together, but no {rule.topology} is allowed to all of them"
        remedy = "let their placements share one, or relax the rule"
        yield _warning("mates-pinned-apart", finding, remedy, f"placementRule/{rule.name}", rule.source, "virtualMachines")


def _crowded(rule: PlacementRule, domains: dict[str, frozenset[str]]) -> Iterator[Problem]:
    pinned: dict[str, list[str]] = {}
    for name, allowed in domains.items():
        if len(allowed) == 1:
            pinned.setdefault(next(iter(allowed)), []).append(name)
    together = {domain: names for domain, names in sorted(pinned.items()) if len(names) > 1}
    subject = f"placementRule/{rule.name}"
    for domain, names in together.items():
        finding = (
            f"the rule {rule.name} wants {listed(names)} apart, but their placements pin them all to {rule.topology} {domain}"
        )
        remedy = "allow other hosts to all but one of them, or relax the rule"
        yield _warning("mates-pinned-together", finding, remedy, subject, rule.source, "virtualMachines")
    room = frozenset[str]().union(*domains.values())
    if not together and len(domains) > len(room):
        places = f"{len(room)} {rule.topology}{'s' if len(room) != 1 else ''}"
        finding = f"the rule {rule.name} wants {len(domains)} machines apart, but their placements allow only {places}"
        remedy = "allow more, or relax the rule"
        yield _warning("too-many-mates", finding, remedy, subject, rule.source, "virtualMachines")


def _domains(state: _State, rule: PlacementRule) -> dict[str, frozenset[str]]:
    """Return the topology values open to each machine of a rule whose placement says where."""
    found: dict[str, frozenset[str]] = {}
    for machine in state.members(rule):
        if machine.placement and machine.placement.hosts:
            values = (_domain(state.desired, rule.topology, host) for host in machine.placement.hosts)
            found[machine.name] = frozenset(value for value in values if value is not None)
    return {name: values for name, values in found.items() if values}


def _domain(desired: Desired, topology: str, name: str) -> str | None:
    host = desired.host(name)
    if host is None or topology == "host":
        return host.name if host else None
    return host.cluster if topology == "cluster" else host.labels.get(topology)


def _warning(code: str, finding: str, remedy: str, subject: str, source: Source, field: str) -> Problem:
    return Problem(code, finding, remedy, subject, source.of(field), Severity.WARNING)

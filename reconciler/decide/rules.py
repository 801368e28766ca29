"""Required anti-affinity at this instant: a machine on its way counts on both hosts, stopped and unmanaged ones count too.

Affinity is not asked here: it may be open while its members are on the way.
"""

from reconciler.decide.decision import Reason
from reconciler.decide.facts import Facts
from reconciler.decide.traffic import Traffic
from reconciler.model.desired import PlacementRule
from reconciler.model.plan import MachineStep


def rule_broken(step: MachineStep, traffic: Traffic) -> Reason | None:
    """Return a reason where a required rule would be broken as soon as the machine is on its way."""
    facts = traffic.facts
    if step.destination is None or step.destination.casefold() == step.source.casefold():
        return None
    machine = step.virtual_machine.id.casefold()
    for rule in facts.desired.placement_rules:
        members = members_of(rule, facts) if rule.enforcement == "required" else []
        if machine in members:
            reason = _conflict(rule, members, step, traffic)
            if reason:
                return reason
    return None


def members_of(rule: PlacementRule, facts: Facts) -> list[str]:
    """Return the VMIds of a rule's members that can be seen; managed names first, else the name that hosts show."""
    ids: set[str] = set()
    for name in rule.virtual_machines:
        known = facts.ids_by_managed_name.get(name.casefold())
        ids.update((known,) if known else facts.ids_by_name.get(name.casefold(), ()))
    return sorted(ids)


def _conflict(rule: PlacementRule, members: list[str], step: MachineStep, traffic: Traffic) -> Reason | None:
    facts = traffic.facts
    there, here = value_at(rule, str(step.destination), facts), value_at(rule, step.source, facts)
    if there is None:
        return Reason("rule", f"{step.destination} has no label {rule.topology}, which rule {rule.name} goes by")
    # Moving within one rack, say, changes nothing about who shares it.
    if rule.type != "antiAffinity" or there == here:
        return None
    mine = step.virtual_machine.id.casefold()
    others = [other for other in members if other != mine and there in _values_of(other, rule, traffic)]
    if others:
        name = facts.seen[others[0]][0][1].name
        return Reason("rule", f"rule {rule.name} keeps it off {step.destination} while {name} is there")
    return _may_hide(rule, there, len(members), facts)


def _may_hide(rule: PlacementRule, value: str, seen: int, facts: Facts) -> Reason | None:
    # A member that nobody sees may run on a host that does not answer, and so share this rack or cluster.
    silent = [
        host.name for host in facts.observation.hosts if host.status != "ok" and value_at(rule, host.name, facts) == value
    ]
    if seen >= len(rule.virtual_machines) or not silent:
        return None
    return Reason("rule", f"a member of rule {rule.name} may be on {min(silent)}, which does not answer")


def _values_of(machine: str, rule: PlacementRule, traffic: Traffic) -> set[str | None]:
    facts = traffic.facts
    hosts = {host.name for host, _ in facts.seen.get(machine, ())}
    for flight in traffic.of_machine.get(machine, ()):
        hosts.update(flight.ends)
    return {value_at(rule, host, facts) for host in hosts}


def value_at(rule: PlacementRule, host: str, facts: Facts) -> str | None:
    """Return the value of the rule's topology at a host; None where the host has none."""
    if rule.topology == "host":
        return host.casefold()
    seen, wanted = facts.observation.host(host), facts.desired.host(host)
    if rule.topology == "cluster":
        cluster = (seen.cluster if seen else None) or (wanted.cluster if wanted else None)
        # A stand-alone host is a failure domain of its own.
        return cluster.casefold() if cluster else f"host {host.casefold()}"
    return wanted.labels.get(rule.topology) if wanted else None

"""Required placement rules that are broken now. Stopped and unmanaged machines count; a moving one counts at both ends."""

from reconciler.model.desired import Desired, PlacementRule
from reconciler.model.drift import MachineDrift, MachineStatus, RuleDrift
from reconciler.model.observation import Observation
from reconciler.model.words import Enforcement, RuleType


def broken_rules(desired: Desired, observation: Observation, machines: tuple[MachineDrift, ...]) -> tuple[RuleDrift, ...]:
    """Return each required rule that does not hold now, with the members that share (or do not share) a place."""
    required = [rule for rule in desired.placement_rules if rule.enforcement is Enforcement.REQUIRED]
    if not required:
        return ()
    hosts = _hosts_of_names(observation, machines)
    found = [_broken(desired, observation, rule, hosts) for rule in sorted(required, key=lambda rule: rule.name)]
    return tuple(drift for drift in found if drift is not None)


def _hosts_of_names(observation: Observation, machines: tuple[MachineDrift, ...]) -> dict[str, tuple[str, ...]]:
    hosts: dict[str, tuple[str, ...]] = {machine.name.casefold(): (host.name,) for host, machine in observation.machines()}
    for drift in machines:
        ends = [drift.host, drift.destination if drift.status is MachineStatus.MOVING else None]
        hosts[drift.machine.name.casefold()] = tuple(host for host in ends if host)
    return hosts


def _broken(
    desired: Desired, observation: Observation, rule: PlacementRule, hosts: dict[str, tuple[str, ...]]
) -> RuleDrift | None:
    places: dict[str, list[str]] = {}
    for name in sorted(rule.virtual_machines):
        values = {_value(desired, observation, host, rule.topology) for host in hosts.get(name.casefold(), ())}
        for value in sorted(value for value in values if value is not None):
            places.setdefault(value, []).append(name)
    if rule.type is RuleType.ANTI_AFFINITY:
        together = sorted({name for mates in places.values() if len(mates) > 1 for name in mates})
    else:
        together = sorted({name for mates in places.values() for name in mates}) if len(places) > 1 else []
    return RuleDrift(rule, tuple(together)) if together else None


def _value(desired: Desired, observation: Observation, host: str, topology: str) -> str | None:
    if topology == "host":
        return host.casefold()
    observed, wanted = observation.host(host), desired.host(host)
    if topology == "cluster":
        name = (observed.cluster if observed else None) or (wanted.cluster if wanted else None)
        return name.casefold() if name else None
    return wanted.labels.get(topology) if wanted else None

"""Required placement rules at one host for one machine: which rule speaks against it, which mate, and whether that passes."""

from reconciler.explain.scene import Scene
from reconciler.model.desired import PlacementRule
from reconciler.model.drift import MachineDrift
from reconciler.model.explanation import Reason, Verdict
from reconciler.model.words import Enforcement, RuleType


def rules_of(scene: Scene, name: str) -> list[PlacementRule]:
    """Return every rule that names a machine, required or preferred, by name."""
    rules = sorted(scene.desired.placement_rules, key=lambda rule: rule.name.casefold())
    return [rule for rule in rules if name.casefold() in {one.casefold() for one in rule.virtual_machines}]


def mates_of(rule: PlacementRule, name: str) -> list[str]:
    """Return the other machines of a rule."""
    return sorted({one for one in rule.virtual_machines if one.casefold() != name.casefold()}, key=str.casefold)


def rule_reasons(scene: Scene, drift: MachineDrift, host: str) -> list[tuple[Verdict, Reason]]:
    """Return what required rules say against a host: refused where a mate will stand there, waiting where it still leaves."""
    found: list[tuple[Verdict, Reason]] = []
    for rule in rules_of(scene, drift.machine.name):
        if rule.enforcement is Enforcement.REQUIRED:
            reason = _label_missing(scene, rule, host) or _broken(scene, rule, drift, host)
            found += [reason] if reason else []
    return found


def _label_missing(scene: Scene, rule: PlacementRule, host: str) -> tuple[Verdict, Reason] | None:
    if scene.fleet.topology(host, rule.topology) is not None:
        return None
    finding = f"{host} has no {_label(rule)}, which rule {rule.name} ({rule.source.place}) goes by"
    return Verdict.REFUSED, Reason(reason="label", finding=finding, remedy=f"give host {host} that label, or relax the rule")


def _label(rule: PlacementRule) -> str:
    return "cluster" if rule.topology == "cluster" else f"label {rule.topology}"


def _broken(scene: Scene, rule: PlacementRule, drift: MachineDrift, host: str) -> tuple[Verdict, Reason] | None:
    apart, waits = rule.type is RuleType.ANTI_AFFINITY, None
    here = scene.fleet.topology(host, rule.topology)
    for mate in mates_of(rule, drift.machine.name):
        now, then = scene.stands(mate)
        if then is None:
            continue
        if (scene.fleet.topology(then, rule.topology) == here) == apart:
            return Verdict.REFUSED, _refusal(rule, drift, mate, host, then, apart)
        if apart and now is not None and scene.fleet.topology(now, rule.topology) == here:
            finding = f"rule {rule.name} keeps it apart from {mate}, which leaves {now} by this plan"
            waits = Verdict.WAITS, Reason(reason="rule", finding=finding)
    return waits


def _refusal(rule: PlacementRule, drift: MachineDrift, mate: str, host: str, then: str, apart: bool) -> Reason:
    where = f"is on {then}" if then.casefold() == host.casefold() or not apart else f"is on {then}, the same {rule.topology}"
    wish = "apart from" if apart else "together with"
    finding = f"rule {rule.name} ({rule.source.place}) keeps it {wish} {mate}, which {where} once this plan is done"
    remedy = f"change the placement of {drift.machine.name} or {mate}, or relax rule {rule.name}"
    return Reason(reason="rule", finding=finding, remedy=remedy)

"""From catalogued documents to ``Desired``: group defaults merged, names and selectors resolved, units made plain.

Lenient on purpose: a name that leads nowhere is left out here and reported by the cross-checks. Pure.
"""

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

from reconciler.desired.catalogue import ROOT_GROUP, Catalogue, Entry
from reconciler.model import desired as model
from reconciler.model import paths
from reconciler.model.observation import Networks
from reconciler.model.problem import Place
from reconciler.model.words import (
    AuthenticationType,
    Enforcement,
    Handling,
    MigrationKind,
    PerformanceOption,
    Preferences,
    RuleType,
    WhenOff,
)

_Word = TypeVar("_Word")

DEFAULT_GUARDRAILS: Final = model.Guardrails(maximum_migrations_per_plan=200, maximum_share_of_virtual_machines=0.30)


def resolve(catalogue: Catalogue, digest: str) -> model.Desired:
    """Return the desired state of all entries whose shape is right."""
    policy = _policy(catalogue)
    locations = {entry.name.casefold(): entry.spec["path"] for entry in catalogue.sound("StorageLocation")}
    tree = _GroupTree(catalogue)
    hosts = tuple(_host(entry, tree, catalogue, locations) for entry in catalogue.sound("Host"))
    groups = tree.groups(hosts)
    clusters = tuple(_cluster(entry, hosts) for entry in catalogue.sound("Cluster"))
    find = _HostFinder(hosts, groups, clusters)
    machines = tuple(_machine(entry, find, policy) for entry in catalogue.sound("VirtualMachine"))
    return model.Desired(
        digest=digest,
        hosts=hosts,
        host_groups=groups,
        clusters=clusters,
        storage_locations=tuple(_location(entry) for entry in catalogue.sound("StorageLocation")),
        virtual_machines=machines,
        placement_rules=_rules(catalogue, machines),
        policy=policy,
    )


def moment(text: str) -> datetime | None:
    """Return a time with zone, or None where the calendar has no such time."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


class _GroupTree:
    """Host groups by name, their ancestors, and the defaults that come down from them."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def ancestry(self, name: str | None) -> list[str]:
        """Return a group and its ancestors by folded name, the nearest first, the root last; cycles are cut."""
        found: list[str] = []
        while name is not None and name.casefold() not in found:
            found.append(name.casefold())
            entry = self._catalogue.find("HostGroup", name)
            name = entry.spec.get("parent") if entry and entry.is_sound else None
        return [*(group for group in found if group != ROOT_GROUP.casefold()), ROOT_GROUP.casefold()]

    def defaults(self, name: str | None) -> list[tuple[dict[str, Any], Mapping[str, Place]]]:
        """Return the defaults with their places that reach a host of a group, the farthest first."""
        entries = [self._catalogue.find("HostGroup", group) for group in reversed(self.ancestry(name))]
        sound = [entry for entry in entries if entry and entry.is_sound]
        return [(entry.spec.get("defaults", {}), entry.fields(("spec", "defaults"))) for entry in sound]

    def groups(self, hosts: Iterable[model.Host]) -> tuple[model.HostGroup, ...]:
        """Return all groups with the hosts in or below them; the root too where anything names it."""
        members: dict[str, list[str]] = {}
        for host in hosts:
            for group in self.ancestry(host.host_group):
                members.setdefault(group, []).append(host.name)
        given = [
            model.HostGroup(entry.name, entry.source(), entry.spec.get("parent"), tuple(members.get(entry.name.casefold(), ())))
            for entry in self._catalogue.sound("HostGroup")
        ]
        root = None if self._catalogue.find("HostGroup", ROOT_GROUP) else self._implied_root(members)
        return tuple(sorted([*given, root] if root else given, key=lambda group: group.name.casefold()))

    def _implied_root(self, members: dict[str, list[str]]) -> model.HostGroup | None:
        """Return the root group where some document names it, placed where it is named first."""
        naming = [
            entry.document.value_place(path)
            for kind, path in _ROOT_REFERENCES
            for entry in self._catalogue.sound(kind)
            if str(_at(entry.document.data, path)).casefold() == ROOT_GROUP.casefold()
        ]
        hosts = tuple(members.get(ROOT_GROUP.casefold(), ()))
        return model.HostGroup(ROOT_GROUP, model.Source(min(naming)), None, hosts) if naming else None


_ROOT_REFERENCES: Final = (
    ("Host", ("spec", "hostGroup")),
    ("HostGroup", ("spec", "parent")),
    ("VirtualMachine", ("spec", "placement", "hostGroup")),
)


def _at(data: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Return two mappings as one, the second winning field by field; lists are taken whole."""
    result = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merged(result[key], value) if both else value
    return result


def _host(entry: Entry, tree: _GroupTree, catalogue: Catalogue, locations: dict[str, str]) -> model.Host:
    spec: dict[str, Any] = {}
    fields: dict[str, Place] = {}
    for defaults, places in tree.defaults(entry.spec.get("hostGroup")):
        spec, fields = _merged(spec, defaults), {**fields, **places}
    spec, source = _merged(spec, entry.spec), entry.source()
    return model.Host(
        name=entry.name,
        source=model.Source(source.place, {**fields, **source.fields}),
        address=spec.get("address") or entry.name,
        labels=entry.labels,
        host_group=_known_as(catalogue, "HostGroup", spec.get("hostGroup")),
        cluster=_known_as(catalogue, "Cluster", spec.get("cluster")),
        cordoned=spec.get("cordoned", False),
        maintenance=spec.get("maintenance", False),
        reserve_memory_mib=spec.get("reserve", {}).get("memoryMiB", 0),
        migration=_host_migration(spec.get("migration", {})),
        storage=_host_storage(spec.get("storage", {}), locations),
    )


def _known_as(catalogue: Catalogue, kind: str, name: str | None) -> str | None:
    """Return the name as its own document spells it."""
    entry = catalogue.find(kind, name) if name else None
    return entry.name if entry else name


def _host_migration(spec: dict[str, Any]) -> model.HostMigrationSettings:
    return model.HostMigrationSettings(
        enabled=spec.get("enabled"),
        maximum_virtual_machine_migrations=spec.get("maximumVirtualMachineMigrations"),
        maximum_storage_migrations=spec.get("maximumStorageMigrations"),
        performance_option=_optional(PerformanceOption, spec.get("performanceOption")),
        authentication_type=_optional(AuthenticationType, spec.get("authenticationType")),
        networks=_networks(spec.get("networks")),
    )


def _networks(given: Any) -> Networks | None:
    if given is None or given == "any":
        return given  # type: ignore[no-any-return]
    return tuple(canonical_network(text) or text for text in given)


def canonical_network(text: str) -> str | None:
    """Return a CIDR network in its usual spelling, or None where it is none (or has bits right of its prefix)."""
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        return None


def _host_storage(spec: dict[str, Any], locations: dict[str, str]) -> model.HostStorageSettings:
    found: dict[str, str] = {}
    for given in spec.get("locations", []):
        path = locations.get(given.casefold(), given)
        if looks_like_path(path):
            found.setdefault(paths.normal(path), path)
    return model.HostStorageSettings(
        virtual_machine_path=spec.get("virtualMachinePath"),
        virtual_hard_disk_path=spec.get("virtualHardDiskPath"),
        locations=tuple(found.values()),
    )


def looks_like_path(text: str) -> bool:
    """Tell whether an entry of ``storage.locations`` is a path and not a name."""
    return text[1:2] == ":" or "\\" in text or "/" in text


def _cluster(entry: Entry, hosts: Iterable[model.Host]) -> model.Cluster:
    name = entry.name
    nodes = tuple(host.name for host in hosts if host.cluster is not None and host.cluster.casefold() == name.casefold())
    limit = entry.spec.get("maximumParallelMigrations")
    return model.Cluster(name, entry.source(), entry.spec.get("address") or name, limit, nodes)


def _location(entry: Entry) -> model.StorageLocation:
    percent = entry.spec.get("reserve", {}).get("freePercent", 0)
    limit = entry.spec.get("maximumConcurrentMigrations")
    return model.StorageLocation(entry.name, entry.source(), entry.spec["path"], percent, limit)


class _LabelIndex:
    """Names by label, so that selectors of many machines do not each walk the whole fleet."""

    def __init__(self, labelled: Iterable[tuple[str, dict[str, str]]]) -> None:
        self._names: dict[tuple[str, str], list[str]] = {}
        for name, labels in labelled:
            for label in labels.items():
                self._names.setdefault(label, []).append(name)

    def matching(self, labels: dict[str, str]) -> tuple[str, ...]:
        """Return the names that carry all the labels, in the order they came."""
        first, *others = (self._names.get(label, []) for label in sorted(labels.items()))
        rest = [set(names) for names in others]
        return tuple(name for name in first if all(name in names for names in rest))


class _HostFinder:
    """Placements to hosts; equal ones are one value, for thousands of machines name the same few."""

    def __init__(
        self, hosts: tuple[model.Host, ...], groups: tuple[model.HostGroup, ...], clusters: tuple[model.Cluster, ...]
    ) -> None:
        self._hosts = {host.name.casefold(): host for host in hosts}
        self._members = {"hostGroup": {group.name.casefold(): group.hosts for group in groups}}
        self._members["cluster"] = {cluster.name.casefold(): cluster.hosts for cluster in clusters}
        self._labels = _LabelIndex((host.name, host.labels) for host in hosts)
        self._made: dict[str, model.Placement] = {}

    def placement(self, spec: dict[str, Any] | None) -> model.Placement | None:
        """Return the placement with its hosts, or None where no field, or more than one, says where."""
        fields = [field for field in PLACEMENT_FIELDS if field in (spec or {})]
        if spec is None or len(fields) != 1:
            return None
        written = repr(spec)
        if written not in self._made:
            self._made[written] = self._placement(spec, fields[0])
        return self._made[written]

    def _placement(self, spec: dict[str, Any], field: str) -> model.Placement:
        hosts = self._hosts_of(field, spec[field])
        return model.Placement(field, hosts, self._known(spec.get("prefer", [])), self._one_cluster(hosts))

    def _hosts_of(self, field: str, value: Any) -> tuple[str, ...]:
        if field == "hostSelector":
            return self._labels.matching(value["matchLabels"])
        if field in self._members:
            return self._members[field].get(value.casefold(), ())
        return self._known([value] if field == "host" else value)

    def _known(self, names: list[str]) -> tuple[str, ...]:
        found = (self._hosts.get(name.casefold()) for name in names)
        return tuple(dict.fromkeys(host.name for host in found if host))

    def _one_cluster(self, hosts: tuple[str, ...]) -> str | None:
        clusters = {self._hosts[name.casefold()].cluster for name in hosts}
        return clusters.pop() if len(clusters) == 1 else None


STANDARD_MIGRATION: Final = model.VirtualMachineMigration()
PLACEMENT_FIELDS: Final = ("host", "hosts", "hostGroup", "cluster", "hostSelector")


def _machine(entry: Entry, find: _HostFinder, policy: model.Policy) -> model.VirtualMachine:
    spec = entry.spec
    return model.VirtualMachine(
        name=entry.name,
        source=entry.source(),
        id=spec["id"].lower() if "id" in spec else None,
        labels=entry.labels,
        placement=find.placement(spec.get("placement")),
        storage=_storage(spec.get("storage", {})),
        high_availability=spec.get("highAvailability"),
        migration=_machine_migration(spec.get("migration", {})),
        drift=Handling(spec.get("drift", policy.drift)),
        hold=_hold(spec.get("hold")),
    )


def _storage(spec: dict[str, Any]) -> model.StoragePlacement:
    if not spec:
        return model.UNMANAGED
    return model.StoragePlacement(
        path=spec.get("path"),
        configuration_path=spec.get("configurationPath"),
        checkpoint_path=spec.get("checkpointPath"),
        smart_paging_path=spec.get("smartPagingPath"),
        disks=tuple(model.DiskPlacement(disk["file"], disk["path"]) for disk in spec.get("disks", [])),
    )


def _machine_migration(spec: dict[str, Any]) -> model.VirtualMachineMigration:
    standard = STANDARD_MIGRATION
    if not spec:
        return standard
    return model.VirtualMachineMigration(
        performance_option=_optional(PerformanceOption, spec.get("performanceOption")),
        when_off=WhenOff(spec.get("whenOff", standard.when_off)),
        allow=frozenset(MigrationKind(kind) for kind in spec.get("allow", standard.allow)),
        priority=spec.get("priority", standard.priority),
        maximum_unprotected_seconds=spec.get("maximumUnprotectedSeconds"),
    )


def _hold(spec: dict[str, Any] | None) -> model.Hold | None:
    if spec is None:
        return None
    return model.Hold(spec["reason"], spec["owner"], moment(spec["until"]) if "until" in spec else None)


def _rules(catalogue: Catalogue, machines: tuple[model.VirtualMachine, ...]) -> tuple[model.PlacementRule, ...]:
    labels = _LabelIndex((machine.name, machine.labels) for machine in machines)
    return tuple(_rule(entry, catalogue, labels) for entry in catalogue.sound("PlacementRule"))


def _rule(entry: Entry, catalogue: Catalogue, labels: _LabelIndex) -> model.PlacementRule:
    chosen = entry.spec["virtualMachines"]
    if "names" in chosen:
        spelled = (_known_as(catalogue, "VirtualMachine", name) or name for name in chosen["names"])
        names = tuple({name.casefold(): name for name in spelled}.values())
    else:
        names = labels.matching(chosen["matchLabels"])
    return model.PlacementRule(
        name=entry.name,
        source=entry.source(),
        type=RuleType(entry.spec["type"]),
        virtual_machines=tuple(sorted(names, key=str.casefold)),
        topology=entry.spec.get("topology", "host"),
        enforcement=Enforcement(entry.spec.get("enforcement", Enforcement.REQUIRED)),
    )


def _policy(catalogue: Catalogue) -> model.Policy:
    entry = next(catalogue.sound("Policy"), None)
    if entry is None:
        return model.Policy(guardrails=DEFAULT_GUARDRAILS)
    spec, standard = entry.spec, model.Policy()
    return model.Policy(
        source=entry.source(),
        drift=Handling(spec.get("drift", standard.drift)),
        limits=_limits(spec.get("limits", {})),
        guardrails=_guardrails(spec.get("guardrails", {})),
        failures=_failures(spec.get("failures", {})),
        windows=tuple(_window(window) for window in spec.get("windows", [])),
        maximum_age_seconds=spec.get("observation", {}).get("maximumAgeSeconds", standard.maximum_age_seconds),
        unverified=model.Unverified(**spec.get("unverified", {})),
        planning=_planning(spec.get("planning", {})),
    )


def _planning(spec: dict[str, Any]) -> model.Planning:
    given, standard = spec.get("estimates", {}), model.Planning()
    memory = {PerformanceOption(name): speed for name, speed in given.get("memoryMegabytesPerSecond", {}).items()}
    return model.Planning(
        preferences=Preferences(spec.get("preferences", standard.preferences)),
        split_combined_migrations=spec.get("splitCombinedMigrations", standard.split_combined_migrations),
        estimates=model.Estimates(memory, given.get("storageMegabytesPerSecond"), given.get("dirtyMegabytesPerSecond")),
    )


def _limits(spec: dict[str, Any]) -> model.Limits:
    standard = model.Limits()
    return model.Limits(
        concurrent_migrations=spec.get("concurrentMigrations", standard.concurrent_migrations),
        unprotected_virtual_machines=spec.get("unprotectedVirtualMachines", standard.unprotected_virtual_machines),
    )


def _guardrails(spec: dict[str, Any]) -> model.Guardrails:
    share = spec.get("maximumShareOfVirtualMachines")
    return model.Guardrails(
        maximum_migrations_per_plan=spec.get("maximumMigrationsPerPlan", DEFAULT_GUARDRAILS.maximum_migrations_per_plan),
        maximum_share_of_virtual_machines=DEFAULT_GUARDRAILS.maximum_share_of_virtual_machines
        if share is None
        else float(share.removesuffix("%")) / 100,
    )


def _failures(spec: dict[str, Any]) -> model.FailureLimits:
    standard = model.FailureLimits()
    return model.FailureLimits(
        budget=spec.get("budget", standard.budget),
        within_minutes=spec.get("withinMinutes", standard.within_minutes),
        per_host=spec.get("perHost", standard.per_host),
        quarantine_minutes=spec.get("quarantineMinutes", standard.quarantine_minutes),
    )


def _window(spec: dict[str, Any]) -> model.Window:
    return model.Window(tuple(spec["days"]), spec["start"], spec["end"], spec["timeZone"])


def _optional(make: Callable[[str], _Word], text: str | None) -> _Word | None:
    return None if text is None else make(text)

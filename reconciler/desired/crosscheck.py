"""What a schema cannot say about the structure: names that lead nowhere, paths, placements, networks, times.

Each check takes the catalogue and gives problems. What is well-formed but cannot be met is in ``contradictions``.
"""

import zoneinfo
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

from reconciler.desired.catalogue import ROOT_GROUP, Catalogue, Entry
from reconciler.desired.documents import Path
from reconciler.desired.hints import did_you_mean, listed, nearest, shown_path
from reconciler.desired.resolve import PLACEMENT_FIELDS, canonical_network, looks_like_path, moment
from reconciler.model.problem import Problem, Severity

_WORDS: Final = {
    "Host": "host",
    "HostGroup": "host group",
    "Cluster": "cluster",
    "StorageLocation": "storage location",
    "VirtualMachine": "virtual machine",
}


def structure_problems(catalogue: Catalogue) -> list[Problem]:
    """Return all structural problems of the documents whose shape is right."""
    return [*catalogue.problems, *(problem for check in _CHECKS for problem in check(catalogue))]


def _host_references(catalogue: Catalogue) -> Iterator[Problem]:
    for entry in catalogue.sound("Host"):
        yield from _reference(catalogue, entry, "HostGroup", ("spec", "hostGroup"))
        yield from _reference(catalogue, entry, "Cluster", ("spec", "cluster"))
        yield from _locations(catalogue, entry, ("spec", "storage", "locations"))
    for entry in catalogue.sound("HostGroup"):
        yield from _reference(catalogue, entry, "HostGroup", ("spec", "parent"))
        yield from _locations(catalogue, entry, ("spec", "defaults", "storage", "locations"))


def _placements(catalogue: Catalogue) -> Iterator[Problem]:
    for entry in catalogue.sound("VirtualMachine"):
        placement = entry.spec.get("placement")
        if placement is not None:
            yield from _placement_fields(entry, placement)
            yield from _placement_names(catalogue, entry, placement)


def _placement_fields(entry: Entry, placement: dict[str, Any]) -> Iterator[Problem]:
    given = [field for field in PLACEMENT_FIELDS if field in placement]
    where: Path = ("spec", "placement")
    if not given:
        remedy = f"give one of {listed(PLACEMENT_FIELDS)}, or remove placement"
        yield entry.problem("no-placement", where, "spec.placement does not say where", remedy)
    if len(given) > 1:
        finding = f"spec.placement says where in {len(given)} ways: {listed(given)}"
        yield entry.problem("two-placements", (*where, given[1]), finding, "keep one of them", at_key=True)


def _placement_names(catalogue: Catalogue, entry: Entry, placement: dict[str, Any]) -> Iterator[Problem]:
    where: Path = ("spec", "placement")
    for field, kind in (("host", "Host"), ("hostGroup", "HostGroup"), ("cluster", "Cluster")):
        yield from _reference(catalogue, entry, kind, (*where, field))
    for field in ("hosts", "prefer"):
        for index in range(len(placement.get(field, []))):
            yield from _reference(catalogue, entry, "Host", (*where, field, index))


def _reference(catalogue: Catalogue, entry: Entry, kind: str, path: Path) -> Iterator[Problem]:
    name = _at(entry.document.data, path)
    is_root = kind == "HostGroup" and isinstance(name, str) and name.casefold() == ROOT_GROUP.casefold()
    if name is None or is_root or catalogue.find(kind, name):
        return
    finding = f"{shown_path(path)} names the {_WORDS[kind]} {name}, but there is no {kind} of that name"
    remedy = did_you_mean(name, catalogue.names(kind), f"add a {kind} document named {name}, or mend the name")
    yield entry.problem(f"unknown-{_WORDS[kind].replace(' ', '-')}", path, finding, remedy)


def _locations(catalogue: Catalogue, entry: Entry, path: Path) -> Iterator[Problem]:
    for index, given in enumerate(_at(entry.document.data, path) or []):
        if not looks_like_path(given):
            yield from _reference(catalogue, entry, "StorageLocation", (*path, index))


def _rule_names(catalogue: Catalogue) -> Iterator[Problem]:
    for entry in catalogue.sound("PlacementRule"):
        for index, name in enumerate(entry.spec["virtualMachines"].get("names", [])):
            if not catalogue.find("VirtualMachine", name):
                path = ("spec", "virtualMachines", "names", index)
                finding = (
                    f"{shown_path(path)} names {name}, which is not a managed machine: it counts where it is and never moves"
                )
                remedy = did_you_mean(
                    name, catalogue.names("VirtualMachine"), f"add a VirtualMachine named {name} to manage it"
                )
                yield entry.problem("unmanaged-machine", path, finding, remedy, Severity.WARNING)


def _group_cycles(catalogue: Catalogue) -> Iterator[Problem]:
    for entry in catalogue.sound("HostGroup"):
        chain, name = [entry.name], entry.spec.get("parent")
        while name is not None and name.casefold() not in {link.casefold() for link in chain}:
            chain.append(name)
            parent = catalogue.find("HostGroup", name)
            name = parent.spec.get("parent") if parent and parent.is_sound else None
        # Every member of a cycle would report it; the first by name does so for all.
        if name is not None and name.casefold() == entry.name.casefold() == min(link.casefold() for link in chain):
            finding = f"host groups lie in each other: {' in '.join([*chain, entry.name])}"
            yield entry.problem("host-group-cycle", ("spec", "parent"), finding, "give one of them another parent, or none")


def _machine_ids(catalogue: Catalogue) -> Iterator[Problem]:
    first: dict[str, Entry] = {}
    for entry in catalogue.sound("VirtualMachine"):
        given = entry.spec.get("id", "").lower()
        if given and first.setdefault(given, entry) is not entry:
            finding = f"spec.id {given} is also the id of {first[given].name}"
            yield entry.problem(
                "duplicate-id", ("spec", "id"), finding, "give each machine its own VMId, or remove one document"
            )


def _host_addresses(catalogue: Catalogue) -> Iterator[Problem]:
    first: dict[str, Entry] = {}
    for entry in catalogue.sound("Host"):
        address = entry.spec.get("address") or entry.name
        if first.setdefault(address.casefold(), entry) is not entry:
            finding = f"the address {address} is also that of {first[address.casefold()].name}"
            yield entry.problem("duplicate-address", ("spec", "address"), finding, "give each host its own address")
        if " " in address:
            finding = f"the name {address} cannot serve as an address"
            yield entry.problem("no-address", ("metadata", "name"), finding, "give spec.address, such as host1.contoso.com")


def _disks(catalogue: Catalogue) -> Iterator[Problem]:
    for entry in catalogue.sound("VirtualMachine"):
        seen: set[str] = set()
        for index, disk in enumerate(entry.spec.get("storage", {}).get("disks", [])):
            path = ("spec", "storage", "disks", index, "file")
            if disk["file"].casefold() in seen:
                finding = f"{shown_path(path)} lists {disk['file']} a second time"
                yield entry.problem("duplicate-disk", path, finding, "keep one folder for each disk")
            seen.add(disk["file"].casefold())


def _holds(catalogue: Catalogue) -> Iterator[Problem]:
    for entry in catalogue.sound("VirtualMachine"):
        until = (entry.spec.get("hold") or {}).get("until")
        if until is not None and moment(until) is None:
            finding = f"spec.hold.until is '{until}', which is not in the calendar"
            yield entry.problem("bad-time", ("spec", "hold", "until"), finding, "give a time such as 2026-12-01T00:00:00Z")


def _networks(catalogue: Catalogue) -> Iterator[Problem]:
    for kind, above in (("Host", ("spec",)), ("HostGroup", ("spec", "defaults"))):
        for entry in catalogue.sound(kind):
            path = (*above, "migration", "networks")
            given = _at(entry.document.data, path)
            for index, text in enumerate(given if isinstance(given, list) else []):
                if canonical_network(text) is None:
                    finding = f"{shown_path((*path, index))} is '{text}', which is not a network"
                    remedy = "give the network's own address and prefix length, such as 10.0.10.0/24"
                    yield entry.problem("bad-network", (*path, index), finding, remedy)


def _policies(catalogue: Catalogue) -> Iterator[Problem]:
    policies = list(catalogue.sound("Policy"))
    for entry in policies[1:]:
        first = policies[0]
        finding = f"there is a second Policy; the first is {first.name} at {first.document.key_place(())}"
        yield entry.problem("several-policies", ("metadata", "name"), finding, "keep one Policy for the fleet")
    for entry in policies:
        for index, window in enumerate(entry.spec.get("windows", [])):
            yield from _window(entry, window, ("spec", "windows", index))


def _window(entry: Entry, window: dict[str, Any], path: Path) -> Iterator[Problem]:
    zone = window["timeZone"]
    if not _is_time_zone(zone):
        finding = f"{shown_path((*path, 'timeZone'))} is '{zone}', which is not a time zone"
        meant = nearest(zone, zoneinfo.available_timezones(), likeness=0.8)
        remedy = f"did you mean {meant}?" if meant else "give an IANA time zone such as Europe/Berlin"
        yield entry.problem("unknown-time-zone", (*path, "timeZone"), finding, remedy)
    if window["start"] == window["end"]:
        finding = f"{shown_path(path)} ends when it starts, so it never opens"
        remedy = "give different times; for whole days use 00:00 and 23:59"
        yield entry.problem("empty-window", (*path, "end"), finding, remedy)


@cache
def _is_time_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _at(data: Any, path: Path) -> Any:
    for name in path:
        if isinstance(name, int):
            data = data[name] if isinstance(data, list) else None
        else:
            data = data.get(name) if isinstance(data, dict) else None
    return data


_CHECKS: Final[tuple[Callable[[Catalogue], Iterator[Problem]], ...]] = (
    _host_references,
    _placements,
    _rule_names,
    _group_cycles,
    _machine_ids,
    _host_addresses,
    _disks,
    _holds,
    _networks,
    _policies,
)

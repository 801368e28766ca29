"""A hypothetical desired state: one change made in memory, so that a plan can answer "what if". No file is touched.

A change is ``WHAT=NAME`` or ``WHAT=NAME:VALUE``. The result has a digest and a revision of its own, so that no plan for it can
be taken for a plan of what is committed.
"""

import re
from collections.abc import Callable
from dataclasses import replace

from reconciler.desired.hints import did_you_mean
from reconciler.model.desired import Desired, Host, Placement, Source
from reconciler.model.document import digest_of
from reconciler.model.plan import WHAT_IF
from reconciler.model.problem import Place, Problem

FORMS = "maintenance=HOST, cordon=HOST, host-limit=HOST:NUMBER, place=VM:HOST"
# What stands before and after the name may also be a space and "=": "place VM=HOST" reads as people say it.
CHANGE = re.compile(r"\s*(?P<what>[a-z-]+)\s*[= ]\s*(?P<name>[^\s].*?)\s*")


def what_if(desired: Desired, text: str, *, number: int = 1) -> Desired | Problem:
    """Return the desired state with one change, or the problem with its text; ``number`` tells which of several it is.

    ``maintenance=HOST`` and ``cordon=HOST`` close a host; ``host-limit=HOST:N`` sets its live migrations at once;
    ``place=VM:HOST`` pins a managed machine (by name, or by the VMId in its document) to one host.
    """
    found = CHANGE.fullmatch(text)
    change = CHANGES.get(found["what"]) if found else None
    if found is None or change is None:
        return _problem(text, "this is no change that can be supposed", f"write one of {FORMS}")
    changed = change(desired, found["name"], Place("--what-if", number))
    if isinstance(changed, Problem):
        return replace(changed, subject=f"--what-if {text}")
    return replace(changed, revision=WHAT_IF, digest=digest_of([desired.digest, WHAT_IF, text.strip()]))


def _maintenance(desired: Desired, name: str, place: Place) -> Desired | Problem:
    return _with_host(
        desired, name, lambda host: replace(host, maintenance=True, source=_at(host.source, "maintenance", place))
    )


def _cordon(desired: Desired, name: str, place: Place) -> Desired | Problem:
    return _with_host(desired, name, lambda host: replace(host, cordoned=True, source=_at(host.source, "cordoned", place)))


def _host_limit(desired: Desired, text: str, place: Place) -> Desired | Problem:
    name, value = _split(text)
    if not value.isascii() or not value.isdigit():
        return _problem(text, "a limit is a whole number from 0 up", "write host-limit=HOST:NUMBER, such as host-limit=Host1:1")

    def limited(host: Host) -> Host:
        field = "maximumVirtualMachineMigrations"
        migration = replace(host.migration, maximum_virtual_machine_migrations=int(value))
        return replace(host, migration=migration, source=_at(host.source, f"migration.{field}", place))

    return _with_host(desired, name, limited)


def _place(desired: Desired, text: str, place: Place) -> Desired | Problem:
    name, host_name = _split(text)
    host = desired.host(host_name)
    if not host_name or host is None:
        return _unknown_host(desired, host_name) if host_name else _problem(text, "no host is named", "write place=VM:HOST")
    wanted = [
        machine
        for machine in desired.virtual_machines
        if name.casefold() in (machine.name.casefold(), (machine.id or "").casefold())
    ]
    if not wanted:
        known = [machine.name for machine in desired.virtual_machines]
        finding = f"the desired state names no virtual machine {name}"
        return _problem(text, finding, did_you_mean(name, known, "name a machine that the desired state manages"))
    target = wanted[0]
    moved = replace(
        target, placement=Placement("host", (host.name,)), source=_at(target.source, "placement.host", place, "placement")
    )
    machines = tuple(moved if machine is target else machine for machine in desired.virtual_machines)
    return replace(desired, virtual_machines=machines)


CHANGES: dict[str, Callable[[Desired, str, Place], Desired | Problem]] = {
    "maintenance": _maintenance,
    "cordon": _cordon,
    "host-limit": _host_limit,
    "place": _place,
}


def _split(text: str) -> tuple[str, str]:
    """Return name and value, parted by the last ``:`` or ``=``; host names hold neither, names of machines may."""
    at = max(text.rfind(":"), text.rfind("="))
    return (text[:at].strip(), text[at + 1 :].strip()) if at >= 0 else (text, "")


def _with_host(desired: Desired, name: str, change: Callable[[Host], Host]) -> Desired | Problem:
    host = desired.host(name)
    if host is None:
        return _unknown_host(desired, name)
    return replace(desired, hosts=tuple(change(one) if one is host else one for one in desired.hosts))


def _unknown_host(desired: Desired, name: str) -> Problem:
    remedy = did_you_mean(name, [host.name for host in desired.hosts], "name a host of the desired state")
    return _problem(name, f"the desired state names no host {name}", remedy)


def _at(source: Source, field: str, place: Place, *others: str) -> Source:
    return replace(source, fields={**source.fields, field: place, **dict.fromkeys(others, place)})


def _problem(text: str, finding: str, remedy: str) -> Problem:
    return Problem("what-if", finding, remedy, subject=f"--what-if {text}")

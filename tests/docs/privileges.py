"""Makes the tables of docs/privileges.md out of the shipped scripts: what each operation calls, read from its tree."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.hosts.winrm.operations import SCRIPT_OF
from reconciler.hosts.winrm.signatures import namespace_of, signature
from reconciler.simulator.powershell.syntax import text_of
from tests.unit.winrm.script_tree import commands, functions, nodes, tree

LANGUAGE = "Microsoft.PowerShell."
WMI_COMMANDS = ("Get-CimInstance", "Get-WmiObject")
NET_TYPES = {
    "adsisearcher": "System.DirectoryServices.DirectorySearcher",
    "Net.Sockets.TcpClient": "System.Net.Sockets.TcpClient",
}
# The bootstrap around every script; see docs/design/0001-remote-protocol.md.
BOOTSTRAP = ("ConvertFrom-Json", "ConvertTo-Json", "New-Object")


@dataclass(frozen=True)
class Needs:
    """What one script calls. ``classes`` and ``methods`` are WMI's, ``types`` those of .NET that leave the process."""

    operation: str
    script: str
    changes: bool
    cmdlets: tuple[str, ...]
    classes: tuple[str, ...]
    methods: tuple[str, ...]
    types: tuple[str, ...]


def needs() -> list[Needs]:
    """Return what every operation of the port needs, reading ones first, in the order of the table of operations."""
    found = [_needs(operation.__name__, script.name, script.changes) for operation, script in SCRIPT_OF.items()]
    return sorted(found, key=lambda one: one.changes)


def _needs(operation: str, name: str, changes: bool) -> Needs:
    root = tree(name)
    called = [command for command in commands(root) if command.name not in functions(root)]
    given = [command.parameters for command in called if command.name in WMI_COMMANDS]
    classes = {str(one.get("ClassName") or one.get("Class")) for one in given}
    methods, types = set[str](), set[str]()
    for node in nodes(root, "invocation_expression"):
        if found := re.search(r"\.InvokeMethod\('(\w+)'", text_of(node)):
            methods.add(found[1])
    for node in nodes(root, "type_literal"):
        written = text_of(node).strip("[]")
        if written == "wmiclass":
            classes |= set(re.findall(r":(Msvm_\w+)", text_of(root)))
        types |= {NET_TYPES[written]} if written in NET_TYPES else set()
    return Needs(operation, name, changes, *map(_sorted, ({one.name for one in called}, classes, methods, types)))


def _sorted(names: set[str]) -> tuple[str, ...]:
    return tuple(sorted(names))


def operations_table() -> str:
    """Return one row for each operation."""
    rows = [
        "| operation (script) | Hyper-V and cluster cmdlets | other cmdlets | WMI classes and methods, .NET |",
        "| --- | --- | --- | --- |",
    ]
    for one in needs():
        windows = [name for name in one.cmdlets if _module(name) in ("Hyper-V", "FailoverClusters")]
        others = [name for name in one.cmdlets if name not in windows and not _module(name).startswith(f"{LANGUAGE}Core")]
        others = [name for name in others if name not in ("Sort-Object", "Select-Object", "Start-Sleep")]
        beside = [*one.classes, *(f"{name}()" for name in one.methods), *one.types]
        word = "changes" if one.changes else "reads"
        rows.append(
            f"| `{one.operation}` (`{one.script}`), {word} | {_listed(windows)} | {_listed(others)} | {_listed(beside)} |"
        )
    return "\n".join(rows)


def namespaces_table() -> str:
    """Return the WMI namespaces that reading and changing needs."""
    rows = ["| namespace | to read | to change |", "| --- | --- | --- |"]
    found: dict[str, dict[bool, set[str]]] = {}
    for one in needs():
        for name in one.classes:
            found.setdefault(namespace_of(name), {False: set(), True: set()})[one.changes].add(name)
    rows += [
        f"| `{space}` | {_listed(sorted(by[False]))} | {_listed(sorted(by[True]))} |" for space, by in sorted(found.items())
    ]
    return "\n".join(rows)


def capability(*, changes: bool) -> str:
    """Return the role capability of an identity: every cmdlet that its scripts and the bootstrap call, no other."""
    names = {name for one in needs() if one.changes <= changes for name in one.cmdlets} | set(BOOTSTRAP)
    modules = sorted({_module(name) for name in names} & {"Hyper-V", "FailoverClusters"})
    lines = [f"    ModulesToImport = {', '.join(_literal(name) for name in modules)}", "    VisibleCmdlets = @("]
    lines += [f"        {_literal(f'{_module(name)}{chr(92)}{name}')}" for name in sorted(names)]
    return "\n".join(["@{", *lines, "    )", "}"])


def _module(name: str) -> str:
    found = signature(name)
    assert found is not None, name
    return found.module


def _literal(text: str) -> str:
    return f"'{text}'"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"

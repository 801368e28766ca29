"""Shipped scripts as trees, for the tests that hold them to what is published: which commands they call, with what."""

from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from reconciler.hosts.winrm.bootstrap import script
from reconciler.simulator.powershell.expressions import number_range
from reconciler.simulator.powershell.syntax import parse, parts, text_of


@dataclass(frozen=True, slots=True)
class Command:
    """One command as written: its parameters by name, with the text of a plain value or None; what it is splatted with."""

    name: str
    parameters: dict[str, str | None]
    splatted: tuple[str, ...]
    bare: int
    piped: bool
    node: Node

    @property
    def line(self) -> int:
        return self.node.start_point.row + 1


def tree(name: str) -> Node:
    """The tree of a shipped script."""
    return parse(script(name))


def nodes(root: Node, *types: str) -> Iterator[Node]:
    """All nodes of these types, in the order of the text; of any type where none is named."""
    if not types or root.type in types:
        yield root
    for child in root.children:
        yield from nodes(child, *types)


def commands(root: Node) -> list[Command]:
    """All commands that are called by name, in the order of the text; ``1..40``, which the grammar takes for one, is not."""
    named = [node for node in nodes(root, "command") if node.named_children[0].type == "command_name"]
    return [command for command in map(_command, named) if number_range(command.name) is None]


def _command(node: Node) -> Command:
    name = node.child_by_field_name("command_name")
    assert name is not None
    given: dict[str, str | None] = {}
    splatted: list[str] = []
    bare, open_name = 0, None
    elements = node.child_by_field_name("command_elements")
    for child in parts(elements) if elements is not None else []:
        if child.type == "command_argument_sep":
            continue
        text = text_of(child)
        if child.type == "command_parameter":
            open_name = text[1:].rstrip(":")
            given[open_name] = None
        elif text.startswith("@") and text[1:].isidentifier():
            splatted.append(text[1:].casefold())
        elif open_name is not None:
            given[open_name], open_name = text, None
        else:
            bare += 1
    stages = parts(node.parent) if node.parent is not None and node.parent.type == "pipeline_chain" else [node]
    return Command(text_of(name), given, tuple(splatted), bare, node.id != stages[0].id, node)


def functions(root: Node) -> set[str]:
    """The names of functions that a script defines itself."""
    return {text_of(parts(node)[0]) for node in nodes(root, "function_statement")}


def keys_of(root: Node, variable: str) -> set[str]:
    """The keys that a table gets, when it is made or later by ``$variable.Key = ...``."""
    found: set[str] = set()
    for node in nodes(root, "assignment_expression"):
        target, value = text_of(node.children[0]), node.children[-1]
        if target.casefold() == f"${variable}":
            found |= {text_of(parts(entry)[0]).strip("'") for entry in nodes(value, "hash_entry")}
        elif target.casefold().startswith(f"${variable}."):
            found.add(target.partition(".")[2])
    return found

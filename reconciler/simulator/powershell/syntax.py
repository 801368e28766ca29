"""From text to syntax tree: tree-sitter with the PowerShell grammar. What the grammar does not accept is not run."""

from functools import lru_cache

import tree_sitter_pwsh
from tree_sitter import Language, Node, Parser

from reconciler.simulator.powershell.failures import NotInSubsetError, PowerShellError


@lru_cache(maxsize=1)
def _language() -> Language:
    return Language(tree_sitter_pwsh.language())


def parse(text: str) -> Node:
    """Return the root of a script's tree; PowerShellError where it has a syntax error."""
    root = Parser(_language()).parse(text.encode("utf-8")).root_node
    if root.has_error:
        raise PowerShellError("The script cannot be parsed.", "ParseException", category="ParserError")
    return root


def text_of(node: Node) -> str:
    """Return the source text of a node."""
    return (node.text or b"").decode("utf-8")


def only(node: Node) -> Node:
    """Return the one named child that is no comment; NotInSubsetError where there are more or none."""
    children = parts(node)
    if len(children) != 1:
        raise unknown(node)
    return children[0]


def parts(node: Node) -> list[Node]:
    """Return the named children that are no comments."""
    return [child for child in node.named_children if child.type != "comment"]


def unknown(node: Node) -> NotInSubsetError:
    """Return the error for a piece of syntax that is not implemented, with its line and text."""
    return NotInSubsetError(f"syntax {node.type} in line {node.start_point[0] + 1}: {text_of(node)[:60]}")

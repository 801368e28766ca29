"""Every script parses as PowerShell. No PowerShell runs here, so a grammar stands in for the parser that will read them."""

from pathlib import Path

import pytest
import tree_sitter_pwsh
from tree_sitter import Language, Node, Parser

WINRM = Path(__file__).parents[3] / "reconciler" / "hosts" / "winrm"
SCRIPTS = sorted(WINRM.rglob("*.ps1"))


def mistakes(source: bytes) -> list[str]:
    """The places that the grammar cannot read, as line:column."""
    found: list[str] = []

    def visit(node: Node) -> None:
        if node.type == "ERROR" or node.is_missing:
            found.append(f"{node.start_point.row + 1}:{node.start_point.column + 1}")
        for child in node.children:
            visit(child)

    visit(Parser(Language(tree_sitter_pwsh.language())).parse(source).root_node)
    return found


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_the_script_is_powershell(script: Path) -> None:
    """No node that the grammar could not read, none that it had to make up."""
    assert mistakes(script.read_bytes()) == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_lost_brace_would_be_seen(script: Path) -> None:
    """The gate can fail: the same script without its last closing brace is not PowerShell any more."""
    head, _, tail = script.read_bytes().rpartition(b"}")

    assert mistakes(head + tail)

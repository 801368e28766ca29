"""docs/privileges.md says what the scripts call, because it is made from them."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.hosts.winrm.bootstrap import SCRIPTS
from tests.docs.privileges import capability, namespaces_table, needs, operations_table

PAGE = Path(__file__).parents[2] / "docs" / "privileges.md"
PARTS: dict[str, Callable[[], str]] = {
    "operations": operations_table,
    "namespaces": namespaces_table,
    "reader": lambda: f"```powershell\n{capability(changes=False)}\n```",
    "writer": lambda: f"```powershell\n{capability(changes=True)}\n```",
}


@pytest.mark.parametrize("part", PARTS)
def test_each_generated_part_is_what_the_scripts_say(part: str) -> None:
    """After a change of a script: UPDATE_GOLDEN=1 python -m pytest tests/docs, and look at what an account needs now."""
    text = PAGE.read_text(encoding="utf-8")
    pattern = re.compile(rf"(<!-- {part}: made from the scripts -->\n).*?(\n<!-- /{part} -->)", re.DOTALL)
    assert pattern.search(text)
    made = pattern.sub(lambda found: found[1] + PARTS[part]() + found[2], text)
    if os.environ.get("UPDATE_GOLDEN"):
        PAGE.write_text(made, encoding="utf-8")

    assert PAGE.read_text(encoding="utf-8") == made


def test_every_script_is_in_the_table() -> None:
    assert {one.script for one in needs()} == set(SCRIPTS)


def test_what_only_reads_calls_nothing_that_changes() -> None:
    """By the verbs of its cmdlets and the methods of WMI: an account for it needs no right to change anything."""
    reading = [one for one in needs() if not one.changes]
    verbs = {name.partition("-")[0] for one in reading for name in one.cmdlets}

    assert verbs <= {"Get", "Test", "Where", "ForEach", "Sort", "Select", "Start"}
    assert {name for one in reading for name in one.cmdlets if name.startswith("Start-")} <= {"Start-Sleep"}
    assert {name for one in reading for name in one.methods} == {"CheckVirtualSystemIsMigratable"}

"""What every shipped script keeps to, so that a Hyper-V administrator can read it and nothing can be destroyed with it."""

import re
from importlib import resources

import pytest

from reconciler.hosts.winrm.bootstrap import SCRIPTS, script

MODULE_VERBS = re.compile(r"(?<![\w-])([A-Z][a-z]+)-([A-Z][A-Za-z]+)\b(?!-)")
READS = {"Get", "Read", "Find", "Where", "ForEach", "Select", "Sort", "Test", "Start"}
CHANGES = {
    "Add-ClusterVirtualMachineRole",
    "Add-VMMigrationNetwork",
    "Disable-VMMigration",
    "Enable-VMMigration",
    "Move-ClusterVirtualMachineRole",
    "Remove-ClusterGroup",
    "Remove-VMMigrationNetwork",
    "Set-ClusterOwnerNode",
    "Set-VMHost",
    "Set-VMMigrationNetwork",
}
READERS = ("Get-Survey", "Get-Migrations", "Get-Events", "Get-Diagnosis", "Get-Echo", "Test-Migration")


def code_of(name: str) -> str:
    """Return a script without its help and its comments."""
    text = re.sub(r"<#.*?#>", "", script(name), flags=re.DOTALL)
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def test_the_shipped_files_are_the_known_scripts() -> None:
    """A script that nobody names, or a name without a script, would only be noticed on a host."""
    files = (resources.files("reconciler.hosts.winrm") / "scripts").iterdir()

    assert sorted(file.name for file in files) == sorted(f"{name}.ps1" for name in SCRIPTS)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_explains_itself_and_takes_one_request(name: str) -> None:
    """Help with synopsis, description and sources stands first; the parameters come as one object, never as code."""
    text = script(name)

    assert text.startswith("<#\n.SYNOPSIS\n")
    assert ".DESCRIPTION\n" in text
    assert re.search(r"\.NOTES\nSources? \(learn\.microsoft\.com\):", text)
    assert text.count("param($Request)") == 1
    assert "$ErrorActionPreference = 'Stop'" in text


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_short_plain_text(name: str) -> None:
    """ASCII needs no byte order mark; a person reads twelve kilobytes at most, in lines of a screen."""
    text = script(name)

    assert text.isascii()
    assert len(text) < 12_000
    assert max(len(line) for line in text.splitlines()) <= 128


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_builds_no_code(name: str) -> None:
    """Nothing that came from outside is ever run, and nothing of PowerShell 7 is needed."""
    code = code_of(name)

    assert not re.search(r"Invoke-Expression|\biex\b|ScriptBlock\]|Add-Type|Invoke-Command|&&|\?\?", code)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_only_uses_cmdlets_that_cannot_destroy(name: str) -> None:
    """Of all cmdlets that change something there is a short list, and none on it touches a machine's existence or a file."""
    used = {"-".join(match) for match in MODULE_VERBS.findall(code_of(name))}
    changing = {cmdlet for cmdlet in used if cmdlet.partition("-")[0] not in READS}

    assert changing <= CHANGES
    assert {cmdlet for cmdlet in used if cmdlet.startswith("Start-")} <= {"Start-VM", "Start-Sleep"}
    if name in READERS:
        assert not changing
        assert "Start-VM" not in used


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_never_waits_for_a_person(name: str) -> None:
    """A question on a console that nobody watches would hang until the deadline."""
    for cmdlet in re.findall(
        r"^.*\b(?:Set-VM\w+|(?:En|Dis)able-VMMigration|\w+-VMMigrationNetwork|Start-VM)\b.*$", code_of(name), re.M
    ):
        if "Get-VMMigrationNetwork" not in cmdlet:
            assert "-Confirm:$false" in cmdlet
    assert ("Remove-ClusterGroup" not in code_of(name)) or "-RemoveResources -Force -Confirm:$false" in code_of(name)


@pytest.mark.parametrize("name", SCRIPTS)
def test_errors_of_our_own_have_the_ids_that_are_written_down(name: str) -> None:
    """The controller decides by the id, so a misspelt one would be taken for a refusal of Windows."""
    known = "machine-not-found not-migratable limit-reached migration-disabled no-room busy not-found not-a-cluster-node "
    ids = set(re.findall(r"throw \(?[\"']reconciler\.([a-z-]+): ", code_of(name)))

    assert ids <= set((known + "file-clash refused").split())
    assert len(re.findall(r"\bthrow\b", code_of(name))) == len(
        re.findall(r"throw \(?[\"']reconciler\.[a-z-]+: \S", code_of(name))
    )


@pytest.mark.parametrize("name", SCRIPTS)
def test_brackets_and_quotes_are_balanced(name: str) -> None:
    """The coarsest slip that would stop a script from being read at all."""
    bare = re.sub(r"'[^']*'", "''", code_of(name))
    assert [bare.count(sign) for sign in "({["] == [bare.count(sign) for sign in ")}]"]
    assert bare.count('"') % 2 == 0

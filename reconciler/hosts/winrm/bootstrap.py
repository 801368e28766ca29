"""The command line and the scripts that a host is given: package data, read once. Nothing is ever formatted into them."""

import base64
from functools import lru_cache
from importlib import resources
from typing import Final

MAXIMUM_COMMAND_LINE: Final = 4000  # cmd.exe cuts at 8191, on some hosts without a word; this leaves room
PROGRAM: Final = "powershell.exe -NoLogo -NoProfile -NonInteractive -EncodedCommand "

SCRIPTS: Final = (
    "Get-Survey",
    "Get-Migrations",
    "Get-Events",
    "Get-Diagnosis",
    "Get-Echo",
    "Test-Migration",
    "Start-Migration",
    "Stop-Migration",
    "Set-HostSettings",
    "Set-ClusterSettings",
    "Start-Machine",
    "Get-ClusterRole",
    "Remove-ClusterRole",
    "Add-ClusterRole",
)


@lru_cache(maxsize=1)
def command_line() -> str:
    """Return the command line of every call: ASCII, always the same, under 4,000 characters."""
    code = "\n".join(line for line in bootstrap().splitlines() if not line.startswith("#"))
    line = PROGRAM + base64.b64encode(code.encode("utf-16-le")).decode("ascii")
    assert len(line) < MAXIMUM_COMMAND_LINE, f"the bootstrap makes a command line of {len(line)} characters"
    return line


def bootstrap() -> str:
    """Return the text that the command line is made of, comments included."""
    return _text("bootstrap.ps1")


@lru_cache(maxsize=len(SCRIPTS))
def script(name: str) -> str:
    """Return the text of a shipped script by its name; ValueError for any other name."""
    if name not in SCRIPTS:
        raise ValueError(f"no script is called {name}")
    return _text("scripts", f"{name}.ps1")


def _text(*path: str) -> str:
    return resources.files("reconciler.hosts.winrm").joinpath(*path).read_text(encoding="ascii")

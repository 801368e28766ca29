"""What the interpreter makes of scripts: as Windows PowerShell 5.1 does, or a loud refusal. Never a silent difference."""

from typing import Any

import pytest

from reconciler.hosts.winrm.bootstrap import SCRIPTS, script
from reconciler.simulator import powershell as ps
from reconciler.simulator.powershell import NotInSubsetError, PowerShellError, Session, run
from reconciler.simulator.powershell.statements import compile_script
from reconciler.simulator.powershell.values import Enumeration, net_object

GUID = "0123abcd-0000-4000-8000-00000000000a"


def outputs(text: str, **objects: Any) -> list[Any]:
    """What a script writes; ``objects`` are what Get-Thing gives, by its parameter Name."""

    def get_thing(call: ps.Call) -> list[Any]:
        if call.get("Name") not in objects:
            raise PowerShellError("There is none.", "NotThere", category="ObjectNotFound", terminating=False)
        return [objects[call.get("Name")]]

    cmdlet = ps.Cmdlet("Get-Thing", get_thing, (ps.Parameter("Name", "string", 0), ps.Parameter("Quiet", ps.SWITCH)))
    return run(text, Session(cmdlets={"get-thing": cmdlet}, environment={"COMPUTERNAME": "HV1"}))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        # arrays, nulls and what is unrolled where
        ("$a = @(); $a.Count; $a += 1; $a += , 2; $a.Count", [0, 2]),
        ("@($null).Count; @(@() | Where-Object { $true }).Count", [1, 0]),
        ("$n = @() | Where-Object { $true }; @($n | ForEach-Object { 'x' }).Count", [0]),
        ("$null | ForEach-Object { 'once' }", ["once"]),
        ("foreach ($x in $null) { 'never' }", []),
        ("$x = Get-Thing one; @($x).Count", [1]),
        ("$t = @{}; $t['k'] += , 5; $t['k'] += , 6; $t.k.Count; $t.K", [2, 5, 6]),
        ("$list = (@{ n = 1 }, @{ n = 2 }); $list.n", [1, 2]),
        ("(1, 2, 3)[-1]; (1, 2)[5]", [3, None]),
        # comparison converts the right side, in any case of letters
        (
            "'ABC' -eq 'abc'; 5 -eq '5'; '5' -eq 5; $true -eq 'x'; $null -eq 0; 0 -eq $null",
            [True, True, True, True, False, False],
        ),
        ("@(1, 2, 3) -ne 2", [1, 3]),
        ("@('A', 'b') -contains 'B'; 'x' -in @('y'); 2 -notcontains 2", [True, False, False]),
        ("'server.vhds' -like '*.VHDS'; 'a' -like 'b*'", [True, False]),
        ("'10' -lt 9; 10 -gt '9'", [True, True]),
        ("if ('0x80070005 (E)' -match '0x[0-9A-F]{8}') { $Matches[0] }", ["0x80070005"]),
        # numbers: whole or not, rounded to even, two's complement in hexadecimal
        ("$x = 6 / 3; $y = 7 / 2; $x; $y; [long]($y); [int](5 / 2)", [2, 3.5, 4, 2]),
        ("$m = 3GB / 1MB; $m; [int]$null; [int]'0x10'", [3072, 0, 16]),
        ("'0x{0:X8}' -f -2147024809; '{0}-{1}' -f 'a', 2", ["0x80070057", "a-2"]),
        # a cast converts, so a number out of range is an error, and never another number
        (
            "try { [int]2148074254 } catch { $_.FullyQualifiedErrorId }; [long]2148074254",
            ["InvalidCastIConvertible", 2148074254],
        ),
        ("[string][guid]'0123ABCD00004000800000000000000a'", [GUID]),
        (
            "foreach ($g in '{0}', '{{{0}}}', '({0})') { [string][guid]($g -f '0123ABCD-0000-4000-8000-00000000000a') }",
            [GUID] * 3,
        ),
        ("try { [guid]'{0123ABCD-0000-4000-8000-00000000000a' } catch { 'no' }", ["no"]),
        # texts
        ('$v = \'x\'; "$v`: $($v.Length + 1) `"q`" $env:COMPUTERNAME"', ['x: 2 "q" HV1']),
        ("'it''s'; [string]$null; [string]@(1, 2); [string]$true", ["it's", "", "1 2", "True"]),
        ("'a\\'.TrimEnd('\\'); 'Abc'.ToLower(); 'cluster:x'.Substring(8)", ["a", "abc", "x"]),
        # errors: where nobody asked for a stop, one ends its statement and no more, unless it is thrown or in a try
        ("[int]'x'; 'on'; if ([int]'x') { 'never' }; 'and on'", ["on", "and on"]),
        ("try { [int]'x'; 'never' } catch { 'caught' }", ["caught"]),
        ("function F { [int]'x'; 'never' } try { F } catch { 'caught' }", ["caught"]),
        ("$ErrorActionPreference = 'Stop'; try { [int]'x'; 'never' } catch { 'caught' }", ["caught"]),
        ("try { ConvertTo-Json -InputObject 1 -Depth 101 -Compress } catch { $_.Exception.Message.Length -gt 9 }", [True]),
        (
            "try { throw 'r.x: bad'; 'no' } catch { $_.Exception.Message; [string]$_.CategoryInfo.Category }",
            ["r.x: bad", "OperationStopped"],
        ),
        ("Get-Thing none; 'went on'", ["went on"]),
        ("$ErrorActionPreference = 'Stop'\ntry { Get-Thing none } catch { $_.FullyQualifiedErrorId }", ["NotThere"]),
        ("$ErrorActionPreference = 'Stop'\n@(Get-Thing none -ErrorAction SilentlyContinue).Count", [0]),
        ("try { $x.Run() } catch { $_.FullyQualifiedErrorId }", ["InvokeMethodOnNull"]),
        # scopes, blocks and what a loop leaves
        ("$x = 1; & { $x = 2 }; $x; @(5) | ForEach-Object { $x = $_ }; $x", [1, 5]),
        ("foreach ($i in 1..9) { if ($i -eq 2) { continue }; if ($i -eq 4) { break }; $i }", [1, 3]),
        ("$n = 0; while ($n -lt 5) { $n += 1; if ($n -eq 2) { continue }; if ($n -eq 4) { break }; $n }", [1, 3]),
        ("$how = @{ Name = 'one' }; (Get-Thing @how).Size", [3]),
        # sorting and JSON
        ("'b', 'A', 'a' | Sort-Object -Unique", ["A", "b"]),
        (
            '$o = \'{"a": [1], "b": null}\' | ConvertFrom-Json; $o.a.Count; $o.b; $o.c; $o.PSObject.Properties.Name',
            [1, None, None, "a", "b"],
        ),
        (
            "ConvertTo-Json -Compress -Depth 1 -InputObject @{ a = @(1); b = @{ c = @{} } }",
            ['{"a":[1],"b":{"c":"System.Collections.Hashtable"}}'],
        ),
        ("ConvertTo-Json -Compress -InputObject @{ state = (Get-Thing state) }", ['{"state":2}']),
    ],
)
def test_a_script_does_what_powershell_does(text: str, written: list[Any]) -> None:
    """Language pages of Windows PowerShell 5.1 (about_Operators, about_Arrays, about_Scopes, about_Try_Catch_Finally)."""
    found = outputs(text, one=net_object("Thing", {"Size": 3}), state=Enumeration("State", "Running", 2))
    assert [found[number] if number < len(found) else "nothing" for number in range(max(len(found), len(written)))] == written


@pytest.mark.parametrize("text", ["$ErrorActionPreference = 'Stop'; [int]'x'; 'never'", "throw 'x'; 'never'"])
def test_an_error_ends_a_script_that_asks_for_it_or_throws(text: str) -> None:
    """And nothing after it is run: an answer must never be made of what was left from before."""
    with pytest.raises(PowerShellError):
        outputs(text)


@pytest.mark.parametrize(
    "text",
    [
        "Remove-VM -Name x",
        "Get-Thing one -Unknown 5",
        "(Get-Thing one).Weight",
        "(Get-Thing one).Explode()",
        "(Get-Thing one).Size = 4",
        "[System.IO.File]::Delete('x')",
        "$env:PATH",
        "do { } while ($false)",
        "switch (1) {\n 1 { 'a' }\n}",
        "'x' -replace 'x', 'y'",
        "Invoke-Expression 'Get-Thing one'",
        "$script:x = 1",
        "[xml]'<a/>'",
        "Get-Thing -Quiet one",
        "'a' -match '(?P<name>'",
    ],
)
def test_what_is_not_implemented_stops_the_run_and_cannot_be_caught(text: str) -> None:
    """No statement, command, parameter, member or type is ever ignored, not even inside a try."""
    with pytest.raises(NotInSubsetError):
        outputs(f"try {{\n{text}\n}} catch {{ 'caught' }}", one=net_object("Thing", {"Size": 3}))


@pytest.mark.parametrize("text", ["if (", "@{ a = }", "'never ends"])
def test_what_cannot_be_parsed_is_not_run(text: str) -> None:
    """A syntax error is an error before the first statement."""
    with pytest.raises(PowerShellError, match="cannot be parsed"):
        outputs("'first'\n" + text)


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_shipped_script_can_be_run_here(name: str) -> None:
    """All of their syntax is implemented; their commands are found out by the scenarios that run them."""
    assert compile_script(script(name)).parameters == ("request",)

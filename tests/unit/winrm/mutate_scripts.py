"""Break every line of every shipped script, one at a time, and see whether the tests of their answers notice.

Run: ``python -m tests.unit.winrm.mutate_scripts [--script NAME] [--sample N] [--write]``. A line is broken by
leaving it out, where that still parses, and by the first small change that fits it (another comparison, number or name); the
scripts make the list.
"""

import json
import random
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from inspect import signature
from pathlib import Path
from typing import Any

from reconciler.hosts.winrm.bootstrap import SCRIPTS, bootstrap, script
from reconciler.simulator.powershell import PowerShellError
from reconciler.simulator.powershell.syntax import parse
from tests.unit.winrm import script_tree, test_winrm_contract, test_winrm_scripts
from tests.unit.winrm.script_stage import Case, expected, transcript
from tests.unit.winrm.script_trouble import ALL_CASES as CASES

BOOTSTRAP = "bootstrap"
READERS: tuple[Any, ...] = (script_tree, test_winrm_contract, test_winrm_scripts)
# What is thrown away by ``$null = ...`` is not changed, nor kept in a variable that nothing reads: both say the same.
SWAPS = (
    ("-ne ", "-eq "),
    ("-eq ", "-ne "),
    ("-notcontains ", "-contains "),
    ("-contains ", "-notcontains "),
    ("-notlike ", "-like "),
    ("-like ", "-notlike "),
    ("-and ", "-or "),
    ("-or ", "-and "),
    ("-ge ", "-lt "),
    ("-lt ", "-ge "),
    ("-gt ", "-le "),
    ("-not ", ""),
    (r"\$null -", "$true -"),
    (r"\$true", "$false"),
    (r"\$false", "$true"),
    (r"\+=", "="),
    (r"'(\w[^'$]*)'", r"'\1x'"),
    (r"\b(\d+)\b", r"1\1"),
    (r"= \$null", "= 1"),
    (r"(?<!\$null )= (\[\w+\])?\$", r"= 'x' + $"),
    (r"\$(?!null\b)(\w+)", r"$x\1"),
    (r"return ", "throw "),
    (r"(\w+)-(\w+)", r"\1-X\2"),
    (r"(\w+) = @\{$", r"x\1 = @{"),
)


@dataclass(frozen=True)
class Mutant:
    """One script with one line broken."""

    script: str
    line: int
    how: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.script}:{self.line} {self.how}"


def mutants() -> list[Mutant]:
    """All of them, in the order of scripts and lines."""
    texts = {name: script(name) for name in SCRIPTS} | {BOOTSTRAP: bootstrap()}
    return [mutant for name, text in texts.items() for mutant in _of_script(name, text)]


def _of_script(name: str, text: str) -> Iterator[Mutant]:
    lines, in_help = text.splitlines(), False
    for at, line in enumerate(lines):
        in_help = in_help or line.startswith("<#")
        code = line.strip()
        if not in_help and code and not code.startswith("#") and re.search(r"\w", code):
            for how, broken in _breaks(line):
                changed = "\n".join([*lines[:at], broken, *lines[at + 1 :]]) + "\n"
                if _parses(changed):
                    yield Mutant(name, at + 1, how, changed)
        in_help = in_help and not line.rstrip().endswith("#>")


def _breaks(line: str) -> Iterator[tuple[str, str]]:
    yield "left out", ""
    for pattern, other in SWAPS:
        changed, count = re.subn(pattern, other, line, count=1)
        if count and changed != line:
            yield f"{line.strip()[:60]} -> {changed.strip()[:60]}", changed
            return


def _parses(text: str) -> bool:
    try:
        parse(text)
    except PowerShellError:
        return False
    return True


def _whole(name: str) -> Mutant:
    """A script that is not broken."""
    return Mutant(name, 0, "as it is", bootstrap() if name == BOOTSTRAP else script(name))


def survives(mutant: Mutant, answers: dict[str, Any]) -> bool:
    """Tell whether no case notices. Cases that run the script come first to mind; for the bootstrap, all do."""
    for name, case in cases_of(mutant.script):
        try:
            found = json.loads(json.dumps(_run(case, mutant)))
        except Exception:  # whatever breaks the run is noticed
            return False
        if found != answers[name]:
            return False
    return mutant.script == BOOTSTRAP or not _breaks_the_contract(mutant)


def _breaks_the_contract(mutant: Mutant) -> bool:
    """Tell whether a test that reads the scripts notices."""
    own = {module: module.script for module in READERS}
    try:
        for module in READERS:
            module.script = lambda name: mutant.text if name == mutant.script else script(name)
        for module in READERS:
            for name, test in vars(module).items():
                takes = list(signature(test).parameters) if name.startswith("test_") else None
                if takes in ([], ["name"]):
                    test(*([mutant.script] if takes else []))
    except Exception:
        return True
    finally:
        for module, function in own.items():
            module.script = function
    return False


def _run(case: Case, mutant: Mutant) -> Any:
    if mutant.script == BOOTSTRAP:
        return transcript(case, loop=mutant.text)
    return transcript(case, texts=lambda name: mutant.text if name == mutant.script else script(name))


def cases_of(name: str) -> list[tuple[str, Case]]:
    """Return the cases that run a script, with their names; for the bootstrap, all."""
    return [(key, case) for key, case in CASES.items() if name == BOOTSTRAP or any(called == name for called, _ in case.calls)]


def main(arguments: list[str]) -> int:
    """Print what was not noticed and how many; 1 where that is any, 2 where even whole scripts do not pass."""
    chosen = mutants()
    if "--script" in arguments:
        chosen = [mutant for mutant in chosen if mutant.script == arguments[arguments.index("--script") + 1]]
    if "--sample" in arguments:
        count = int(arguments[arguments.index("--sample") + 1])
        chosen = random.Random(date.today().isoformat()).sample(chosen, min(count, len(chosen)))
    answers = expected()
    if spoilt := [name for name in sorted({mutant.script for mutant in chosen}) if not survives(_whole(name), answers)]:
        sys.stdout.write(f"nothing can be judged: as they are, {', '.join(spoilt)} do not pass\n")
        return 2
    alive: list[Mutant] = []
    for mutant in chosen:
        if survives(mutant, answers):
            alive.append(mutant)
            sys.stdout.write(f"not noticed: {mutant.name}\n")
            sys.stdout.flush()
    text = f"{len(chosen)} breaks, {len(chosen) - len(alive)} noticed"
    sys.stdout.write(text + "\n")
    if "--write" in arguments and len(chosen) == len(mutants()):
        _write_page(text, chosen, alive)
    return 1 if alive else 0


def _write_page(text: str, chosen: list[Mutant], alive: list[Mutant]) -> None:
    rows = ["| script | lines broken | noticed |", "|" + " --- |" * 3]
    for name in (*SCRIPTS, BOOTSTRAP):
        count = sum(mutant.script == name for mutant in chosen)
        rows.append(f"| {name} | {count} | {count - sum(mutant.script == name for mutant in alive)} |")
    kept = ["Not noticed: none."] if not alive else ["Not noticed:", "", *(f"- `{mutant.name}`" for mutant in alive)]
    how = (
        "Each line is left out, where that still parses, and broken by the first small change that fits it. A bare `try {` has"
    )
    how += " neither: without it the script cannot be read.\n"
    page = [f"# Broken scripts\n\nRun {date.today()} by `make mutate-scripts`. {text}.\n", how, *rows, "", *kept]
    Path(__file__).parents[3].joinpath("bench", "results", "mutants.md").write_text("\n".join(page) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

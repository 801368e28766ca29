"""An interpreter for the PowerShell that the shipped scripts use, so that the simulated hosts run the very scripts.

``run`` takes the text of a script and a session: what it may call, and what it reads and writes. Text becomes a tree
(``syntax``), the tree functions (``statements``, ``expressions``, ``pipelines``), values are in ``values``, ``convert`` and
``members``, cmdlets of the language in ``language``. **Nothing is ever ignored**: a piece of syntax, a command, a parameter, a
property or a method that is not implemented raises ``NotInSubsetError``, which no script can catch.
"""

from typing import Any

from reconciler.simulator.powershell.commands import ANY, SCRIPT_BLOCK, SWITCH, Argument, Call, Cmdlet, Parameter
from reconciler.simulator.powershell.failures import NotInSubsetError, PowerShellError
from reconciler.simulator.powershell.language import CMDLETS
from reconciler.simulator.powershell.pipelines import run_block
from reconciler.simulator.powershell.scope import Scope, Session
from reconciler.simulator.powershell.statements import compile_script

__all__ = [
    "ANY",
    "SCRIPT_BLOCK",
    "SWITCH",
    "Argument",
    "Call",
    "Cmdlet",
    "NotInSubsetError",
    "Parameter",
    "PowerShellError",
    "Session",
    "run",
]


def run(text: str, session: Session, arguments: dict[str, Any] | None = None) -> list[Any]:
    """Run a script; return what it wrote to its output, item by item.

    Raises PowerShellError where the script ends with an error, NotInSubsetError where it uses what is not implemented.
    """
    session.cmdlets = {cmdlet.name.casefold(): cmdlet for cmdlet in CMDLETS} | session.cmdlets
    given = [Argument(name, value) for name, value in (arguments or {}).items()]
    return run_block(compile_script(text), given, Scope(session))

"""Where names live while a script runs: variables (dynamic scope), functions, and the session that all scopes share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.simulator.powershell.console import GivenInput, StandardInput
from reconciler.simulator.powershell.failures import NotInSubsetError, PowerShellError
from reconciler.simulator.powershell.values import ScriptBlock

if TYPE_CHECKING:
    from reconciler.simulator.powershell.commands import Cmdlet

Statics = dict[str, Callable[[str, list[Any] | None], Any]]
"""By folded type name: a function of member name and arguments (None: a property)."""


@dataclass(slots=True)
class Session:
    """One PowerShell process: what it can call, and what it reads and writes.

    ``cmdlets`` by folded name; ``casts`` and ``statics`` by folded type name, beside those of the language; ``variables``
    are there from the start, by folded name; ``now`` in seconds of any clock that goes forward; ``sleep`` takes seconds.
    ``flush`` is called where a script flushes its output, which ``stdout`` holds until somebody takes it. ``failures`` are
    errors that did not stop the script, ``progress`` what was shown of work under way; ``tries`` counts blocks of ``try``
    that are being run.
    """

    cmdlets: dict[str, "Cmdlet"] = field(default_factory=dict)
    casts: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    statics: Statics = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    now: Callable[[], float] = lambda: 0.0
    sleep: Callable[[float], None] = lambda _: None
    stdin: StandardInput = field(default_factory=GivenInput)
    stdout: bytearray = field(default_factory=bytearray)
    flush: Callable[[], None] = lambda: None
    failures: list[str] = field(default_factory=list)
    progress: list[str] = field(default_factory=list)
    tries: int = 0


class Scope:
    """Variables and functions of one call; what it lacks is looked up in the caller's."""

    __slots__ = ("functions", "parent", "session", "variables")

    def __init__(self, session: Session, parent: "Scope | None" = None) -> None:
        self.session, self.parent = session, parent
        self.variables: dict[str, Any] = {}
        self.functions: dict[str, ScriptBlock] = {}

    def get(self, name: str) -> Any:
        """Return a variable's value by its folded name; ``$null`` where there is none."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.variables:
                return scope.variables[name]
            scope = scope.parent
        return self.session.variables.get(name)

    def function(self, name: str) -> ScriptBlock | None:
        """Return a function by its folded name."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.functions:
                return scope.functions[name]
            scope = scope.parent
        return None

    def environment(self, name: str) -> str | None:
        """Return a variable of the process; asking for one that the simulated host does not have stops the run."""
        for key, value in self.session.environment.items():
            if key.casefold() == name:
                return value
        raise NotInSubsetError(f"environment variable {name}")

    @property
    def stops_at_errors(self) -> bool:
        """Whether errors end the script, by ``$ErrorActionPreference``."""
        return str(self.get("erroractionpreference")).casefold() == "stop"

    def goes_on_after(self, error: PowerShellError) -> bool:
        """Note an error and tell whether the next statement follows it: nothing surrounds it, and nobody asked for a stop."""
        if error.thrown or self.session.tries or self.stops_at_errors:
            return False
        self.session.failures.append(error.message)
        return True

    def show_progress(self, text: str) -> None:
        """Show what takes its time, once, unless ``$ProgressPreference`` says that nobody wants to see it."""
        if text not in self.session.progress and str(self.get("progresspreference")).casefold() != "silentlycontinue":
            self.session.progress.append(text)

"""Commands: what a cmdlet is, how arguments are bound to its parameters, and what happens to an error that it reports.

Binding is stricter than PowerShell's, which takes any unambiguous beginning of a name: here names are whole, because a
script that is read by administrators should say what it means.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.simulator.powershell.convert import cast, to_bool, to_text
from reconciler.simulator.powershell.failures import NotInSubsetError, PowerShellError
from reconciler.simulator.powershell.scope import Scope
from reconciler.simulator.powershell.values import NOTHING, ScriptBlock, TypeName, plain

SWITCH = "switch"
SCRIPT_BLOCK = "scriptblock"
ANY = "object"
COMMON = ("erroraction",)
ERROR_ACTIONS = ("stop", "continue", "silentlycontinue", "ignore")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter. ``type_name``: a type of the language, "switch", "scriptblock", "object", with [] for arrays.

    ``position``: which place it takes without its name. ``values``: the only texts that it takes, in any case.
    """

    name: str
    type_name: str = ANY
    position: int | None = None
    values: tuple[str, ...] = ()


@dataclass(slots=True)
class Call:
    """One call of a cmdlet: its bound parameters by folded name, and what came down the pipeline (``piped``: it has one)."""

    cmdlet: "Cmdlet"
    scope: Scope
    bound: dict[str, Any]
    input: list[Any]
    piped: bool
    error_action: str | None = None

    def get(self, name: str, default: Any = None) -> Any:
        """Return what was given for a parameter."""
        return self.bound.get(name.casefold(), default)

    def given(self, name: str) -> bool:
        """Return whether a parameter was given at all."""
        return name.casefold() in self.bound

    def fail(self, error: PowerShellError) -> None:
        """Report an error that need not stop the script: it does where the preference or ``-ErrorAction`` says so."""
        action = self.error_action or ("stop" if self.scope.stops_at_errors else "continue")
        if action == "stop":
            error.thrown = True
            raise error
        if action == "continue":
            self.scope.session.failures.append(error.message)


Body = Callable[[Call], Iterable[Any]]


@dataclass(frozen=True, slots=True)
class Cmdlet:
    """A command that is implemented here. ``fits`` tells whether parameters (folded names; and piped input) go together."""

    name: str
    body: Body
    parameters: tuple[Parameter, ...] = ()
    takes_input: bool = False
    fits: Callable[[Iterable[str], bool], bool] = lambda names, piped: True  # noqa: ARG005 - the form of all

    def parameter(self, name: str) -> Parameter:
        """Return a parameter by name; NotInSubsetError where this cmdlet has none of it here."""
        for one in self.parameters:
            if one.name.casefold() == name.casefold():
                return one
        raise NotInSubsetError(f"parameter -{name} of {self.name}")


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument as written: ``name`` None: by position; ``bare``: a name alone; ``colon``: a name, a colon, a value."""

    name: str | None
    value: Any = None
    bare: bool = False
    colon: bool = False


def bind(cmdlet: Cmdlet, arguments: Iterable[Argument], scope: Scope, piped: list[Any] | None) -> Call:
    """Return the call of a cmdlet; PowerShellError where an argument fits no parameter, as PowerShell says it."""
    if piped and not cmdlet.takes_input:
        raise NotInSubsetError(f"input from the pipeline to {cmdlet.name}")
    call = Call(cmdlet, scope, {}, piped or [], piped is not None)
    open_places = sorted((one for one in cmdlet.parameters if one.position is not None), key=lambda one: one.position or 0)
    named = {argument.name.casefold() for argument in arguments if argument.name is not None}
    places = iter([one for one in open_places if one.name.casefold() not in named])
    for argument in arguments:
        _bind_one(call, argument, places)
    _check_set(call)
    return call


def _bind_one(call: Call, argument: Argument, places: Iterable[Parameter]) -> None:
    if argument.name is not None and argument.name.casefold() in COMMON:
        call.error_action = to_text(argument.value).casefold()
        if call.error_action not in ERROR_ACTIONS:
            raise NotInSubsetError(f"-ErrorAction {call.error_action}")
        return
    parameter = call.cmdlet.parameter(argument.name) if argument.name is not None else next(iter(places), None)
    if parameter is None:
        text = f"A positional parameter cannot be found that accepts argument '{to_text(argument.value)}'."
        raise PowerShellError(text, f"PositionalParameterNotFound,{call.cmdlet.name}", category="InvalidArgument")
    call.bound[parameter.name.casefold()] = _converted(call.cmdlet, parameter, argument)


def _converted(cmdlet: Cmdlet, parameter: Parameter, argument: Argument) -> Any:
    if parameter.type_name == SWITCH:
        if not argument.bare and not argument.colon:
            # PowerShell would take the value for the next place; a script that means it can write it clearer.
            raise NotInSubsetError(f"a value after the switch -{parameter.name} without a colon")
        return argument.bare or to_bool(argument.value)
    if argument.bare:
        text = f"Missing an argument for parameter '{parameter.name}'. Specify a parameter and try again."
        raise PowerShellError(text, f"MissingArgument,{cmdlet.name}", category="InvalidArgument")
    value = plain(argument.value)
    if parameter.type_name == SCRIPT_BLOCK and not isinstance(value, ScriptBlock):
        raise PowerShellError(f"Cannot bind parameter '{parameter.name}'.", f"CannotConvertArgument,{cmdlet.name}")
    if parameter.type_name not in (ANY, SCRIPT_BLOCK):
        name = parameter.type_name
        value = cast(value, TypeName(name.removesuffix("[]"), name.endswith("[]")))
    _check_value(cmdlet, parameter, value)
    return value


def _check_value(cmdlet: Cmdlet, parameter: Parameter, value: Any) -> None:
    known = [one.casefold() for one in parameter.values]
    if known and to_text(value).casefold() not in known:
        allowed = ", ".join(parameter.values)
        text = f"Cannot validate argument on parameter '{parameter.name}': {to_text(value)} is none of {allowed}."
        raise PowerShellError(text, f"ParameterArgumentValidationError,{cmdlet.name}", category="InvalidData")


def _check_set(call: Call) -> None:
    if not call.cmdlet.fits(call.bound, call.piped):
        text = "Parameter set cannot be resolved using the specified named parameters."
        raise PowerShellError(text, f"AmbiguousParameterSet,{call.cmdlet.name}", category="InvalidArgument")


def bind_block(block: ScriptBlock, arguments: Iterable[Argument], scope: Scope) -> Scope:
    """Return the scope in which a function or script block runs, its parameters set; those not given are ``$null``."""
    inner = Scope(scope.session, scope)
    names = {name.casefold() for name in block.parameters}
    arguments = list(arguments)
    named = {one.name.casefold(): one for one in arguments if one.name is not None}
    if unknown := sorted(set(named) - names):
        raise NotInSubsetError(f"parameter -{unknown[0]} of a function that does not declare it")
    values = {key: plain(one.value) for key, one in named.items()}
    places = [name.casefold() for name in block.parameters if name.casefold() not in named]
    positional = [plain(one.value) for one in arguments if one.name is None]
    values.update(zip(places, positional, strict=False))
    inner.variables["args"] = positional[len(places) :]
    inner.variables.update({name: values.get(name) for name in sorted(names)})
    return inner


def splatted(value: Any) -> list[Argument]:
    """Return the arguments in a splatted hashtable."""
    if not isinstance(value, Mapping) and not hasattr(value, "items"):
        raise NotInSubsetError("splatting anything but a hashtable")
    return [Argument(to_text(key), one, colon=True) for key, one in value.items()]


def written(outputs: Iterable[Any]) -> list[Any]:
    """Return what a cmdlet wrote, item by item; nothing is no item."""
    return [one for one in outputs if one is not NOTHING]

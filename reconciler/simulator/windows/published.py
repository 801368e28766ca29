"""Cmdlets of the simulated Windows, made from Microsoft's published signatures: names, types, enumerations, parameter sets.

A part of Windows says which parameters it implements; what these are is not for it to say.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from reconciler.hosts.winrm.signatures import Parameter as Published
from reconciler.hosts.winrm.signatures import Signature, signature
from reconciler.simulator.powershell import ANY, SCRIPT_BLOCK, SWITCH, Call, Cmdlet, Parameter
from reconciler.simulator.powershell.commands import Body

LOADING: Final = "Preparing modules for first use."
TYPES: Final = {
    "SwitchParameter": SWITCH,
    "ScriptBlock": SCRIPT_BLOCK,
    "String": "string",
    "String[]": "string[]",
    "Boolean": "bool",
    "Int32": "int",
    "UInt32": "uint32",
    "Guid": "guid",
}


def published(name: str, body: Body, *parameters: str, takes_input: bool = False) -> Cmdlet:
    """Return a cmdlet that implements these of its published parameters; KeyError for a cmdlet or parameter that is not."""
    if (found := signature(name)) is None:
        raise KeyError(f"no cmdlet {name} is published")

    def shown(call: Call) -> Iterable[Any]:
        call.scope.show_progress(LOADING)
        return body(call)

    return Cmdlet(
        found.name,
        shown,
        tuple(_parameter(found, one) for one in parameters),
        takes_input,
        lambda names, piped: found.fits(names, piped=piped),
    )


def in_published_sets(cmdlet: Cmdlet) -> Cmdlet:
    """Return a cmdlet of the language, held to its published parameter sets; KeyError for one that is not published."""
    if (found := signature(cmdlet.name)) is None:
        raise KeyError(f"no cmdlet {cmdlet.name} is published")
    return replace(cmdlet, fits=lambda names, piped: found.fits(names, piped=piped))


def output_type(name: str) -> str:
    """Return the type of what a cmdlet gives, as published; KeyError for one that is not."""
    if (found := signature(name)) is None:
        raise KeyError(f"no cmdlet {name} is published")
    return found.outputs[0]


def _parameter(found: Signature, name: str) -> Parameter:
    if (one := found.parameter(name)) is None:
        raise KeyError(f"no parameter -{name} of {found.name} is published")
    type_name = "string" if one.values else TYPES.get(one.type_name, ANY)
    return Parameter(one.name, type_name, _position(found, one), one.values)


def _position(found: Signature, one: Published) -> int | None:
    """Return the place that a parameter takes without its name: only in the default set, where no other one could be meant."""
    place = found.sets[found.default_set].get(one.name.casefold()) if found.default_set in found.sets else None
    return place.position if place else None

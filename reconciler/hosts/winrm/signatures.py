"""What Microsoft has published of the cmdlets, objects and WMI classes that scripts may use: ``signatures.json``, read once.

The contract tests hold every script to it, and the simulated Windows builds its cmdlets from it, so that a parameter or a
property that real hosts do not have cannot exist on simulated ones either.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter. ``type_name`` as published (UInt32, String[], SwitchParameter); ``values``: names of its enumeration."""

    name: str
    type_name: str
    values: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """What a parameter is in one parameter set."""

    mandatory: bool = False
    position: int | None = None
    from_pipeline: bool = False


@dataclass(frozen=True, slots=True)
class Signature:
    """A cmdlet. ``sets``: by name, the folded names of their parameters. ``asks``: it may ask for confirmation."""

    name: str
    module: str
    parameters: Mapping[str, Parameter]
    sets: Mapping[str, Mapping[str, Place]]
    default_set: str
    outputs: tuple[str, ...]
    asks: bool

    def parameter(self, name: str) -> Parameter | None:
        """Return a parameter by its whole name, in any case; an alias is no name."""
        return self.parameters.get(name.casefold())

    def fits(self, names: Iterable[str], *, piped: bool = False) -> bool:
        """Tell whether these parameters, given together, belong to one set and leave none out that it must have."""
        given = {name.casefold() for name in names}
        return any(given <= set(places) and _is_complete(places, given, piped) for places in self.sets.values())


def _is_complete(places: Mapping[str, Place], given: set[str], piped: bool) -> bool:
    missing = [place for name, place in places.items() if place.mandatory and name not in given]
    return all(piped and place.from_pipeline for place in missing)


@lru_cache(maxsize=1)
def _document() -> dict[str, Any]:
    text = resources.files("reconciler.hosts.winrm").joinpath("signatures.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


@lru_cache(maxsize=256)
def signature(name: str) -> Signature | None:
    """Return a cmdlet's signature by its name in any case; None for one that is not listed."""
    found = next((key for key in _document()["cmdlets"] if key.casefold() == name.casefold()), None)
    return None if found is None else _signature(found, _document()["cmdlets"][found])


def _signature(name: str, raw: dict[str, Any]) -> Signature:
    parameters = {
        key.casefold(): Parameter(key, one["type"], tuple(one.get("values", ())), tuple(one.get("aliases", ())))
        for key, one in raw["parameters"].items()
    }
    sets = {
        set_name: {
            key.casefold(): Place(one.get("mandatory", False), one.get("position"), "pipeline" in one)
            for key, one in places.items()
        }
        for set_name, places in raw["sets"].items()
    }
    return Signature(name, raw["module"], parameters, sets, raw["defaultSet"], tuple(raw["outputs"]), raw["shouldProcess"])


def properties_of(type_name: str) -> frozenset[str]:
    """Return the property names of a cmdlet's output (Microsoft.HyperV.PowerShell.VMHost, or VMHost) or of a WMI class.

    KeyError for a type that is not listed.
    """
    short, document = type_name.rpartition(".")[2], _document()
    properties = document["types"].get(short) or document["classes"][short]["properties"]
    return frozenset(properties)


def method_parameters(class_name: str, method: str) -> tuple[str, ...]:
    """Return the input parameters of a WMI class's method; KeyError where class or method is not listed."""
    return tuple(_document()["classes"][class_name]["methods"][method]["in"])


def namespace_of(class_name: str) -> str:
    """Return the namespace of a WMI class; KeyError for one that is not listed."""
    return str(_document()["classes"][class_name]["namespace"])


def enumeration(type_name: str) -> dict[str, int]:
    """Return the names and numbers of an enumeration; KeyError for one that is not listed."""
    return dict(_document()["enums"][type_name])

"""Instances of WMI classes: properties that can be set, and their text form, in which methods take them as parameters."""

import json
import re
from typing import Any

from reconciler.simulator.powershell.convert import to_text
from reconciler.simulator.powershell.failures import NotInSubsetError
from reconciler.simulator.powershell.values import NetObject, plain

FORMAT = 1  # the one that scripts ask GetText for: WMI's own text; which form it has is nobody's business but the provider's
_HEAD = "instance of "
_PATH = re.compile(r'\\\\[\w.-]+\\root\\virtualization\\v2:\w+\.\w+="([^"]+)"')


def instance(class_name: str, properties: dict[str, Any]) -> NetObject:
    """Return an instance whose properties can all be set, and which writes itself as text."""
    values = {name.casefold(): (name, value) for name, value in properties.items()}

    def reader(key: str) -> Any:
        return values[key][1]

    def writer(key: str, value: Any) -> None:
        values[key] = (values[key][0], plain(value))

    def text(arguments: list[Any]) -> str:
        if arguments != [FORMAT]:
            raise NotInSubsetError(f"GetText({arguments})")
        return _HEAD + class_name + " " + json.dumps(dict(values.values()), default=to_text)

    return NetObject(
        class_name,
        {key: (lambda key=key: reader(key)) for key in values},  # type: ignore[misc]
        {key: (lambda value, key=key: writer(key, value)) for key in values},  # type: ignore[misc]
        {"GetText": text},
    )


def read_text(text: str, class_name: str) -> dict[str, Any]:
    """Return the properties in an instance's text; NotInSubsetError where it is no text of that class."""
    head, _, body = text.partition(" {")
    if head.casefold() != (_HEAD + class_name).casefold():
        raise NotInSubsetError(f"a text of {head}, where {class_name} is wanted")
    return dict(json.loads("{" + body))


def path_of(host: str, class_name: str, key: str, value: str) -> str:
    """Return the path of an object, as ``__PATH`` has it."""
    return f'\\\\{host}\\root\\virtualization\\v2:{class_name}.{key}="{value}"'


def key_of(path: str) -> str:
    """Return the key in an object's path."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise NotInSubsetError(f"path {path}")
    return match[1]

"""A raw JSON object, read fact by fact: what is missing or of the wrong kind becomes None and is noted by name. Pure.

A survey of a large fleet reads a million facts, so the good case comes first everywhere.

Only here is the looseness of Windows PowerShell 5.1 known (arrays that come as an object of ``value`` and ``Count``,
whole numbers that come with a point); the readers above it see plain values.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from reconciler.hosts.winrm.frame import FrameError

Raw = dict[str, Any]
T = TypeVar("T")


@dataclass(slots=True)
class Facts:
    """One raw object with its dotted name; all parts of an answer note their ``problems`` in one list."""

    raw: Raw
    prefix: str = ""
    problems: list[str] = field(default_factory=list)

    def text(self, name: str) -> str | None:
        """Return a text; an empty one is none."""
        value = self.raw.get(name)
        if isinstance(value, str):
            return value or None
        self._nothing(name, value)
        return None

    def flag(self, name: str) -> bool | None:
        """Return a boolean."""
        value = self.raw.get(name)
        if isinstance(value, bool):
            return value
        self._nothing(name, value)
        return None

    def number(self, name: str) -> int | None:
        """Return a whole number."""
        value = self.raw.get(name)
        if isinstance(value, int) and value is not True and value is not False:
            return value
        if isinstance(value, float) and value.is_integer():
            return int(value)
        self._nothing(name, value)
        return None

    def code(self, name: str, table: Mapping[int, T]) -> T | None:
        """Return the word that the table has for a number."""
        number = self.number(name)
        if number is not None and number in table:
            return table[number]
        if number is not None:
            self._odd(name, number)
        return None

    def texts(self, name: str) -> tuple[str, ...] | None:
        """Return a list of texts."""
        return self._list(name, str)

    def numbers(self, name: str) -> tuple[int, ...] | None:
        """Return a list of numbers."""
        return self._list(name, int)

    def moment(self, name: str) -> datetime | None:
        """Return a time in ISO form; without an offset it is UTC."""
        text = self.text(name)
        try:
            moment = datetime.fromisoformat(text) if text else None
        except ValueError:
            self._odd(name, text)
            return None
        return moment.replace(tzinfo=UTC) if moment and not moment.tzinfo else moment

    def part(self, name: str) -> "Facts":
        """Return an object inside this one; an empty one, which knows nothing, where it is not there."""
        value = self._get(name)
        if not isinstance(value, dict) or not value:
            self._odd(name, value)
        return Facts(value if isinstance(value, dict) else {}, f"{self.prefix}{name}.", self.problems)

    def parts(self, name: str) -> "list[Facts] | None":
        """Return a list of objects, or None where there is no list; FrameError where one of its items is no object."""
        value = plain_list(self._get(name))
        if not isinstance(value, list):
            self._odd(name, value)
            return None
        label, problems = f"{self.prefix}{name}", self.problems
        for at, item in enumerate(value):
            if not isinstance(item, dict):
                as_object(item, f"{label}[{at}]")
        return [Facts(item, f"{label}[{at}].", problems) for at, item in enumerate(value)]

    def _list(self, name: str, kind: type[T]) -> tuple[T, ...] | None:
        value = plain_list(self._get(name))
        if isinstance(value, list) and all([isinstance(item, kind) for item in value]):  # noqa: C419 - a list is quicker here
            return tuple(value)
        self._odd(name, value)
        return None

    def _get(self, name: str) -> Any:
        """Return what stands under a name; that nothing does is noted, except in an object that is not there as a whole."""
        value = self.raw.get(name)
        if value is None and name not in self.raw and self.raw:
            self.problems.append(f"{self.prefix}{name} is missing")
        return value

    def _nothing(self, name: str, value: Any) -> None:
        """Note what is odd, or not there at all; what is null is neither."""
        if value is not None or (name not in self.raw and self.raw):
            self._odd(name, self._get(name))

    def _odd(self, name: str, value: Any) -> None:
        if value is not None:
            self.problems.append(f"{self.prefix}{name} is not understood")


def as_object(value: Any, what: str) -> Raw:
    """Return the value, which must be an object; FrameError otherwise."""
    if not isinstance(value, dict):
        raise FrameError(f"{what} is not an object")
    return value


def plain_list(value: Any) -> Any:
    """Return a list for the object that PowerShell 5.1 may write in its place; any other value as it is."""
    return value["value"] if isinstance(value, dict) and set(value) == {"value", "Count"} else value

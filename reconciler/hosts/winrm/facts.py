"""A raw JSON object, read fact by fact: what is missing or of the wrong kind becomes None and is noted by name. Pure.

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
        value = self._get(name)
        return value or None if isinstance(value, str) else self._odd(name, value)

    def flag(self, name: str) -> bool | None:
        """Return a boolean."""
        value = self._get(name)
        return value if isinstance(value, bool) else self._odd(name, value)

    def number(self, name: str) -> int | None:
        """Return a whole number."""
        value = self._get(name)
        if isinstance(value, float) and value.is_integer():
            return int(value)
        return value if isinstance(value, int) and not isinstance(value, bool) else self._odd(name, value)

    def code(self, name: str, table: Mapping[int, T]) -> T | None:
        """Return the word that the table has for a number."""
        number = self.number(name)
        return table[number] if number is not None and number in table else self._odd(name, number)

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
        label = f"{self.prefix}{name}"
        return [Facts(as_object(item, f"{label}[{at}]"), f"{label}[{at}].", self.problems) for at, item in enumerate(value)]

    def _list(self, name: str, kind: type[T]) -> tuple[T, ...] | None:
        value = plain_list(self._get(name))
        good = isinstance(value, list) and all(isinstance(item, kind) for item in value)
        return tuple(value) if good else self._odd(name, value)

    def _get(self, name: str) -> Any:
        if name not in self.raw and self.raw:
            self.problems.append(f"{self.prefix}{name} is missing")
        return self.raw.get(name)

    def _odd(self, name: str, value: Any) -> Any:
        if value is not None:
            self.problems.append(f"{self.prefix}{name} is not understood")
        return None


def as_object(value: Any, what: str) -> Raw:
    """Return the value, which must be an object; FrameError otherwise."""
    if not isinstance(value, dict):
        raise FrameError(f"{what} is not an object")
    return value


def plain_list(value: Any) -> Any:
    """Return a list for the object that PowerShell 5.1 may write in its place; any other value as it is."""
    return value["value"] if isinstance(value, dict) and set(value) == {"value", "Count"} else value

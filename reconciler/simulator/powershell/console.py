"""Standard input of a PowerShell process, as ``[Console]::In`` reads it: all given at once, or as somebody sends it."""

from typing import Protocol


class StandardInput(Protocol):
    """What a process reads. Bytes that are no ASCII become question marks, as in a code page that lacks them."""

    def read_line(self) -> str | None:
        """Return the next line without its end; None after the last. May wait for it."""
        ...

    def read_all(self) -> str:
        """Return all that is left, once the input has ended."""
        ...


class GivenInput:
    """Input that is there from the beginning."""

    def __init__(self, data: bytes = b"") -> None:
        self._data = data

    def read_line(self) -> str | None:
        """Return the next line; None after the last."""
        if not self._data:
            return None
        line, _, self._data = self._data.partition(b"\n")
        return text_of_bytes(line.removesuffix(b"\r"))

    def read_all(self) -> str:
        """Return all that is left."""
        data, self._data = self._data, b""
        return text_of_bytes(data)


def text_of_bytes(data: bytes) -> str:
    """Return text of what a pipe carried."""
    return data.decode("ascii", "replace")

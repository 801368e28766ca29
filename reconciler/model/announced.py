"""What a plan announced, reduced to what tells one migration from another; small enough to be remembered and planned by."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from reconciler.model import paths
from reconciler.model.plan import MachineStep, Step


@dataclass(frozen=True, slots=True)
class AnnouncedMove:
    """One migration of a plan made before: of which machine (VMId, case folded), between which hosts, and of which files.

    ``destination`` None: the host stays. ``files``: name and new full path or folder (normalised) of each. ``bypass``: it leads
    to an interim stop.
    """

    machine: str
    source: str
    destination: str | None
    files: frozenset[tuple[str, str]] = frozenset()
    bypass: bool = False

    @classmethod
    def of(cls, step: MachineStep) -> Self:
        """Return what a step announces."""
        files = frozenset((move.file, paths.normal(move.target)) for move in step.storage)
        return cls(step.virtual_machine.id.casefold(), step.source, step.destination, files, step.bypass)

    @classmethod
    def read(cls, data: dict[str, Any]) -> Self:
        """Return what ``to_json`` was made from."""
        files = frozenset((str(file), str(target)) for file, target in data.get("files", ()))
        return cls(str(data["machine"]).casefold(), str(data["from"]), data["to"], files, bool(data.get("bypass")))

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data; what is usual is left out."""
        data: dict[str, Any] = {"machine": self.machine, "from": self.source, "to": self.destination}
        if self.files:
            data["files"] = sorted(map(list, self.files))
        return data | ({"bypass": True} if self.bypass else {})


def announced_by(steps: Iterable[Step]) -> tuple[AnnouncedMove, ...]:
    """Return the migrations among the steps of a plan, in their order."""
    return tuple(AnnouncedMove.of(step) for step in steps if isinstance(step, MachineStep) and step.migration_kind)


def announced_hosts(announced: Iterable[AnnouncedMove]) -> dict[str, str]:
    """Return where each machine (VMId, case folded) was announced to go in the end; those that change no host are left out."""
    return {one.machine: one.destination for one in announced if one.destination and not one.bypass}

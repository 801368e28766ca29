"""The store of a simulated controller, behind the port of the file: full disks, torn tails, crash points at each write."""

from datetime import datetime
from typing import Any

from reconciler.clock import Clock
from reconciler.model.problem import Problem
from reconciler.simulation.checker import Knowledge, judge_outcome
from reconciler.simulation.crash import CrashPoints
from reconciler.simulation.event_log import EventLog
from reconciler.store import Entry, MemoryStore, StoreError


class SimulatedStore(MemoryStore):
    """Outlives the controller. ``failing`` is a full disk; ``lose`` and ``tear`` happen while nobody has it open."""

    def __init__(self, clock: Clock, points: CrashPoints, log: EventLog, known: Knowledge) -> None:
        super().__init__(clock)
        self._points, self._log, self._known = points, log, known
        self.failing = False

    def append(self, kind: str, data: dict[str, Any]) -> Entry:
        """Write one entry, or die, or find no room for it."""
        self._points.pass_by(f"before writing {kind}")
        if self.failing:
            self._log.add("store", f"{kind} did not fit")
            raise StoreError(Problem("store", "cannot be written: database or disk is full", "free space", subject="store"))
        entry = super().append(kind, data)
        self._log.add("store", kind)
        self._take_in(kind, data)
        self._take_in_what_lasts(kind, data)
        self._points.pass_by(f"after writing {kind}")
        return entry

    def append_by_hand(self, kind: str, data: dict[str, Any]) -> bool:
        """Somebody else writes into the file; False where it does not fit."""
        if not self.failing:
            super().append(kind, data)
            self._take_in_what_lasts(kind, data)
        return not self.failing

    def _take_in(self, kind: str, data: dict[str, Any]) -> None:
        if kind == "intent":
            self._known.intents.add(_subject_of(data["step"]))
        elif kind == "role-read" and data["settings"]:
            self._known.roles_kept.add(str(data["machine"]))
        elif kind == "role-not-due":
            # It is where no role is wanted: one that is wanted some day is a new one.
            self._known.misled.add(str(data["machine"]))
        elif kind == "outcome":
            judge_outcome(data, self._known)

    def _take_in_what_lasts(self, kind: str, data: dict[str, Any]) -> None:
        """What the next process finds in the file."""
        known, machine = self._known, str(data.get("machine"))
        if kind == "role-removed" and data["owed"]:
            known.written_debts.add(machine)
        elif kind in ("role-restored", "role-not-due"):
            known.written_debts.discard(machine)
        elif kind == "hold":
            known.holds[machine] = datetime.fromisoformat(data["until"]) if data["until"] else None
        elif kind == "release":
            known.holds.pop(machine, None)

    def lose(self) -> None:
        """The file is gone."""
        self._keep([])

    def tear(self) -> None:
        """The last write is gone."""
        self._keep(self._entries[:-1])

    def _keep(self, entries: list[Entry]) -> None:
        self._entries = list(entries)
        self._by_kind.clear()
        self._known.written_debts.clear()
        self._known.holds.clear()
        for entry in entries:
            self._by_kind[entry.kind].append(entry)
            self._take_in_what_lasts(entry.kind, entry.data)


def _subject_of(step: dict[str, Any]) -> str:
    if "virtualMachine" in step:
        return str(step["virtualMachine"]["id"])
    return f"host/{step['host'].casefold()}" if step.get("host") else f"cluster/{step['cluster']}"

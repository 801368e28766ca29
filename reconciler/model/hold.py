"""Runtime holds: what people told the controller to leave alone, beside the holds that are committed in YAML."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class MachineHold:
    """Hands off one machine, for one owner; forever where ``until`` is None. ``id`` is its VMId where the YAML gives one."""

    name: str
    owner: str
    reason: str
    placed_at: datetime
    id: str | None = None
    until: datetime | None = None
    placed_by: str = ""

    def is_active(self, now: datetime) -> bool:
        """Tell whether it still stands at that moment."""
        return self.until is None or now < self.until

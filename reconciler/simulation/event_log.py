"""The event log of one life: every call, write, act and happening as one line of text, and its digest.

Lines hold no memory address, no hash order and no wall time, so the same seed gives the same bytes.
"""

from hashlib import sha256

from reconciler.simulation.timeline import Timeline


class EventLog:
    """Lines in the order in which things happened, each with the true moment."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline, self.lines = timeline, list[str]()

    def add(self, what: str, text: str = "") -> None:
        """Write one line."""
        self.lines.append(f"{self._timeline.now():%m-%dT%H:%M:%S.%f} {what} {text}".rstrip())

    @property
    def digest(self) -> str:
        """The digest of all lines."""
        return sha256("\n".join(self.lines).encode()).hexdigest()[:16]

"""The report of a self-test: what one host was asked and answered, names replaced, and how each exercise went.

It can be replayed: ``hosts.winrm.recorded`` answers from it as the host did.
"""

from typing import Any, Literal

from reconciler.model.document import API_VERSION, Document


class Exchange(Document):
    """One script and its parameters, with just one of: its result, the error it reported, the failure in place of an answer."""

    script: str
    params: dict[str, Any] = {}
    result: Any = None
    error: dict[str, Any] | None = None
    failure: dict[str, Any] | None = None
    seconds: float = 0


class Exercise(Document):
    """One thing that was tried. ``finding`` says what came of it, in a sentence without names."""

    name: str
    passed: bool
    finding: str = ""


class SelfTest(Document):
    """A whole report. ``redacted`` is what stands in place of names: nothing that tells one fleet from another is left."""

    api_version: Literal["reconciler/v1"] = API_VERSION
    kind: Literal["SelfTest"] = "SelfTest"
    program: str
    redacted: bool = True
    exercises: tuple[Exercise, ...] = ()
    exchanges: tuple[Exchange, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every exercise passed."""
        return all(exercise.passed for exercise in self.exercises)

"""How running a script ends other than by its end: what scripts can catch, what steers their flow, and what nobody catches."""

from typing import Any

RUNTIME_EXCEPTION = -2146233087  # 0x80131501, what a thrown text carries as its HResult


class NotInSubsetError(Exception):
    """The script uses something that is not implemented. No script can catch it: a run never passes by ignoring a statement."""


class PowerShellError(Exception):
    """An error, as a script's ``catch`` sees it. ``error_id`` is the FullyQualifiedErrorId.

    One that is not ``terminating`` stops a script only where ``$ErrorActionPreference`` or ``-ErrorAction`` says so. One that
    is, but was not ``thrown``, ends only its statement there, unless a ``try`` surrounds it.
    """

    def __init__(
        self,
        message: str,
        error_id: str,
        *,
        category: str = "NotSpecified",
        target: Any = None,
        hresult: int = RUNTIME_EXCEPTION,
        exception: str = "System.Management.Automation.RuntimeException",
        terminating: bool = True,
        thrown: bool = False,
    ) -> None:
        super().__init__(message)
        self.message, self.error_id, self.category = message, error_id, category
        self.target, self.hresult, self.exception = target, hresult, exception
        self.terminating, self.thrown = terminating, thrown


class LoopBreak(Exception):  # noqa: N818 - control flow, no error
    """``break``: leave the innermost loop, which may be the caller's."""


class LoopContinue(Exception):  # noqa: N818 - control flow, no error
    """``continue``: go on with the next round."""


class ScriptReturn(Exception):  # noqa: N818 - control flow, no error
    """``return``: leave the function or script block; its outputs have been written already."""

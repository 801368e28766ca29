"""What is asked of a forge: our own comments on one pull request, and one status of its head. Errors never hold the token."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Trouble(StrEnum):
    """Why a forge did not do as asked. UNCLEAR: it may or may not have done it."""

    REFUSED = "refused"
    GONE = "gone"
    TOO_LONG = "too-long"
    UNAVAILABLE = "unavailable"
    UNCLEAR = "unclear"
    WRONG = "wrong"


class ForgeError(Exception):
    """A forge did not do as asked; ``trouble`` says which kind, the text what it said and what to do."""

    def __init__(self, trouble: Trouble, text: str) -> None:
        super().__init__(text)
        self.trouble = trouble


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment of ours: the forge's id (on Azure DevOps thread and comment) and its text."""

    id: str
    body: str


@dataclass(frozen=True, slots=True)
class Status:
    """A status of the head: a name of its own per fleet, at most 140 characters, and where to read more.

    ``is_fine`` is None while nobody can tell yet.
    """

    name: str
    is_fine: bool | None
    text: str
    url: str | None = None


class Forge(Protocol):
    """One pull request on one forge. Every method raises ForgeError."""

    def own_comments(self) -> Sequence[Comment]:
        """Return the comments that the token's own account wrote, the oldest first; those of other people never."""
        ...

    def create(self, body: str) -> None:
        """Write a new comment."""
        ...

    def update(self, comment: Comment, body: str) -> None:
        """Replace the text of a comment of ours."""
        ...

    def set_status(self, status: Status) -> None:
        """Set the status of the head commit; a later one of the same name takes its place."""
        ...


class Repository(Protocol):
    """One repository on one forge, and what was merged into it. Every method raises ForgeError."""

    def merged_request(self, commit: str) -> Forge | None:
        """Return the pull request whose merge brought this commit, or None where there is none."""
        ...

    def set_commit_status(self, commit: str, status: Status) -> None:
        """Set the status of a commit; a later one of the same name takes its place."""
        ...

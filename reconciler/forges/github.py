"""GitHub's REST API: issue comments of a pull request, and commit statuses (docs.github.com/rest, version 2022-11-28)."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from reconciler.forges.port import Comment, ForgeError, Status, Trouble
from reconciler.forges.rest import Rest


class GitHub:
    """One pull request. ``repository`` is OWNER/NAME; ``commit`` its head, not the merge commit of CI (None: asked for)."""

    def __init__(self, rest: Rest, repository: str, number: int, commit: str | None) -> None:
        self._rest, self._number, self._commit = rest, number, commit
        self._base = f"/repos/{quote(repository)}"

    def own_comments(self) -> Sequence[Comment]:
        """Return our comments. The token of a workflow or of an app cannot be asked who it is: then those of bots are ours."""
        login = self._login()
        found = self._rest.pages(f"{self._base}/issues/{self._number}/comments?per_page=100")
        return [Comment(str(one["id"]), one.get("body") or "") for one in found if _is_ours(one.get("user") or {}, login)]

    def create(self, body: str) -> None:
        """Write a new comment."""
        self._rest.send("POST", f"{self._base}/issues/{self._number}/comments", {"body": body})

    def update(self, comment: Comment, body: str) -> None:
        """Replace a comment's text."""
        self._rest.send("PATCH", f"{self._base}/issues/comments/{comment.id}", {"body": body})

    def set_status(self, status: Status) -> None:
        """Set the commit status."""
        commit = self._commit or self._rest.get(f"{self._base}/pulls/{self._number}")["head"]["sha"]
        _set_status(self._rest, self._base, commit, status)

    def _login(self) -> str | None:
        try:
            return str(self._rest.get("/user")["login"])
        except ForgeError as error:
            if error.trouble is Trouble.REFUSED:
                return None
            raise


def _is_ours(user: dict[str, Any], login: str | None) -> bool:
    return user.get("login") == login if login else user.get("type") == "Bot"


class GitHubRepository:
    """A repository, ``owner/name``."""

    def __init__(self, rest: Rest, repository: str) -> None:
        self._rest, self._repository = rest, repository

    def merged_request(self, commit: str) -> GitHub | None:
        """Return the merged pull request that the commit came with."""
        found = self._rest.get(f"/repos/{self._repository}/commits/{commit}/pulls")
        merged = [one["number"] for one in found if one.get("merged_at")]
        return GitHub(self._rest, self._repository, int(merged[0]), commit) if merged else None

    def set_commit_status(self, commit: str, status: Status) -> None:
        """Set the commit status."""
        _set_status(self._rest, f"/repos/{self._repository}", commit, status)


def _set_status(rest: Rest, base: str, commit: str, status: Status) -> None:
    state = {True: "success", False: "failure", None: "pending"}[status.is_fine]
    data: dict[str, Any] = {"state": state, "context": status.name, "description": status.text}
    rest.send("POST", f"{base}/statuses/{commit}", data | ({"target_url": status.url} if status.url else {}))

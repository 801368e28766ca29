"""Azure DevOps Services and Server (REST 6.0 and later): a closed thread on a pull request, and a status of its last iteration.

A status of an iteration counts for that push only, so that a later push starts without one.
"""

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from reconciler.forges.port import Comment, Status
from reconciler.forges.rest import Rest

VERSION = "api-version=6.0"
GENRE = "reconciler"


class AzureDevOps:
    """One pull request. Thread and comment ids are joined by ``/`` in ``Comment.id``."""

    def __init__(self, rest: Rest, project: str, repository: str, number: int) -> None:
        self._rest = rest
        self._request = f"/{quote(project, safe='')}/_apis/git/repositories/{quote(repository, safe='')}/pullRequests/{number}"

    def own_comments(self) -> Sequence[Comment]:
        """Return our comments in threads that nobody deleted."""
        me = self._rest.get("/_apis/connectionData")["authenticatedUser"]["id"]
        threads = self._rest.get(f"{self._request}/threads?{VERSION}")["value"]
        return [comment for thread in threads if not thread.get("isDeleted") for comment in _ours(thread, me)]

    def create(self, body: str) -> None:
        """Write a new thread, closed: it is to be read, not to be resolved."""
        comment = {"parentCommentId": 0, "content": body, "commentType": "text"}
        self._rest.send("POST", f"{self._request}/threads?{VERSION}", {"comments": [comment], "status": "closed"})

    def update(self, comment: Comment, body: str) -> None:
        """Replace a comment's text."""
        thread, _, number = comment.id.partition("/")
        self._rest.send("PATCH", f"{self._request}/threads/{thread}/comments/{number}?{VERSION}", {"content": body})

    def set_status(self, status: Status) -> None:
        """Set the status of the last iteration."""
        iterations = self._rest.get(f"{self._request}/iterations?{VERSION}")["value"]
        data = _status_data(status) | {"iterationId": max(one["id"] for one in iterations)}
        self._rest.send("POST", f"{self._request}/statuses?{VERSION}-preview.1", data)


class AzureDevOpsRepository:
    """A repository of a project, both by name or id."""

    def __init__(self, rest: Rest, project: str, repository: str) -> None:
        self._rest, self._project, self._repository = rest, project, repository
        self._base = f"/{quote(project, safe='')}/_apis/git/repositories/{quote(repository, safe='')}"

    def merged_request(self, commit: str) -> AzureDevOps | None:
        """Return the completed pull request whose merge commit this is."""
        asked = {"queries": [{"type": "lastMergeCommit", "items": [commit]}]}
        found = self._rest.send("POST", f"{self._base}/pullrequestquery?{VERSION}", asked)["results"]
        listed = [one for result in found for one in result.get(commit) or () if one.get("status") == "completed"]
        return AzureDevOps(self._rest, self._project, self._repository, int(listed[0]["pullRequestId"])) if listed else None

    def set_commit_status(self, commit: str, status: Status) -> None:
        """Set the commit status."""
        self._rest.send("POST", f"{self._base}/commits/{commit}/statuses?{VERSION}", _status_data(status))


def _status_data(status: Status) -> dict[str, Any]:
    data: dict[str, Any] = {
        "state": {True: "succeeded", False: "failed", None: "pending"}[status.is_fine],
        "description": status.text,
        "context": {"genre": GENRE, "name": status.name.removeprefix(f"{GENRE}/")},
    }
    return data | ({"targetUrl": status.url} if status.url else {})


def _ours(thread: dict[str, Any], me: str) -> Iterator[Comment]:
    for one in thread.get("comments") or ():
        if (one.get("author") or {}).get("id") == me and not one.get("isDeleted"):
            yield Comment(f"{thread['id']}/{one['id']}", one.get("content") or "")

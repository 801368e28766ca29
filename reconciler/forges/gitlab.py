"""GitLab's REST API, version 4: notes of a merge request, and commit statuses (docs.gitlab.com/api)."""

from collections.abc import Sequence
from urllib.parse import quote

from reconciler.forges.port import Comment, Status
from reconciler.forges.rest import Rest


class GitLab:
    """One merge request. ``project`` is its id or path; ``commit`` the head of its source branch."""

    def __init__(self, rest: Rest, project: str, number: int, commit: str | None) -> None:
        self._rest, self._commit = rest, commit
        self._project = f"/projects/{quote(project, safe='')}"
        self._request = f"{self._project}/merge_requests/{number}"

    def own_comments(self) -> Sequence[Comment]:
        """Return our notes, without those that GitLab writes itself."""
        me = self._rest.get("/user")["id"]
        found = self._rest.pages(f"{self._request}/notes?per_page=100&sort=asc&order_by=created_at")
        ours = (one for one in found if (one.get("author") or {}).get("id") == me and not one.get("system"))
        return [Comment(str(one["id"]), one.get("body") or "") for one in ours]

    def create(self, body: str) -> None:
        """Write a new note."""
        self._rest.send("POST", f"{self._request}/notes", {"body": body})

    def update(self, comment: Comment, body: str) -> None:
        """Replace a note's text."""
        self._rest.send("PUT", f"{self._request}/notes/{comment.id}", {"body": body})

    def set_status(self, status: Status) -> None:
        """Set the commit status."""
        data = {"state": "success" if status.is_fine else "failed", "name": status.name, "description": status.text}
        commit = self._commit or self._rest.get(self._request)["sha"]
        self._rest.send("POST", f"{self._project}/statuses/{commit}", data | ({"target_url": status.url} if status.url else {}))

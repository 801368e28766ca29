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
        commit = self._commit or self._rest.get(self._request)["sha"]
        _set_status(self._rest, self._project, commit, status)


class GitLabRepository:
    """A project, by its id or path."""

    def __init__(self, rest: Rest, project: str) -> None:
        self._rest, self._given, self._project = rest, project, f"/projects/{quote(project, safe='')}"

    def merged_request(self, commit: str) -> GitLab | None:
        """Return the merged merge request that the commit came with."""
        found = self._rest.get(f"{self._project}/repository/commits/{commit}/merge_requests")
        merged = [one["iid"] for one in found if one.get("state") == "merged"]
        return GitLab(self._rest, self._given, int(merged[0]), commit) if merged else None

    def set_commit_status(self, commit: str, status: Status) -> None:
        """Set the commit status."""
        _set_status(self._rest, self._project, commit, status)


def _set_status(rest: Rest, project: str, commit: str, status: Status) -> None:
    state = {True: "success", False: "failed", None: "running"}[status.is_fine]
    data = {"state": state, "name": status.name, "description": status.text}
    rest.send("POST", f"{project}/statuses/{commit}", data | ({"target_url": status.url} if status.url else {}))

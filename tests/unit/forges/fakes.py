"""Small forges on loopback: each keeps comments and statuses as its API does, and can be told to misbehave once or more.

Only what the clients use is there; anything else is a 404, as on the real ones.
"""

import asyncio
import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

TOKEN = "t0ken-that-must-not-show"
ME, OTHER = "reconciler-bot", "mallory"
BASIC = "Basic " + base64.b64encode(f":{TOKEN}".encode()).decode("ascii")  # a personal access token of Azure DevOps
MERGED, PUSHED = "5ea1" * 10, "d1ec" * 10  # a commit that came with pull request 7, and one that nobody reviewed
LOST = 599  # done, and the answer lost on the way: shown as 502


class FakeForge:
    """State and misbehaviour of one forge. ``faults`` are taken in order by the requests of their method."""

    secret: str
    name: str
    header = "Authorization"

    def __init__(self) -> None:
        self.comments: dict[int, dict[str, Any]] = {}
        self.statuses: list[dict[str, Any]] = []
        self.faults: list[tuple[str, int, dict[str, str], str]] = []
        self.most = 65_536
        self.url = ""

    def environment(self) -> dict[str, str]:
        """What a pipeline of this forge sets."""
        raise NotImplementedError

    def fail(self, method: str, status: int, text: str = "", times: int = 1, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.faults += [(method, status, named, text)] * times

    def add(self, body: str, author: str = ME) -> int:
        number = len(self.comments) + 1
        self.comments[number] = {"id": number, "body": body, "author": author}
        return number

    def bodies(self) -> list[str]:
        return [one["body"] for one in self.comments.values()]

    async def handle(self, request: web.Request) -> web.Response:
        path = request.path.removeprefix("/api")
        if (fault := self.fault(request.method, path)) is not None:
            _, status, headers, text = fault
            if status == LOST:
                self.write(path, await request.json())
            return web.Response(status=502 if status == LOST else status, headers=headers, text=text)
        if request.headers.get(self.header) not in (self.secret, BASIC):
            return web.json_response({"message": f"Bad credentials {request.headers.get(self.header)}"}, status=401)
        data = await request.json() if request.can_read_body else None
        answer = self.read(path, request) if data is None else self.checked(path, data, request.method)
        return answer if isinstance(answer, web.Response) else web.json_response(answer)

    def fault(self, method: str, path: str) -> tuple[str, int, dict[str, str], str] | None:
        at = next((at for at, fault in enumerate(self.faults) if fault[0] == method and path != "/user"), None)
        return None if at is None else self.faults.pop(at)

    def checked(self, path: str, data: dict[str, Any], method: str) -> Any:
        if len(self.text_of(data)) > self.most:
            return web.json_response({"message": "Validation Failed", "errors": ["body is too long"]}, status=422)
        return self.write(path, data) if method == "POST" else self.edit(path, data)

    def text_of(self, data: dict[str, Any]) -> str:
        return str(data.get("body", ""))

    def read(self, path: str, request: web.Request) -> Any:
        raise NotImplementedError

    def write(self, path: str, data: dict[str, Any]) -> Any:
        if "statuses" in path:
            self.statuses.append({"path": path} | data)
            return {}
        return {"id": self.add(self.text_of(data))}

    def edit(self, path: str, data: dict[str, Any]) -> Any:
        number = int(path.rpartition("/")[2])
        if number not in self.comments:
            return web.json_response({"message": "Not Found"}, status=404)
        self.comments[number]["body"] = self.text_of(data)
        return {}


class FakeGitHub(FakeForge):
    """Two comments a page, so that paging is walked; a workflow's token may not ask who it is."""

    secret = f"Bearer {TOKEN}"
    name = "github"
    every_commit_is_merged = False

    def environment(self) -> dict[str, str]:
        return {
            "GITHUB_API_URL": self.url,
            "GITHUB_REPOSITORY": "contoso/fleet",
            "GITHUB_REF": "refs/pull/7/merge",
            "GITHUB_TOKEN": TOKEN,
        }

    def read(self, path: str, request: web.Request) -> Any:
        if path == "/user":
            return web.json_response({"message": "Resource not accessible by integration"}, status=403)
        if path.startswith("/repos/contoso/fleet/commits/"):
            found = [{"number": 6, "merged_at": None}, {"number": 7, "merged_at": "2026-11-24T12:00:00Z"}]
            return found if MERGED in path or self.every_commit_is_merged else []
        if path == "/repos/contoso/fleet/pulls/7":
            return {"head": {"sha": "feed" * 10}}
        page = int(request.query.get("page", "1"))
        users = {ME: {"login": "github-actions[bot]", "type": "Bot"}, OTHER: {"login": OTHER, "type": "User"}}
        listed = [{"id": one["id"], "body": one["body"], "user": users[one["author"]]} for one in self.comments.values()]
        more = {"Link": f'<{self.url}{path}?page={page + 1}>; rel="next"'} if len(listed) > 2 * page else {}
        return web.json_response(listed[2 * page - 2 : 2 * page], headers=more)


class FakeGitLab(FakeForge):
    """Notes of a merge request."""

    secret = TOKEN
    header = "PRIVATE-TOKEN"
    name = "gitlab"

    def environment(self) -> dict[str, str]:
        return {"CI_API_V4_URL": self.url, "CI_PROJECT_ID": "12", "CI_MERGE_REQUEST_IID": "7", "GITLAB_TOKEN": TOKEN}

    def read(self, path: str, request: web.Request) -> Any:
        if path == "/user":
            return {"id": 1}
        if path.startswith("/projects/12/repository/commits/"):
            return [{"iid": 6, "state": "closed"}, {"iid": 7, "state": "merged"}] if MERGED in path else []
        if path == "/projects/12/merge_requests/7":
            return {"sha": "feed" * 10}
        return [
            {"id": one["id"], "body": one["body"], "system": False, "author": {"id": 1 if one["author"] == ME else 2}}
            for one in self.comments.values()
        ]


class FakeAzureDevOps(FakeForge):
    """Threads of one comment each, by the same number."""

    secret = f"Bearer {TOKEN}"
    name = "azure-devops"

    def environment(self) -> dict[str, str]:
        return {
            "SYSTEM_COLLECTIONURI": f"{self.url}/",
            "SYSTEM_TEAMPROJECT": "My Fleet",
            "BUILD_REPOSITORY_ID": "r1",
            "SYSTEM_PULLREQUEST_PULLREQUESTID": "7",
            "SYSTEM_ACCESSTOKEN": TOKEN,
        }

    def text_of(self, data: dict[str, Any]) -> str:
        return str(data["comments"][0]["content"]) if "comments" in data else str(data.get("content", ""))

    def read(self, path: str, request: web.Request) -> Any:
        if path == "/_apis/connectionData":
            return {"authenticatedUser": {"id": "me"}}
        if path.endswith("/iterations"):
            return {"value": [{"id": 1}, {"id": 3}, {"id": 2}]}
        return {"value": [self.thread(one) for one in self.comments.values()]}

    def write(self, path: str, data: dict[str, Any]) -> Any:
        if path.endswith("/pullrequestquery"):
            (asked,) = data["queries"][0]["items"]
            return {"results": [{asked: [{"pullRequestId": 7, "status": "completed"}]} if asked == MERGED else {}]}
        return super().write(path, data)

    def thread(self, one: dict[str, Any]) -> dict[str, Any]:
        author = {"id": "me" if one["author"] == ME else "other"}
        return {"id": one["id"], "comments": [{"id": one["id"], "content": one["body"], "author": author}]}


@contextmanager
def serving(forge: FakeForge) -> Iterator[None]:
    """Serve a forge on a free port of this machine, on a thread of its own."""
    loop, ready = asyncio.new_event_loop(), threading.Event()

    async def start() -> web.AppRunner:
        app = web.Application(client_max_size=8 * 1024 * 1024)
        app.router.add_route("*", "/{tail:.*}", forge.handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        forge.url = f"http://127.0.0.1:{runner.addresses[0][1]}/api"
        return runner

    def run() -> None:
        asyncio.set_event_loop(loop)
        runner = loop.run_until_complete(start())
        ready.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()

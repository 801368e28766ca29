"""The API as its callers meet it: roles, limits, errors that say what is wrong, and nothing that a stranger can do."""

import hashlib
import hmac
import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reconciler.api.limits import RateLimit
from reconciler.api.routes import ROUTES, Route
from reconciler.api.tokens import Role
from reconciler.model.progress import Progress, ProgressRow
from reconciler.model.status import Event
from reconciler.model.words import MigrationKind
from reconciler.published.envelope import opened
from reconciler.published.redaction import Redaction
from reconciler.service.orders import ApprovePlan, HoldMachine, Pause
from reconciler.service.publisher import Publisher
from reconciler.service.snapshot import Snapshot
from tests.builders import OBSERVED_AT
from tests.unit.api.serving import Api, served


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with served() as shown:
        yield shown


def a_body(route: Route) -> dict[str, str]:
    return {"reason": "why", "fingerprint": "sha256:" + "0" * 64, "revision": "abcdef0"}


GUARDED = [route for route in ROUTES if route.role is not None]


@pytest.mark.parametrize("route", GUARDED, ids=lambda route: f"{route.method} {route.path}")
def test_no_route_can_be_reached_without_the_role_that_it_asks_for(api: Api, route: Route) -> None:
    path = route.path.replace("{name}", "vm1")
    assert route.role is not None

    assert api.ask(route.method, path, None).status_code == 401
    assert api.ask(route.method, path, "guess").status_code == 401
    if route.role > Role.VIEWER:
        below = Role(route.role - 1).name.lower()
        refused = api.ask(route.method, path, below, json={})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "role")


def test_what_is_known_can_be_read(api: Api) -> None:
    assert api.get("/api/v1/status").json()["kind"] == "Status"
    assert api.get("/api/v1/plan").json()["kind"] == "Plan"
    assert api.get("/api/v1/observation").json()["kind"] == "Observation"
    assert api.get("/api/v1/machines/VM1").json()["subject"] == "virtualMachine/vm1"
    assert api.get("/api/v1/hosts").json()["hosts"][0]["slots"]["live"] == {"used": 0, "limit": 2}
    assert api.get("/api/v1/drift").json()["drift"][0]["cause"] == "unknown"
    assert api.get("/api/v1/history?about=vm1&limit=5").json() == {"entries": [{"about": "vm1", "limit": 5}]}


def test_before_the_first_look_it_says_so_and_when_to_ask_again() -> None:
    with served(snapshot=Snapshot(OBSERVED_AT, "run")) as api:
        early = api.get("/api/v1/status")
        assert (early.status_code, early.json()["error"]["code"], early.headers["Retry-After"]) == (503, "not-yet", "5")
        assert api.get("/readyz").status_code == 503


def test_health_is_the_loops_pulse_and_not_that_the_process_answers() -> None:
    with served() as api:
        assert api.get("/healthz", None).status_code == 200
        api.board.touch(OBSERVED_AT - timedelta(hours=1))
        assert api.get("/healthz", None).status_code == 503


def test_without_tokens_loopback_may_read_and_nobody_may_order() -> None:
    with served(tokens=None) as api:
        assert api.get("/api/v1/status", None).status_code == 200
        assert api.post("/api/v1/pause", None, json={"reason": "x"}).status_code == 403
        # A page in somebody's browser reaches loopback under a name of its own.
        assert api.get("/api/v1/status", None, headers={"Host": "evil.example"}).status_code == 401


def test_a_file_that_lists_no_token_lets_nobody_in() -> None:
    with served(tokens=()) as api:
        assert api.get("/api/v1/status", None).status_code == 401


def test_what_is_published_is_open_signed_and_redacted_and_nothing_is_published_unasked() -> None:
    """It needs no token, because a pipeline that runs for forks has none."""
    key = Ed25519PrivateKey.generate()
    with served(signed=Publisher(key, tuple(Redaction)).signed) as api:
        content = api.get("/api/v1/observation/signed", None).content
    seen = opened(content, [key.public_key()], OBSERVED_AT, timedelta(0))
    assert seen.hosts
    assert {host.address for host in seen.hosts} == {None}

    with served() as api:
        assert api.get("/api/v1/observation/signed", None).status_code == 404


def test_orders_reach_the_loop_with_who_gave_them(api: Api) -> None:
    assert api.post("/api/v1/machines/vm1/hold", json={"reason": "vendor", "until": "2026-12-01T00:00:00Z"}).status_code == 200
    assert api.post("/api/v1/pause", json={"reason": "storage"}).json() == {"message": "done"}
    assert api.post("/api/v1/approve", "admin", json={"fingerprint": "sha256:" + "a" * 64}).status_code == 200

    held, paused, approved = api.asked[-3:]
    assert isinstance(held.order, HoldMachine)
    assert (held.order.machine, held.order.reason, held.actor) == ("vm1", "vendor", "operator")
    assert paused.order == Pause("storage")
    assert (approved.order, approved.actor) == (ApprovePlan("sha256:" + "a" * 64), "admin")


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("/api/v1/pause", "", "JSON"),
        ("/api/v1/pause", "{}", "reason"),
        ("/api/v1/pause", '{"reason": ""}', "reason"),
        ("/api/v1/pause", '{"reason": "x", "reson": "y"}', "reson"),
        ("/api/v1/machines/vm1/hold", '{"reason": "x", "until": "2026-12-01T00:00:00"}', "until"),
        ("/api/v1/approve", '{"fingerprint": "a6"}', "fingerprint"),
    ],
)
def test_a_body_that_does_not_say_what_it_must_is_refused_by_field(api: Api, path: str, body: str, says: str) -> None:
    refused = api.post(path, data=body)

    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "bad-body")
    assert says in refused.json()["error"]["message"]


def test_too_large_a_body_is_refused(api: Api) -> None:
    assert api.post("/api/v1/pause", data=b"x" * 300_000).status_code == 413
    assert api.post("/api/v1/preview", data=b"x" * 1_000_001).status_code == 413


def test_who_asks_too_often_is_told_when_to_come_again() -> None:
    with served(rate=RateLimit(4)) as api:
        assert api.get("/api/v1/status").status_code == 200
        refused = api.get("/api/v1/status")
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "15")
        assert api.get("/api/v1/status", "operator").status_code == 200


def test_errors_have_one_form_an_id_and_no_traceback(api: Api) -> None:
    missing = api.get("/api/v1/nothing", headers={"X-Request-Id": "mine-1"})
    assert (missing.status_code, missing.json()["error"]["code"], missing.headers["X-Request-Id"]) == (
        404,
        "no-such-path",
        "mine-1",
    )
    wrong = api.ask("DELETE", "/api/v1/status", "admin")
    assert (wrong.status_code, wrong.headers["Allow"]) == (405, "GET")
    assert api.get("/api/v1/status", headers={"X-Request-Id": "a b<script>"}).headers["X-Request-Id"].startswith("id-")


def test_an_error_of_ours_shows_an_id_and_nothing_else() -> None:
    def broken(_about: str | None, _limit: int) -> list[dict[str, object]]:
        raise RuntimeError("secret detail")

    with served(history=broken) as api:
        failed = api.get("/api/v1/history")
        assert (failed.status_code, "secret" in failed.text) == (500, False)
        assert failed.headers["X-Request-Id"] in failed.text


# -- previews


def tar(name: str, content: bytes = b"kind: Host\n") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def test_an_archive_is_previewed_by_a_viewer(api: Api) -> None:
    assert api.post("/api/v1/preview", "viewer", data=tar("fleet/a.yaml")).json() == {"kind": "Preview"}
    assert [file.name for file in api.sent[-1]] == ["fleet/a.yaml"]


def test_an_archive_that_points_outside_is_refused(api: Api) -> None:
    refused = api.post("/api/v1/preview", "viewer", data=tar("../a.yaml"))

    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "bad-archive")


# -- streams


def messages(response: requests.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    event = ""
    for line in map(bytes.decode, response.iter_lines(chunk_size=1)):
        if line.startswith("event: "):
            event = line.removeprefix("event: ")
        if line.startswith("data: "):
            yield event, json.loads(line.removeprefix("data: "))


def test_events_are_streamed_from_where_a_reader_left_and_then_as_they_come() -> None:
    with served() as api:
        first, second, third = (Event(at=OBSERVED_AT, name=name, subject="fleet") for name in ("ready", "drifted", "settled"))
        api.board.pin(api.board.latest, (first, second))
        with api.get("/api/v1/events/stream", headers={"Last-Event-ID": "1"}, stream=True) as stream:
            told = messages(stream)
            assert next(told)[0] == "drifted"
            api.board.pin(api.board.latest, (third,))
            assert next(told)[0] == "settled"


def test_progress_is_streamed_once_for_each_change() -> None:
    with served() as api, api.get("/api/v1/migrations/stream", stream=True) as stream:
        told = messages(stream)
        assert next(told)[1]["migrations"] == []
        api.board.touch(OBSERVED_AT)
        row = ProgressRow("vm1", MigrationKind.LIVE, "Host1", "Host2", percent=40, id="1")
        progress = Progress(OBSERVED_AT, (row,), done=0, failed=0, waiting=0, total=1)
        api.board.pin(replace(api.board.latest, progress=progress))
        (shown,) = next(told)[1]["migrations"]
        assert (shown["name"], shown["percent"]) == ("vm1", 40)


# -- webhooks


def test_a_webhook_needs_the_secret_and_works_once(api: Api) -> None:
    body = b'{"ref": "refs/heads/main"}'
    signed = {"X-Hub-Signature-256": "sha256=" + hmac.new(b"hook", body, hashlib.sha256).hexdigest(), "X-GitHub-Delivery": "1"}

    assert api.post("/hooks/git", None, data=body).status_code == 401
    assert api.post("/hooks/git", None, data=body, headers=signed).status_code == 202
    assert api.post("/hooks/git", None, data=body, headers=signed).status_code == 409

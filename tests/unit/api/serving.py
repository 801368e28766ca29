"""A real API server on loopback over a board that a test fills, and a client for it; orders are answered as a loop would."""

import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import requests

from reconciler.api.context import Context
from reconciler.api.limits import RateLimit
from reconciler.api.openapi import openapi_document
from reconciler.api.server import ApiServer, make_application
from reconciler.api.tokens import Role, Token, digest_of_token
from reconciler.cycle import think
from reconciler.desired import SourceFile
from reconciler.model.status import SourceStatus
from reconciler.service.orders import Given, OrderBook, Result
from reconciler.service.snapshot import Board, Snapshot
from reconciler.status import Facts, fleet_status
from tests.builders import OBSERVED_AT, a_fleet, desired, desired_vm

TOKENS = tuple(Token(role.name.lower(), role, digest_of_token(role.name.lower())) for role in Role)


def a_snapshot() -> Snapshot:
    """A fleet of two hosts whose vm1 is out of place."""
    wanted, seen = desired(desired_vm("vm1", "Host2"), hosts=2), a_fleet()
    thought = think(wanted, seen)
    facts = Facts(OBSERVED_AT, wanted, seen, thought.drift, thought.plan, SourceStatus(location="git", revision="c1"))
    return Snapshot(OBSERVED_AT, "run", None, fleet_status(facts, None, None), wanted, seen, thought.plan)


@dataclass
class Api:
    """The server under test. ``asked`` are the orders that reached the loop, ``sent`` the files of previews."""

    url: str
    board: Board
    context: Context
    asked: list[Given] = field(default_factory=list)
    sent: list[Sequence[SourceFile]] = field(default_factory=list)

    def get(self, path: str, role: str | None = "viewer", **how: Any) -> requests.Response:
        """Ask with the token of a role, or without one."""
        return self.ask("GET", path, role, **how)

    def post(self, path: str, role: str | None = "operator", **how: Any) -> requests.Response:
        """Order with the token of a role, or without one."""
        return self.ask("POST", path, role, **how)

    def ask(self, method: str, path: str, role: str | None, **how: Any) -> requests.Response:
        """Send one request."""
        headers = {"Authorization": f"Bearer {role}"} if role else {}
        return requests.request(method, self.url + path, headers=headers | how.pop("headers", {}), timeout=20, **how)


@contextmanager
def served(
    *,
    tokens: Sequence[Token] | None = TOKENS,
    snapshot: Snapshot | None = None,
    tls: ssl.SSLContext | None = None,
    **given: Any,
) -> Iterator[Api]:
    """Serve a board; the loop's side answers every order with a sentence."""
    board, orders, numbers = Board(snapshot or a_snapshot()), OrderBook(), count()
    sent: list[Sequence[SourceFile]] = []

    def preview(files: Sequence[SourceFile]) -> dict[str, Any]:
        sent.append(files)
        return {"kind": "Preview"}

    usual: dict[str, Any] = {
        "now": lambda: OBSERVED_AT,
        "monotonic": lambda: 0.0,
        "new_id": lambda: f"id-{next(numbers)}",
        "rate": RateLimit(100_000),
        "history": lambda about, limit: [{"about": about, "limit": limit}],
        "preview": preview,
        "metrics": lambda: b"# metrics\n",
        "describe": openapi_document,
        "webhook_secret": "hook",
    }
    context = Context(board=board, orders=orders, tokens=None if tokens is None else lambda: tokens, **(usual | given))
    asked: list[Given] = []
    context.hasten = lambda: threading.Thread(target=_answer, args=(orders, asked)).start()
    with ApiServer(make_application(context, maximum_archive_bytes=1_000_000), "127.0.0.1", 0, tls) as server:
        yield Api(server.url, board, context, asked, sent)


def _answer(orders: OrderBook, asked: list[Given]) -> None:
    for given in orders.take():
        asked.append(given)
        given.answer.set_result(Result("done"))

"""What every handler needs, put together once, and the answers that every route gives alike."""

import asyncio
import json
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web

from reconciler.api.limits import RateLimit
from reconciler.api.tokens import Caller, Token
from reconciler.api.webhooks import Deliveries
from reconciler.desired import SourceFile
from reconciler.model.observation import Observation
from reconciler.service.orders import Order, OrderBook, Result
from reconciler.service.snapshot import Board

ORDER_SECONDS = 30


@dataclass
class Context:
    """The service as the API sees it.

    ``tokens`` gives those that count now, None without a file of tokens. ``history`` reads the store; ``preview`` runs one
    bounded preview of files; ``signed`` seals an observation for publishing, None where nothing is published. ``hasten``
    asks the loop to look at its source now; ``metrics`` gives the text for Prometheus, ``describe`` the OpenAPI document.
    """

    board: Board
    orders: OrderBook
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    new_id: Callable[[], str]
    tokens: Callable[[], Sequence[Token]] | None
    rate: RateLimit
    history: Callable[[str | None, int], list[dict[str, Any]]]
    preview: Callable[[Sequence[SourceFile]], dict[str, Any]]
    metrics: Callable[[], bytes]
    describe: Callable[[], dict[str, Any]]
    signed: Callable[[Observation], bytes] | None = None
    hasten: Callable[[], None] = lambda: None
    webhook_secret: str | None = None
    stalled_seconds: float = 900
    deliveries: Deliveries = field(default_factory=Deliveries)

    async def order(self, order: Order, caller: Caller) -> Result:
        """Give an order to the loop and wait for what comes of it."""
        answer: Future[Result] = self.orders.give(order, caller.name)
        self.hasten()
        try:
            return await asyncio.wait_for(asyncio.wrap_future(answer), ORDER_SECONDS)
        except TimeoutError:
            return Result("the service did not take the order in time; it is withdrawn", "timeout")


CONTEXT = web.AppKey("context", Context)
CALLER = web.RequestKey("caller", Caller)
REQUEST_ID = web.RequestKey("id", str)


def context_of(request: web.Request) -> Context:
    """Return what this request's application was made with."""
    return request.app[CONTEXT]


def caller_of(request: web.Request) -> Caller:
    """Return who asks; the middleware has made sure of it."""
    return request[CALLER]


def answer(data: Any, status: int = 200) -> web.Response:
    """Return JSON."""
    return web.Response(text=json.dumps(data, ensure_ascii=False), status=status, content_type="application/json")


def problem(status: int, code: str, message: str, **headers: str) -> web.Response:
    """Return an error as every route gives it: a stable code and a sentence."""
    response = answer({"error": {"code": code, "message": message}}, status)
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return response

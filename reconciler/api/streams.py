"""Server-sent events: progress and events as they come, from the service's board to any number of readers.

A reader who is slow gets the newest state, not every state in between; a heartbeat shows proxies that the line is alive.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from reconciler.api.context import context_of
from reconciler.api.views import migrations_view

HEARTBEAT_SECONDS = 15
HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}

Send = Callable[[web.StreamResponse], Awaitable[None]]


async def stream_events(request: web.Request, after: int) -> web.StreamResponse:
    """Send events numbered above ``after``, then each new one; the number is the message's id."""
    board, sent = context_of(request).board, after

    async def send(response: web.StreamResponse) -> None:
        nonlocal sent
        for one in board.events(sent):
            await response.write(message(one.event.to_json(), event=one.event.name, number=one.number))
            sent = one.number

    return await _stream(request, send)


async def stream_progress(request: web.Request) -> web.StreamResponse:
    """Send what is under way at each look, when it differs from what was sent last."""
    board, last = context_of(request).board, ""

    async def send(response: web.StreamResponse) -> None:
        nonlocal last
        view = migrations_view(board.latest)
        shown = json.dumps([view["migrations"], view["waiting"]])
        if shown != last:
            await response.write(message(view, event="migrations"))
            last = shown

    return await _stream(request, send)


def message(data: Any, *, event: str, number: int | None = None) -> bytes:
    """Return one message of the stream; JSON holds no line break, so one ``data`` line is enough."""
    head = f"id: {number}\n" if number is not None else ""
    return f"{head}event: {event}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


async def _stream(request: web.Request, send: Send) -> web.StreamResponse:
    response = web.StreamResponse(headers=HEADERS)
    await response.prepare(request)
    loop, news = asyncio.get_running_loop(), asyncio.Event()

    def tell() -> None:
        loop.call_soon_threadsafe(news.set)

    leave = context_of(request).board.subscribe(tell)
    try:
        while True:
            news.clear()
            await send(response)
            try:
                await asyncio.wait_for(news.wait(), HEARTBEAT_SECONDS)
            except TimeoutError:
                await response.write(b": still here\n\n")
    except ConnectionError:
        return response  # the reader has gone
    finally:
        leave()

"""Telling open pages that something changed, so that they fetch it again."""

import asyncio
import json
from collections.abc import AsyncIterator

_KEEP_ALIVE_S = 15.0


class Live:
    """Carries news to every open page; a page hears only names, never content."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[str | None]] = set()
        self._closed = False

    def tell(self, what: str, where: str = "", only_for: str | None = None) -> None:
        """Say that `what` (channel, views, home) changed, in a channel or for one person."""
        news = json.dumps({"what": what, "where": where, "only_for": only_for})
        for listener in self._listeners:
            listener.put_nowait(news)

    def close(self) -> None:
        """End every stream, so that the server can stop at once."""
        self._closed = True
        for listener in self._listeners:
            listener.put_nowait(None)

    async def stream(self, user: str) -> AsyncIterator[str]:
        """Yield server-sent events for one person's page until the desk closes."""
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            yield "retry: 1000\nevent: hello\ndata: {}\n\n"
            while not self._closed:
                try:
                    news = await asyncio.wait_for(queue.get(), _KEEP_ALIVE_S)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                if news is None:
                    return
                if json.loads(news)["only_for"] in (None, user):
                    yield f"data: {news}\n\n"
        finally:
            self._listeners.discard(queue)

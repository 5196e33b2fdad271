"""A fault proxy: stands before any HTTP server by nothing but another base address, and does wrong by rule.

    with proxied("http://127.0.0.1:8000") as proxy:
        proxy.arm(r"POST /orders$", unheard())            # the next order is made, and we hang up on who asked
        proxy.arm(r"PUT /evidence/", refused(503), after=2, times=3)
        client = Client(proxy.url)

Requests go on byte for byte but for the framing, `Host` included, so that what is signed stays signed. It runs on a
thread of its own: what stands behind or before it may block, stop or die. What it met is in `proxy.seen`.
"""

import asyncio
import re
import socket
import struct
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

import h11
from anyio.from_thread import start_blocking_portal

READ_MAX = 1 << 16
HEAD_MAX = 1 << 20
FRAMING = frozenset({b"connection", b"transfer-encoding", b"content-length", b"keep-alive", b"expect"})
Headers = list[tuple[bytes, bytes]]


class HangUp(Exception):  # noqa: N818  no error: that is the fault
    """Close the connection without an answer."""


class Reset(HangUp):
    """Close it so that the other side sees a reset."""


class Answer(NamedTuple):
    """What goes back to who asked."""

    status: int
    headers: Headers
    body: bytes


class Met(NamedTuple):
    """A request that came, what was done wrong with it (or nothing), and how it was answered (0: not at all)."""

    request: str
    fault: str
    status: int


@dataclass
class Asked:
    """A request that came in, and its way to the server behind."""

    proxy: "Proxy"
    head: h11.Request
    headers: Headers
    body: bytes
    gone: Callable[[], Awaitable[None]]
    """Returns when who asked has hung up."""

    @property
    def request(self) -> str:
        """Name it as rules do: `GET /orders?reference=1`."""
        return f"{self.head.method.decode()} {self.head.target.decode()}"

    async def passed(self) -> Answer:
        """Let the server behind answer; a server that does not is a connection that breaks."""
        try:
            return await self._answered()
        except (OSError, h11.RemoteProtocolError, asyncio.IncompleteReadError) as error:
            raise HangUp from error

    async def _answered(self) -> Answer:
        async with self.proxy.behind() as (reader, writer):
            told = h11.Connection(h11.CLIENT)
            kept = [(name, value) for name, value in self.headers if name.lower() not in FRAMING]
            framing = [(b"Connection", b"close")]
            if self.body or self.head.method in (b"POST", b"PUT", b"PATCH"):
                framing.append((b"Content-Length", str(len(self.body)).encode()))
            sent = h11.Request(method=self.head.method, target=self.head.target, headers=kept + framing)
            parts = (sent, h11.Data(data=self.body), h11.EndOfMessage())
            writer.write(b"".join(told.send(part) or b"" for part in parts))
            await writer.drain()
            head, _, body = await _message(told, reader, h11.Response)
            headers = [(name, value) for name, value in head.headers.raw_items() if name.lower() not in FRAMING]
            return Answer(head.status_code, headers, body)


Fault = Callable[[Asked], Awaitable[Answer]]


@dataclass
class Rule:
    """Which requests meet a fault: those that match, but for the first so many, so many times (None: always)."""

    matches: re.Pattern[str]
    fault: Fault
    after: int = 0
    times: int | None = 1


@dataclass
class Proxy:
    """What stands before a server. The first rule that matches, and is not used up, is met."""

    host: str
    port: int
    url: str = ""
    rules: list[Rule] = field(default_factory=list)
    seen: list[Met] = field(default_factory=list)
    drawn: Counter[str] = field(default_factory=Counter)
    """How often dice chose which fault."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def arm(self, matches: str, fault: Fault, *, after: int = 0, times: int | None = 1) -> Rule:
        """Do wrong with requests whose `VERB /path?query` matches, from the next on."""
        rule = Rule(re.compile(matches), fault, after, times)
        with self._lock:
            self.rules.append(rule)
        return rule

    def heal(self) -> None:
        """Do nothing wrong any more."""
        with self._lock:
            self.rules.clear()

    def met(self, matches: str) -> list[Met]:
        """List what came and matches."""
        return [one for one in self.seen if re.search(matches, one.request)]

    def faults(self) -> list[str]:
        """List what was done wrong so far."""
        return [one.fault for one in self.seen if one.fault]

    def _fault(self, request: str) -> Fault | None:
        with self._lock:
            for rule in self.rules:
                if rule.times == 0 or not rule.matches.search(request):
                    continue
                if rule.after:
                    rule.after -= 1
                    continue
                rule.times = None if rule.times is None else rule.times - 1
                return rule.fault
        return None

    @asynccontextmanager
    async def behind(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Connect to the server behind."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            yield reader, writer
        finally:
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either side has enough of it."""
        sock: socket.socket = writer.get_extra_info("socket")
        try:
            while await self._one(h11.Connection(h11.SERVER, HEAD_MAX), reader, writer):
                pass
        except Reset:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        except (HangUp, OSError, EOFError, h11.RemoteProtocolError, h11.LocalProtocolError):
            pass
        finally:
            writer.close()

    async def _one(self, heard: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; say whether another may come on the same connection."""
        head, headers, body = await _message(heard, reader, h11.Request, writer)

        async def gone() -> None:
            with suppress(OSError):
                while await reader.read(READ_MAX):
                    pass

        asked = Asked(self, head, headers, body, gone)
        if any(name == b"upgrade" for name, _ in head.headers):
            return await self._tunnel(asked, reader, writer)
        fault, status = self._fault(asked.request), 0
        try:
            answer = await (fault(asked) if fault else asked.passed())
            status = answer.status
        finally:
            self.seen.append(Met(asked.request, fault.__qualname__.partition(".")[0] if fault else "", status))
        closes = head.method == b"HEAD"  # its length is that of a body which does not come
        framing = (b"Connection", b"close") if closes else (b"Content-Length", str(len(answer.body)).encode())
        sent: Headers = [*answer.headers, framing]
        parts = (h11.Response(status_code=answer.status, headers=sent), h11.Data(data=answer.body), h11.EndOfMessage())
        writer.write(b"".join(heard.send(part) or b"" for part in parts[: 1 if closes else 3]))
        await writer.drain()
        return not closes and heard.our_state is h11.DONE

    async def _tunnel(self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Pass on what becomes another protocol (a web socket), both ways, as it is."""
        async with self.behind() as (back, forth):
            lines = [asked.request.encode() + b" HTTP/1.1", *(b": ".join(one) for one in asked.headers)]
            forth.write(b"\r\n".join([*lines, b"", b""]))
            ways = [asyncio.create_task(_piped(*way)) for way in ((reader, forth), (back, writer))]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
        return False


async def _piped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(READ_MAX):
            writer.write(data)
            await writer.drain()


async def _message(
    protocol: h11.Connection, reader: asyncio.StreamReader, kind: type, writer: asyncio.StreamWriter | None = None
) -> tuple[h11.Request | h11.Response, Headers, bytes]:
    """Read a whole message: its head, its headers as they were written, its body."""
    head, body = None, bytearray()
    while True:
        event = protocol.next_event()
        if event is h11.NEED_DATA:
            if writer and protocol.they_are_waiting_for_100_continue:
                writer.write(protocol.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
            protocol.receive_data(await reader.read(READ_MAX))
        elif isinstance(event, h11.ConnectionClosed):
            raise EOFError
        elif isinstance(event, kind):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) or event is h11.PAUSED:
            assert head is not None
            return head, list(head.headers.raw_items()), bytes(body)


@contextmanager
def proxied(upstream: str) -> Iterator[Proxy]:
    """Stand before a server, on a free port of loopback, until the block ends."""
    place = urlsplit(upstream)
    assert place.hostname
    assert place.port
    proxy = Proxy(place.hostname, place.port)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(_listening(proxy)):
        yield proxy


@asynccontextmanager
async def _listening(proxy: Proxy) -> AsyncIterator[None]:
    served: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(proxy.serve(reader, writer))
        served.add(task)
        task.add_done_callback(served.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield
    finally:
        server.close()
        for task in [*served]:
            task.cancel()
        await asyncio.gather(*served, return_exceptions=True)

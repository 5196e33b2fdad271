"""What a proxy can do wrong with a request: each makes a fault, to be armed by rule."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random
from typing import Any

from tests.faults.proxy import Answer, Asked, Fault, HangUp, Reset

WAITS_MAX_S = 20.0
"""How long a request is held at most for another to come."""


def slow(seconds: float) -> Fault:
    """Pass it on so much later, also when who asked has given up by then."""

    async def late(asked: Asked) -> Answer:
        await asyncio.sleep(seconds)
        return await asked.passed()

    return named("slow", late)


def reset() -> Fault:
    """Break the connection before anything is passed on."""

    async def broken(_: Asked) -> Answer:
        raise Reset

    return named("reset", broken)


def black_hole() -> Fault:
    """Take it and never answer, until who asked gives up; nothing is passed on."""

    async def swallowed(asked: Asked) -> Answer:
        await asked.gone()
        raise HangUp

    return named("black hole", swallowed)


def unheard(*, broken: bool = False) -> Fault:
    """Commit, then drop: the server does it, and whoever asked is hung up on (or reset)."""

    async def dropped(asked: Asked) -> Answer:
        await asked.passed()
        raise Reset if broken else HangUp

    return named("commit, then drop", dropped)


def misreported(status: int) -> Fault:
    """Commit, then an error: the server does it, and who asked is told that something failed."""

    async def lied(asked: Asked) -> Answer:
        await asked.passed()
        return told(status)

    return named(f"commit, then {status}", lied)


def acknowledged() -> Fault:
    """Say 200 at once, and pass it on afterwards: what a door would do that answers before it has written."""
    passing: set[asyncio.Task[None]] = set()

    async def at_once(asked: Asked) -> Answer:
        async def later() -> None:
            with suppress(HangUp):
                await asked.passed()

        task = asyncio.create_task(later())
        passing.add(task)
        task.add_done_callback(passing.discard)
        return told(200)

    return named("acknowledged at once", at_once)


def refused(status: int, *, retry_after_s: int | None = None, body: bytes = b"") -> Fault:
    """Turn it away without passing it on."""

    async def turned_away(_: Asked) -> Answer:
        return told(status, retry_after_s, body)

    return named(f"{status}", turned_away)


def twice() -> Fault:
    """Send it twice, as a network or a balancer does; the second answer goes back."""

    async def doubled(asked: Asked) -> Answer:
        await asked.passed()
        return await asked.passed()

    return named("duplicate", doubled)


def swapped() -> Fault:
    """Reorder: hold the first until the second has been answered. Arm it for two requests."""
    second_done, came = asyncio.Event(), [0]

    async def out_of_order(asked: Asked) -> Answer:
        came[0] += 1
        if came[0] == 1:
            await asyncio.wait_for(second_done.wait(), WAITS_MAX_S)
            return await asked.passed()
        answer = await asked.passed()
        second_done.set()
        return answer

    return named("reorder", out_of_order)


def met(parties: int) -> Fault:
    """Hold each until so many are here, then let all of them go. Arm it for so many."""
    barrier = asyncio.Barrier(parties)

    async def together(asked: Asked) -> Answer:
        await asyncio.wait_for(barrier.wait(), WAITS_MAX_S)
        return await asked.passed()

    return named("held for each other", together)


def beside(deed: Callable[[], Any], *, after: bool = False) -> Fault:
    """Do something at this very moment, before the request goes on, or before its answer comes back."""

    async def watched(asked: Asked) -> Answer:
        answer = await asked.passed() if after else None
        await asyncio.to_thread(deed)
        return answer or await asked.passed()

    return named("watched", watched)


def sometimes(dice: Random, share: float, wrongs: Sequence[Callable[[], Fault]]) -> Fault:
    """Do one of these wrongs to a share of the requests, and let the others through. The proxy notes which."""

    async def drawn(asked: Asked) -> Answer:
        if dice.random() >= share:
            return await asked.passed()
        fault = dice.choice(wrongs)()
        asked.proxy.drawn[fault.__qualname__] += 1
        return await fault(asked)

    return named("sometimes", drawn)


def told(status: int, retry_after_s: int | None = None, body: bytes = b"") -> Answer:
    """Say a status, and when to come back."""
    headers = [(b"Content-Type", b"text/plain")]
    if retry_after_s is not None:
        headers.append((b"Retry-After", str(retry_after_s).encode()))
    return Answer(status, headers, body)


def named(name: str, fault: Fault) -> Fault:
    """Give a fault the name under which the proxy notes it."""
    fault.__qualname__ = name
    return fault

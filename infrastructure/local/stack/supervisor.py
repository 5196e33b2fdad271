"""Starts the parts in order, watches them, brings back what dies, and stops them all."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from infrastructure.local.stack import ports
from infrastructure.local.stack.child import Child, Manner, rotate
from infrastructure.local.stack.narrator import Narrator, Standing, State
from infrastructure.local.stack.parts import Part
from infrastructure.local.stack.site import Site
from infrastructure.local.stack.tail import Tail, ending
from infrastructure.local.stack.trouble import StackError, disk_full

_LOOK_EVERY_S = 0.1
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_STEADY_S = 60.0


class Supervisor:
    """Runs parts at a site; `start`, then `stop`, in one event loop."""

    def __init__(self, site: Site, parts: Sequence[Part], narrator: Narrator) -> None:
        self.site = site
        self.parts = {part.name: part for part in parts}
        self.standings = {part.name: Standing(address=_address(part, site)) for part in parts}
        self._narrator = narrator
        self._children: dict[str, Child] = {}
        self._well = {part.name: asyncio.Event() for part in parts}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopping = False

    async def start(self, leaving: Collection[int] = ()) -> None:
        """Start everything and return when all is well; StackError (and nothing left running) when not.

        `leaving` are processes of an earlier stack that may still be on their way out.
        """
        names = [name for part in self.parts.values() for name in part.ports]
        await asyncio.to_thread(ports.require_free, self.site.ports, names, leaving)
        for part in self.parts.values():
            self._mark(part, State.WAITING)
            rotate(self._log(part))
            self._tasks[part.name] = asyncio.create_task(self._keep(part), name=part.name)
        all_well = asyncio.gather(*(event.wait() for event in self._well.values()))
        try:
            # A server's task goes on for good: ending is for steps, and for what failed.
            waiting: set[asyncio.Future[object]] = {all_well, *self._tasks.values()}  # type: ignore[arg-type]
            while all_well in waiting:
                ended, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in ended:
                    task.result()
        except BaseException:
            all_well.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await all_well
            await self.stop()
            raise

    async def watch(self) -> None:
        """Return never; raise what keeping a part came to when even bringing it back failed."""
        servers = [task for task in self._tasks.values() if not task.done()]
        await asyncio.gather(*servers)

    async def stop(self, *, at_once: bool = False) -> None:
        """Stop everything, dependents first; what does not go in its time is killed."""
        self._stopping = True
        gone = {name: asyncio.Event() for name in self.parts}

        async def stop_one(part: Part) -> None:
            if not at_once:
                for other in self.parts.values():
                    if part.name in other.needs:
                        await gone[other.name].wait()
            await self._stop_part(part.name, at_once=at_once)
            gone[part.name].set()

        await asyncio.gather(*(stop_one(part) for part in self.parts.values()))

    async def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Give a part's process a signal and wait for its end; the supervisor will bring it back."""
        child = self._children[name]
        self._well[name].clear()
        child.send(number)
        await child.ended()

    async def restart(self, name: str) -> None:
        """Stop a part in an orderly way and wait until it is well again."""
        child = self._children[name]
        self._well[name].clear()
        await child.stop()
        await self.until_well(name)

    async def until_well(self, name: str) -> None:
        """Wait until a part is (again) healthy."""
        await self._well[name].wait()

    def pid(self, name: str) -> int:
        """Give the process of a part; KeyError when it never ran."""
        return self._children[name].pid

    async def _keep(self, part: Part) -> None:
        for need in part.needs:
            if need in self._well:
                await self._well[need].wait()
        if part.done is not None and await asyncio.to_thread(part.done, self.site):
            self._mark(part, State.DONE, detail="nothing to do")
            self._well[part.name].set()
            return
        if part.settled is not None and part.settled(self.site):
            self._well[part.name].set()
        if part.healthy is None:
            await self._do(part)
        else:
            await self._serve(part)

    async def _do(self, step: Part) -> None:
        begun = time.monotonic()
        child, tail = await self._launch(step)
        trouble = await self._until_healthy(step, child, tail, begun)
        if trouble:
            raise self._failure(step, trouble, tail)
        if step.settle is not None:
            step.settle(self.site)

    async def _serve(self, part: Part) -> None:
        pause_s = 0.0
        while True:
            begun = time.monotonic()
            child, tail = await self._launch(part)
            trouble = await self._until_healthy(part, child, tail, begun)
            if trouble and pause_s == 0.0:
                raise self._failure(part, trouble, tail)
            code = await child.ended()
            if self._stopping:
                return
            if time.monotonic() - begun > _STEADY_S or code == part.renews:
                pause_s = 0.0
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S) or _FIRST_PAUSE_S
            await self._announce_return(part, trouble or _in_words(code, part), pause_s)

    async def _launch(self, part: Part) -> tuple[Child, Tail]:
        extra = part.environment(self.site) if part.environment else {}
        account = part.account(self.site) if part.account else None
        tail = Tail(self._log(part))
        self._mark(part, State.STARTING)
        born = asyncio.create_task(
            Child.start(
                await asyncio.to_thread(part.command, self.site),
                # What a caller asked for wins over a part's own wishes.
                self.site.environment() | dict(extra) | dict(self.site.extra),
                self._log(part),
                Manner(part.stop_signal, part.grace_s, account),
            )
        )
        try:
            child = await asyncio.shield(born)
        except asyncio.CancelledError:  # stopped in the middle of a birth
            await (await born).stop(at_once=True)
            raise
        self._children[part.name] = child
        return child, tail

    async def _until_healthy(self, part: Part, child: Child, tail: Tail, begun: float) -> str:
        """Wait for health, or for a step's end; what went wrong, in words, or nothing."""
        while True:
            well = part.healthy is not None and await part.healthy(self.site)
            if part.healthy is None:
                self._pass_on(part, tail)
            if not child.running:
                code = await child.ended()
                if part.healthy is not None or code != 0:
                    return _in_words(code, part)
                well = True
            if well:
                state = State.UP if part.healthy else State.DONE
                self._mark(part, state, pid=child.pid, took_s=time.monotonic() - begun)
                self._well[part.name].set()
                return ""
            if time.monotonic() - begun > part.patience_s:
                await child.stop()
                return f"was not well within {part.patience_s:g} s"
            await asyncio.sleep(_LOOK_EVERY_S)

    def _pass_on(self, part: Part, tail: Tail) -> None:
        for line in tail.fresh():
            if line.startswith("Traceback"):
                break  # its end is what matters, and is told with the failure
            self._narrator.remark(part.name, line)

    async def _announce_return(self, part: Part, why: str, pause_s: float) -> None:
        self._well[part.name].clear()
        self._mark(part, State.BROKEN, detail=f"{why}; starting it again in {pause_s:g} s")
        await asyncio.sleep(pause_s)

    async def _stop_part(self, name: str, *, at_once: bool) -> None:
        task, child = self._tasks.get(name), self._children.get(name)
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, StackError):
                await task
        if child is not None:
            await child.stop(at_once=at_once)
        self._mark(self.parts[name], State.STOPPED)

    def _failure(self, part: Part, trouble: str, tail: Tail) -> StackError:
        self._mark(part, State.BROKEN, detail="did not start")
        last = ending(tail.path, since=tail.start)
        if "No space left on device" in last:
            return disk_full(f"the disk filled up while starting {part.name}")
        return StackError(
            f"{part.name} did not start: {trouble}. Its last words:\n{last or '(none)'}",
            f"The whole log: {tail.path}",
        )

    def _mark(self, part: Part, state: State, *, pid: int = 0, took_s: float = 0.0, detail: str = "") -> None:
        standing = replace(self.standings[part.name], state=state, pid=pid, took_s=round(took_s, 2), detail=detail)
        self.standings[part.name] = standing
        self._narrator.changed(part.name, standing)

    def _log(self, part: Part) -> Path:
        return self.site.home.logs / f"{part.name}.log"


def _address(part: Part, site: Site) -> str:
    return part.address(site) if part.address else ""


def _in_words(code: int, part: Part) -> str:
    if code == part.renews:
        return "asks for a fresh process"
    return f"was killed by signal {-code}" if code < 0 else f"ended with {code}"

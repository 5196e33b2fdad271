"""Rows 20 to 23: the object store, where every intent lies, fails or lies itself."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from blocks.ledger import Ledger
from blocks.store import FolderStore, S3Store
from infrastructure.local.stack.running import BackgroundStack
from infrastructure.local.stack.site import BUCKET
from tasks import durable, parked
from tests.fakes.erp_server import PERSONALITIES
from tests.faults import guards
from tests.faults.matrix import Stage, row
from tests.faults.proxy import Fault, Proxy, proxied
from tests.faults.scene import ORDERS, Scene, ordering_from
from tests.faults.wrongs import beside, black_hole, misreported, refused
from tests.invariants import Violation
from tests.judging import judged, opened, under_a_head

CHAIN = r"PUT /.*/cases/RQ-"
TIMEOUT_S = 0.4
NOTHING = "nothing at all"
"""Under it everything shows: whatever is sent twice is ordered twice."""


def through(url: str, s3: BackgroundStack, *, prefix: str = "", timeout_s: float = TIMEOUT_S) -> S3Store:
    """Open a place of its own in the bucket, at an address: that of a proxy, mostly."""
    keys = s3.site.keys
    return S3Store(
        BUCKET, prefix=prefix or f"faults/{uuid4().hex}", endpoint=url, region="us-east-1",
        access_key_id=keys.s3_access_key, secret_access_key=keys.s3_secret_key, timeout_s=timeout_s,
    )  # fmt: skip


class Stored(Scene):
    """A scene whose ledger lies in S3, through a proxy too."""

    s3: Proxy

    async def found(self) -> list[Violation]:
        """List what is violated, now that the store is well again: also that the case never went on."""
        assert self.s3.faults(), "the fault never struck"
        return await judged(self.hospital, self.server)


@asynccontextmanager
async def approved_in_s3(stage: Stage) -> AsyncIterator[Stored]:
    """Bring a case whose ledger lies in S3 to the moment before it is ordered."""
    assert stage.s3
    with proxied(stage.s3.site.ports.url("s3")) as s3, pytest.MonkeyPatch.context() as patch:
        patch.setattr(durable, "RETRIES", 1)  # the client tries five times by itself
        patch.setattr(parked, "SHOWS_WITHIN", timedelta())  # by S3's clock, and here only the story's goes on
        hospital = await opened(stage.root)
        store = through(s3.url, stage.s3)
        await _copied(stage.root, store)
        hospital.ledger = Ledger(store)
        case = await hospital.submit("KNEE-TIB-4", 1)
        await hospital.wake(case)
        await hospital.answer(case, "ivo.petrov")
        await under_a_head(hospital.ledger, hospital.witness, hospital.now)
        async with ordering_from(hospital, PERSONALITIES[NOTHING]) as (server, proxy):
            scene = Stored(case, hospital, server, proxy)
            scene.s3 = s3
            yield scene


async def _copied(root: Path, store: S3Store) -> None:
    """Put policy and people into the bucket."""
    folder = FolderStore(root)
    async for blob in folder.list(""):
        await store.create(blob.key, await folder.get(blob.key))


async def _without_ledger(stage: Stage, break_it: Callable[[Stored], None]) -> list[Violation]:
    """Order while the store takes no entry; when it does again, go on."""
    async with approved_in_s3(stage) as scene:
        break_it(scene)
        await scene.woken()
        scene.pass_s(60)
        await scene.woken()
        sent = len(scene.proxy.met(ORDERS))
        scene.s3.heal()
        found = [Violation("I10", scene.case, f"{sent} calls without an intent in the ledger")] if sent else []
        await scene.goes_on()
        return found + await scene.found()


@row(20, "S3 says 503 Slow Down to the intent", guard="no intent in the ledger, no call", without=guards.undeclared,
     shows="I10", needs="s3")  # fmt: skip
async def slow_down(stage: Stage) -> list[Violation]:
    return await _without_ledger(stage, lambda it: _always(it, refused(503, retry_after_s=1)))


@row(20, "S3 says 500 to the intent", guard="no intent in the ledger, no call", without=guards.undeclared,
     shows="I10", needs="s3")  # fmt: skip
async def internal_error(stage: Stage) -> list[Violation]:
    return await _without_ledger(stage, lambda it: _always(it, refused(500)))


@row(20, "S3 takes no entry for a while, and is well again", guard="upkeep rings for who stands still",
     without=guards.unwatched, shows="I2", needs="s3")  # fmt: skip
async def well_again(stage: Stage) -> list[Violation]:
    return await _without_ledger(stage, lambda it: _always(it, refused(503, retry_after_s=1)))


def _always(scene: Stored, fault: Fault) -> None:
    scene.s3.arm(CHAIN, fault, times=None)


@row(21, "S3 stores an entry and says 500", guard="what is there is compared with what was written",
     without=guards.quick_to_lose, shows="21", needs="s3")  # fmt: skip
async def stored_and_denied(stage: Stage) -> list[Violation]:
    """Each entry of the posting path once: the writer comes to find its own entry there, and goes on."""
    found: list[Violation] = []
    for nth in range(3):
        async with approved_in_s3(stage) as scene:
            scene.s3.arm(CHAIN, misreported(500), after=nth)
            told = await scene.woken()
            if told != "ordered":
                found.append(Violation("21", scene.case, f"lost against its own entry {nth + 1}: {told}"))
            assert scene.s3.faults() == ["commit, then 500"]
            await scene.goes_on()
            found += await scene.found()
    return found


@row(22, "S3 says 409 or 412 to a conditional write", guard="with nothing there it is written again",
     without=guards.at_a_loss, shows="22", needs="s3")  # fmt: skip
async def conflict(stage: Stage) -> list[Violation]:
    """409 says that another write was under way, 412 that one was first; nothing is there all the same."""
    found: list[Violation] = []
    for status in (409, 412):
        async with approved_in_s3(stage) as scene:
            scene.s3.arm(CHAIN, refused(status))
            try:
                await scene.woken()
            except Exception as error:  # noqa: BLE001  whatever it is, it is no way to lose
                found.append(Violation("22", scene.case, f"{status}: {type(error).__name__}: {error}"))
            await scene.goes_on()
            found += await scene.found()
    return found


@row(23, "S3 cannot be reached for a while", guard="no intent in the ledger, no call", without=guards.undeclared,
     shows="I10", needs="s3")  # fmt: skip
async def out_of_reach(stage: Stage) -> list[Violation]:
    """It goes as the ERP answers its last look; minutes are seconds here, since a time-out is one either way."""

    def break_it(scene: Stored) -> None:
        gone = beside(lambda: scene.s3.arm("PUT ", black_hole(), times=None), after=True)
        scene.proxy.arm(r"POST /sourcing", gone)

    return await _without_ledger(stage, break_it)

"""A scene: an approved case, an ERP over HTTP with the proxy before it, and upkeep that wakes what stands still.

Time is virtual, the network is not: what takes minutes in the ledger takes none here.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from blocks.errors import UnavailableError
from blocks.ports import Personality
from blocks.wire.report import in_doubt
from tasks import durable
from tasks.case import OvertakenError
from tasks.effects import InDoubtError
from tasks.upkeep.lookout import Lookout
from tests.crashes.syscalls import served
from tests.fakes.erp_client import HttpErp
from tests.fakes.erp_server import PERSONALITIES, ErpServer
from tests.faults.proxy import Proxy, proxied
from tests.hospital import Hospital
from tests.invariants import Violation
from tests.judging import judged, opened, under_a_head
from tests.settling import settled

ORDERS = r"POST /orders$"
LOOK_UPS = r"GET /orders\?"
TIMEOUT_S = 0.4
"""How long our client waits for the ERP: ten seconds in production, which is the same to the protocol."""
ROUND_S, ROUNDS_MAX = 25, 60
"""How often upkeep looks, and how often before a case counts as stuck."""
LOOKS_AFTER_S = 300
"""A person looks into the ERP when what was under way has come to be there: no sooner."""


@dataclass
class Scene:
    """A case that was approved and not yet ordered."""

    case: str
    hospital: Hospital
    server: ErpServer
    proxy: Proxy
    parked: int = 0
    """How often a person had to look."""
    lookout: Lookout = field(init=False)

    def __post_init__(self) -> None:
        """Begin to look out."""
        self.lookout = Lookout(clock=lambda: self.hospital.now, share=1e9)

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self.hospital.now += timedelta(seconds=seconds)

    async def woken(self) -> str:
        """Carry the case as far as it goes: how it ended, or what came in the way."""
        try:
            outcome = await self.hospital.wake(self.case)
        except UnavailableError as error:
            return f"unavailable: {error}"
        except OvertakenError as error:
            return f"overtaken: {error}"
        except InDoubtError as error:
            return f"in doubt: {error}"
        return outcome.ended if outcome else "waits"

    async def goes_on(self, *, people: bool = True) -> None:
        """Let upkeep wake the case until it has ended, or is in doubt, or nobody rings for it any more."""
        for _ in range(ROUNDS_MAX):
            chain = await self.hospital.chain(self.case)
            if chain.last("ended"):
                return
            if in_doubt(chain):
                if not people:
                    return
                await self._settled()
            elif self.case in await self.lookout.standing_still(self.hospital.ledger):
                await self.woken()
            self.pass_s(ROUND_S)

    async def _settled(self) -> None:
        self.parked += 1
        self.pass_s(LOOKS_AFTER_S)
        hospital = self.hospital
        await settled(self.case, ledger=hospital.ledger, erp=hospital.erp, books=self.server, at=hospital.now)

    async def found(self) -> list[Violation]:
        """List what is violated, now that the fault is over; that it struck is asserted."""
        assert self.proxy.faults(), "the fault never struck"
        return await judged(self.hospital, self.server)


@asynccontextmanager
async def approved(root: Path, personality: str) -> AsyncIterator[Scene]:
    """Bring a case to the moment before it is ordered."""
    hospital = await opened(root)
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    await hospital.answer(case, "ivo.petrov")
    await under_a_head(hospital.ledger, hospital.witness, hospital.now)
    async with ordering_from(hospital, PERSONALITIES[personality]) as (server, proxy):
        yield Scene(case, hospital, server, proxy)


@asynccontextmanager
async def ordering_from(hospital: Hospital, personality: Personality) -> AsyncIterator[tuple[ErpServer, Proxy]]:
    """Let a hospital order from an ERP of a personality, through the proxy."""
    server = ErpServer(personality, clock=lambda: hospital.now.timestamp())  # noqa: PLW0108  time moves on
    with served(server) as url, proxied(url) as proxy, pytest.MonkeyPatch.context() as patch:
        patch.setattr(durable, "BACKOFF_S", 0)
        erp = hospital.erp = HttpErp(proxy.url, personality, timeout_s=TIMEOUT_S, transport=None)
        try:
            yield server, proxy
        finally:
            await erp.aclose()

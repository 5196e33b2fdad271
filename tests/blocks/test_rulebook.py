"""The rulebook: what is adopted, by whomever at the same time, and what is in force on a day."""

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from blocks import rulebook
from blocks.books import POLICY
from blocks.errors import ConflictError, NotFoundError, RefusedError
from blocks.ledger import Ledger
from blocks.records.clock import Calendar, Clock
from blocks.records.policy import Policy
from blocks.rulebook import Shelf, adopt
from blocks.store import FolderStore
from blocks.wire.canonical import canonical
from tests.hospital import plain_policy
from tests.samples import NOON


def limited_to(amount: int, **changed: object) -> Policy:
    return plain_policy().model_copy(update={"amount_max": Decimal(amount), **changed})


async def adopted(ledger: Ledger, *documents: Policy) -> list[str]:
    """Adopt all of them at once, as several people would."""
    moments = (NOON + timedelta(seconds=second) for second in range(len(documents)))
    tries = (adopt(ledger, one, actor="door:test", at=at) for one, at in zip(documents, moments, strict=True))
    return await asyncio.gather(*tries)


async def test_of_several_adopted_at_once_none_is_lost(tmp_path: Path):
    ledger = Ledger(FolderStore(tmp_path))
    versions = await adopted(ledger, *(limited_to(amount) for amount in range(1000, 1008)))
    chain = await ledger.read(POLICY)
    assert sorted(line.body["object"] for line in chain.having("adopted")) == sorted(versions)
    assert chain.seq == 8


async def test_the_same_policy_adopted_by_several_at_once_is_adopted_once(tmp_path: Path):
    ledger = Ledger(FolderStore(tmp_path))
    assert len(set(await adopted(ledger, *[plain_policy()] * 8))) == 1
    assert (await ledger.read(POLICY)).seq == 1


async def test_who_always_loses_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rulebook, "RACES_MAX", 3)

    class Overtaken(FolderStore):
        async def create(self, key: str, data: bytes) -> None:
            if key.startswith("cases/"):
                raise ConflictError(key)
            await super().create(key, data)

    with pytest.raises(ConflictError, match="book~policy: 3 lost races in a row"):
        await adopted(Ledger(Overtaken(tmp_path)), plain_policy())


async def test_where_nothing_is_in_force_the_remedy_is_told(tmp_path: Path):
    ledger = Ledger(FolderStore(tmp_path))
    await adopted(ledger, limited_to(1000, effective_from=date(2027, 1, 1)))
    remedy = "no policy is in force on 2026-11-23: adopt one with `almoner policy adopt FILE`"
    with pytest.raises(NotFoundError, match=remedy):
        await Shelf(ledger).in_force(NOON.date())


async def test_a_policy_whose_holidays_nobody_knows_is_not_adopted(tmp_path: Path):
    clock = Clock(calendar=Calendar(country="US", subdivision="XX"))
    with pytest.raises(RefusedError, match=r"clock\.calendar\.subdivision: US has none called XX"):
        await adopted(Ledger(FolderStore(tmp_path)), plain_policy().model_copy(update={"clock": clock}))


def test_a_policy_without_a_clock_prints_as_it_did_before_there_were_any():
    assert b"clock" not in canonical(plain_policy().model_copy(update={"clock": None}))

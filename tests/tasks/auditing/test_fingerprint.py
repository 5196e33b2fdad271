"""The ledger's fingerprint is told once a day, by whoever comes first."""

import asyncio
from datetime import timedelta
from pathlib import Path

from blocks.ledger import Chain, Ledger
from blocks.records.ledger import Line
from blocks.sealing.log import Log
from blocks.sealing.notes import HeadsLog
from blocks.sealing.sealer import Sealer
from blocks.sealing.witness import Witness, Witnessed
from blocks.store import FolderStore
from blocks.wire.signed_note import COSIGNS, SecretKey
from tasks.auditing.fingerprint import Room, tell_fingerprint
from tests.fakes.desk import FakeDesk
from tests.samples import NOON

KEY, WITNESS = SecretKey.made("log.example/ledger"), SecretKey.made("audit.example/witness", COSIGNS)


class House:
    def __init__(self, root: Path) -> None:
        self.store, self.desk, self.own = FolderStore(root / "store"), FakeDesk(), FolderStore(root / "witness")
        self.heads = HeadsLog(self.store, writer="one")
        self.ledger, self.log = Ledger(self.store, [self.heads]), Log(self.store, KEY.public)

    async def sealed(self) -> None:
        chain = await self.ledger.read("RQ-1")
        await self.ledger.append(chain, [Line(act="step", actor="process:test", at=NOON)])
        await self.heads.flush(NOON)
        await Sealer(Ledger(self.store), KEY).round(NOON)

    async def tell(self, days: int = 0) -> str | None:
        witnessed = Witnessed(self.own, WITNESS.public)
        now = NOON + timedelta(days=days)
        return await tell_fingerprint(self.ledger, self.log, witnessed, Room(self.desk, "finance-audit"), now)

    def texts(self) -> list[str]:
        return [card.text for card in self.desk.cards("finance-audit")]


async def test_it_is_told_once_a_day_with_what_the_witness_saw(tmp_path: Path):
    house = House(tmp_path)
    assert await house.tell() is None
    await house.sealed()
    await Witness(house.log, house.own, WITNESS).look(NOON)
    assert [await house.tell(days) for days in (0, 0, 1)] == [
        f"{NOON:%Y-%m-%d}",
        None,
        f"{NOON + timedelta(1):%Y-%m-%d}",
    ]
    head = await house.log.head()
    assert head is not None
    assert len(house.texts()) == 2
    assert head.checkpoint.root.hex()[:8] in house.texts()[0]
    assert house.texts()[0].endswith("The witness has seen 1 of them, and cosigned.")


async def test_an_answer_that_was_lost_and_two_at_once_are_one_message(tmp_path: Path):
    house = House(tmp_path)
    await house.sealed()
    house.desk.lose_answers = 1
    await asyncio.gather(house.tell(), house.tell())
    assert len(house.texts()) == 1
    assert "No witness has seen it." in house.texts()[0]


async def test_a_head_that_the_witness_refused_is_told_so(tmp_path: Path):
    house = House(tmp_path)
    await house.sealed()
    await Witness(house.log, house.own, WITNESS).look(NOON)
    (tmp_path / "store/log/checkpoint").unlink()
    await Witness(house.log, house.own, WITNESS).look(NOON)
    await Sealer(Ledger(house.store), KEY).follow()
    await house.tell()
    assert "refused one head" in house.texts()[0]


async def test_a_witness_that_saw_another_log_of_the_same_size_is_not_told_as_one_that_saw_this(tmp_path: Path):
    house, other = House(tmp_path), House(tmp_path / "other")
    await house.sealed()
    chain = await other.ledger.append(Chain("RQ-2"), [Line(act="step", actor="process:test", at=NOON)])
    await other.heads.flush(NOON)
    await Sealer(Ledger(other.store), KEY).round(NOON)
    assert await Witness(other.log, house.own, WITNESS).look(NOON) is None
    assert chain.seq == 1
    await house.tell()
    assert "seen another log than this" in house.texts()[0]


async def test_what_the_witness_saw_before_and_after_is_one_log(tmp_path: Path):
    house = House(tmp_path)
    await house.sealed()
    await Witness(house.log, house.own, WITNESS).look(NOON)
    for _ in range(3):
        await house.sealed()
    await house.tell()
    assert house.texts()[0].endswith("The witness has seen 1 of them, and cosigned.")

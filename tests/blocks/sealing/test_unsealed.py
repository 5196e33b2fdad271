"""What waits to be sealed: the entry itself is looked at, whatever notes say and whatever clocks they are dated by."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from blocks.ledger import Chain, Ledger
from blocks.ports import Store
from blocks.records.ledger import Line
from blocks.sealing.log import Log, committed
from blocks.sealing.notes import PREFIX as HEADS
from blocks.sealing.sealer import Sealer
from blocks.store import FolderStore
from blocks.wire.canonical import canonical
from tests.blocks.sealing.test_sealer import KEY, Writer, sealed
from tests.samples import NOON


async def test_an_entry_whose_note_was_lost_is_found_by_the_sweep(store: Store):
    writer = Writer(store, "one")
    await writer.write("RQ-1", 3)
    await writer.write("RQ-2", 2, noted=False)
    sealer = Sealer(Ledger(store), KEY)
    await sealer.round(NOON)
    assert await sealer.sweep() == 2
    await sealer.seal(NOON)
    assert await sealer.sweep() == 0
    assert await sealed(store) == writer.digests


async def false_note(store: Store, heads: list[list[object]], at: datetime = NOON) -> None:
    """What anybody may write who may write to the store at all."""
    note = {"writer": "evil", "batch": 0, "prev": "", "heads": heads}
    await store.create(f"{HEADS}{at:%Y%m%dT%H%M%S%f}-evil-000000.json", canonical(note))


async def test_a_false_note_seals_nothing_and_harms_no_entry_that_comes_later(store: Store):
    writer, sealer = Writer(store, "one"), Sealer(Ledger(store), KEY)
    await writer.write("RQ-1", 2)
    await false_note(store, [["RQ-1", 3, "0" * 64], ["RQ-1", 9, "1" * 64], ["RQ-GHOST", 1, "2" * 64]])
    await sealer.round(NOON)
    await writer.write("RQ-1", 1, at=NOON + timedelta(seconds=1))
    await sealer.round(NOON + timedelta(seconds=1))
    assert await sealed(store) == writer.digests


@pytest.mark.parametrize(
    "head",
    [["RQ-2", 0, "0" * 64], ["RQ-2", 1, "zz"], ['RQ"', 1, "0" * 64], ["A" * 70_000, 1, "0" * 64], ["RQ-2", True, "0"]],
)
async def test_a_note_of_what_no_entry_can_be_stops_no_sealer(store: Store, head: list[object]):
    writer = Writer(store, "one")
    await false_note(store, [head])
    await writer.write("RQ-1", 2)
    for _ in range(2):
        await Sealer(Ledger(store), KEY).round(NOON)
    assert await sealed(store) == writer.digests


async def test_what_was_noted_and_is_not_there_is_sealed_when_it_comes_and_let_go_after_a_minute(
    store: Store, caplog: pytest.LogCaptureFixture
):
    writer, sealer = Writer(store, "one"), Sealer(Ledger(store), KEY)
    await writer.write("RQ-1", 2)
    name = (await Ledger(store).read("RQ-1")).head
    await false_note(store, [["RQ-2", 1, name], ["RQ-3", 1, name]])
    await sealer.round(NOON)
    await writer.write("RQ-2", 1, noted=False)
    for second in range(1, 70):
        await sealer.round(NOON + timedelta(seconds=second))
    assert await sealed(store) == writer.digests
    assert "cases/RQ-2/00000001.json is sealed as it is, and is not what was noted of it" in caplog.text
    assert "cases/RQ-3/00000001.json cannot be sealed, it is not there" in caplog.text
    await writer.write("RQ-3", 1, noted=False)
    await sealer.round(NOON + timedelta(seconds=71))
    assert ("RQ-3", 1) not in await sealed(store)
    await sealer.sweep()
    await sealer.seal(NOON + timedelta(seconds=72))
    assert await sealed(store) == writer.digests


async def test_one_number_far_off_is_named_and_makes_nobody_count_up_to_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    class Counted(FolderStore):
        read = 0

        async def get(self, key: str) -> bytes:
            self.read += 1
            return await super().get(key)

    store = Counted(tmp_path)
    writer, sealer = Writer(store, "one"), Sealer(Ledger(store), KEY)
    await writer.write("RQ-1", 2, noted=False)
    await store.create("cases/RQ-1/99999999.json", b"{}")
    await store.create('cases/RQ"/00000001.json', b"{}")
    await false_note(store, [["RQ-1", 99_999_999, "0" * 64]])
    store.read = 0
    assert await sealer.sweep() == 2
    for second in range(70):
        await sealer.round(NOON + timedelta(seconds=second))
    assert await sealed(store) == writer.digests
    assert store.read < 100
    assert "cases/RQ-1/99999999.json is not sealed: the entry before it is not there" in caplog.text


async def test_an_entry_of_which_the_notes_of_those_before_it_were_lost_is_sealed_with_them(store: Store):
    writer, sealer = Writer(store, "one"), Sealer(Ledger(store), KEY)
    await writer.write("RQ-1", 3, noted=False)
    writer.heads._noted.clear()
    await writer.write("RQ-1", 1)
    for second in range(20):
        await sealer.round(NOON + timedelta(seconds=second))
    assert await sealed(store) == writer.digests


async def test_an_entry_by_a_clock_far_ahead_is_proved_however_much_was_sealed_since(tmp_path: Path):
    store = FolderStore(tmp_path)
    writer, sealer, log = Writer(store, "one"), Sealer(Ledger(store), KEY), Log(store, KEY.public)
    ahead = NOON + timedelta(minutes=10)
    await writer.write("RQ-A", 1)
    await sealer.round(NOON)
    for minute in range(1, 7):
        await writer.write(f"RQ-{minute}", 300, at=NOON + timedelta(minutes=minute))
        await sealer.round(NOON + timedelta(minutes=minute))
    proof = await log.inclusion("RQ-A", 1, since=ahead)
    assert proof is not None
    assert (proof.place, proof.holds) == (0, True)
    assert await log.inclusion("RQ-B", 1, since=ahead) is None


@pytest.mark.parametrize("off", [timedelta(minutes=-10), timedelta(minutes=10)])
async def test_notes_are_dated_by_the_stores_clock_whatever_the_writers_says(tmp_path: Path, off: timedelta):
    store = FolderStore(tmp_path)
    writer, sealer = Writer(store, "one"), Sealer(Ledger(store), KEY, by_store=True)
    began = datetime.now(UTC)
    await sealer.round(began)
    for turn in range(3):
        chain = await writer.ledger.append(Chain(f"RQ-{turn}"), [Line(act="step", actor="process:test", at=NOON)])
        writer.digests[chain.case, chain.seq] = chain.head
        await writer.heads.note(datetime.now(UTC) + off)
        await writer.heads.note(datetime.now(UTC) + off)
        await sealer.round(datetime.now(UTC))
        assert await sealed(store) == writer.digests


async def test_what_a_writer_noted_by_a_clock_that_lags_is_found_within_a_minute_by_whoever_cannot_tell(store: Store):
    writer, sealer = Writer(store, "one"), Sealer(Ledger(store), KEY)
    await sealer.round(NOON)
    for second in range(1, 62):
        now = NOON + timedelta(seconds=second)
        if second == 5:
            await writer.write("RQ-1", 1, at=now - timedelta(minutes=10))
        await sealer.round(now)
    assert await sealed(store) == writer.digests


async def test_a_sealer_whose_clock_is_ahead_seals_by_the_stores(tmp_path: Path):
    store = FolderStore(tmp_path)
    writer, sealer = Writer(store, "one"), Sealer(Ledger(store), KEY, by_store=True)
    ahead, began = timedelta(hours=2), datetime.now(UTC)
    await writer.write("RQ-1", 1, at=began)
    await sealer.sweep()
    assert await sealer.seal(began + ahead) is None
    assert await sealer.seal(began + ahead) is not None
    ((_, leaf),) = [one async for one in Log(store, KEY.public).leaves(1)]
    assert committed(leaf, 0).at < f"{began + timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}"

"""The Merkle log, written: everything noted comes under a signed head, once, whoever dies meanwhile."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from blocks.errors import ConflictError
from blocks.ledger import Chain, Ledger, TamperedError
from blocks.ports import Store
from blocks.records.ledger import Line
from blocks.sealing.log import CHECKPOINT, PREFIX, Log, committed
from blocks.sealing.notes import HeadsLog
from blocks.sealing.sealer import LOCK, HandedOverError, Sealer
from blocks.store import FolderStore
from blocks.wire.commitments import Commitment
from blocks.wire.merkle import extends
from blocks.wire.signed_note import SecretKey
from blocks.wire.tiles import Edge, grown
from tests.samples import NOON
from tests.stores import CrashError, CrashingStore

KEY = SecretKey.made("log.example/ledger")


class Writer:
    """One process that writes entries, and notes them."""

    def __init__(self, store: Store, name: str) -> None:
        self.heads = HeadsLog(store, writer=name)
        self.ledger = Ledger(store, [self.heads])
        self.digests: dict[tuple[str, int], str] = {}

    async def write(self, case: str, entries: int, *, noted: bool = True, at: datetime = NOON) -> None:
        chain = await self.ledger.read(case)
        for number in range(entries):
            chain = await self.ledger.append(chain, [Line(act="step", key=str(number), actor="process:test", at=NOON)])
            self.digests[case, chain.seq] = chain.head
        if noted:
            await self.heads.flush(at)


async def sealed(store: Store) -> dict[tuple[str, int], str]:
    """What the published log holds, checked against its head; each entry once."""
    log = Log(store, KEY.public)
    head = await log.head()
    assert head is not None
    leaves = [leaf async for _, leaf in log.leaves(head.checkpoint.size)]
    assert grown(Edge(), leaves)[0].root == head.checkpoint.root
    found: list[Commitment] = [committed(leaf, index) for index, leaf in enumerate(leaves)]
    assert [one.at for one in found] == sorted(one.at for one in found)
    assert not [twice for twice, times in Counter((x.case, x.seq) for x in found).items() if times > 1]
    return {(one.case, one.seq): one.digest for one in found}


async def test_what_was_noted_is_under_a_signed_head_and_can_be_proved(store: Store):
    writer, sealer = Writer(store, "one"), Sealer(Ledger(store), KEY)
    for turn in range(3):
        now = NOON + timedelta(seconds=turn)
        await writer.write("RQ-1", 2, at=now)
        await writer.write("RQ-2", 260 if turn == 1 else 1, at=now)
        head = await sealer.round(now)
        assert head is not None
    assert await sealed(store) == writer.digests
    log = Log(store, KEY.public)
    for case, seq in (("RQ-1", 1), ("RQ-1", 6), ("RQ-2", 1), ("RQ-2", 262)):
        proof = await log.inclusion(case, seq, since=NOON)
        assert proof is not None
        assert proof.holds
        assert f'"case":"{case}"'.encode() in proof.leaf
        assert not proof._replace(leaf=proof.leaf.replace(b"RQ", b"RX")).holds
    assert await log.inclusion("RQ-1", 7, since=NOON) is None


async def test_a_later_head_provably_continues_an_earlier_one(store: Store):
    writer, sealer, log = Writer(store, "one"), Sealer(Ledger(store), KEY), Log(store, KEY.public)
    heads = []
    for turn in range(4):
        await writer.write("RQ-1", 150, at=NOON + timedelta(seconds=turn))
        heads.append(await sealer.round(NOON))
    last = heads[-1]
    assert last is not None
    for head in heads:
        assert head is not None
        proof = await log.consistency(head.size, last.size)
        assert extends(head.size, head.root, last.size, last.root, proof)


async def test_an_entry_is_found_by_time_however_long_the_log(tmp_path: Path):
    store = FolderStore(tmp_path)
    writer, sealer, log = Writer(store, "one"), Sealer(Ledger(store), KEY), Log(store, KEY.public)
    for hour in range(12):
        now = NOON + timedelta(hours=hour)
        await writer.write(f"RQ-{hour}", 300, at=now)
        await sealer.round(now)
    for hour in (0, 5, 11):
        proof = await log.inclusion(f"RQ-{hour}", 300, since=NOON + timedelta(hours=hour))
        assert proof is not None
        assert proof.holds


@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_at_any_write_whoever_comes_next_finishes_it(tmp_path: Path, when: str):
    crashed = 0
    for write in range(1, 40):
        store = CrashingStore(tmp_path / str(write))
        writer = Writer(store, "one")
        await writer.write("RQ-1", 255)
        await Sealer(Ledger(store), KEY).round(NOON)
        await writer.write("RQ-2", 3)
        store.crash_at(write, when)  # type: ignore[arg-type]
        try:
            await Sealer(Ledger(store), KEY).round(NOON)
        except CrashError:
            crashed += 1
        store.crash_at(0, "before")
        await writer.write("RQ-1", 1)
        await Sealer(Ledger(store), KEY).round(NOON)
        assert await sealed(store) == writer.digests
        if crashed < write:
            break
    assert crashed == 8  # staged; lock; two bundles, three tiles; head


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_sealer_whose_write_failed_goes_on_by_itself(tmp_path: Path, when: str):
    for write in range(1, 9):
        store = CrashingStore(tmp_path / str(write))
        writer, sealer = Writer(store, "one"), Sealer(Ledger(store), KEY)
        await writer.write("RQ-1", 255)
        await sealer.round(NOON)
        await writer.write("RQ-2", 3)
        store.crash_at(write, when)  # type: ignore[arg-type]
        with pytest.raises(CrashError):
            await sealer.round(NOON)
        await sealer.round(NOON)
        assert await sealed(store) == writer.digests


async def test_many_who_seal_at_once_lose_nothing_and_double_nothing(store: Store):
    writers = [Writer(store, str(number)) for number in range(4)]
    sealers = [Sealer(Ledger(store), KEY) for _ in range(3)]

    async def seal(sealer: Sealer) -> None:
        for turn in range(8):
            await sealer.round(NOON + timedelta(seconds=turn))

    async def write(number: int, writer: Writer) -> None:
        for turn in range(8):
            await writer.write(f"RQ-{number}", 3, at=NOON + timedelta(seconds=turn))

    await asyncio.gather(*map(seal, sealers), *(write(*one) for one in enumerate(writers)))
    for sealer in sealers:
        await sealer.round(NOON + timedelta(seconds=9))
    assert await sealed(store) == {key: name for writer in writers for key, name in writer.digests.items()}


async def test_who_does_not_have_the_logs_key_seals_nothing(store: Store):
    await Sealer(Ledger(store), KEY).follow()
    await Writer(store, "one").write("RQ-1", 1)
    stranger = Sealer(Ledger(store), SecretKey.made("log.example/ledger"))
    with pytest.raises(HandedOverError, match="not by the key given here"):
        await stranger.round(NOON)


async def test_nothing_is_sealed_over_a_lock_that_does_not_continue_the_log(tmp_path: Path):
    store = FolderStore(tmp_path)
    writer, sealer = Writer(store, "one"), Sealer(Ledger(store), KEY)
    await writer.write("RQ-1", 2)
    head = await sealer.round(NOON)
    assert head is not None
    other = head._replace(root=bytes(32)).signed([KEY])
    await store.swap(LOCK, other.data, was=(await store.look(LOCK)).version)
    await writer.write("RQ-1", 1)
    with pytest.raises(TamperedError, match="nothing more is sealed"):
        await sealer.round(NOON)


async def test_a_tile_that_somebody_else_wrote_stops_the_sealer(tmp_path: Path):
    store = FolderStore(tmp_path)
    await Sealer(Ledger(store), KEY).follow()
    await store.create(f"{PREFIX}tile/0/000.p/1", b"\0" * 32)
    await Writer(store, "one").write("RQ-1", 1)
    with pytest.raises(TamperedError, match="not what its entries hash to"):
        await Sealer(Ledger(store), KEY).round(NOON)


async def test_a_head_is_never_published_over_a_later_one(tmp_path: Path):
    store = FolderStore(tmp_path)
    writer, sealer = Writer(store, "one"), Sealer(Ledger(store), KEY)
    await writer.write("RQ-1", 1)
    first = await sealer.round(NOON)
    await writer.write("RQ-1", 1)
    await sealer.round(NOON)
    later = await store.get(CHECKPOINT)
    assert first is not None
    await sealer._publish(first.signed([KEY]), first, {})
    assert await store.get(CHECKPOINT) == later


async def test_a_published_head_that_nobody_can_read_stops_the_sealer(tmp_path: Path):
    store = FolderStore(tmp_path)
    await store.create(CHECKPOINT, b"nonsense")
    with pytest.raises(TamperedError, match="not a signed head"):
        await Sealer(Ledger(store), KEY).follow()


async def test_the_chains_are_written_without_waiting_for_the_log(tmp_path: Path):
    class Counted(FolderStore):
        wrote = 0

        async def create(self, key: str, data: bytes) -> None:
            self.wrote += 1
            await super().create(key, data)

    store = Counted(tmp_path)
    chain = Chain("RQ-1")
    await Ledger(store, [HeadsLog(store)]).append(chain, [Line(act="step", actor="process:test", at=NOON)])
    assert store.wrote == 1
    with pytest.raises(ConflictError):
        await Ledger(store).append(chain, [Line(act="step", actor="process:other", at=NOON)])

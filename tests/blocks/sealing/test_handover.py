"""The log's key hands over: the chain of keys is followed from the first, and the old one signs nothing more."""

from pathlib import Path

import pytest

from blocks.errors import RefusedError
from blocks.ledger import Ledger, TamperedError
from blocks.sealing.handover import hand_over
from blocks.sealing.log import Log, Tenure, handover_key
from blocks.sealing.sealer import LOCK, HandedOverError, Sealer
from blocks.store import FolderStore
from blocks.wire.signed_note import SecretKey
from tests.blocks.sealing.test_sealer import KEY, Writer, sealed
from tests.samples import NOON
from tests.stores import CrashError, CrashingStore

NEXT = SecretKey.made(KEY.name)


async def test_from_the_handover_on_the_next_key_signs_and_the_whole_log_is_believed_by_the_first(tmp_path: Path):
    store = FolderStore(tmp_path)
    writer, log = Writer(store, "one"), Log(store, KEY.public)
    await writer.write("RQ-1", 3)
    await Sealer(Ledger(store), KEY).round(NOON)
    assert await hand_over(Ledger(store), KEY.public, KEY, NEXT) == Tenure(NEXT.public, 3)
    assert await log.tenures() == (Tenure(KEY.public, 0, 3), Tenure(NEXT.public, 3))
    await writer.write("RQ-1", 1)
    with pytest.raises(HandedOverError):
        await Sealer(Ledger(store), KEY).round(NOON)
    await Sealer(Ledger(store), NEXT).round(NOON)
    assert await sealed(store) == writer.digests


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_handover_that_was_cut_off_is_finished_by_doing_it_again(tmp_path: Path, when: str):
    for write in range(1, 4):
        store = CrashingStore(tmp_path / str(write))
        await Writer(store, "one").write("RQ-1", 3)
        await Sealer(Ledger(store), KEY).round(NOON)
        store.crash_at(write, when)  # type: ignore[arg-type]
        try:
            await hand_over(Ledger(store), KEY.public, KEY, NEXT)
        except CrashError:
            store.crash_at(0, "before")
            await hand_over(Ledger(store), KEY.public, KEY, NEXT)
        assert (await Log(store, KEY.public).tenures())[-1] == Tenure(NEXT.public, 3)


async def test_a_third_key_is_handed_to_by_the_second_alone(tmp_path: Path):
    store, third = FolderStore(tmp_path), SecretKey.made(KEY.name)
    await Sealer(Ledger(store), KEY).follow()
    await hand_over(Ledger(store), KEY.public, KEY, NEXT)
    with pytest.raises(RefusedError, match="only that one hands over"):
        await hand_over(Ledger(store), KEY.public, KEY, third)
    await hand_over(Ledger(store), KEY.public, NEXT, third)
    assert [one.key for one in await Log(store, KEY.public).tenures()] == [KEY.public, NEXT.public, third.public]


async def test_a_lock_that_was_put_back_to_before_the_handover_is_said_and_nothing_is_called_done(tmp_path: Path):
    store = FolderStore(tmp_path)
    await Writer(store, "one").write("RQ-1", 3)
    await Sealer(Ledger(store), KEY).round(NOON)
    before = (tmp_path / LOCK).read_bytes()
    await hand_over(Ledger(store), KEY.public, KEY, NEXT)
    (tmp_path / LOCK).write_bytes(before)
    with pytest.raises(RefusedError, match=r"log/lock is of before the handover that log/keys/000001 keeps"):
        await hand_over(Ledger(store), KEY.public, KEY, NEXT)
    (tmp_path / "log/keys/000001").unlink()
    assert await hand_over(Ledger(store), KEY.public, KEY, NEXT) == Tenure(NEXT.public, 3)


async def test_a_key_of_another_name_is_not_handed_to(tmp_path: Path):
    with pytest.raises(RefusedError, match="that name is the log's"):
        await hand_over(Ledger(FolderStore(tmp_path)), KEY.public, KEY, SecretKey.made("another.example/log"))


@pytest.mark.parametrize("forged", [b"nonsense", b"a\n\n\xe2\x80\x94 x AAAAAAAA\n"])
async def test_a_handover_that_both_did_not_sign_is_tampering(tmp_path: Path, forged: bytes):
    store = FolderStore(tmp_path)
    await store.create(handover_key(1), forged)
    with pytest.raises(TamperedError, match="is no handover"):
        await Log(store, KEY.public).tenures()

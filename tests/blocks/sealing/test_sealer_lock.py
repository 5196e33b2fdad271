"""Nothing is signed over a lock that is gone or was put back: an honest sealer makes no fork for anybody."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from blocks.ledger import Ledger, TamperedError
from blocks.ports import Held
from blocks.sealing.log import CHECKPOINT, PREFIX
from blocks.sealing.sealer import LOCK, Sealer
from blocks.store import FolderStore
from tests.blocks.sealing.test_sealer import KEY, Writer
from tests.samples import NOON


async def four_rounds(root: Path) -> tuple[FolderStore, list[tuple[bytes, bytes]]]:
    """A log of twelve entries: its store, and lock and checkpoint after each of its rounds."""
    store, heads = FolderStore(root), []
    writer, sealer = Writer(store, "one"), Sealer(Ledger(store), KEY)
    for turn in range(4):
        now = NOON + timedelta(seconds=turn)
        await writer.write(f"RQ-{turn}", 3, at=now)
        await sealer.round(now)
        heads.append((await store.get(LOCK), await store.get(CHECKPOINT)))
    await writer.write("RQ-9", 20, at=NOON + timedelta(minutes=1))
    return store, heads


async def test_nothing_is_signed_where_the_lock_of_a_log_is_gone(tmp_path: Path):
    _, heads = await four_rounds(tmp_path)
    for gone in ([LOCK], [CHECKPOINT], [f"{PREFIX}tile"]):  # whatever is left of it, it is a log that was begun
        for name in gone:
            path = tmp_path / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        with pytest.raises(TamperedError, match="log/lock is gone"):
            await Sealer(Ledger(FolderStore(tmp_path)), KEY).round(NOON + timedelta(minutes=1))
        assert not (tmp_path / LOCK).exists()
    assert heads


async def test_a_sealer_that_runs_begins_no_second_log(tmp_path: Path):
    store = FolderStore(tmp_path)
    sealer = Sealer(Ledger(store), KEY)
    await sealer.follow()
    (tmp_path / LOCK).unlink()
    with pytest.raises(TamperedError, match="log/lock is gone"):
        await sealer.follow()


@pytest.mark.parametrize("also_the_checkpoint", [False, True])
async def test_nothing_is_signed_over_a_lock_that_was_put_back(tmp_path: Path, also_the_checkpoint: bool):
    store, heads = await four_rounds(tmp_path)
    lock, checkpoint = heads[1]
    (tmp_path / LOCK).write_bytes(lock)
    if also_the_checkpoint:
        (tmp_path / CHECKPOINT).write_bytes(checkpoint)
    with pytest.raises(TamperedError, match="log/lock is behind what was published"):
        await Sealer(Ledger(store), KEY).round(NOON + timedelta(minutes=1))
    assert await store.get(LOCK) == lock


async def test_a_lock_that_another_moves_on_meanwhile_is_no_old_one(tmp_path: Path):
    store, _ = await four_rounds(tmp_path)

    class Slow(FolderStore):
        sealing = False

        async def look(self, key: str) -> Held:
            held = await super().look(key)
            if key == LOCK and not self.sealing:
                self.sealing = True
                assert await Sealer(Ledger(store), KEY).round(NOON + timedelta(minutes=1))
            return held

    slow = Sealer(Ledger(Slow(tmp_path)), KEY)
    await slow.follow()
    assert slow.edge.size == 32

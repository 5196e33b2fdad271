"""A fingerprint that somebody kept: the log must still be the one that was told."""

from base64 import b64decode
from pathlib import Path

import pytest

from blocks.audit.finding import Finding
from blocks.audit.told import Told, read_told
from blocks.audit.verdict import verify
from blocks.books import FINGERPRINT
from blocks.ledger import Chain, Ledger
from blocks.records.ledger import Line
from blocks.sealing.log import CHECKPOINT, Log
from blocks.sealing.sealer import Sealer
from blocks.store import FolderStore
from tests.blocks.sealing.test_sealer import KEY
from tests.blocks.sealing.test_sealer_lock import four_rounds
from tests.samples import NOON

OTHER = "0123456789abcdef" * 4


@pytest.fixture
async def head(tmp_path: Path) -> Told:
    """The head after the second of four rounds, as finance wrote it down."""
    store, heads = await four_rounds(tmp_path)
    sealer = Sealer(Ledger(store), KEY)
    await sealer.sweep()
    await sealer.seal(NOON)
    _, size, root, *_ = heads[1][1].decode().split("\n")
    return read_told(f"{size}: {b64decode(root).hex().upper()}")


async def found(root: Path, *heads: Told) -> list[Finding]:
    store = FolderStore(root)
    return list((await verify(Ledger(store), Log(store, KEY.public), heads=heads, now=NOON)).findings)


async def test_a_head_that_was_kept_is_of_this_log(tmp_path: Path, head: Told):
    assert await found(tmp_path, head) == []


async def test_another_root_of_as_many_entries_means_that_history_was_rewritten(tmp_path: Path, head: Told):
    (finding,) = await found(tmp_path, head, head._replace(root=OTHER))
    assert (finding.where, finding.fault) == (CHECKPOINT, "rewritten")


async def test_more_entries_than_the_log_shows_mean_that_it_was_put_back(tmp_path: Path, head: Told):
    (finding,) = await found(tmp_path, head._replace(size=1000))
    assert (finding.where, finding.fault) == (CHECKPOINT, "replayed")


async def test_what_the_ledgers_own_book_says_was_told_is_held_against_the_log_too(tmp_path: Path, head: Told):
    ledger = Ledger(FolderStore(tmp_path))
    body = {"channel": "finance-audit", "ts": "1", "size": head.size, "root": OTHER}
    await ledger.append(Chain(FINGERPRINT), [Line(act="told", key="2026-11-20", actor="process:x", at=NOON, body=body)])
    assert "the fingerprint of 2026-11-20 is another" in (await found(tmp_path))[-1].because


@pytest.mark.parametrize("text", ["", "12", "12:abc", f"x:{OTHER}", f"12:{OTHER}0"])
def test_what_is_no_head_is_told_with_how_one_reads(text: str):
    with pytest.raises(ValueError, match="a head reads SIZE:ROOT"):
        read_told(text)

"""Verifying the ledger with the log over it: what waits, what should be sealed, and what notes say otherwise."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from blocks.audit.verdict import verify
from blocks.ledger import Chain, Ledger, entry_key
from blocks.sealing.log import CHECKPOINT, Log
from blocks.sealing.notes import PREFIX, HeadsLog
from blocks.sealing.sealer import LOCK, Sealer
from blocks.store import FolderStore
from blocks.wire.canonical import canonical
from blocks.wire.signed_note import SecretKey
from tests.blocks.audit.test_verdict import LENGTH, ONE, Kept, line
from tests.samples import NOON

LOG_KEY = SecretKey.made("log.example/ledger")


@pytest.fixture
async def kept(tmp_path: Path) -> Kept:
    return await Kept(tmp_path).written()


async def logged(kept: Kept) -> tuple[Log, Sealer]:
    """Seal what the ledger holds."""
    store = FolderStore(kept.root)
    sealer = Sealer(Ledger(store), LOG_KEY)
    await sealer.round(NOON)
    return Log(store, LOG_KEY.public), sealer


async def test_a_ledger_under_a_signed_head_verifies_and_says_how_much_is_sealed(kept: Kept):
    log, _ = await logged(kept)
    verdict = await verify(Ledger(FolderStore(kept.root)), log)
    assert verdict.verified
    assert (verdict.sealed, verdict.waiting, verdict.witnessed) == (2 * LENGTH, 0, None)


async def test_what_was_noted_is_still_looked_for_after_a_sealers_clock_was_ahead_once(kept: Kept):
    log, sealer = await logged(kept)
    store = FolderStore(kept.root)
    ledger = Ledger(store, [heads := HeadsLog(store, writer="late")])
    await ledger.append(await ledger.read(ONE), [line(99)])
    await heads.flush(NOON)
    await sealer.round(NOON + timedelta(hours=2))
    await ledger.append(Chain("RQ-CCCCCCCCCC"), [line(1)])
    await heads.flush(NOON + timedelta(seconds=5))
    kept.path(1, "RQ-CCCCCCCCCC").unlink()
    verdict = await verify(Ledger(store), log, now=NOON + timedelta(seconds=9))
    (finding,) = verdict.findings
    assert (finding.where, finding.fault) == (entry_key("RQ-CCCCCCCCCC", 1), "removed")
    assert "the note is false" in finding.because


async def test_an_entry_that_was_replaced_before_it_was_sealed_is_named(kept: Kept):
    store = FolderStore(kept.root)
    ledger = Ledger(store, [heads := HeadsLog(store, writer="late")])
    await ledger.append(await ledger.read(ONE), [line(99)])
    await heads.flush(NOON)
    path = kept.path(LENGTH + 1)
    path.write_bytes(path.read_bytes().replace(b'"n":99', b'"n":98'))
    log, _ = await logged(kept)
    verdict = await verify(Ledger(store), log, now=NOON)
    assert [(x.where, x.fault) for x in verdict.findings] == [(entry_key(ONE, LENGTH + 1), "altered")]
    assert "replaced at once" in verdict.findings[0].because


async def test_a_false_note_beside_a_true_one_is_told_from_an_altered_entry(kept: Kept):
    log, _ = await logged(kept)
    note = {"writer": "evil", "batch": 0, "prev": "", "heads": [[ONE, 2, "0" * 64]]}
    await FolderStore(kept.root).create(f"{PREFIX}{NOON:%Y%m%dT%H%M%S%f}-evil-000000.json", canonical(note))
    verdict = await verify(Ledger(FolderStore(kept.root)), log, now=NOON)
    assert [(x.where, x.fault) for x in verdict.findings] == [(entry_key(ONE, 2), "doubled")]


async def test_an_entry_of_the_last_moments_waits_and_an_older_one_is_named(kept: Kept):
    log, _ = await logged(kept)
    ledger = Ledger(FolderStore(kept.root), [heads := HeadsLog(FolderStore(kept.root), writer="late")])
    await ledger.append(await ledger.read(ONE), [line(99)])
    await heads.flush(NOON)
    soon = await verify(ledger, log, now=NOON + timedelta(seconds=30))
    assert (soon.verified, soon.waiting) == (True, 1)
    late = await verify(ledger, log, now=NOON + timedelta(hours=1))
    assert [(one.where, one.fault) for one in late.findings] == [(entry_key(ONE, LENGTH + 1), "unsealed")]


async def test_an_entry_that_says_it_comes_from_the_future_does_not_wait(kept: Kept):
    log, _ = await logged(kept)
    ledger = Ledger(FolderStore(kept.root))
    await ledger.append(await ledger.read(ONE), [line(99)])
    verdict = await verify(ledger, log, now=NOON - timedelta(hours=1))
    assert [(one.where, one.fault) for one in verdict.findings] == [(entry_key(ONE, LENGTH + 1), "inserted")]


async def test_a_log_that_is_gone_altogether_is_missed(kept: Kept):
    log, _ = await logged(kept)
    shutil.rmtree(kept.root / "log")
    verdict = await verify(Ledger(FolderStore(kept.root)), log)
    assert {one.fault for one in verdict.findings} >= {"removed", "inserted"}
    assert "log/checkpoint" in {one.where for one in verdict.findings}


@pytest.mark.parametrize("at", [CHECKPOINT, LOCK])
async def test_a_round_that_falls_between_two_looks_is_no_tampering(kept: Kept, at: str):
    log, sealer = await logged(kept)
    store = FolderStore(kept.root)
    ledger = Ledger(store, [heads := HeadsLog(store, writer="late")])
    await ledger.append(await ledger.read(ONE), [line(99)])
    await heads.flush(NOON)

    class Meanwhile(FolderStore):
        done = False

        async def get(self, key: str) -> bytes:
            data = await super().get(key)
            if key == at and not self.done:
                self.done = True
                assert await sealer.round(NOON)
            return data

    slow = Meanwhile(kept.root)
    verdict = await verify(Ledger(slow), Log(slow, log.first_key), now=NOON)
    assert verdict.findings == ()


async def test_an_old_head_put_back_is_still_named(kept: Kept):
    log, sealer = await logged(kept)
    store = FolderStore(kept.root)
    old = await store.get(CHECKPOINT)
    ledger = Ledger(store, [heads := HeadsLog(store, writer="late")])
    await ledger.append(await ledger.read(ONE), [line(99)])
    await heads.flush(NOON)
    await sealer.round(NOON)
    (kept.root / CHECKPOINT).write_bytes(old)
    verdict = await verify(Ledger(store), log, now=NOON)
    assert (CHECKPOINT, "replayed") in {(one.where, one.fault) for one in verdict.findings}


async def test_a_note_that_a_clock_set_back_dates_early_is_not_missed_among_those_around_it(kept: Kept):
    log, sealer = await logged(kept)
    store = FolderStore(kept.root)
    ledger = Ledger(store, [heads := HeadsLog(store, writer="late")])
    keys = list[str]()
    for minutes in (10, -200, 30):
        await ledger.append(await ledger.read(ONE), [line(minutes)])
        keys.append(str(await heads.flush(NOON + timedelta(minutes=minutes))))
    await sealer.sweep()
    await sealer.round(NOON + timedelta(minutes=31))
    verdict = await verify(Ledger(store), log, now=NOON + timedelta(minutes=32))
    assert verdict.findings == ()
    (kept.root / keys[1]).unlink()
    verdict = await verify(Ledger(store), log, now=NOON + timedelta(minutes=32))
    assert [(one.where, one.fault) for one in verdict.findings] == [(keys[2], "removed")]

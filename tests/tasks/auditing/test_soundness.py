"""How far a case holds: what the signed log holds of it, and that an end which was taken away is told as gone."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from blocks.ledger import READ_AHEAD, Chain, Ledger, TamperedError, entry_key
from blocks.records.dossier import Dossier
from blocks.records.ledger import Line
from blocks.rulebook import Shelf
from blocks.sealing.log import PREFIX, Log, committed
from blocks.sealing.notes import HeadsLog
from blocks.sealing.witness import Witnessed
from blocks.wire.canonical import canonical, digest
from blocks.wire.dossier_page import dossier_page
from blocks.wire.tiles import WIDTH, tiles_of
from tasks.auditing import soundness
from tasks.auditing.bundling import bundle_of
from tasks.auditing.finding import Found, found
from tasks.auditing.soundness import held_against
from tests.hospital import Hospital
from tests.sealing import KEY, WITNESS, seal, witness
from tests.tasks.auditing.test_dossier import ordered


async def told(hospital: Hospital, case: str, log: Log | None, witnessed: Witnessed | None = None) -> Dossier:
    ledger = Ledger(hospital.ledger.store)
    (one,) = await found(case, ledger)
    return await held_against(log, witnessed, one, ledger=ledger, shelf=Shelf(ledger), at=hospital.now)


async def last(hospital: Hospital, case: str) -> Path:
    """Say where the last entry of a case lies."""
    return hospital.ledger.store._root / entry_key(case, (await hospital.chain(case)).seq)


async def assert_cut(hospital: Hospital, case: str, log: Log | None, because: str) -> None:
    """Check that a case whose end was taken away is told so, in words and on the page, and is proven to nobody."""
    dossier, gone = await told(hospital, case, log), (await hospital.chain(case)).seq + 1
    assert (dossier.broken, dossier.sealed) == (f"entry {gone} was written and is gone: {because}", None)
    assert not dossier.holds
    page = dossier_page(dossier)
    assert '<span class="badge bad">Does not hold</span>' in page
    assert "--bundle" not in page
    with pytest.raises(TamperedError, match=f"entry {gone} was written and is gone"):
        await bundle_of(await hospital.chain(case), hospital.ledger, log, at=hospital.now)


async def test_it_says_where_in_the_log_each_decision_is_and_who_signed_the_head(hospital, tmp_path):
    case = await ordered(hospital)
    assert (await told(hospital, case, None)).sealed is None
    log = await seal(hospital)
    placed = await told(hospital, case, log, await witness(hospital, tmp_path / "witness"))
    assert (placed.sealed.key, placed.sealed.witness) == (KEY.public.text, WITNESS.public.text)
    leaves = [committed(leaf, n) async for n, leaf in log.leaves(placed.sealed.size)]
    assert (leaves[placed.sealed.index].case, leaves[placed.sealed.index].digest) == (case, placed.head)
    for question in placed.questions:
        where = question.approver.place
        assert (leaves[where.index].seq, leaves[where.index].digest) == (where.seq, where.digest)
    assert placed.sealed.root in dossier_page(placed)
    late = await hospital.submit("IVSET-20", 40)
    unsealed = await told(hospital, late, log)
    assert (unsealed.sealed, unsealed.holds) == (None, True)


async def test_a_case_that_is_not_what_was_sealed_is_told_as_one_that_does_not_hold(hospital, tmp_path):
    case = await ordered(hospital)
    log = await seal(hospital)
    witnessed = await witness(hospital, tmp_path / "witness")
    path = await last(hospital, case)
    entry = json.loads(path.read_bytes())
    for one in entry["lines"]:
        if one["act"] == "ended":
            one["body"]["outcome"].update(because="order 1 with Evil Corp", document="666")
    path.write_bytes(canonical(entry))
    for seen in (witnessed, None):
        placed = await told(hospital, case, log, seen)
        assert placed.sealed is None
        assert f"{path.relative_to(tmp_path / 'store')} is not the entry that was sealed" in placed.broken
    page = dossier_page(placed)
    assert "This does not hold." in page
    assert '<span class="badge bad">Does not hold</span>' in page
    assert 'badge good">Ordered' not in page
    assert "cosigned" not in page
    with pytest.raises(TamperedError, match="is not the entry that was sealed"):
        await bundle_of(await hospital.chain(case), hospital.ledger, log, witnessed, at=hospital.now)


async def test_tiles_that_do_not_lead_to_the_signed_head_prove_nothing(hospital):
    case = await ordered(hospital)
    log = await seal(hospital)
    (tile,) = (hospital.ledger.store._root / "log/tile/0").glob("000.p/*")
    data = tile.read_bytes()
    tile.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    placed = await told(hospital, case, log)
    assert placed.sealed is None
    assert placed.broken


async def test_an_end_that_the_log_holds_and_the_store_does_not_was_taken_away(hospital):
    case = await ordered(hospital)
    log, end = await seal(hospital), await last(hospital, case)
    whole = await told(hospital, case, log)
    assert (whole.holds, whole.sealed.last) == (True, True)
    assert "holds no later entry of the case" in dossier_page(whole)
    end.unlink()
    await assert_cut(hospital, case, log, "the signed log holds it")


@pytest.mark.parametrize("harm", [lambda _: b"", lambda data: data[:-5] + b"1" + data[-4:]], ids=["emptied", "forged"])
async def test_a_log_whose_entries_are_not_those_under_its_head_tells_nothing_of_an_end(hospital, harm):
    case = await ordered(hospital)
    await hospital.submit("KNEE-TIB-4", 1)
    log = await seal(hospital)
    head = await log.head()
    tile = list(tiles_of(head.checkpoint.size, None))[-1]
    bundle = hospital.ledger.store._root / (PREFIX + tile.path)
    bundle.write_bytes(harm(bundle.read_bytes()))
    found = await told(hospital, case, log)
    assert found.broken
    assert found.sealed is None


async def test_an_end_that_only_the_log_holds_and_the_witness_has_not_seen_yet_is_missed_too(hospital, tmp_path):
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    await seal(hospital)
    witnessed = await witness(hospital, tmp_path / "witness")
    await hospital.answer(case, "ivo.petrov")
    log, end = await seal(hospital), await last(hospital, case)
    end.unlink()
    assert "the signed log holds" in (await told(hospital, case, log, witnessed)).broken


@pytest.mark.parametrize("kept", [True, False], ids=["with a log", "without"])
async def test_an_end_that_was_taken_away_within_a_moment_is_missed_by_its_writers_note(hospital, kept):
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    log, heads = await seal(hospital) if kept else None, HeadsLog(hospital.ledger.store)
    hospital.ledger.observers.append(heads)
    await hospital.answer(case, "ivo.petrov")
    await heads.flush(hospital.now)
    end = await last(hospital, case)
    end.unlink()
    await assert_cut(hospital, case, log, "its writer, or somebody in its name, noted it")
    hospital.now += timedelta(hours=1, seconds=1)
    assert (await told(hospital, case, log)).holds, "so far back no note is read: the log holds what was sealed by then"


async def test_of_what_lies_beyond_a_gap_a_reader_sees_nothing_and_it_is_missed(hospital):
    case = await ordered(hospital)
    (hospital.ledger.store._root / entry_key(case, READ_AHEAD)).unlink()
    assert (await hospital.chain(case)).seq == READ_AHEAD - 1
    await assert_cut(hospital, case, None, f"there still is entry {READ_AHEAD + 1}")


async def test_what_was_written_while_it_was_being_told_is_not_gone(hospital):
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    before = await hospital.chain(case)
    await seal(hospital)
    await hospital.answer(case, "ivo.petrov")
    log = await seal(hospital)
    dossier = await held_against(
        log, None, Found(before), ledger=hospital.ledger, shelf=Shelf(hospital.ledger), at=hospital.now
    )
    assert dossier.entries < (await hospital.chain(case)).seq
    assert (dossier.holds, dossier.sealed.last) == (True, False)


async def test_of_a_log_too_long_to_look_through_nothing_is_claimed(hospital, monkeypatch):
    case = await ordered(hospital)
    log = await seal(hospital)
    monkeypatch.setattr(soundness, "BUNDLES_MAX", 0)
    dossier = await told(hospital, case, log)
    assert (dossier.holds, dossier.sealed.last) == (True, False)
    assert "no later entry of the case" not in dossier_page(dossier)


async def test_a_log_that_cannot_be_looked_through_proves_nothing(hospital):
    case, other = await ordered(hospital), Chain("other")
    await seal(hospital)
    for number in range(WIDTH):
        line = Line(act="step", key=str(number), actor="process:test", at=hospital.now)
        other = await hospital.ledger.append(other, [line])
    log = await seal(hospital)
    (bundle,) = (hospital.ledger.store._root / "log/tile/entries/001.p").iterdir()
    bundle.unlink()
    assert f"{bundle.relative_to(hospital.ledger.store._root)} is missing" in (await told(hospital, case, log)).broken


async def test_of_a_case_that_was_broken_what_the_log_holds_of_it_is_told(hospital):
    case = await ordered(hospital)
    log, chain = await seal(hospital), await hospital.chain(case)
    path = hospital.ledger.store._root / entry_key(case, 4)
    path.write_bytes(path.read_bytes().replace(b'"actor":"', b'"actor":"x'))
    dossier = await told(hospital, case, log)
    assert dossier.broken == (
        f"{entry_key(case, 5)} does not follow the entry before it; "
        "what is told here are its first 3 entries, as the signed log holds them"
    )
    assert (dossier.entries, dossier.head) == (3, chain.entries[3].prev)
    assert '<span class="badge bad">Does not hold</span>' in dossier_page(dossier)
    with pytest.raises(TamperedError, match="does not follow the entry before it"):
        await told(hospital, case, None)


async def test_what_was_forged_so_that_it_hangs_together_is_not_told_as_what_comes_before_the_fault(hospital):
    case = await ordered(hospital)
    log, root = await seal(hospital), hospital.ledger.store._root
    prev = ""
    for seq in (1, 2, 3):
        path = root / entry_key(case, seq)
        entry = json.loads(path.read_bytes()) | ({"prev": prev} if seq > 1 else {})
        entry["lines"][0]["actor"] = "process:forged"
        path.write_bytes(canonical(entry))
        prev = digest(path.read_bytes())
    with pytest.raises(TamperedError, match="does not follow the entry before it"):
        await told(hospital, case, log)

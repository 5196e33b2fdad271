"""The judge of a scene can find what it looks for: what the log no longer bears out, and a patient who got in."""

from pathlib import Path

import pytest

from blocks.ledger import entry_key
from blocks.wire import requisitions
from tests.hospital import Hospital
from tests.invariants import Violation
from tests.judging import judged, opened
from tests.sealing import sealed


async def ordered(root: Path) -> tuple[Hospital, str]:
    hospital = await opened(root)
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    await hospital.answer(case, "ivo.petrov")
    assert (await hospital.wake(case)).ended == "ordered"
    return hospital, case


async def found(hospital: Hospital) -> list[Violation]:
    return await judged(hospital.ledger, hospital.erp, hospital.desk, at=hospital.now)


async def test_a_case_as_it_should_be_violates_nothing(tmp_path: Path):
    hospital, _ = await ordered(tmp_path / "store")
    assert await found(hospital) == []


async def test_what_was_under_a_head_and_is_there_no_more_is_found(tmp_path: Path):
    hospital, case = await ordered(tmp_path / "store")
    await sealed(hospital.ledger, hospital.now)
    chain = await hospital.chain(case)
    (tmp_path / "store" / entry_key(case, chain.seq)).unlink()  # its end: the chain alone is as good without
    assert "I5" in {one.invariant for one in await found(hospital)}


async def test_a_patient_who_got_in_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(requisitions, "reason_to_leave_out", lambda _: None)
    hospital, _ = await ordered(tmp_path / "store")
    assert "I8" in {one.invariant for one in await found(hospital)}

"""The judge of a scene can find what it looks for: what the log no longer bears out, and a patient who got in."""

import shutil
from pathlib import Path

import pytest

from blocks.ledger import entry_key
from blocks.wire import requisitions
from tests.hospital import Hospital
from tests.invariants import Violation
from tests.judging import judged, opened, under_a_head


async def ordered(root: Path) -> tuple[Hospital, str]:
    hospital = await opened(root)
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    await hospital.answer(case, "ivo.petrov")
    assert (await hospital.wake(case)).ended == "ordered"
    return hospital, case


async def found(hospital: Hospital) -> list[Violation]:
    return await judged(hospital, hospital.erp)


async def test_a_case_as_it_should_be_violates_nothing(tmp_path: Path):
    hospital, _ = await ordered(tmp_path / "store")
    assert await found(hospital) == []


async def test_what_was_under_a_head_and_is_there_no_more_is_found(tmp_path: Path):
    hospital, case = await ordered(tmp_path / "store")
    await under_a_head(hospital.ledger, hospital.witness, hospital.now)
    chain = await hospital.chain(case)
    (tmp_path / "store" / entry_key(case, chain.seq)).unlink()  # its end: the chain alone is as good without
    assert "I5" in {one.invariant for one in await found(hospital)}


async def test_a_patient_who_got_in_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(requisitions, "reason_to_leave_out", lambda _: None)
    hospital, _ = await ordered(tmp_path / "store")
    assert "I8" in {one.invariant for one in await found(hospital)}


async def test_a_scene_in_which_nobody_names_a_patient_says_nothing_of_patients(tmp_path: Path):
    hospital = await Hospital.opened(tmp_path / "store")
    assert [one.where for one in await found(hospital)] == ["quarantine/"]


async def test_a_log_that_was_begun_anew_is_what_the_witness_refuses(tmp_path: Path):
    hospital, case = await ordered(tmp_path / "store")
    await under_a_head(hospital.ledger, hospital.witness, hospital.now)
    chain = await hospital.chain(case)
    (tmp_path / "store" / entry_key(case, chain.seq)).unlink()
    shutil.rmtree(tmp_path / "store" / "log")  # with the stolen key, history is written once more, without its end
    assert "witness" in {one.where for one in await found(hospital)}

"""The demo that plays by itself on a ledger where people made passkeys by hand."""

from pathlib import Path

import pytest

from infrastructure.local.demo.signing import assert_can_enrol, link_to_enrol
from infrastructure.local.stack.trouble import StackError
from tests.hospital import Hospital
from tests.signing import Signers


@pytest.fixture
async def hospital(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hospital:
    monkeypatch.setenv("ALMONER_DOORS_URL", "http://127.0.0.1:18080")
    return await Hospital.opened(tmp_path)


async def test_whoever_was_enrolled_by_hand_is_enrolled_once_more(hospital):
    await Signers(hospital.ledger).enrol("ana.silva")
    with hospital.bound():
        await assert_can_enrol()
        assert "/passkeys/" in await link_to_enrol("ana.silva")


async def test_once_somebody_who_vouches_is_enrolled_it_stops_before_it_begins_and_says_what_to_do(hospital):
    await Signers(hospital.ledger).enrol("frida.ng")
    with hospital.bound(), pytest.raises(StackError) as stopped:
        await assert_can_enrol()
    assert "frida.ng, who may vouch for people, has one by now" in stopped.value.message
    assert "make demo ARGS='--auto --reset'" in stopped.value.remedy

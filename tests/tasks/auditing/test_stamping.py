"""The ledger's head is time-stamped once a day; what goes wrong is told, and tried again; nothing waits for it."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from blocks.sealing.stamps import STAMPS, kept_stamps
from blocks.sealing.tsa import Authority as Asked
from blocks.sealing.tsa import Roots
from blocks.wire.report import reasons
from flows.upkeep.fingerprint import tell_the_fingerprint
from tasks.auditing.fingerprint import Room, tell_fingerprint
from tasks.auditing.stamping import Stamped, stamp_head, tell_late
from tests.authority import Authority
from tests.hospital import Hospital
from tests.sealing import KEY, seal

ROOM = "finance-audit"


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    with Authority(tmp_path / "tsa").open() as opened:
        yield opened


async def a_round(hospital: Hospital, authority: Authority) -> Stamped:
    """What upkeep does every hour."""
    log, asked = await seal(hospital), Asked(authority.url, Roots.read(authority.roots.read_bytes()))
    stamped, room = await stamp_head(hospital.ledger, log, asked, hospital.now), Room(hospital.desk, ROOM)
    await tell_fingerprint(hospital.ledger, log, None, room, hospital.now, stamped.words)
    await tell_late(hospital.ledger, stamped, room, f"{hospital.now:%Y-%m-%d}")
    return stamped


def told(hospital: Hospital) -> list[str]:
    return [card.text for card in hospital.desk.cards(ROOM)]


async def names(hospital: Hospital) -> list[str]:
    return [blob.key async for blob in hospital.ledger.store.list(STAMPS)]


async def test_it_is_stamped_once_a_day_beside_the_head_and_told_with_the_fingerprint(hospital, authority):
    first = await a_round(hospital, authority)
    assert first.new
    assert first.words.startswith("Time-stamped by Clock & Sons at ")
    assert (await a_round(hospital, authority)) == Stamped(first.words)
    assert len(authority.asked) == 1
    assert told(hospital)[0].endswith(first.words)
    (kept,), strange = await kept_stamps(hospital.ledger.store)
    assert (strange, await names(hospital)) == ([], [f"{kept.name}.note", f"{kept.name}.tsr"])
    line = (await hospital.chain("book~fingerprint")).last("stamped")
    assert line is not None
    assert (line.body["stamp"], line.body["size"], line.source) == (kept.name, kept.size, "tsa")
    hospital.now += timedelta(days=1)
    assert (await a_round(hospital, authority)).new
    assert len(authority.asked) == 2


async def test_a_failure_is_told_with_the_fingerprint_asked_again_and_the_late_stamp_told_by_itself(
    hospital, authority
):
    authority.answers = lambda _: (503, b"")
    failed = await a_round(hospital, authority)
    assert failed == Stamped("No time-stamp yet: it answered 503. It is asked for again every hour.")
    assert told(hospital)[0].endswith(failed.words)
    assert await names(hospital) == []
    await a_round(hospital, authority)
    assert len(told(hospital)) == 1
    authority.answers = None
    assert (await a_round(hospital, authority)).new
    assert told(hospital)[1].startswith("Ledger on 2026-11-23: Time-stamped by Clock & Sons")
    await a_round(hospital, authority)
    assert (len(told(hospital)), len(authority.asked)) == (2, 3)


async def test_an_authority_that_fails_does_not_keep_anything_from_being_sealed(hospital, authority):
    authority.answers = lambda _: (200, b"nonsense")
    before = (await seal(hospital)).head
    size = (await before()).checkpoint.size
    await a_round(hospital, authority)
    after = await (await seal(hospital)).head()
    assert after.checkpoint.size == size + 1


async def test_of_two_at_once_one_stamp_is_kept_and_noted_once(hospital, authority):
    log, asked = await seal(hospital), Asked(authority.url)
    both = await asyncio.gather(*(stamp_head(hospital.ledger, log, asked, hospital.now) for _ in range(2)))
    assert any(one.new for one in both)
    assert len({one.words for one in both}) == 1
    assert len(await names(hospital)) == 2
    assert len((await hospital.chain("book~fingerprint")).having("stamped")) == 1


async def test_the_flow_stamps_where_an_authority_is_set_and_tells_nothing_of_it_where_none_is(
    hospital, authority, monkeypatch
):
    hospital.now = datetime.now(UTC)
    await seal(hospital)
    monkeypatch.setenv("ALMONER_LOG_FIRST_KEY", KEY.public.text)
    monkeypatch.delenv("ALMONER_TSA_URL", raising=False)
    with hospital.bound():
        assert str((await tell_the_fingerprint.fn()).message).endswith(f"{hospital.now:%Y-%m-%d}.")
        monkeypatch.setenv("ALMONER_TSA_URL", authority.url)
        monkeypatch.setenv("ALMONER_TSA_ROOTS", str(authority.roots))
        assert "Told already. Time-stamped by Clock & Sons" in str((await tell_the_fingerprint.fn()).message)
    assert len(told(hospital)) == 2


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ALMONER_TSA_URL", "tsa.example", "it begins with https://"),
        ("ALMONER_TSA_ROOTS", "/nowhere/roots.pem", "/nowhere/roots.pem cannot be read (No such file or directory)"),
        ("ALMONER_TSA_ROOTS", __file__, "no certificates in PEM"),
    ],
)
async def test_a_setting_that_is_no_use_is_told_and_the_fingerprint_all_the_same(
    hospital, authority, monkeypatch, name, value, says
):
    await seal(hospital)
    monkeypatch.setenv("ALMONER_LOG_FIRST_KEY", KEY.public.text)
    for variable, what in {"ALMONER_TSA_URL": authority.url, "ALMONER_TSA_ROOTS": "", name: value}.items():
        monkeypatch.setenv(variable, what)
    with hospital.bound():
        message = str((await tell_the_fingerprint.fn()).message)
    assert message.startswith("told the fingerprint of ")
    assert says in message
    assert says in told(hospital)[0]


async def test_what_the_authority_is_called_breaks_out_of_no_message_and_the_book_reads_well(hospital, authority):
    await a_round(hospital, authority)
    (card,) = hospital.desk.cards(ROOM)
    assert "Time-stamped by Clock &amp; Sons at" in str(card.blocks)
    rows = [row["what"] for row in reasons(await hospital.chain("book~fingerprint"))]
    assert rows[0].startswith("Clock & Sons time-stamped 2 entries at ")
    assert rows[1].startswith("told the fingerprint of 2 entries, `")

"""Arrivals: one message, one case, by whatever door and however often; or quarantine, with the reason."""

import asyncio
import json
from datetime import timedelta

import pytest

from blocks.rulebook import Shelf, adopt
from infrastructure.local.hospital.__main__ import directory
from tasks.arrivals import ArrivalError, Message, quarantine, receive
from tests.hospital import Hospital

GOOD = {"requester": "rita.okafor", "cost_centre": "OR", "item": "KNEE-TIB-4", "quantity": 2}


async def taken(hospital: Hospital, raw: bytes, name: str = "1", source: str = "inventory"):
    hospital.now += timedelta(milliseconds=1)
    return await receive(Message(source, name, raw), hospital.ledger, Shelf(hospital.ledger), hospital.now)


async def cases_of(hospital: Hospital) -> list[str]:
    return [name async for name, _ in hospital.ledger.cases() if "~" not in name]


async def test_the_same_message_twice_is_one_case(hospital):
    raw = json.dumps(GOOD).encode()
    first, again = await taken(hospital, raw), await taken(hospital, raw)
    assert first.case == again.case
    assert (first.new, again.new) == (True, False)
    assert await cases_of(hospital) == [first.case]
    assert await hospital.ledger.read_raw("inbox/inventory/1") == raw


async def test_the_same_message_ten_times_at_once_is_one_case(hospital):
    raw = json.dumps(GOOD).encode()
    receipts = await asyncio.gather(*(taken(hospital, raw) for _ in range(10)))
    assert sum(receipt.new for receipt in receipts) == 1
    assert len({receipt.case for receipt in receipts}) == 1


async def test_what_was_accepted_is_the_same_case_although_its_requester_has_left_since(hospital):
    raw = json.dumps(GOOD).encode()
    first = await taken(hospital, raw)
    left = [one.model_copy(update={"active": one.id != "rita.okafor"}) for one in directory().people]
    staff = directory().model_copy(update={"people": tuple(left)})
    await adopt(hospital.ledger, staff, actor="door:test", at=hospital.now)
    again = await taken(hospital, raw)
    assert (again.case, again.new, again.issues) == (first.case, False, ())
    assert (await taken(hospital, raw, "2")).issues[0].field == "requester"
    assert len(await quarantine(hospital.ledger)) == 1


async def test_what_was_accepted_is_the_same_case_although_it_could_not_be_read_any_more(hospital, monkeypatch):
    raw = json.dumps(GOOD).encode()
    first = await taken(hospital, raw)
    monkeypatch.setattr("blocks.wire.requisitions.BYTES_MAX", 10)  # as a later release might read less
    assert (await taken(hospital, raw)).case == first.case
    assert (await taken(hospital, raw, "2")).issues[0].field == "message"


async def test_the_same_id_with_other_content_is_put_aside(hospital):
    first = await taken(hospital, json.dumps(GOOD).encode())
    other = await taken(hospital, json.dumps(GOOD | {"quantity": 3}).encode())
    assert other.case is None
    assert other.issues[0].reason == "1 was sent before with other content: send a new id"
    assert await cases_of(hospital) == [first.case]
    (kept,) = await quarantine(hospital.ledger)
    assert await hospital.ledger.read_raw(kept["object"]) == json.dumps(GOOD | {"quantity": 3}).encode()


async def test_two_sources_may_use_the_same_id(hospital):
    raw = json.dumps(GOOD).encode()
    assert (await taken(hospital, raw)).case != (await taken(hospital, raw, source="ehr")).case


BAD = [
    (GOOD | {"requester": "who.ever"}, "requester", "who.ever is not in the directory: give a person's id"),
    (GOOD | {"requester": "gus.varga"}, "requester", "Gus Varga is no longer active: an active colleague must ask"),
    (GOOD | {"cost_centre": "LAB"}, "cost_centre", "Rita Okafor may ask for OR, not for LAB"),
    (GOOD | {"quantity": 10**9}, "quantity", "is more than 100,000: check for a slip, or ask procurement"),
]


@pytest.mark.parametrize(("fields", "field", "reason"), BAD, ids=lambda value: str(value)[:20])
async def test_who_may_not_ask_is_told_why_and_what_to_do(hospital, fields, field, reason):
    receipt = await taken(hospital, json.dumps(fields).encode())
    assert [tuple(issue) for issue in receipt.issues] == [(field, reason)]
    with pytest.raises(ArrivalError, match=f"^{field}: "):
        receipt.case_or_raise()
    assert not await cases_of(hospital)


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"quantity": 1' + b"0" * 5000 + b"}", b" " * 300_000, b'{"\\ud83d": 1}'],
    ids=["empty", "broken", "not UTF-8", "deep", "huge number", "huge", "half a character"],
)
async def test_what_cannot_be_read_is_kept_as_it_came_with_the_reason(hospital, raw):
    receipt = await taken(hospital, raw)
    assert receipt.case is None
    assert receipt.issues
    (kept,) = await quarantine(hospital.ledger)
    assert await hospital.ledger.read_raw(kept["object"]) == raw
    assert kept["issues"] == [issue._asdict() for issue in receipt.issues]
    assert await taken(hospital, raw) == receipt


@pytest.mark.parametrize("name", ["a/b/../c", "x" * 300, "", "日本 🏥", "%", "\ud83d", "."])
async def test_any_id_makes_a_case_that_ends_like_others(hospital, name):
    case = (await taken(hospital, json.dumps(GOOD | {"item": "IVSET-20", "quantity": 40}).encode(), name)).case
    assert (await hospital.wake(case)).ended == "ordered"
    assert await hospital.verified()


async def test_a_person_without_cost_centres_of_their_own_may_ask_for_any(hospital):
    assert (await taken(hospital, json.dumps(GOOD | {"requester": "paula.reyes"}).encode())).case


async def test_a_message_whose_case_name_is_taken_is_put_aside(hospital, monkeypatch):
    monkeypatch.setattr("tasks.arrivals.case_of", lambda *_: "RQ-SAMESAMESA")
    assert (await taken(hospital, json.dumps(GOOD).encode(), "1")).case
    other = await taken(hospital, json.dumps(GOOD).encode(), "2")
    assert "is taken: send it again under a new id" in other.issues[0].reason

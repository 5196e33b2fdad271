"""Bad input at the doors of the running house: a clear answer each, and nothing half done."""

import json
import time
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest

from blocks import connect
from blocks.wire.names import case_of
from tests.e2e.house import House

GOOD = {"requester": "omar.haddad", "cost_centre": "IT", "item": "GLOVE-M", "quantity": 1}


async def everything(house: House) -> set[str]:
    """List every chain and every raw message; policy, books and cases alike."""
    del house
    ledger = connect.ledger()
    chains = {f"{case} {seq}" async for case, seq in ledger.cases()}
    return chains | {blob.key async for blob in ledger.store.list("inbox/")}


@pytest.fixture
async def nothing_changes(house: House) -> AsyncIterator[None]:
    before = await everything(house)
    yield
    assert await everything(house) - before == set()


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"signature": "v1,AAAA"}, "does not match"),
        ({"stamp": str(int(time.time()) - 3600)}, "more than 300 s away"),
        ({"stamp": str(int(time.time()) + 3600)}, "more than 300 s away"),
        ({"stamp": "yesterday"}, "as digits"),
        ({"stamp": "-5"}, "as digits"),
        ({"stamp": "1e9"}, "as digits"),
    ],
    ids=["wrong-signature", "old", "from-the-future", "words", "negative", "exponent"],
)
async def test_the_event_door_takes_nothing_that_is_not_genuine(house: House, how: dict[str, str], words: str) -> None:
    answer = await house.event(GOOD, **how)
    assert answer.status_code == 401
    assert words in answer.json()["error"]


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(
    "how",
    [
        {"signature": "v0=0000"},
        {"stamp": str(int(time.time()) - 3600)},
        {"stamp": "yesterday", "signature": "v0=0000"},
        {"stamp": "nan", "signature": "v0=0000"},
    ],
    ids=["wrong-signature", "old", "words", "not-a-number"],
)
@pytest.mark.parametrize("path", ["interactions", "commands", "events"])
async def test_slacks_door_takes_nothing_that_is_not_slacks(house: House, path: str, how: dict[str, str]) -> None:
    answer = await house.slack(path, urlencode({"payload": "{}"}).encode(), **how)
    assert answer.status_code == 401
    assert answer.json()["error"]


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"payload=",
        b"payload={",
        b"payload=%ff%fe",
        b"nothing=here",
        urlencode({"payload": "[]"}).encode(),
        urlencode({"payload": json.dumps({"type": "block_actions"})}).encode(),
        urlencode({"payload": json.dumps({"type": "block_actions", "user": {"id": "U0ANA"}, "actions": []})}).encode(),
        urlencode(
            {"payload": json.dumps({"type": "block_actions", "user": {"id": "U0ANA"}, "actions": [{"value": 5}]})}
        ).encode(),
        urlencode(
            {
                "payload": json.dumps(
                    {
                        "type": "block_actions",
                        "user": {"id": "U0ANA"},
                        "actions": [{"action_id": "approve", "value": "RQ-X/1-a/00"}],
                    }
                )
            }
        ).encode(),
        urlencode({"payload": json.dumps({"type": "view_submission", "user": {"id": "U0ANA"}, "view": {}})}).encode(),
    ],
)
async def test_a_signed_click_that_makes_no_sense_changes_nothing(house: House, body: bytes) -> None:
    answer = await house.slack("interactions", body)
    assert answer.status_code in {200, 400}, answer.text


@pytest.mark.usefixtures("nothing_changes")
async def test_bytes_that_are_no_text_are_not_slacks_even_when_signed(house: House) -> None:
    answer = await house.slack("interactions", b"payload=\xff\xfe\x00")
    assert answer.status_code == 401
    assert "not what Slack sends" in answer.json()["error"]


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize("door", ["event", "interactions"])
async def test_ten_megabytes_are_too_large(house: House, door: str) -> None:
    body = b"a" * 10_000_000
    answer = await (house.event(body) if door == "event" else house.slack(door, body))
    assert answer.status_code == 413
    assert "send less at a time" in answer.json()["error"]


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"quantity": -1}, "quantity", "at least 1"),
        ({"quantity": 0}, "quantity", "at least 1"),
        ({"quantity": 10**9}, "quantity", "more than 100,000"),
        ({"quantity": "1e3"}, "quantity", "whole number"),
        ({"quantity": 1.5}, "quantity", "whole number"),
        ({"quantity": True}, "quantity", "whole number"),
        ({"currency": "dollars"}, "currency", "ISO 4217"),
        ({"item": "../../etc"}, "item", "must be a code"),
        ({"requester": "nobody"}, "requester", "not in the directory"),
        ({"requester": "gus.varga", "cost_centre": "OR"}, "requester", "no longer active"),
        ({"cost_centre": "OR"}, "cost_centre", "may ask for"),
        ({"wish": "a pony"}, "wish", "not a field"),
        ({"charge_on": "tomorrow"}, "charge_on", "must be a date"),
    ],
)
async def test_a_field_that_is_wrong_is_named_and_nothing_is_begun(
    house: House, fields: dict[str, object], field: str, words: str
) -> None:
    name = f"bad-{house.born}-{abs(hash(str(fields)))}"
    answer = await house.event({**GOOD, **fields}, name=name)
    assert answer.status_code == 422, answer.text
    issues = answer.json()["quarantined"][0]["issues"]
    assert [issue["field"] for issue in issues] == [field]
    assert words in issues[0]["reason"]
    assert not (await house.chain(case_of("RQ", "e2e", name))).seq


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (json.dumps(GOOD).encode("utf-16"), "not"),
        ('{"item": "GLÖVE"}'.encode("latin-1"), "not UTF-8"),
        (b"not json", "not JSON"),
        (b'{"quantity": NaN}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'"text"', "not a JSON object"),
    ],
    ids=["utf-16", "latin-1", "text", "nan", "nested", "string"],
)
async def test_a_body_that_cannot_be_read_is_kept_and_quarantined(house: House, body: bytes, words: str) -> None:
    answer = await house.event(body)
    assert answer.status_code == 422, answer.text
    (quarantined,) = answer.json()["quarantined"]
    assert words in quarantined["issues"][0]["reason"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"item": "NO-SUCH-ITEM"}, "NO-SUCH-ITEM"),
        ({"currency": "EUR"}, "books are in USD, not EUR"),
        ({"charge_on": "2019-03-01"}, "charge_on"),
        ({"item": "LAPTOP-14", "quantity": 100_000}, "beyond what a requisition may be"),
    ],
    ids=["unknown-item", "another-currency", "closed-period", "absurd-quantity"],
)
async def test_what_the_books_do_not_know_is_refused_with_a_reason(
    house: House, fields: dict[str, object], words: str
) -> None:
    answer = await house.event({**GOOD, **fields})
    outcome = await house.assert_settled(answer.json()["accepted"][0]["case"])
    assert outcome.ended == "refused"
    assert words in outcome.because


async def test_a_bad_requisition_among_good_ones_stops_none_of_them(house: House) -> None:
    name = f"mixed-{house.born}"
    answer = await house.event(
        [{**GOOD, "id": f"{name}-a"}, {**GOOD, "quantity": -1}, {**GOOD, "id": f"{name}-c"}], name=name
    )
    told = answer.json()
    assert answer.status_code == 202
    assert [one["message"] for one in told["accepted"]] == [f"{name}-a", f"{name}-c"]
    assert [one["message"] for one in told["quarantined"]] == [f"{name}~2"]
    for one in told["accepted"]:
        assert (await house.ended(one["case"])).ended == "filled"


async def test_the_same_id_with_other_content_is_quarantined_and_the_first_stands(house: House) -> None:
    name = f"twice-{house.born}"
    first = await house.event(GOOD, name=name)
    second = await house.event({**GOOD, "quantity": 2}, name=name)
    assert (first.status_code, second.status_code) == (202, 422)
    assert "send a new id" in second.json()["quarantined"][0]["issues"][0]["reason"]
    case = first.json()["accepted"][0]["case"]
    received = (await house.chain(case)).last("received")
    assert received is not None
    assert received.body["request"]["quantity"] == 1


async def test_somebody_of_another_workspace_decides_nothing(house: House) -> None:
    case = await house.submit("SVC-CALIB", 7, by="sam.lind", centre="ED")
    asked = await house.asked(case)
    value = f"{case}/{asked.key}/{asked.seen}"
    payload = {
        "type": "block_actions",
        "user": {"id": "U0ANA", "team_id": "T0OTHER"},
        "team": {"id": "T0OTHER"},
        "channel": {"id": "C0APPROVALS"},
        "actions": [{"action_id": "approve", "value": value}],
    }
    answer = await house.slack("interactions", urlencode({"payload": json.dumps(payload)}).encode())
    assert answer.status_code == 200
    assert not (await house.chain(case)).last("decided")
    await house.click(asked, "ana.silva", "reject", "asked by a test")
    assert (await house.assert_settled(case)).ended == "rejected"

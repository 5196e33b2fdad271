"""The event door: signed messages become cases, each told what became of it."""

import json
import time

import pytest
from typer.testing import CliRunner

from infrastructure.commands.events import app
from infrastructure.doors.events import ITEMS_MAX, OUR_DOORS, secret_of, sign, split, take
from infrastructure.doors.http import Request
from tests.infrastructure.doors.conftest import EVENT_SECRET, event_request, told

pytestmark = pytest.mark.usefixtures("open_doors")
GOOD = {"requester": "rita.okafor", "cost_centre": "OR", "item": "KNEE-TIB-4", "quantity": 2}
BODY = json.dumps(GOOD).encode()


def test_the_golden_vector_of_standard_webhooks():
    name, stamp, body = "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}'
    assert sign(name, stamp, body, EVENT_SECRET) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_that_is_no_base64_signs_as_it_stands():
    assert sign("a", "1", b"x", "whsec_not base64!").startswith("v1,")
    assert sign("a", "1", b"x", "plain") != sign("a", "1", b"x", "other")


async def test_a_signed_requisition_becomes_a_case(open_doors):
    answer = await take("inventory", event_request(BODY))
    assert (answer.status, answer.kind) == (202, "application/json")
    (accepted,) = told(answer)["accepted"]
    assert accepted["new"] is True
    assert (await open_doors.chain(accepted["case"])).last("received").source == "inventory"
    assert len(answer.then) == 1


async def test_the_same_delivery_twice_is_the_same_case():
    first, again = [told(await take("inventory", event_request(BODY))) for _ in range(2)]
    assert first["accepted"][0]["case"] == again["accepted"][0]["case"]


async def test_one_of_several_signatures_is_enough():
    request = event_request(BODY)
    headers = {**request.headers, "webhook-signature": f"v1,AAAA v2,ö {request.headers['webhook-signature']}"}
    assert (await take("inventory", Request(headers, BODY))).status == 202


def ungenuine() -> dict[str, tuple[Request, str]]:
    """Requests that are nobody's, signed now: a signature is good for five minutes."""
    now, good = int(time.time()), event_request(BODY)
    return {
        "another secret": (event_request(BODY, secret="whsec_AAAA"), "does not match: check the secret"),
        "another body": (Request(good.headers, BODY + b" "), "does not match"),
        "another id": (Request({**good.headers, "webhook-id": "msg_2"}, BODY), "does not match"),
        "no signature": (Request({"webhook-id": "a", "webhook-timestamp": str(now)}, BODY), "does not match"),
        "no headers": (Request({}, BODY), "are needed: sign as Standard Webhooks says"),
        "an old timestamp": (event_request(BODY, stamp=str(now - 10_000)), "more than 300 s away"),
        "a timestamp to come": (event_request(BODY, stamp=str(now + 10_000)), "more than 300 s away"),
        "no number for a timestamp": (event_request(BODY, stamp="yesterday"), "must be seconds since 1970, as digits"),
        "digits of another script": (event_request(BODY, stamp="\u0661\u0662"), "seconds since 1970"),
        "a minus": (event_request(BODY, stamp="-1"), "must be seconds since 1970, as digits"),
    }


@pytest.mark.parametrize("what", ungenuine())
async def test_it_takes_nothing_with(open_doors, what):
    request_, why = ungenuine()[what]
    answer = await take("inventory", request_)
    assert (answer.status, why in told(answer)["error"]) == (401, True)
    assert [name async for name, _ in open_doors.ledger.cases() if "~" not in name] == []


async def test_without_a_secret_of_our_own_nothing_is_genuine(monkeypatch):
    monkeypatch.setenv("ALMONER_EVENT_SECRET", "")
    assert (await take("inventory", event_request(BODY, secret=""))).status == 401


@pytest.mark.parametrize("source", ["", "Inventory", "a/b", "../x", "x" * 41, "a b"])
async def test_a_source_has_a_plain_name(source):
    assert (await take(source, event_request(BODY))).status == 404


async def test_what_one_source_signed_is_good_for_no_other(open_doors):
    request = event_request(BODY)
    answers = [(await take(source, request)).status for source in ("ehr", "inventory-2", "inventory")]
    assert answers == [401, 401, 202]
    assert len([name async for name, _ in open_doors.ledger.cases() if name.startswith("RQ-")]) == 1


@pytest.mark.parametrize("door", sorted(OUR_DOORS))
async def test_no_sending_system_goes_by_the_name_of_our_own_doors(open_doors, door):
    answer = await take(door, event_request(BODY, secret=secret_of(door, EVENT_SECRET)))
    assert (answer.status, "a door of our own" in told(answer)["error"]) == (404, True)
    assert [name async for name, _ in open_doors.ledger.cases() if name.startswith("RQ-")] == []


def test_the_secret_of_a_source_is_printed_for_who_sets_up_the_sending_system(monkeypatch):
    monkeypatch.setenv("ALMONER_STORE", "somewhere")
    printed = CliRunner().invoke(app, ["secret", "inventory"])
    assert (printed.exit_code, printed.stdout.strip()) == (0, secret_of("inventory", EVENT_SECRET))
    assert CliRunner().invoke(app, ["secret", "slack"]).exit_code == 1


async def test_a_list_with_bad_ones_among_the_good():
    items = [GOOD | {"id": "own"}, GOOD | {"quantity": -1}, "nonsense", GOOD | {"requester": "gus.varga"}, GOOD]
    answer = await take("inventory", event_request(json.dumps(items).encode()))
    read = told(answer)
    assert answer.status == 202
    assert [one["message"] for one in read["accepted"]] == ["own", "msg_1~5"]
    assert [(one["message"], one["issues"][0]["field"]) for one in read["quarantined"]] == [
        ("msg_1~2", "quantity"), ("msg_1~3", "message"), ("msg_1~4", "requester"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "is not JSON"), (b"\xff\xfe{", "is not UTF-8"), ('{"item": "Grün"}'.encode("latin-1"), "is not UTF-8"),
        (b"[" * 100_000, "is not JSON"), (b'[{"id": "\\ud83d"}]', "is missing"), (b'"text"', "not a JSON object"),
        (b'[{"a": ' + b"[" * 900 + b"]" * 900 + b"}]", "is not a field"),
    ],
    ids=["empty", "no text", "wrong encoding", "deep", "half a character", "text", "deep within"],
)  # fmt: skip
async def test_what_cannot_be_read_is_quarantined_with_the_reason(body, reason):
    answer = await take("inventory", event_request(body))
    assert answer.status == 422
    issues = told(answer)["quarantined"][0]["issues"]
    assert any(reason in issue["reason"] for issue in issues), issues


async def test_an_empty_list_is_taken_and_begins_nothing():
    answer = await take("inventory", event_request(b"[]"))
    assert (answer.status, told(answer)) == (202, {"accepted": [], "quarantined": []})


async def test_too_many_at_once_are_refused_as_a_whole():
    answer = await take("inventory", event_request(json.dumps([GOOD] * (ITEMS_MAX + 1)).encode()))
    assert (answer.status, "send at most 1000, or a file" in told(answer)["error"]) == (413, True)


def test_items_are_named_by_themselves_or_by_their_place():
    messages = split("ehr", "m", b'[ {"id":7,\t"a": 1.0} ,{ "a":2}]')
    assert [(one.id, one.raw) for one in messages] == [("7", b'{"id":7,\t"a": 1.0}'), ("m~2", b'{ "a":2}')]

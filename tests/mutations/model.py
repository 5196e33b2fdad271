"""The model: what a request may bring about, written without the doors' own code.

What is effective must be a genuine, properly signed answer by a person who may. The model reads the bytes as they
were sent: it signs them anew, parses them with the standard library, and looks people up in the directory's file.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from blocks.records.ledger import Line
from tests.infrastructure.doors.conftest import EVENT_SECRET, SLACK_SECRET
from tests.mutations.house import Answered, House, Waiting, directory_json
from tests.mutations.sent import Sent

SKEW_S = 300
HARMLESS = {"late", "refused-click"}
BY_HOLDERS = {
    "decided": {"approve", "reject", "fewer", "bulk"}, "confirming": {"approve", "fewer", "bulk"},
    "question": {"question"}, "handed": {"hand-over"}, "added": {"add"}, "held-ask": {"hold"}, "resumed": {"resume"},
}  # fmt: skip
"""What those who may decide bring about, by which deeds."""
DUTIES = {"away", "back", "delegated", "revoked"}


class Said(NamedTuple):
    """What somebody says by a request, if it says anything: who, about what, having seen what, in which words."""

    person: str
    verdict: str = ""
    case: str = ""
    ask: str = ""
    shown: str = ""
    note: str = ""
    quantity: str = ""


def able(waiting: Waiting) -> set[str]:
    """Name who may answer: active, holding the role there, within the limit, not who asked nor who answered before."""
    ask, found = waiting.ask, set()
    for name, person in directory_json().items():
        for grant in person.get("grants", []):
            there = {"*", ask.cost_centre} & set(grant["cost_centres"])
            limit = float((grant.get("limit") or {"amount": "inf"})["amount"])
            if person["active"] and grant["role"] == ask.role and there and float(ask.counted.amount) <= limit:
                found.add(name)
    return found - {ask.requester} - waiting.before


def is_signed(sent: Sent) -> bool:
    """Say whether the bytes carry the right signature, made within five minutes."""
    headers, body = {name.lower(): value for name, value in sent.headers.items()}, sent.packed()
    try:
        if sent.path.startswith("/slack/"):
            stamp = headers[b"x-slack-request-timestamp"]
            mac = hmac.new(SLACK_SECRET.encode(), b"v0:" + stamp + b":" + body, hashlib.sha256).hexdigest()
            right = headers[b"x-slack-signature"] == b"v0=" + mac.encode()
        else:
            name, stamp = headers[b"webhook-id"], headers[b"webhook-timestamp"]
            master, source = base64.b64decode(EVENT_SECRET.removeprefix("whsec_")), sent.path.removeprefix("/events/")
            key = hmac.new(master, f"almoner event source {source}".encode(), hashlib.sha256).digest()
            mac64 = base64.b64encode(hmac.new(key, b".".join((name, stamp, body)), hashlib.sha256).digest())
            right = b"v1," + mac64 in headers[b"webhook-signature"].split()
        return right and abs(time.time() - int(stamp)) <= SKEW_S + 1
    except (KeyError, ValueError):
        return False


def said(sent: Sent, case: str = "") -> Said | None:
    """Read what a request to Slack's door says, about a case where it says more; None where it says nothing."""
    words = _said(sent, case)
    if words is None or not all(isinstance(word, str) for word in words):
        return None
    return words._replace(note=words.note.encode(errors="replace").decode())  # no half of a character can be kept


def _said(sent: Sent, case: str) -> Said | None:
    try:
        if sent.path == "/slack/commands":
            form = {name: values[0] for name, values in parse_qs(sent.packed().decode(errors="replace")).items()}
            return Said(_person(form["user_id"], form["team_id"]), form["command"])
        if sent.path == "/slack/events":
            tree = json.loads(sent.packed())
            return Said(_person(tree["event"]["user"], tree["team_id"]), "answer", note=tree["event"]["text"])
        tree = json.loads(parse_qs(sent.packed().decode(), strict_parsing=True)["payload"][0])
        user = tree["user"]
        team = user.get("team_id") or tree.get("team_id") or (tree.get("team") or {}).get("id")
        person = _person(user["id"], team)
        if tree["type"] == "block_actions":
            button = tree["actions"][0]
            return Said(person, button["action_id"], *button["value"].split("/"))
        view = tree["view"]
        if view["callback_id"] == "requisition":
            return Said(person, "requisition")
        values = {name: next(iter(inputs.values())) for name, inputs in view["state"]["values"].items()}
        if view["callback_id"] == "bulk":
            ticked = [one["value"].split("/") for one in values["which"]["selected_options"]]
            return Said(person, "bulk", *next(one for one in ticked if one[0] == case))
        note, quantity = (values.get(name, {}).get("value", "") for name in ("note", "quantity"))
        pressed = view["private_metadata"].split("/")
        return Said(person, view["callback_id"], *pressed, note=note.strip(), quantity=quantity)
    except (ValueError, LookupError, TypeError, AttributeError, StopIteration):
        return None


def _person(user: object, team: object) -> str:
    people = directory_json().values() if user else ()
    return next((str(x["id"]) for x in people if (x["slack_user"], x["slack_team"]) == (user, team)), "")


def faults(sent: Sent, answered: Answered, house: House) -> Iterator[str]:
    """List what came of a request and should not have."""
    if answered.status >= 500:
        yield f"answered {answered.status}"
    yield from (f"failed: {failure}" for failure in answered.failures)
    if not is_signed(sent):
        if answered.keys or answered.desk:
            yield f"not signed, and it wrote {answered.keys} and did {answered.desk} things on the desk"
        return
    for case, line in answered.lines:
        yield from _wrong(case, line, sent, house)


def _wrong(case: str, line: Line, sent: Sent, house: House) -> Iterator[str]:
    """Say where an entry is not what the request says, or was not the sender's to make."""
    if line.act in HARMLESS:
        return
    if line.act == "received":
        yield from _wrong_arrival(line, sent)
        return
    words, waiting = said(sent, case), house.open.get(case)
    if line.act in DUTIES:
        if words is None or words.verdict != "/almoner" or not words.person or line.actor != f"person:{words.person}":
            yield f"{line.act} by {line.actor}: the request says {words}"
    elif words is None or waiting is None or not words.person or line.actor != f"person:{words.person}":
        yield f"{line.act} of {case} by {line.actor}: the request says {words}, and {waiting} waits"
    elif line.act == "withdrawn":
        if words.person not in _askers(waiting) or words.verdict != "withdraw":
            yield f"{case} withdrawn by {line.actor}: the request says {words}"
    elif line.act in BY_HOLDERS and not _holds(words, line, waiting):
        yield f"{line.act} of {case} by {line.actor}: the request says {words}, {able(waiting)} may answer {waiting}"
    elif line.act in ("question", "answer") and line.body["text"] != words.note[:1000]:
        yield f"{line.act} of {case} in other words: {line.body}"


def _holds(words: Said, line: Line, waiting: Waiting) -> bool:
    """Say whether a decision is what was said, by a person who may, of what they saw."""
    if words.verdict not in BY_HOLDERS[line.act]:
        return False
    if line.act == "decided":
        decision: dict[str, Any] = line.body["decision"]
        verdict = "reject" if words.verdict == "reject" else "approve"
        many = decision["quantity"] is None or str(decision["quantity"]) == words.quantity.strip()
        if (decision["verdict"], decision["note"], many) != (verdict, words.note, True):
            return False
        if verdict == "reject" and not words.note:
            return False
    seen = f"{words.case}/{words.ask}/{words.shown}"
    return words.person in able(waiting) and seen == waiting.value


def _askers(waiting: Waiting) -> set[object]:
    """Name who may take a request back: who made it, and their manager."""
    requester = waiting.ask.requester
    return {requester, directory_json()[requester].get("manager")}


def _wrong_arrival(line: Line, sent: Sent) -> Iterator[str]:
    """A requisition is by an active person who may ask for that cost centre; in Slack, for themselves."""
    request = line.body["request"]
    person = directory_json().get(request["requester"], {})
    centres = person.get("cost_centres") or [request["cost_centre"]]
    if not person.get("active") or request["cost_centre"] not in centres:
        yield f"a requisition of {request}"
    if not (type(request["quantity"]) is int and 1 <= request["quantity"] <= 100_000):
        yield f"a requisition of {request['quantity']!r}"
    words = said(sent)
    if sent.path == "/slack/interactions" and (words is None or words[:2] != (request["requester"], "requisition")):
        yield f"a requisition by {request['requester']}: the request says {words}"

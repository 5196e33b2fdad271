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
BY_HOLDERS = {"decided", "handed", "added", "held-ask", "resumed", "confirming"}


class Said(NamedTuple):
    """What somebody says by a request, if it says anything: who, about what, having seen what, in which words."""

    person: str
    verdict: str = ""
    case: str = ""
    ask: str = ""
    shown: str = ""
    note: str = ""


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
            key = base64.b64decode(EVENT_SECRET.removeprefix("whsec_"))
            mac64 = base64.b64encode(hmac.new(key, b".".join((name, stamp, body)), hashlib.sha256).digest())
            right = b"v1," + mac64 in headers[b"webhook-signature"].split()
        return right and abs(time.time() - int(stamp)) <= SKEW_S + 1
    except (KeyError, ValueError):
        return False


def said(sent: Sent) -> Said | None:
    """Read what a request to Slack's door says, or None where it says nothing."""
    words = _said(sent)
    return words if words is not None and all(isinstance(word, str) for word in words) else None


def _said(sent: Sent) -> Said | None:
    try:
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
        note = next(iter(view["state"]["values"]["note"].values()))["value"].strip()
        return Said(person, view["callback_id"], *view["private_metadata"].split("/"), note=note)
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
    words, waiting = said(sent), house.open.get(case)
    if words is None or waiting is None or not words.person or line.actor != f"person:{words.person}":
        yield f"{line.act} of {case} by {line.actor}: the request says {words}, and {waiting} waits"
    elif line.act in BY_HOLDERS and not _holds(words, line, waiting):
        yield f"{line.act} of {case} by {line.actor}: the request says {words}, {able(waiting)} may answer {waiting}"
    elif line.act in ("question", "answer") and line.body["text"] != _storable(words.note)[:1000]:
        yield f"{line.act} of {case} in other words: {line.body}"


def _storable(text: str) -> str:
    return text.encode(errors="replace").decode()


def _holds(words: Said, line: Line, waiting: Waiting) -> bool:
    """Say whether a decision is what was said, by a person who may, of what they saw."""
    if line.act == "decided":
        decision: dict[str, Any] = line.body["decision"]
        verdict = {"approve": "approve", "reject": "reject"}.get(words.verdict)
        if (decision["verdict"], decision["note"]) != (verdict, words.note) or (verdict == "reject" and not words.note):
            return False
    seen = f"{words.case}/{words.ask}/{words.shown}"
    return words.person in able(waiting) and seen == waiting.value


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

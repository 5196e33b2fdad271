"""The event door: systems send requisitions as JSON, signed as the Standard Webhooks specification says.

`webhook-signature` is `v1,` and the base64 of HMAC-SHA256 over `<webhook-id>.<webhook-timestamp>.<body>`. A body is
one requisition, or a list of them, each with an `id` of its own or numbered within the message. One bad
requisition does not stop the others: it is quarantined, and the answer says why.

The address is not signed, so every source has a secret of its own, derived from ours: what one signs is good for no
other, and nobody who knows one can work out another.
"""

import base64
import binascii
import hashlib
import hmac
import os
import re
from datetime import datetime
from http import HTTPStatus

from blocks import connect
from blocks.bell import ring
from blocks.wire.requisitions import items_in
from infrastructure.doors.http import Request, Response, as_json, refused
from tasks.arrivals import Message, Receipt, receive
from tasks.case import utc_now

SKEW_S = 300
ITEMS_MAX = 1000
WRITTEN = "whsec_"
SOURCE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
OUR_DOORS = frozenset({"automation", "cli", "cli-unproven", "clock", "dashboard", "file", "passkey", "slack"})
"""What the ledger calls our own doors: no sending system goes by such a name."""


async def take(source: str, request: Request) -> Response:
    """Take one signed message from a source, `inventory` or another."""
    if why := reason_not_a_source(source):
        return refused(HTTPStatus.NOT_FOUND, why)
    now = utc_now()
    if why := reason_not_genuine(request, secret_of(source, os.environ.get("ALMONER_EVENT_SECRET", "")), now):
        return refused(HTTPStatus.UNAUTHORIZED, why)
    messages = split(source, request.headers["webhook-id"], request.body)
    if len(messages) > ITEMS_MAX:
        why = f"{len(messages)} requisitions in one message: send at most {ITEMS_MAX}, or a file"
        return refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, why)
    ledger, shelf = connect.ledger(), connect.shelf()
    receipts = [await receive(message, ledger, shelf, now) for message in messages]
    return answer(receipts)


def answer(receipts: list[Receipt]) -> Response:
    """Say what became of each requisition, and ring for those that became cases."""
    cases = [receipt.case for receipt in receipts if receipt.case]
    told = {
        "accepted": [{"message": x.message, "case": x.case, "new": x.new} for x in receipts if x.case],
        "quarantined": [
            {"message": x.message, "issues": [issue._asdict() for issue in x.issues]} for x in receipts if not x.case
        ],
    }

    async def ring_for_them() -> None:
        await ring(cases)

    status = HTTPStatus.ACCEPTED if cases or not receipts else HTTPStatus.UNPROCESSABLE_ENTITY
    return as_json(status, told, ring_for_them)


def reason_not_genuine(request: Request, secret: str, now: datetime) -> str | None:
    """Say why a message is not taken as the sender's own, or None where it is."""
    name, stamp = request.headers.get("webhook-id", ""), request.headers.get("webhook-timestamp", "")
    if not name or not stamp:
        return "webhook-id, webhook-timestamp and webhook-signature are needed: sign as Standard Webhooks says"
    if not re.fullmatch(r"[0-9]{1,12}", stamp):
        return "webhook-timestamp must be seconds since 1970, as digits"
    if abs(now.timestamp() - int(stamp)) > SKEW_S:
        return f"webhook-timestamp is more than {SKEW_S} s away from now: check the sender's clock, do not replay"
    wanted = sign(name, stamp, request.body, secret)
    given = request.headers.get("webhook-signature", "").split()
    if not secret or not any(hmac.compare_digest(wanted.encode(), one.encode()) for one in given):
        return "webhook-signature does not match: check the secret, and sign the body as sent"
    return None


def reason_not_a_source(name: str) -> str | None:
    """Say why no system sends under a name, or None where one may."""
    if not SOURCE.fullmatch(name):
        return "a source is named in lower-case letters, digits and dashes"
    if name in OUR_DOORS:
        return f"{name} is a door of our own: name the source after the sending system"
    return None


def secret_of(source: str, master: str) -> str:
    """Derive a source's own secret, as Standard Webhooks writes one; empty where there is none to derive it from."""
    if not master:
        return ""
    mac = hmac.new(_key(master), f"almoner event source {source}".encode(), hashlib.sha256)
    return f"{WRITTEN}{base64.b64encode(mac.digest()).decode()}"


def sign(name: str, stamp: str, body: bytes, secret: str) -> str:
    """Sign a message. A secret written `whsec_` and base64, as the specification writes it, is what that stands for."""
    signed = b".".join((name.encode(), stamp.encode(), body))
    mac = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(mac).decode()}"


def _key(secret: str) -> bytes:
    if not secret.startswith(WRITTEN):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(WRITTEN), validate=True)
    except binascii.Error:
        return secret.encode()


def split(source: str, name: str, body: bytes) -> list[Message]:
    """Split a body into its requisitions, each as it was sent; what is no list is one message, readable or not."""
    try:
        items = items_in(body)
    except (ValueError, TypeError, RecursionError):
        return [Message(source, name, body)]
    return [Message(source, own or f"{name}~{place}", item) for place, (own, item) in enumerate(items, 1)]

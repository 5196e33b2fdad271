"""A request on its way to a door: what is signed, how it is signed, and what was done to it."""

import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from infrastructure.doors.events import sign
from tests.infrastructure.doors.conftest import INVENTORY, SLACK_SECRET

Json = Any
FORM = b"application/x-www-form-urlencoded"


@dataclass
class Sent:
    """A request. `tree` is the JSON it carries, if it still carries any; `body` is made of it unless it is given."""

    path: str
    kind: str
    tree: Json = None
    form: dict[str, str] | None = None
    text: str | None = None
    body: bytes | None = None
    name: str = "msg_1"
    headers: dict[bytes, bytes] = field(default_factory=dict)
    trail: list[str] = field(default_factory=list)

    def printed(self) -> str:
        """Print the JSON."""
        return self.text if self.text is not None else json.dumps(self.tree)

    def packed(self) -> bytes:
        """Make the body as the sender would."""
        if self.body is not None:
            return self.body
        if self.form is not None:
            return urlencode(self.form, errors="replace").encode()
        if self.path == "/slack/interactions":
            return urlencode({"payload": self.printed()}, errors="replace").encode()
        return self.printed().encode(errors="replace")

    def sign(self, *, secret: str = "", skew_s: int = 0) -> None:
        """Sign the body as it stands, as its sender does."""
        stamp, body = str(int(time.time()) + skew_s), self.packed()
        if self.path.startswith("/slack/"):
            mac = hmac.new((secret or SLACK_SECRET).encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256)
            signed = {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={mac.hexdigest()}"}
        else:
            made = sign(self.name, stamp, body, secret or INVENTORY)
            signed = {"webhook-id": self.name, "webhook-timestamp": stamp, "webhook-signature": made}
        self.headers |= {name.encode(): value.encode(errors="replace") for name, value in signed.items()}

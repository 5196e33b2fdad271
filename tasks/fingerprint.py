"""The log's fingerprint, told once a day where finance and its auditors see it.

Whoever kept a fingerprint can tell later whether the log they are shown still continues the one they were told of.
"""

from datetime import datetime
from typing import Any, NamedTuple

from blocks.books import FINGERPRINT
from blocks.errors import ConflictError
from blocks.ledger import Ledger
from blocks.log import Head, Log
from blocks.ports import Card, Desk
from blocks.records.ledger import Line
from blocks.wire.cards import escape
from blocks.wire.signed_note import Checkpoint
from blocks.witness import Witnessed

ACTOR = "process:fingerprint"


class Room(NamedTuple):
    """Where it is told: the desk, and its channel of finance and audit."""

    desk: Desk
    channel: str


async def tell_fingerprint(
    ledger: Ledger, log: Log, witnessed: Witnessed | None, room: Room, now: datetime, stamped: str = ""
) -> str | None:
    """Post the head's fingerprint, unless this day's (UTC) was posted; the day, or None where there was nothing to do.

    *stamped*: what there is to say of the day's time-stamp. The post is looked for before it is made, and noted in the
    ledger after: told twice by nobody, forgotten by nobody.
    """
    day, chain = f"{now:%Y-%m-%d}", await ledger.read(FINGERPRINT)
    head = await log.head()
    if head is None or chain.last("told", day):
        return None
    seen = await witnessed.head() if witnessed else None
    alarms = await witnessed.alarms() if witnessed else []
    posted = await room.desk.post(room.channel, card(day, head, seen, len(alarms), stamped), maybe_posted=True)
    body = {
        "channel": posted.channel,
        "ts": posted.ts,
        "size": head.checkpoint.size,
        "root": head.checkpoint.root.hex(),
    }
    try:
        await ledger.append(chain, [Line(act="told", key=day, actor=ACTOR, at=now, body=body)])
    except ConflictError:
        return None  # another told it at the same moment: the desk shows one message
    return day


def card(day: str, head: Head, seen: Head | None, alarms: int, stamped: str = "") -> Card:
    """Draw the message: how many entries, their root, what the witness says, and the time-stamp."""
    shown = head.checkpoint
    told = [
        f"*Ledger on {day}*: {shown.size:,} entries under one signed head",
        f"Fingerprint `{spelled(shown)}`",
        witness_says(shown, seen, alarms),
        *([escape(stamped)] if stamped else []),
    ]
    block: dict[str, Any] = {"type": "section", "text": {"type": "mrkdwn", "text": "\n".join(told)}}
    text = (
        f"Ledger on {day}: {shown.size:,} entries, fingerprint {spelled(shown)}. {' '.join([told[2], stamped]).strip()}"
    )
    return Card([block], text, f"fingerprint-{day}")


def spelled(shown: Checkpoint) -> str:
    """Spell the root hash (SHA-256, hex) in groups of eight, as one reads it out."""
    root = shown.root.hex()
    return " ".join(root[place : place + 8] for place in range(0, len(root), 8))


def witness_says(shown: Checkpoint, seen: Head | None, alarms: int) -> str:
    """Say what the witness saw, in a sentence."""
    if alarms:
        return f"⚠ The witness has refused {alarms} heads: this log does not continue what it saw."
    if seen is None:
        return "No witness has seen it."
    return f"The witness has seen {min(seen.checkpoint.size, shown.size):,} of them, and cosigned."

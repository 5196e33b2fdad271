"""The log's fingerprint, told once a day where finance and its auditors see it.

Whoever kept a fingerprint can tell later whether the log they are shown still continues the one they were told of.
"""

from datetime import datetime
from typing import Any, NamedTuple

from blocks.books import FINGERPRINT
from blocks.errors import ConflictError
from blocks.ledger import Ledger, TamperedError
from blocks.ports import Card, Desk
from blocks.records.ledger import Line
from blocks.sealing.log import Log
from blocks.sealing.witness import Witnessed
from blocks.wire.cards import escape
from blocks.wire.merkle import extends
from blocks.wire.signed_note import Checkpoint

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
    drawn = card(day, head.checkpoint, await _witness_says(head.checkpoint, log, witnessed), stamped)
    posted = await room.desk.post(room.channel, drawn, maybe_posted=True)
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


def card(day: str, shown: Checkpoint, witness: str, stamped: str = "") -> Card:
    """Draw the message: how many entries, their root, what the witness says, and the time-stamp."""
    told = [
        f"*Ledger on {day}*: {shown.size:,} entries under one signed head",
        f"Fingerprint `{spelled(shown)}`",
        witness,
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


async def _witness_says(shown: Checkpoint, log: Log, witnessed: Witnessed | None) -> str:
    """Say what the witness saw, in a sentence; what it cosigned counts only where it is of this log, by its root."""
    if witnessed is None:
        return "No witness has seen it."
    if alarms := len(await witnessed.alarms()):
        refused = "one head" if alarms == 1 else f"{alarms} heads"
        return f"⚠ The witness has refused {refused}: this log does not continue what it saw."
    try:
        seen = await witnessed.head()
        if seen is None:
            return "No witness has seen it."
        if not await _is_one_log(seen.checkpoint, shown, log):
            return "⚠ The witness has seen another log than this: it cosigned another root."
    except TamperedError as error:
        return f"⚠ What the witness saw cannot be held against it: {error.detail}."
    return f"The witness has seen {min(seen.checkpoint.size, shown.size):,} of them, and cosigned."


async def _is_one_log(seen: Checkpoint, shown: Checkpoint, log: Log) -> bool:
    """Say whether one of two heads continues the other."""
    old, new = sorted((seen, shown), key=lambda one: one.size)
    if old.size in (0, new.size):
        return not old.size or old.root == new.root
    return extends(old.size, old.root, new.size, new.root, await log.consistency(old.size, new.size))

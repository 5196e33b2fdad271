"""Time-stamping: once a day somebody whose business is the time signs the head's digest. Knows no Prefect.

Nothing waits for it. An authority that does not answer, or answers what is no use, is asked again at the next round.
"""

import logging
from datetime import datetime
from typing import NamedTuple

from blocks import connect
from blocks.books import FINGERPRINT
from blocks.errors import ConflictError, OutsideError
from blocks.ledger import Chain, Ledger
from blocks.ports import Card
from blocks.records.ledger import Line
from blocks.sealing.log import Log
from blocks.sealing.stamps import keep_stamp
from blocks.sealing.tsa import Authority, read_stamp
from blocks.wire.canonical import digest
from blocks.wire.cards import escape
from blocks.wire.commitments import moment_text
from tasks.auditing.fingerprint import ACTOR, Room

logger = logging.getLogger("almoner.stamping")
SAID_MAX = 200


class Stamped(NamedTuple):
    """What became of a day's stamp: in words for people, and whether it was given just now."""

    words: str
    new: bool = False


async def stamp_today(ledger: Ledger, log: Log, now: datetime) -> Stamped:
    """Have the head stamped where an authority is set; a setting that is no use is told as what it is."""
    try:
        authority = connect.authority()
    except (connect.SettingError, OutsideError) as error:
        return Stamped(f"No time-stamp: {error}.")
    return await stamp_head(ledger, log, authority, now) if authority else Stamped("")


async def stamp_head(ledger: Ledger, log: Log, authority: Authority, now: datetime) -> Stamped:
    """Have the head stamped, unless this day's (UTC) was: keep the answer, then note it in the ledger.

    Killed in between, the next round asks again: two stamps of a day harm nobody, and each is verified.
    """
    day, chain = f"{now:%Y-%m-%d}", await ledger.read(FINGERPRINT)
    if line := chain.last("stamped", day):
        return Stamped(words_of(line))
    head = await log.head()
    if head is None or not head.checkpoint.size:
        return Stamped("")
    try:
        kept = await keep_stamp(ledger.store, head, await authority.stamp(head.note.data))
    except OutsideError as error:
        logger.warning("the head is not time-stamped for now: %s", error)
        return Stamped(f"No time-stamp yet: {error.detail[:SAID_MAX]}. It is asked for again every hour.")
    answer = kept.answer or b""
    stamp = read_stamp(answer)
    body = {
        "stamp": kept.name,
        "answer": digest(answer),
        "size": head.checkpoint.size,
        "root": head.checkpoint.root.hex(),
        "at": moment_text(stamp.at) if stamp else "",
        "by": stamp.by if stamp else "",
    }
    line = Line(act="stamped", key=day, actor=ACTOR, at=now, source="tsa", body=body)
    return await _noted(ledger, chain, line)


async def _noted(ledger: Ledger, chain: Chain, line: Line) -> Stamped:
    try:
        await ledger.append(chain, [line])
    except ConflictError:
        return Stamped(words_of(line))  # another tells something at this moment: the next round sees what it was
    return Stamped(words_of(line), new=True)


def words_of(line: Line) -> str:
    """Say who stamped what, and when, in a sentence."""
    said = line.body
    return f"Time-stamped by {said['by']} at {said['at']}, over {said['size']:,} entries."


async def tell_late(ledger: Ledger, stamped: Stamped, room: Room, day: str) -> None:
    """Say that the stamp has come after all, where the day's fingerprint was told without one."""
    chain = await ledger.read(FINGERPRINT)
    told = [(x.act, x.key) for x in chain.lines if (x.act, x.key) in {("told", day), ("stamped", day)}]
    if stamped.new and told[:1] == [("told", day)]:
        text = {"type": "mrkdwn", "text": f"*Ledger on {day}*: {escape(stamped.words)}"}
        card = Card([{"type": "section", "text": text}], f"Ledger on {day}: {stamped.words}", f"stamp-{day}")
        await room.desk.post(room.channel, card, maybe_posted=True)

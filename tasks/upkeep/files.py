"""Upkeep: files that were dropped off."""

import logging
from typing import NamedTuple

from blocks import connect
from blocks.errors import ConflictError
from blocks.ledger import Chain, Ledger
from blocks.ports import Blob
from blocks.records.ledger import Line
from blocks.wire.canonical import digest
from blocks.wire.requisitions import Issue, read_file
from tasks.arrivals import Message, Receipt, put_aside, receive
from tasks.case import utc_now

logger = logging.getLogger("almoner.upkeep")
DROP = "drop/requisitions/"


class Picked(NamedTuple):
    """What became of one file; `failed` says why it could not be taken in, this time."""

    name: str
    receipts: tuple[Receipt, ...] = ()
    issues: tuple[Issue, ...] = ()
    failed: str = ""


async def pick_up(ledger: Ledger, taken: set[Blob]) -> list[Picked]:
    """Take in every file in the drop that was not taken in before; a file is known by its content.

    *taken*: what need not even be read again; it is kept up to date. A file that cannot be taken in does not stop the
    others: it is told, and tried again the next time.
    """
    dropped = {blob async for blob in ledger.store.list(DROP)}
    taken &= dropped
    picked = []
    for blob in sorted(dropped - taken):
        name = blob.key.removeprefix(DROP)
        try:
            raw = await ledger.store.get(blob.key)
            known = await ledger.read(f"file~{digest(raw)[:32]}")
            if not known.seq:
                picked.append(await take_file(name, raw, ledger))
            elif name not in {line.body["name"] for line in known.having("file")}:
                picked.append(await put_aside_again(name, raw, known, ledger))
            taken.add(blob)
        except Exception as error:  # whatever it is, it is this file's own, and the others go on
            logger.exception("%s could not be taken in", name)
            picked.append(Picked(name, failed=f"{type(error).__name__}: {error}"))
    return picked


async def take_file(name: str, raw: bytes, ledger: Ledger) -> Picked:
    """Take in one file, row by row: a bad row is quarantined, the others go on."""
    content, now, shelf = digest(raw), utc_now(), connect.shelf()
    rows, issues = read_file(name, raw, f"file-{content[:12]}")
    receipts = [await receive(Message("file", row.id, row.raw), ledger, shelf, now) for row in rows]
    if issues:
        await put_aside(Message("file", name, raw), issues, ledger, now)
    await note_file(ledger, name, content, receipts)
    return Picked(name, tuple(receipts), issues)


async def put_aside_again(name: str, raw: bytes, known: Chain, ledger: Ledger) -> Picked:
    """Ask for nothing twice because a file came twice; but say so, once: it may be a standing order, a week later."""
    first, now = known.lines[0], utc_now()
    why = f"{name} has the same rows as {first.body['name']} of {first.at:%Y-%m-%d}, which were taken in then"
    issues = (Issue("file", f"{why}: where they are wanted once more, give each an id of its own"),)
    await put_aside(Message("file", name, raw), issues, ledger, now)
    again = Line(act="file", key=first.key, actor="door:file", at=now, body={"name": name, "rows": []})
    await ledger.append(known, [again])
    return Picked(name, issues=issues)


async def note_file(ledger: Ledger, name: str, content: str, receipts: list[Receipt]) -> None:
    """Note in the ledger that a file was taken in, and what became of each row."""
    told = [{"id": x.message, "case": x.case, "issues": [i._asdict() for i in x.issues]} for x in receipts]
    line = Line(act="file", key=content, actor="door:file", at=utc_now(), body={"name": name, "rows": told})
    try:
        await ledger.append(Chain(f"file~{content[:32]}"), [line])
    except ConflictError:
        await ledger.read(f"file~{content[:32]}")  # another picked it up at the same time; the rows are the same cases

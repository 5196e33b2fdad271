"""Legal holds: a case, or a subject, is kept for as long as a matter asks, beyond any retention. Knows no Prefect.

The book of holds says who put it on, who lifted it, and why. What is held is held in the store too, every version of
it, where the store is a bucket that can; what a case gains afterwards is taken up by upkeep. Nothing that is under a
hold is forgotten.
"""

import re
from collections.abc import AsyncIterator
from datetime import datetime
from typing import NamedTuple

from blocks.books import VAULT
from blocks.errors import NotFoundError, RefusedError
from blocks.ledger import Ledger
from blocks.records.ledger import Line
from blocks.records.policy import Policy
from blocks.retention import LockedBucket
from blocks.vault import sealed_for
from tasks.auditing.grounds import Grounds
from tasks.results import PREFIX as RESULTS
from tasks.rules.retention import reason_not_to_hold

BOOK = "book~holds"
HELD, LIFTED = "held-legally", "hold-lifted"
RAW = ("inbox/", "quarantine/")
REFERRED = re.compile(rb'"(?:seen|object|policy|directory|shown)":"([0-9a-f]{64})"')
INBOX = re.compile(rb'"inbox":"(inbox/[^"\\\\]+)"')


class Hold(NamedTuple):
    """A legal hold that is on: on which case, or on which subject (by its name in the vault), since when, by whom."""

    target: str
    since: datetime
    by: str
    because: str
    subjects: tuple[str, ...]
    """The names, in the vault, of those whose keys must stay: of the subject itself, or of the case's raw message."""

    @property
    def words(self) -> str:
        """Say it in a line."""
        return f"under legal hold since {self.since:%Y-%m-%d %H:%M} UTC by {self.by} ({self.because})"


class Held(NamedTuple):
    """What came of it: under which name the ledger knows it, and how many objects were held or let go."""

    target: str
    objects: int | None
    """None: the store is a folder, which can hold nothing."""
    forgetting: str = ""
    """Who had begun to have any of it forgotten, and may not have seen the hold; empty where nobody had."""


async def holds(ledger: Ledger) -> tuple[Hold, ...]:
    """List the holds that are on, the oldest first."""
    last = {line.key: line for line in (await ledger.read(BOOK)).lines}
    return tuple(_read(line) for line in last.values() if line.act == HELD)


async def hold_on(target: str, ledger: Ledger) -> Hold | None:
    """Find a hold on a case, or one for which the key of a subject must stay; None where there is none."""
    return next((one for one in await holds(ledger) if target == one.target or target in one.subjects), None)


async def hold(what: str, grounds: Grounds, *, ledger: Ledger, policy: Policy, bucket: LockedBucket | None) -> Held:
    """Put a legal hold on a case or a subject; again, it is put on what came since.

    The ledger says so first, then what this hold came too late to stop for certain is looked for. `RefusedError` names
    the field and the reason, `NotFoundError` where there is neither.
    """
    if reason := reason_not_to_hold(grounds.by, grounds.because, policy):
        raise RefusedError("ledger", reason)
    target, subjects = await _found(what, ledger, bucket)
    if not any(one.target == target for one in await holds(ledger)):
        line = grounds.line(HELD, target, subjects=[*subjects])
        await ledger.enter(BOOK, lambda _: line)
    return Held(target, await _set(target, ledger, bucket, on=True), await _forgetting(subjects, ledger))


async def release(what: str, grounds: Grounds, *, ledger: Ledger, policy: Policy, bucket: LockedBucket | None) -> Held:
    """Lift a legal hold; what another hold is on as well stays held. Again, it lets go what was left.

    The ledger says so first. `RefusedError` names the field and the reason, also where it was never under a hold.
    """
    if reason := reason_not_to_hold(grounds.by, grounds.because, policy):
        raise RefusedError("ledger", reason)
    target, _ = await _found(what, ledger, bucket)
    last = (await ledger.read(BOOK)).last(HELD, target)
    if last is None:
        raise RefusedError("ledger", f"what: {what} was never under a legal hold")
    if any(one.target == target for one in await holds(ledger)):
        line = grounds.line(LIFTED, target)
        await ledger.enter(BOOK, lambda _: line)
    return Held(target, await _set(target, ledger, bucket, on=False))


async def hold_what_came(ledger: Ledger, bucket: LockedBucket) -> int:
    """Put what cases under a hold gained since under it too; how many objects there were."""
    return sum([await _set(one.target, ledger, bucket, on=True) or 0 for one in await holds(ledger)])


async def _forgetting(subjects: tuple[str, ...], ledger: Ledger) -> str:
    """Say who had the keys destroyed that should stay, or had begun to: asked once the hold stands."""
    book, told = await ledger.read(VAULT), list[str]()
    for name in subjects:
        if line := book.last("forgot", name) or book.last("forgets", name):
            done = "had" if line.act == "forgot" else "began to have"
            by, because = line.actor.partition(":")[2], line.body["because"]
            told.append(f"{by} {done} it forgotten at {line.at:%Y-%m-%d %H:%M} UTC ({because})")
    return "; ".join(told)


async def _set(target: str, ledger: Ledger, bucket: LockedBucket | None, *, on: bool) -> int | None:
    if bucket is None:
        return None
    places, others = await _places(target, ledger, bucket), set[str]()
    if not on:
        for one in await holds(ledger):
            others |= await _places(one.target, ledger, bucket)
    done = 0
    for place in sorted(places - others):
        async for version in bucket.versions(place):
            if not version.hides and await bucket.is_held(version) is not on:
                await bucket.hold(version, on=on)
                done += 1
    return done


async def _found(what: str, ledger: Ledger, bucket: LockedBucket | None) -> tuple[str, tuple[str, ...]]:
    """Find what is meant: a case, with its message's subject, or a subject by its name in the vault."""
    texts = await _texts(what, ledger, bucket)
    if texts:
        return what, tuple([name async for name in _subjects(texts, ledger)])
    if ledger.vault and await ledger.vault.knows(what):
        name = ledger.vault.name(what)
        return name, (name,)
    raise NotFoundError(f"there is no case {what}, and nothing was ever sealed for such a subject")


async def _texts(case: str, ledger: Ledger, bucket: LockedBucket | None) -> list[bytes]:
    """Read a case's entries as stored, every version of each: one that was tampered with is what a hold is for."""
    place = f"cases/{case}/"
    if bucket:
        return [await bucket.read(one) async for one in bucket.versions(place) if not one.hides]
    return [await ledger.store.get(blob.key) async for blob in ledger.store.list(place)]


async def _subjects(texts: list[bytes], ledger: Ledger) -> AsyncIterator[str]:
    for place in _named(INBOX, texts):
        if name := sealed_for(await ledger.store.get(place)):
            yield name


async def _places(target: str, ledger: Ledger, bucket: LockedBucket) -> set[str]:
    """Say where everything lies that a hold is on: prefixes and keys."""
    texts = await _texts(target, ledger, bucket)
    if not texts:
        return {place async for place in _sealed_for(target, ledger)}
    documents = {f"objects/{name}" for name in _named(REFERRED, texts)}
    results = {blob.key async for blob in ledger.store.list(RESULTS) if f"/{target}/" in blob.key}
    return {f"cases/{target}/", *_named(INBOX, texts), *documents, *results}


async def _sealed_for(name: str, ledger: Ledger) -> AsyncIterator[str]:
    """Find all that was sealed for a subject: its name stands before what is sealed, and nowhere else."""
    for place in RAW:
        async for blob in ledger.store.list(place):
            if sealed_for(await ledger.store.get(blob.key)) == name:
                yield blob.key


def _named(pattern: re.Pattern[bytes], texts: list[bytes]) -> set[str]:
    return {found.decode() for text in texts for found in pattern.findall(text)}


def _read(line: Line) -> Hold:
    by, subjects = line.actor.partition(":")[2], tuple(str(x) for x in line.body.get("subjects", ()))
    return Hold(line.key, line.at, by, str(line.body["because"]), subjects)

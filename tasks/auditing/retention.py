"""Retention, kept up with policy: the bucket's lock is as long as the longest rule asks, also for what lies there.

Nothing is asked of the store when a case is carried: the bucket's default falls on every object as it is created. Only
where policy asks for longer than the default, or a document is in force for so long that its lock would end too soon
after, is anything prolonged, by upkeep. Nothing is ever shortened: no server would let us. Knows no Prefect.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from blocks.books import DIRECTORY, DUTIES, POLICY
from blocks.errors import ConflictError
from blocks.ledger import Chain, Ledger
from blocks.proofs.keyring import PASSKEYS
from blocks.records.ledger import Line
from blocks.records.policy import Rulebook
from blocks.retention import Lock, LockedBucket, Version
from tasks.rules.retention import days_kept

BOOK = "book~retention"
ACTOR = "process:retention"
AHEAD = timedelta(days=366)
"""What is in force is prolonged by a year more than it must be, so once a year instead of every hour."""
NO_LOCK = "the bucket was made without Object Lock, and can never have it: make another, and copy the evidence there"


class Prolonged(NamedTuple):
    """What upkeep did: how many days the bucket keeps by default, and how many versions were prolonged."""

    days: int
    versions: int


async def keep_long_enough(ledger: Ledger, bucket: LockedBucket, rulebook: Rulebook, now: datetime) -> Prolonged | None:
    """See to it that everything is kept as long as policy asks; None where the bucket has no lock at all.

    A default that becomes longer, or that whoever made the bucket did not live to set, is noted before it is set, with
    the rules that ask for it, and again when everything that lay there was prolonged: who dies in between is followed
    by the next.
    """
    days, lock = days_kept(rulebook.policy.retention), await bucket.lock()
    if lock is None:
        return None
    done = 0
    if lock.days < days:
        rules = [rule.model_dump(mode="json") for rule in rulebook.policy.retention]
        body = {"days": days, "rules": rules}
        line = Line(act="retention-set", actor=ACTOR, at=now, policy=rulebook.policy_version, body=body)
        await ledger.enter(BOOK, lambda _: line)
        await bucket.keep_for(Lock(days))
    chain = await ledger.read(BOOK)
    last = next((line for line in reversed(chain.lines) if line.act in ("retention-set", "retention-applied")), None)
    if last and last.act == "retention-set":
        wanted = int(last.body["days"])
        async for version in bucket.versions():
            done += not version.hides and await bucket.keep(version, version.at + timedelta(days=wanted))
        await _note_applied(ledger, chain, now, {"days": wanted, "versions": done})
    return Prolonged(max(days, lock.days), done + await _keep_in_force(bucket, rulebook, max(days, lock.days), now))


async def _keep_in_force(bucket: LockedBucket, rulebook: Rulebook, days: int, now: datetime) -> int:
    """Prolong what is in force: it is kept from when it was last in effect (45 CFR 164.316(b)(2)(i)), not made."""
    until, done = now + timedelta(days=days_kept(x for x in rulebook.policy.retention if x.kind == "policy")), 0
    for place in (
        *(f"cases/{book}/" for book in (POLICY, DIRECTORY, DUTIES, PASSKEYS, BOOK)),
        *(f"objects/{name}" for name in (rulebook.policy_version, rulebook.directory_version)),
    ):
        async for version in bucket.versions(place):
            if not version.hides and _ends(version, days) < until:
                known = await bucket.kept_until(version)
                if known is None or known < until:
                    done += await bucket.keep(version, until + AHEAD)
    return done


def _ends(version: Version, days: int) -> datetime:
    """Say until when a version is kept by the bucket's default alone."""
    return version.at + timedelta(days=days)


async def _note_applied(ledger: Ledger, chain: Chain, now: datetime, body: dict[str, object]) -> None:
    """Note that what was set last in *chain* has been applied, unless anything was noted since.

    Something longer may have been set, by who did not live to apply it: whoever looks next sees that it was not.
    """
    try:
        await ledger.append(chain, [Line(act="retention-applied", actor=ACTOR, at=now, body=body)])
    except ConflictError:
        return

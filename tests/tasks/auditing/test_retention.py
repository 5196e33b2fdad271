"""Evidence is kept as long as policy's longest rule asks, on two unrelated servers, and nothing is ever shortened."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from pydantic import ValidationError

from blocks.ledger import Ledger
from blocks.records.ledger import Line
from blocks.records.policy import Policy, Rulebook
from blocks.records.retention import KEEPING, Keeping
from blocks.retention import Lock, LockedBucket, Version
from blocks.rulebook import Shelf, adopt
from blocks.store import FolderStore
from infrastructure.local.hospital.__main__ import directory, policy
from tasks.auditing.retention import BOOK, keep_long_enough
from tasks.rules.retention import days_kept, reason_not_to_hold
from tests.buckets import Server, unmade
from tests.hospital import MORNING
from tests.stores import Overtaken

CONTRACT = Keeping(kind="claims", years=12, source="a contract with a payer")


def asking(*rules: Keeping) -> Policy:
    return policy().model_copy(update={"retention": rules})


async def in_force(ledger: Ledger, document: Policy) -> Rulebook:
    for one in (directory(), document):
        await adopt(ledger, one, actor="door:test", at=MORNING)
    return await Shelf(ledger).in_force(MORNING)


async def ends(server: Server, prefix: str) -> list[datetime]:
    found = [await server.bucket.kept_until(one) for one in await server.versions(prefix)]
    return [one for one in found if one]


def in_days(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


async def test_what_lies_there_is_prolonged_when_the_longest_rule_becomes_longer(server: Server):
    ledger = Ledger(server.store)
    rulebook = await in_force(ledger, asking(*KEEPING, CONTRACT))
    await server.store.create("cases/RQ-1/00000001.json", b"one")
    days = days_kept([CONTRACT])
    done = await keep_long_enough(ledger, server.bucket, rulebook, datetime.now(UTC))
    assert (done and done.days, await server.bucket.lock()) == (days, Lock(days))
    assert min(await ends(server, "cases/RQ-1/")) > in_days(days - 1)
    lines = (await ledger.read(BOOK)).lines
    assert [line.act for line in lines] == ["retention-set", "retention-applied"]
    assert CONTRACT.model_dump() in lines[0].body["rules"]
    again = await keep_long_enough(ledger, server.bucket, rulebook, datetime.now(UTC))
    assert again is not None
    assert (again.versions, (await ledger.read(BOOK)).seq) == (0, 2)


async def test_who_died_after_the_default_was_set_is_followed_by_the_next(server: Server, monkeypatch):
    ledger = Ledger(server.store)
    rulebook = await in_force(ledger, asking(*KEEPING, CONTRACT))

    async def dies(*_given: object) -> bool:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(LockedBucket, "keep", dies)
        with pytest.raises(SystemExit):
            await keep_long_enough(ledger, server.bucket, rulebook, datetime.now(UTC))
    assert min(await ends(server, "objects/")) < in_days(30)
    await keep_long_enough(ledger, server.bucket, rulebook, datetime.now(UTC))
    assert min(await ends(server, "objects/")) > in_days(days_kept([CONTRACT]) - 1)


async def test_who_comes_to_the_end_of_a_shorter_prolonging_does_not_end_a_longer_one(server: Server, monkeypatch):
    ledger, now, keep = Ledger(server.store), datetime.now(UTC), LockedBucket.keep
    short = await in_force(ledger, policy())
    longer = short.model_copy(update={"policy": asking(*KEEPING, CONTRACT)})
    asked = list[datetime]()

    async def overtaken(bucket: LockedBucket, version: Version, until: datetime) -> bool:
        asked.append(until)
        if len(asked) == 1:  # in the midst of the shorter one another begins, and dies
            with pytest.raises(SystemExit):
                await keep_long_enough(ledger, server.bucket, longer, now)
        elif len(asked) == 2:
            raise SystemExit
        return await keep(bucket, version, until)

    with monkeypatch.context() as patched:
        patched.setattr(LockedBucket, "keep", overtaken)
        await keep_long_enough(ledger, server.bucket, short, now)
    await keep_long_enough(ledger, server.bucket, longer, now)
    assert min(await ends(server, "objects/")) > in_days(days_kept([CONTRACT]) - 1)


async def test_what_is_set_is_noted_also_where_another_notes_the_end_of_theirs_just_then(
    server: Server, tmp_path: Path
):
    store = Overtaken(tmp_path)
    ledger, book = Ledger(store), Ledger(FolderStore(tmp_path))
    rulebook = await in_force(ledger, policy())
    end = Line(act="retention-applied", actor="process:retention", at=MORNING)
    store.at, store.first = f"cases/{BOOK}/", partial(book.enter, BOOK, lambda _: end)
    await keep_long_enough(ledger, server.bucket, rulebook, datetime.now(UTC))
    assert [line.act for line in (await book.read(BOOK)).lines] == ["retention-applied", "retention-set", end.act]


@pytest.mark.parametrize("which", ["seaweed", "ministack"])
async def test_a_bucket_that_somebody_made_and_did_not_live_to_set_keeps_everything_after_the_next_look(request, which):
    unkept = unmade(request, which)
    unkept.client.create_bucket(Bucket=unkept.name, ObjectLockEnabledForBucket=True)
    ledger = Ledger(unkept.store)
    rulebook = await in_force(ledger, policy())
    await unkept.store.create("cases/RQ-1/00000001.json", b"one")
    assert await ends(unkept, "cases/RQ-1/") == []
    await keep_long_enough(ledger, unkept.bucket, rulebook, datetime.now(UTC))
    assert await unkept.bucket.lock() == Lock(days_kept(KEEPING))
    assert min(await ends(unkept, "")) > in_days(days_kept(KEEPING) - 1)
    assert len(await ends(unkept, "cases/RQ-1/")) == 1


async def test_a_policy_that_asks_for_less_shortens_nothing(server: Server):
    ledger = Ledger(server.store)
    long, short = (
        await in_force(ledger, policy()),
        asking(*(Keeping(kind=x.kind, years=1, source="x") for x in KEEPING)),
    )
    await keep_long_enough(ledger, server.bucket, long, datetime.now(UTC))
    done = await keep_long_enough(ledger, server.bucket, await in_force(ledger, short), datetime.now(UTC))
    assert done is not None
    assert done.days == days_kept(KEEPING)
    assert await server.bucket.lock() == Lock(days_kept(KEEPING))


async def test_what_is_in_force_years_later_is_prolonged_from_then_on_and_the_rest_is_not(server: Server):
    ledger = Ledger(server.store)
    rulebook = await in_force(ledger, policy())
    await server.store.create("objects/other", b"of a case that ended")
    await keep_long_enough(ledger, server.bucket, rulebook, datetime.now(UTC))
    later = in_days(6 * 365)
    done = await keep_long_enough(ledger, server.bucket, rulebook, later)
    assert done is not None
    assert done.versions == len(await server.versions("cases/")) + 2
    (kept,) = await ends(server, f"objects/{rulebook.policy_version}")
    assert kept > later + timedelta(days=6 * 365)
    (other,) = await ends(server, "objects/other")
    assert other < in_days(3654)
    again = await keep_long_enough(ledger, server.bucket, rulebook, later)
    assert again is not None
    assert again.versions == 0


async def test_a_bucket_without_a_lock_is_said_to_have_none(server: Server):
    plain = LockedBucket(server.client, f"{server.name}-plain")
    server.client.create_bucket(Bucket=f"{server.name}-plain")
    ledger = Ledger(server.store)
    assert await keep_long_enough(ledger, plain, await in_force(ledger, policy()), MORNING) is None


@pytest.mark.parametrize("rules", [(), KEEPING[:3]], ids=["none", "no rule for access"])
def test_a_policy_that_leaves_a_kind_of_record_without_a_rule_is_refused(rules: Iterable[Keeping]):
    with pytest.raises(ValidationError, match="no rule says how long"):
        Policy.model_validate(policy().model_dump() | {"retention": [rule.model_dump() for rule in rules]})


def test_a_policy_that_says_nothing_of_retention_has_the_version_it_had():
    assert {"retention", "hold_keepers"}.isdisjoint(policy().model_dump())


@pytest.mark.parametrize(
    ("who", "because", "said"),
    [
        ("frida.ng", "matter 2026-17", None),
        ("rita.okafor", "matter 2026-17", "as: "),
        ("", "matter 2026-17", "as: "),
        ("frida.ng", " ", "because: please"),
        ("frida.ng", "patient Jane Roe asked for it", "because: it "),
    ],
)
def test_a_legal_hold_takes_a_person_who_may_and_a_reason_without_a_patient(who: str, because: str, said: str | None):
    reason = reason_not_to_hold(directory().person(who), because, policy())
    assert (reason is None) if said is None else str(reason).startswith(said)

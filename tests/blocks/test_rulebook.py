"""The rulebook: what is adopted, by whomever at the same time, and what is in force on a day."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from blocks.books import DIRECTORY, POLICY
from blocks.errors import NotFoundError, RefusedError
from blocks.history import History
from blocks.ledger import Chain, Ledger
from blocks.records.clock import Calendar, Clock
from blocks.records.ledger import Line
from blocks.records.people import Directory
from blocks.records.policy import Policy
from blocks.rulebook import Shelf, adopt
from blocks.store import FolderStore
from blocks.wire.canonical import canonical
from infrastructure.local.hospital.__main__ import directory
from tests.hospital import plain_policy
from tests.samples import NOON


def limited_to(amount: int, **changed: object) -> Policy:
    return plain_policy().model_copy(update={"amount_max": Decimal(amount), **changed})


async def adopted(ledger: Ledger, *documents: Policy) -> list[str]:
    """Adopt all of them at once, as several people would."""
    moments = (NOON + timedelta(seconds=second) for second in range(len(documents)))
    tries = (adopt(ledger, one, actor="door:test", at=at) for one, at in zip(documents, moments, strict=True))
    return await asyncio.gather(*tries)


async def test_of_several_adopted_at_once_none_is_lost(tmp_path: Path):
    ledger = Ledger(FolderStore(tmp_path))
    versions = await adopted(ledger, *(limited_to(amount) for amount in range(1000, 1008)))
    chain = await ledger.read(POLICY)
    assert sorted(line.body["object"] for line in chain.having("adopted")) == sorted(versions)
    assert chain.seq == 8


async def test_the_same_policy_adopted_by_several_at_once_is_adopted_once(tmp_path: Path):
    ledger = Ledger(FolderStore(tmp_path))
    assert len(set(await adopted(ledger, *[plain_policy()] * 8))) == 1
    assert (await ledger.read(POLICY)).seq == 1


async def test_where_nothing_is_in_force_the_remedy_is_told(tmp_path: Path):
    ledger = Ledger(FolderStore(tmp_path))
    with pytest.raises(NotFoundError, match="no policy is in force: adopt one with `almoner policy adopt FILE`"):
        await Shelf(ledger).in_force(NOON)
    await adopted(ledger, limited_to(1000, effective_from=date(2027, 1, 1)))
    with pytest.raises(NotFoundError, match="no policy is in force yet: the first takes effect on 2027-01-01"):
        await Shelf(ledger).in_force(NOON)


def people_of(zone: str, **changed: object) -> Directory:
    return directory().model_copy(update={"zone": zone, **changed})


EVENING = datetime(2026, 12, 1, 0, 1, tzinfo=UTC)
"""A minute past midnight UTC: in Chicago the last evening of November, in Berlin the first of December."""


@pytest.mark.parametrize(
    ("zone", "begins"),
    [
        ("America/Chicago", datetime(2026, 12, 1, 6, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 11, 30, 23, tzinfo=UTC)),
        ("UTC", datetime(2026, 12, 1, tzinfo=UTC)),
    ],
)
async def test_a_day_begins_when_it_does_at_the_hospital(tmp_path: Path, zone: str, begins: datetime):
    ledger, first = Ledger(FolderStore(tmp_path)), date(2026, 12, 1)
    before, after = people_of(zone), people_of(zone, people=directory().people[:9], effective_from=first)
    for document in (before, plain_policy(), limited_to(1000, effective_from=first), after):
        await adopt(ledger, document, actor="door:test", at=NOON)
    for moment, amount, people in (
        (begins - timedelta(seconds=1), plain_policy().amount_max, before),
        (begins, Decimal(1000), after),
    ):
        rules = await Shelf(ledger).in_force(moment)
        assert (rules.policy.amount_max, rules.directory) == (amount, people)
        history = History(ledger)
        then = await history.policy(moment)
        assert then is not None
        assert (then.amount_max, await history.directory(moment)) == (amount, people)


async def test_what_was_kept_before_lines_named_a_zone_holds_as_it_did_from_midnight_utc_on(tmp_path: Path):
    ledger = Ledger(FolderStore(tmp_path))
    for book, document in ((DIRECTORY, people_of("America/Chicago")), (POLICY, limited_to(1000))):
        version = await ledger.keep(canonical(document))
        body = {"object": version, "effective_from": "2026-12-01"}
        await ledger.append(Chain(book), [Line(act="adopted", actor="door:test", at=NOON, body=body)])
    assert (await Shelf(ledger).in_force(EVENING)).policy.amount_max == 1000
    with pytest.raises(NotFoundError, match="the first takes effect on 2026-12-01"):
        await Shelf(ledger).in_force(EVENING - timedelta(minutes=2))


@pytest.mark.parametrize("zone", ["Mars/Olympus", "America", "../etc/passwd", ""])
async def test_a_directory_of_a_zone_that_is_none_is_not_adopted(tmp_path: Path, zone: str):
    ledger = Ledger(FolderStore(tmp_path))
    with pytest.raises(RefusedError, match="give an IANA time zone like America/Chicago"):
        await adopt(ledger, people_of(zone), actor="door:test", at=NOON)
    assert (await ledger.read(DIRECTORY)).seq == 0


async def test_a_policy_whose_holidays_nobody_knows_is_not_adopted(tmp_path: Path):
    clock = Clock(calendar=Calendar(country="US", subdivision="XX"))
    with pytest.raises(RefusedError, match=r"clock\.calendar\.subdivision: US has none called XX"):
        await adopted(Ledger(FolderStore(tmp_path)), plain_policy().model_copy(update={"clock": clock}))


def test_a_policy_without_a_clock_prints_as_it_did_before_there_were_any():
    assert b"clock" not in canonical(plain_policy().model_copy(update={"clock": None}))

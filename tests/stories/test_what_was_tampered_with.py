"""One case's record was tampered with: it stands still and everybody who looks sees so; all others go on."""

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from blocks.errors import UnavailableError
from blocks.ledger import Ledger, TamperedError, entry_key
from blocks.ports import Personality
from blocks.rulebook import Shelf
from blocks.wire.reminders import bottlenecks, waiting_rows
from tasks.effects import InDoubtError
from tasks.upkeep.lookout import Lookout
from tasks.upkeep.rounds import BROKEN, Rounds
from tests.clockwork import CLOCK, TUESDAY, WEDNESDAY, waiting, with_clock
from tests.hospital import Hospital
from tests.tampered import tampered

ROOM = "finance-audit"
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def hospital(tmp_path: Path) -> Hospital:
    return await with_clock(await Hospital.opened(tmp_path), CLOCK)


def rounds_of(hospital: Hospital) -> Rounds:
    return Rounds(hospital.ledger, Shelf(hospital.ledger), hospital.desk, ROOM)


def reminders(hospital: Hospital) -> str:
    return "\n".join(card.text for card in hospital.desk.cards("U0ANA") if card.key.startswith("clock/"))


@pytest.mark.parametrize("worker", ["has only just started", "has long known all three"])
async def test_two_of_three_are_reminded_and_decided_and_the_third_goes_on_once_it_is_restored(
    hospital, tmp_path, worker
):
    first, second, third = [await waiting(hospital) for _ in range(3)]
    rounds = rounds_of(hospital)
    if worker == "has long known all three":
        await rounds.go(hospital.now)
    with tampered(tmp_path, second):
        hospital.now = TUESDAY
        found = await rounds.go(TUESDAY)
        assert found.done == {"remind": 2}
        assert [case in reminders(hospital) for case in (first, second, third)] == [True, False, True]
        for case in (first, third):
            assert (await hospital.answer(case, "ana.silva")).taken == "counted"
            await hospital.wake(case)
            assert (await hospital.asks(case))[-1].role == "finance-director"
        found = await rounds.go(TUESDAY + MINUTE)
        assert {one.case for one in found.waiting} == {first, second, third}
        assert found.tags[second] == BROKEN
    found = await rounds.go(TUESDAY + 2 * MINUTE)
    assert (found.done, second in reminders(hospital)) == ({"remind": 1}, True)
    assert (await hospital.answer(second, "ana.silva")).taken == "counted"
    assert await hospital.verified()


async def test_the_table_says_first_that_it_stands_still_why_and_what_to_do(hospital, tmp_path):
    case = await waiting(hospital)
    await waiting(hospital)
    rounds = rounds_of(hospital)
    with tampered(tmp_path, case):
        found = await rounds.go(hospital.now)
        later = await rounds.go(hospital.now + MINUTE)
    row, other = waiting_rows(found.waiting, hospital.now, "UTC")
    assert (row["case"], row["waits for"]) == (case, "whoever keeps the evidence")
    assert row["note"] == (
        f"stands still: its record does not hold ({entry_key(case, 2)} does not follow the entry before it). "
        "What to do: infrastructure/runbooks/evidence.md"
    )
    assert other["waits for"] == "Ana Silva"
    assert bottlenecks(found.waiting, hospital.now).startswith("2 wait, 0 of them late. Most wait for ")
    assert waiting_rows(later.waiting, hospital.now, "UTC") == [row, other]


async def test_those_who_keep_the_evidence_are_told_once_a_day_by_whichever_worker(hospital, tmp_path):
    one, other = await waiting(hospital), await waiting(hospital)
    with tampered(tmp_path, one), tampered(tmp_path, other):
        for now in (TUESDAY, TUESDAY + MINUTE, WEDNESDAY):
            for rounds in (rounds_of(hospital), rounds_of(hospital)):
                await rounds.go(now)
    first, second = [card.text for card in hospital.desk.cards(ROOM)]
    assert first == second
    assert "*The records of 2 cases do not hold*" in first
    assert f"• *{one}*: its record does not hold" in first
    assert "Change nothing, delete nothing. What to do now, step by step: infrastructure/runbooks/evidence.md" in first


async def test_a_round_that_has_long_known_a_case_finds_that_its_last_entry_says_something_else(hospital, tmp_path):
    case, other = await waiting(hospital), await waiting(hospital)
    rounds = rounds_of(hospital)
    await rounds.go(hospital.now)
    last = max((tmp_path / entry_key(case, 1)).parent.iterdir())
    entry = json.loads(last.read_bytes())
    entry["lines"] = [{**entry["lines"][-1], "act": "parked", "body": {}}]
    last.write_text(json.dumps(entry))
    found = await rounds.go(hospital.now + timedelta(hours=1))
    assert found.tags[case] == BROKEN
    assert other in {one.case for one in found.waiting}


async def test_who_was_approved_meanwhile_is_rung_for_once_it_is_restored_and_the_others_at_once(hospital, tmp_path):
    one, other = await waiting(hospital), await waiting(hospital)
    for case in (one, other):
        await hospital.answer(case, "ana.silva")
    lookout = Lookout(clock=lambda: hospital.now)

    async def rung() -> list[str]:
        hospital.now += MINUTE
        return await lookout.standing_still(hospital.ledger)

    with tampered(tmp_path, one):
        await rung()
        assert await rung() == [other]
        await hospital.wake(other)
        assert one not in await rung()
    assert one in [*await rung(), *await rung()]
    await hospital.wake(one)
    assert (await hospital.asks(one))[-1].role == "finance-director"


async def lived(root: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Hospital, list[str]]:
    """Two cases that have lived through most of what there is, and one that waits."""
    monkeypatch.setattr("tasks.durable.RETRIES", 0)
    hospital = await with_clock(await Hospital.opened(root, personality=Personality(key_kept_s=0, finds=False)), CLOCK)
    doubted = await hospital.submit("IVSET-20", 40)
    hospital.erp.lose = 1
    for expected in (UnavailableError, InDoubtError):
        with pytest.raises(expected):
            await hospital.wake(doubted)
    asked = await waiting(hospital)
    await rounds_of(hospital).go(TUESDAY)
    hospital.now = TUESDAY
    await hospital.wish(asked, "ana.silva", "hold", note="until the budget is known")
    await hospital.wish(asked, "ana.silva", "resume")
    await rounds_of(hospital).go(WEDNESDAY)
    hospital.now = WEDNESDAY
    await hospital.answer(asked, "ana.silva")
    await hospital.wake(asked)
    await hospital.wish(asked, "sam.lind", "withdraw")
    await hospital.wake(asked)
    return hospital, [doubted, asked, await waiting(hospital)]


def altered(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Leave out, or replace, each thing that a line says, and leave out each thing within it, one at a time."""
    for name, said in body.items():
        yield {key: one for key, one in body.items() if key != name}
        yield body | {name: ["no", {"such": 1}]}
        for inner in said if isinstance(said, dict) else ():
            yield body | {name: {key: one for key, one in said.items() if key != inner}}


def alterations(entry: bytes) -> Iterator[tuple[str, bytes]]:
    """Alter each line of an entry, as above, and name its act."""
    said = json.loads(entry)
    for number, line in enumerate(said["lines"]):
        for body in altered(line["body"]):
            lines = [*said["lines"][:number], line | {"body": body}, *said["lines"][number + 1 :]]
            yield line["act"], json.dumps(said | {"lines": lines}).encode()


async def test_whatever_its_last_entry_says_nothing_stops_the_others(tmp_path, monkeypatch):
    hospital, (*lives, other) = await lived(tmp_path, monkeypatch)
    tried, named, shelf = set[str](), set[str](), Shelf(hospital.ledger)
    for case in lives:
        folder = (tmp_path / entry_key(case, 1)).parent
        backup = {file: file.read_bytes() for file in sorted(folder.iterdir())}
        for seq, last in enumerate(backup):
            for act, text in [one for one in alterations(backup[last]) if one[0] not in tried]:
                shutil.rmtree(folder)
                folder.mkdir()
                for file in [*backup][:seq]:
                    file.write_bytes(backup[file])
                last.write_bytes(text)
                found = await Rounds(hospital.ledger, shelf, hospital.desk).go(WEDNESDAY)
                assert other in {one.case for one in found.waiting}
                await Lookout(clock=lambda: hospital.now).standing_still(hospital.ledger, patience_s=0)
                if found.tags.get(case) == BROKEN:
                    named.add(act)
            tried |= {act for act, _ in alterations(backup[last])}
        shutil.rmtree(folder)
    assert named >= {"received", "asked", "posted", "reminded", "escalated", "decided", "parked"}


async def test_a_book_that_does_not_hold_ends_the_round_and_those_who_keep_the_evidence_hear_of_it(hospital, tmp_path):
    await waiting(hospital)
    (tmp_path / entry_key("book~directory", 1)).write_text("nonsense")
    with pytest.raises(TamperedError):
        await Rounds(Ledger(hospital.ledger.store), Shelf(Ledger(hospital.ledger.store)), hospital.desk, ROOM).go(
            hospital.now
        )
    (card,) = hospital.desk.cards(ROOM)
    assert "*A book does not hold*: whatever goes by it stands still" in card.text
    assert "• *book~directory*: its record does not hold" in card.text

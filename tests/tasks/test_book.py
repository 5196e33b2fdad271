"""The books that many cases write: whatever races, a budget is never overspent."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blocks.errors import ConflictError, RefusedError
from blocks.ledger import Ledger
from blocks.ports import Store
from blocks.records.ledger import Line
from blocks.records.outcome import Hold
from blocks.store import FolderStore
from tasks import book as books
from tasks.book import book
from tasks.rules.books import Funds, funds_book
from tests.samples import NOON, usd

NAME = funds_book("OR", 2026)


def held(case: str, amount: int) -> Line:
    hold = Hold(case=case, amount=usd(amount), order_key=f"almoner:{case}")
    body = {"hold": hold.model_dump(mode="json")}
    return Line(act="held", key=case, actor="process:test", at=NOON, body=body)


async def spend(ledger: Ledger, case: str, amount: int, budget: int) -> bool:
    """Hold an amount where it is left; say whether it was."""

    def entry(funds: Funds) -> Line | None:
        if case in funds.holds:
            return None
        left = budget - sum(hold.amount.amount for hold in funds.holds.values())
        if amount > left:
            raise RefusedError("funds", f"only {left} left")
        return held(case, amount)

    try:
        await book(ledger, NAME, Funds).enter(entry)
    except RefusedError:
        return False
    return True


async def spent(store: Store) -> dict[str, Any]:
    chain = await Ledger(store).read(NAME)
    return {line.key: Hold.model_validate(line.body["hold"]).amount.amount for line in chain.having("held")}


@settings(max_examples=25, deadline=None)
@given(amounts=st.lists(st.integers(1, 60), min_size=1, max_size=24), budget=st.integers(0, 400),
       processes=st.integers(1, 3))  # fmt: skip
def test_however_processes_race_a_budget_is_never_overspent_nor_left_where_something_fits(amounts, budget, processes):
    async def race() -> None:
        with TemporaryDirectory() as folder:
            store = FolderStore(Path(folder))
            ledgers = [Ledger(store) for _ in range(processes)]
            tries = (spend(ledgers[n % processes], f"RQ-{n}", amount, budget) for n, amount in enumerate(amounts))
            won = await asyncio.gather(*tries)
            entered = await spent(store)
            assert entered == {f"RQ-{n}": amount for n, amount in enumerate(amounts) if won[n]}
            assert sum(entered.values()) <= budget
            left = budget - sum(entered.values())
            assert all(amount > left for n, amount in enumerate(amounts) if not won[n])

    asyncio.run(race())


async def test_the_same_case_twice_at_once_is_entered_once(tmp_path):
    one, other = Ledger(FolderStore(tmp_path)), Ledger(FolderStore(tmp_path))
    tries = (spend(ledger, "RQ-1", 10, 100) for ledger in (one, other, one, other))
    assert await asyncio.gather(*tries) == [True] * 4
    assert await spent(one.store) == {"RQ-1": 10}


async def test_a_refusal_from_a_stale_look_does_not_count(tmp_path):
    """Another process gives money back: who looks at the old book is not refused for it."""
    one, other = Ledger(FolderStore(tmp_path)), Ledger(FolderStore(tmp_path))
    assert await spend(one, "RQ-1", 100, 100)
    assert not await spend(other, "RQ-2", 10, 100)
    released = Line(act="released", key="RQ-1", actor="process:test", at=NOON)
    await book(one, NAME, Funds).enter(lambda _: released)
    assert await spend(other, "RQ-2", 10, 100)


async def test_marks_wait_for_the_next_entry_and_are_written_once(tmp_path):
    ledger = Ledger(FolderStore(tmp_path))
    await spend(ledger, "RQ-1", 10, 100)
    opened = book(ledger, NAME, Funds)
    opened.marks.append(Line(act="placed", key="RQ-1", actor="process:test", at=NOON))
    assert (await ledger.read(NAME)).last("placed") is None
    for case in ("RQ-2", "RQ-3"):
        await spend(ledger, case, 10, 100)
    chain = await ledger.read(NAME)
    assert [line.act for line in chain.lines] == ["held", "placed", "held", "held"]
    assert opened.marks == []


async def test_nothing_to_enter_writes_nothing(tmp_path):
    ledger = Ledger(FolderStore(tmp_path))
    state = await book(ledger, NAME, Funds).enter(lambda _: None)
    assert (state.seq, (await ledger.read(NAME)).seq) == (0, 0)


async def test_one_book_a_ledger_and_name(tmp_path):
    one, other = Ledger(FolderStore(tmp_path)), Ledger(FolderStore(tmp_path))
    assert book(one, NAME, Funds) is book(one, NAME, Funds)
    assert book(one, NAME, Funds) is not book(other, NAME, Funds)


async def test_one_whose_entry_fails_fails_alone(tmp_path):
    ledger = Ledger(FolderStore(tmp_path))

    def broken(_: Funds) -> Line:
        raise ValueError("two currencies")

    opened = book(ledger, NAME, Funds)
    tries = (spend(ledger, "RQ-1", 10, 100), opened.enter(broken), spend(ledger, "RQ-2", 10, 100))
    first, failed, last = await asyncio.gather(*tries, return_exceptions=True)
    assert (first, type(failed), last) == (True, ValueError, True)
    assert set(await spent(ledger.store)) == {"RQ-1", "RQ-2"}


async def test_who_always_loses_gives_up_in_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(books, "RACES_MAX", 5)

    class Overtaken(FolderStore):
        async def create(self, key: str, data: bytes) -> None:
            raise ConflictError(f"{key} {len(data)}")

    with pytest.raises(ConflictError, match="5 lost races"):
        await spend(Ledger(Overtaken(tmp_path)), "RQ-1", 10, 100)


class Counting(FolderStore):
    """A folder that counts what is asked of it."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.asked = 0

    async def get(self, key: str) -> bytes:
        self.asked += 1
        return await super().get(key)


async def test_all_who_look_into_a_busy_book_share_its_next_look(tmp_path):
    store = Counting(tmp_path)
    opened = book(Ledger(store), NAME, Funds)
    await opened.read()
    store.asked = 0
    for _ in range(3):
        await asyncio.gather(*(opened.read() for _ in range(5)))
    assert store.asked == 3


async def test_a_look_shows_what_was_written_before_it_was_asked_for(tmp_path):
    one, other = Ledger(FolderStore(tmp_path)), Ledger(FolderStore(tmp_path))
    opened = book(one, NAME, Funds)
    await opened.read()
    shared = asyncio.create_task(opened.read())
    await asyncio.sleep(0)
    await spend(other, "RQ-1", 10, 100)
    assert set((await opened.read()).holds) == {"RQ-1"}
    await shared

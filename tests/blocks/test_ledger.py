"""The ledger: chains written once, entry after entry, and objects by content."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import Any

import pytest

from blocks import ledger as ledgers
from blocks.errors import ConflictError, NotFoundError, UnavailableError
from blocks.ledger import Chain, Ledger, TamperedError, entry_key
from blocks.ports import Store
from blocks.records.ledger import GENESIS, Entry, Line
from blocks.store import FolderStore
from blocks.wire.canonical import canonical, is_canonical
from tests.samples import NOON

CASE = "RQ-7F3K2Q9MAA"


def line(act: str = "noted", key: str = "", **body: Any) -> Line:
    return Line(act=act, key=key, actor="process:test", at=NOON, body=body)


async def grown(ledger: Ledger, length: int, case: str = CASE) -> Chain:
    chain = Chain(case)
    for number in range(length):
        chain = await ledger.append(chain, [line(n=number), line("again")])
    return chain


@pytest.mark.parametrize("length", [0, 1, 3, 4, 5, 6, 7, 12, 13, 40])
async def test_a_chain_is_read_back_as_it_was_written(store: Store, length: int):
    ledger = Ledger(store)
    written = await grown(ledger, length)
    assert await ledger.read(CASE) == written
    assert written.seq == length
    assert len(written.lines) == 2 * length


async def test_what_is_known_is_not_read_again_and_what_came_since_is(store: Store):
    ledger = Ledger(store)
    known = await grown(ledger, 3)
    assert await ledger.read(CASE, known=known) == known
    more = await ledger.append(await ledger.append(known, [line()]), [line()])
    assert await ledger.read(CASE, known=known) == more


async def test_each_entry_names_the_one_before_by_its_digest(store: Store):
    ledger, before = Ledger(store), GENESIS
    chain = await grown(ledger, 3)
    for entry in chain.entries:
        stored = await store.get(entry_key(CASE, entry.seq))
        assert entry.prev == before
        assert is_canonical(stored)
        assert stored == canonical(entry)
        before = hashlib.sha256(stored).hexdigest()
    assert chain.head == before


async def test_of_two_writers_at_one_place_one_wins_and_the_other_reads_on(store: Store):
    ledger = Ledger(store)
    chain = await grown(ledger, 1)
    tries = (ledger.append(chain, [line(by=n)]) for n in range(4))
    ended = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(one).__name__ for one in ended) == ["Chain", *["ConflictError"] * 3]
    assert (await ledger.read(CASE, known=chain)).seq == 2


@dataclass
class LosingAnswers:
    """A store that does as it is told, and whose answer is lost *times* times."""

    store: Store
    times: int = 1
    list: Any = field(init=False)
    get: Any = field(init=False)

    def __post_init__(self) -> None:
        self.list, self.get = self.store.list, self.store.get

    async def create(self, key: str, data: bytes) -> None:
        await self.store.create(key, data)
        if self.times:
            self.times -= 1
            raise UnavailableError("store", "the answer was lost")


async def test_an_append_whose_answer_was_lost_can_be_made_again(store: Store):
    ledger = Ledger(LosingAnswers(store))
    with pytest.raises(UnavailableError):
        await ledger.append(Chain(CASE), [line()])
    again = await ledger.append(Chain(CASE), [line()])
    assert await ledger.read(CASE) == again
    with pytest.raises(ConflictError):
        await ledger.append(Chain(CASE), [line("another")])


async def test_lines_are_found_by_act_and_key(store: Store):
    chain = await Ledger(store).append(Chain(CASE), [line("a", "1", n=1), line("a", "2", n=2), line("a", "1", n=3)])
    assert [one.body["n"] for one in chain.having("a")] == [1, 2, 3]
    assert [one.body["n"] for one in chain.having("a", "1")] == [1, 3]
    last = chain.last("a", "1")
    assert last is not None
    assert last.body["n"] == 3
    assert chain.last("b") is None


async def test_a_document_is_kept_under_its_digest(store: Store):
    ledger = Ledger(store)
    name = await ledger.keep(b"what was shown")
    assert name == hashlib.sha256(b"what was shown").hexdigest()
    assert await ledger.keep(b"what was shown") == name
    assert await ledger.fetch(name) == b"what was shown"
    with pytest.raises(NotFoundError):
        await ledger.fetch("0" * 64)


async def test_a_document_that_is_not_what_its_name_says_is_not_believed(store: Store):
    await store.create(f"objects/{'0' * 64}", b"forged")
    with pytest.raises(TamperedError, match="not what its name says"):
        await Ledger(store).fetch("0" * 64)


class Overtaken(FolderStore):
    """A folder in which somebody else is always first, or is so many times."""

    times = 1_000_000

    async def create(self, key: str, data: bytes) -> None:
        self.times -= 1
        if self.times >= 0:
            theirs = Entry.model_validate_json(data).model_copy(update={"lines": (line(),)})
            await super().create(key, canonical(theirs))
            raise ConflictError(key)
        await super().create(key, data)


async def test_who_was_not_first_judges_anew_and_waits_for_what_they_look_up(tmp_path):
    ledger, seen = Ledger(Overtaken(tmp_path)), list[int]()
    ledger.store.times = 2

    async def judged(chain: Chain) -> Line:
        await asyncio.sleep(0)
        seen.append(chain.seq)
        return line("mine", n=chain.seq)

    chain = await ledger.enter(CASE, judged)
    assert (seen, chain.last("mine").body) == ([0, 1, 2], {"n": 2})
    assert chain == await Ledger(ledger.store).read(CASE)


async def test_where_nothing_comes_of_a_judgement_nothing_is_written(store: Store):
    ledger = Ledger(store)
    written = await grown(ledger, 2)
    assert await ledger.enter(CASE, lambda chain: None if chain.having("again") else line()) == written
    assert await ledger.read(CASE) == written


async def test_who_always_loses_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setattr(ledgers, "RACES_MAX", 3)
    with pytest.raises(ConflictError, match=f"{CASE}: 3 lost races in a row"):
        await Ledger(Overtaken(tmp_path)).enter(CASE, lambda _: line())


async def test_every_chain_is_listed_with_its_length(store: Store):
    ledger = Ledger(store)
    assert [one async for one in ledger.cases()] == []
    for name, length in (("RQ-B", 2), ("RQ-A", 1), ("book~funds~OR~2026", 11)):
        await grown(ledger, length, name)
    await store.create("cases/RQ-A/notes.txt", b"not ours")
    assert [one async for one in ledger.cases()] == [("RQ-A", 1), ("RQ-B", 2), ("book~funds~OR~2026", 11)]


async def test_observers_hear_of_each_entry_once_it_stands(store: Store):
    heard: list[tuple[str, int, str]] = []
    ledger = Ledger(store, [lambda case, seq, head: heard.append((case, seq, head))])
    chain = await grown(ledger, 2)
    with pytest.raises(ConflictError):
        await ledger.append(Chain(CASE), [line("late")])
    assert [one[:2] for one in heard] == [(CASE, 1), (CASE, 2)]
    assert heard[-1][2] == chain.head


@pytest.mark.parametrize(
    "change", [lambda data: data[:-1], lambda data: data.replace(b'"n":1', b'"n":7'), lambda _: b"{}", lambda _: b""]
)
async def test_a_chain_that_does_not_hold_together_is_not_read(tmp_path, change):
    ledger = Ledger(FolderStore(tmp_path))
    await grown(ledger, 3)
    path = tmp_path / entry_key(CASE, 2)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(TamperedError):
        await ledger.read(CASE)


class SlowOnce(FolderStore):
    """A folder where one object, the first time it is asked for, is not there yet."""

    late = ""

    async def get(self, key: str) -> bytes:
        if key == self.late:
            self.late = ""
            raise NotFoundError(key)
        return await super().get(key)


async def test_entries_written_between_two_looks_of_one_reading_are_no_gap(tmp_path):
    store = SlowOnce(tmp_path)
    written = await grown(Ledger(store), 4)
    store.late = entry_key(CASE, 3)
    assert await Ledger(store).read(CASE) == written


async def test_a_true_gap_is_tampering(tmp_path):
    await grown(Ledger(FolderStore(tmp_path)), 4)
    (tmp_path / entry_key(CASE, 3)).unlink()
    with pytest.raises(TamperedError):
        await Ledger(FolderStore(tmp_path)).read(CASE)

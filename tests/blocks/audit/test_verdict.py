"""Verifying the ledger: whatever is done to it afterwards is found, and the entry is named."""

import asyncio
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blocks.audit.verdict import to_json, verify
from blocks.errors import UnavailableError
from blocks.ledger import Chain, Ledger, entry_key
from blocks.ports import Store
from blocks.records.ledger import Entry, Line
from blocks.sealing.notes import PREFIX, HeadsLog, read_notes
from blocks.store import FolderStore
from blocks.wire.canonical import canonical, digest
from tests.samples import NOON

ONE, TWO = "RQ-AAAAAAAAAA", "RQ-BBBBBBBBBB"
LENGTH = 5


class Unheard(FolderStore):
    """It is stored, and the answer is lost."""

    async def create(self, key: str, data: bytes) -> None:
        await super().create(key, data)
        raise UnavailableError("store", "its answer was lost")


@dataclass
class Kept:
    """A small ledger on disk, with its log of heads."""

    root: Path
    document: str = ""

    def path(self, seq: int, case: str = ONE) -> Path:
        return self.root / entry_key(case, seq)

    async def written(self) -> "Kept":
        heads = HeadsLog(FolderStore(self.root), writer="test")
        ledger = Ledger(FolderStore(self.root), [heads])
        self.document = await ledger.keep(b"what a person was shown")
        for case in (ONE, TWO):
            chain = Chain(case)
            for number in range(LENGTH):
                chain = await ledger.append(chain, [line(number, self.document)])
            await heads.flush(NOON)
        return self

    async def found(self) -> list[tuple[str, str, str]]:
        verdict = await verify(Ledger(FolderStore(self.root)))
        return [(one.case, one.where, one.fault) for one in verdict.findings]

    def swap(self, seq: int, other: int) -> None:
        one, two = self.path(seq).read_bytes(), self.path(other).read_bytes()
        self.path(seq).write_bytes(two)
        self.path(other).write_bytes(one)

    def insert(self, seq: int, *, renumber: bool) -> None:
        """Put a forged entry before the one at *seq*, linked to what is before it."""
        before = digest(self.path(seq - 1).read_bytes()) if seq > 1 else ""
        for place in range(LENGTH, seq - 1, -1):
            moved = self.path(place).read_bytes()
            if renumber:
                moved = canonical(Entry.model_validate_json(moved).model_copy(update={"seq": place + 1}))
            self.path(place + 1).write_bytes(moved)
        self.path(seq).write_bytes(canonical(Entry(case=ONE, seq=seq, prev=before, lines=(line(99),))))


def line(number: int, seen: str | None = None) -> Line:
    return Line(act="noted", actor="process:test", at=NOON, seen=seen, body={"n": number})


@pytest.fixture
async def kept(tmp_path: Path) -> Kept:
    return await Kept(tmp_path).written()


async def test_what_nobody_touched_verifies(kept: Kept):
    verdict = await verify(Ledger(FolderStore(kept.root)))
    assert verdict.verified
    assert (verdict.chains, verdict.entries, verdict.objects) == (2, 2 * LENGTH, 1)
    assert json.loads(to_json(verdict))["verified"] is True


@pytest.mark.parametrize("seq", range(1, LENGTH + 1))
async def test_an_altered_entry_is_named(kept: Kept, seq: int):
    path = kept.path(seq)
    path.write_bytes(path.read_bytes().replace(b'"n":', b'"m":'))
    assert await kept.found() == [(ONE, entry_key(ONE, seq), "altered")]


@pytest.mark.parametrize("seq", range(1, LENGTH + 1))
async def test_an_entry_that_is_only_printed_otherwise_is_altered_too(kept: Kept, seq: int):
    path = kept.path(seq)
    path.write_bytes(json.dumps(json.loads(path.read_bytes())).encode())
    assert await kept.found() == [(ONE, entry_key(ONE, seq), "altered")]


@pytest.mark.parametrize("seq", range(1, LENGTH + 1))
async def test_a_removed_entry_is_named(kept: Kept, seq: int):
    kept.path(seq).unlink()
    assert await kept.found() == [(ONE, entry_key(ONE, seq), "removed")]


@pytest.mark.parametrize("left", range(LENGTH))
async def test_an_end_cut_off_is_removed_from_there(kept: Kept, left: int):
    for seq in range(left + 1, LENGTH + 1):
        kept.path(seq).unlink()
    assert await kept.found() == [(ONE, entry_key(ONE, left + 1), "removed")]


@pytest.mark.parametrize(("seq", "other"), [(1, 2), (2, 3), (1, 5), (4, 5), (2, 5)])
async def test_entries_in_another_order_are_named_from_the_first(kept: Kept, seq: int, other: int):
    kept.swap(seq, other)
    assert await kept.found() == [(ONE, entry_key(ONE, seq), "reordered")]


async def test_an_entry_of_another_case_does_not_belong_here(kept: Kept):
    kept.path(2).write_bytes(kept.path(2, TWO).read_bytes())
    assert await kept.found() == [(ONE, entry_key(ONE, 2), "reordered")]


@pytest.mark.parametrize("renumber", [True, False])
@pytest.mark.parametrize("seq", range(1, LENGTH + 1))
async def test_an_inserted_entry_is_named(kept: Kept, seq: int, renumber: bool):
    kept.insert(seq, renumber=renumber)
    assert await kept.found() == [(ONE, entry_key(ONE, seq), "inserted")]


async def test_a_chain_forged_anew_from_an_entry_on_is_found_by_the_log_of_heads(kept: Kept):
    chain = Chain(ONE)
    shutil.rmtree(kept.path(1).parent)
    for number in range(LENGTH):
        chain = await Ledger(FolderStore(kept.root)).append(chain, [line(number if number < 2 else 99, kept.document)])
    assert await kept.found() == [(ONE, entry_key(ONE, 3), "altered")]


async def test_an_object_that_was_altered_or_removed_is_named(kept: Kept):
    path = kept.root / "objects" / kept.document
    path.write_bytes(b"something else")
    assert await kept.found() == [("objects", f"objects/{kept.document}", "altered")]
    path.unlink()
    assert await kept.found() == [("objects", f"objects/{kept.document}", "removed")]


async def test_each_chain_tells_of_its_own_first_fault(kept: Kept):
    kept.path(4).unlink()
    kept.path(2, TWO).write_bytes(b"{}")
    assert await kept.found() == [(ONE, entry_key(ONE, 4), "removed"), (TWO, entry_key(TWO, 2), "altered")]


async def test_without_the_log_of_heads_the_chain_alone_still_shows_all_but_its_end(kept: Kept):
    shutil.rmtree(kept.root / PREFIX)
    path = kept.path(3)
    path.write_bytes(path.read_bytes().replace(b'"n":', b'"m":'))
    assert await kept.found() == [(ONE, entry_key(ONE, 3), "altered")]


async def test_notes_that_cannot_be_written_wait_for_the_next_try(tmp_path: Path):
    class Away:
        async def create(self, key: str, _data: bytes) -> None:
            raise UnavailableError("store", key)

    store: Store = FolderStore(tmp_path)
    heads = HeadsLog(store)
    heads("RQ-1", 1, "a" * 64)
    heads.store = Away()  # type: ignore[assignment]  # nothing else of it is asked
    await heads.flush(NOON)
    assert (await read_notes(store)).heads == {}
    heads.store = store
    await heads.flush(NOON)
    await heads.flush(NOON)
    assert (await read_notes(store)).heads["RQ-1"][1].digest == "a" * 64


async def test_a_note_whose_writer_did_not_hear_that_it_was_stored_is_there_twice_and_both_are_in_order(tmp_path: Path):
    store = FolderStore(tmp_path)
    heads = HeadsLog(store)
    heads("RQ-1", 1, "a" * 64)
    heads.store = Unheard(tmp_path)
    await heads.flush(NOON)
    heads.store = store
    for number, later in enumerate((timedelta(minutes=-9), timedelta(minutes=-8)), 2):  # its clock was set back
        heads("RQ-1", number, "b" * 64)
        await heads.flush(NOON + later)
    notes = await read_notes(store)
    assert (notes.altered, notes.removed, [*notes.heads["RQ-1"]]) == ({}, {}, [1, 2, 3])
    stray, *_ = [blob.key async for blob in store.list(PREFIX) if blob.key.endswith("-000000.json")]
    other = json.loads((tmp_path / stray).read_bytes()) | {"prev": "c" * 64}
    (tmp_path / stray).write_bytes(canonical(other))
    assert [*(await read_notes(store)).altered] == [stray]


async def test_what_was_noted_is_written_when_the_writer_is_told_to_stop(tmp_path: Path):
    store = FolderStore(tmp_path)
    heads = HeadsLog(store)
    heads("RQ-1", 1, "a" * 64)
    running = asyncio.create_task(heads.run(lambda: NOON))
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert "RQ-1" in (await read_notes(store)).heads


async def test_a_note_that_was_altered_removed_or_put_elsewhere_is_named(kept: Kept):
    first, last = sorted((kept.root / PREFIX).iterdir())
    kept_first = first.read_bytes()
    for harm, fault in ((b"not a note", "altered"), (last.read_bytes(), "altered"), (b"{}", "altered")):
        first.write_bytes(harm)
        assert ("log", f"{PREFIX}{first.name}", fault) in await kept.found()
    first.unlink()
    assert await kept.found() == [("log", f"{PREFIX}{last.name}", "removed")]
    first.write_bytes(kept_first.replace(b'"prev":""', b'"prev":"x"'))
    assert ("log", f"{PREFIX}{first.name}", "altered") in await kept.found()


# Whatever one does to any file of it.

Harm = Callable[[Kept, list[Path], int, int], None]


def flip(_: Kept, files: list[Path], which: int, where: int) -> None:
    path = files[which % len(files)]
    data = bytearray(path.read_bytes())
    data[where % len(data)] ^= 1 << where % 8
    path.write_bytes(bytes(data))


def remove(_: Kept, files: list[Path], which: int, __: int) -> None:
    """That a writer's very last note is gone shows nowhere: it proves what came before, nothing proves it."""
    notes = [path for path in files if path.parent.name == "heads"]
    rest = [path for path in files if path != notes[-1]]
    rest[which % len(rest)].unlink()


def cut(_: Kept, files: list[Path], which: int, where: int) -> None:
    path = files[which % len(files)]
    data = path.read_bytes()
    path.write_bytes(data[: where % len(data)])


def copy_over(_: Kept, files: list[Path], which: int, where: int) -> None:
    one = files[which % len(files)]
    other = next(path for path in files[where % len(files) :] + files if path.read_bytes() != one.read_bytes())
    one.write_bytes(other.read_bytes())


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pristine")
    asyncio.run(Kept(root).written())
    return root


@settings(max_examples=40, deadline=None)
@given(harm=st.sampled_from([flip, remove, cut, copy_over]), which=st.integers(0, 99), where=st.integers(0, 9999))
def test_whatever_is_done_to_any_entry_object_or_note_is_found(pristine: Path, harm: Harm, which: int, where: int):
    with TemporaryDirectory() as folder:
        root = Path(folder) / "store"
        shutil.copytree(pristine, root)
        harm(Kept(root), sorted(path for path in root.rglob("*") if path.is_file()), which, where)
        assert asyncio.run(Kept(root).found())

"""Upkeep: files that were dropped off are taken in, row by row and once."""

import json

from blocks.errors import UnavailableError
from blocks.ports import Blob
from blocks.store import FolderStore
from tasks.arrivals import quarantine
from tasks.upkeep.files import DROP, Picked, pick_up
from tests.hospital import Hospital

GOOD = {"requester": "rita.okafor", "cost_centre": "OR", "item": "KNEE-TIB-4", "quantity": 2}
FILE = b"""id,requester,cost_centre,item,quantity,reason
1,rita.okafor,OR,KNEE-TIB-4,1,"two lines,
one row"
2,rita.okafor,OR,KNEE-TIB-4,-1,
3,gus.varga,OR,KNEE-TIB-4,1,
4,rita.okafor,OR
5,sam.lind,ICU,VENT-T1,1,,extra
6,sam.lind,ICU,IVSET-20,40,
"""


async def dropped(hospital: Hospital, name: str, raw: bytes) -> list[Picked]:
    await hospital.ledger.store.create(f"{DROP}{name}", raw)
    return await looked(hospital, set())


async def looked(hospital: Hospital, taken: set[Blob]) -> list[Picked]:
    with hospital.bound():
        return await pick_up(hospital.ledger, taken)


async def cases_of(hospital: Hospital) -> list[str]:
    return [name async for name, _ in hospital.ledger.cases() if "~" not in name]


async def test_the_good_rows_of_a_file_become_cases_and_the_bad_ones_are_told(hospital):
    (picked,) = await dropped(hospital, "morning.csv", FILE)
    told = {receipt.message: {issue.field for issue in receipt.issues} for receipt in picked.receipts}
    assert told == {
        "1": set(), "2": {"quantity"}, "3": {"requester"}, "4": {"item", "quantity"},
        "5": {"more_columns_than_the_header"}, "6": set(),
    }  # fmt: skip
    assert len(await cases_of(hospital)) == 2
    assert len(await quarantine(hospital.ledger)) == 4


async def test_a_file_is_taken_in_once_however_often_one_looks_and_whatever_it_is_called(hospital):
    assert len(await dropped(hospital, "a.csv", FILE)) == 1
    cases, aside = await cases_of(hospital), len(await quarantine(hospital.ledger))
    (again,) = await dropped(hospital, "copy of a.csv", FILE)
    assert again.receipts == ()
    assert again.issues[0].reason.startswith("copy of a.csv has the same rows as a.csv of 2026-11-")
    assert await looked(hospital, set()) == []
    assert (await cases_of(hospital), len(await quarantine(hospital.ledger))) == (cases, aside + 1)


async def test_json_lines_with_bad_ones_among_them(hospital):
    lines = [json.dumps(GOOD | {"id": "7"}), "not json", "[1]", json.dumps(GOOD | {"colour": "red"}), "[" * 100_000]
    (picked,) = await dropped(hospital, "b.jsonl", b"\xef\xbb\xbf" + "\n".join(lines).encode())
    assert [receipt.case is not None for receipt in picked.receipts] == [True, False, False, False, False]


async def test_a_file_that_cannot_be_split_is_put_aside_whole(hospital):
    (picked,) = await dropped(hospital, "list.xlsx", b"PK\x03\x04")
    assert picked.issues[0].field == "file"
    (kept,) = await quarantine(hospital.ledger)
    assert (kept["id"], await hospital.ledger.read_raw(kept["object"])) == ("list.xlsx", b"PK\x03\x04")
    assert await dropped(hospital, "other.txt", b"hello")


class Failing(FolderStore):
    """A folder of which one file cannot be read, and which says what is read."""

    broken = ""

    def __init__(self, root) -> None:
        super().__init__(root)
        self.read: list[str] = []

    async def get(self, key: str) -> bytes:
        if self.broken and key.endswith(self.broken):
            raise UnavailableError("store", "it is locked")
        self.read.append(key)
        return await super().get(key)


async def test_what_was_taken_is_not_read_again_until_it_changes(tmp_path):
    hospital, taken = await Hospital.opened(tmp_path), set()
    store = hospital.ledger.store = Failing(tmp_path)
    await store.create(f"{DROP}a.csv", FILE)
    assert [file.name for file in await looked(hospital, taken)] == ["a.csv"]
    store.read.clear()
    assert await looked(hospital, taken) == []
    assert store.read == []
    (tmp_path / DROP / "a.csv").write_bytes(FILE.replace(b"6,sam", b"7,sam"))
    (again,) = await looked(hospital, taken)
    assert [receipt.new for receipt in again.receipts if receipt.case] == [False, True]
    (tmp_path / DROP / "a.csv").unlink()
    assert await looked(hospital, taken) == []
    assert not taken


async def test_a_file_that_cannot_be_read_is_told_and_tried_again_and_the_others_are_taken_in(tmp_path):
    hospital, taken = await Hospital.opened(tmp_path), set()
    store = hospital.ledger.store = Failing(tmp_path)
    store.broken = "a.csv"
    await store.create(f"{DROP}a.csv", FILE)
    await store.create(f"{DROP}b.jsonl", json.dumps(GOOD | {"id": "7"}).encode())
    for good in (1, 0):
        first, *others = await looked(hospital, taken)
        assert (first.name, first.failed) == ("a.csv", "UnavailableError: store: it is locked")
        assert [len(file.receipts) for file in others] == [1] * good
    store.broken = ""
    (file,) = await looked(hospital, taken)
    assert (file.name, file.failed, len(file.receipts)) == ("a.csv", "", 6)

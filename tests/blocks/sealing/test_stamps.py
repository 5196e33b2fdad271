"""Verifying time-stamps: each that is wrong is named, and so is a log whose times or entries they contradict."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from blocks.audit.stamps import UNCHECKED
from blocks.audit.verdict import Verdict, verify
from blocks.records.ledger import Line
from blocks.sealing.log import Log, committed
from blocks.sealing.sealer import Sealer
from blocks.sealing.stamps import KeptStamp, keep_stamp, kept_stamps
from blocks.sealing.tsa import Authority as Asked
from blocks.sealing.tsa import Roots
from blocks.wire.commitments import moment_text
from blocks.wire.signed_note import Checkpoint, SecretKey
from blocks.wire.tiles import Edge, grown
from tasks.auditing.stamping import stamp_head
from tests.authority import Authority
from tests.hospital import Hospital
from tests.sealing import KEY, seal

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with Authority(tmp_path_factory.mktemp("tsa")).open() as opened:
        yield opened


@dataclass
class House:
    """A hospital with its ledger sealed and stamped, now: the authority's clock is the real one."""

    hospital: Hospital
    authority: Authority
    folder: Path

    @property
    def roots(self) -> Roots:
        return Roots.read(self.authority.roots.read_bytes())

    async def write(self, case: str, at: datetime, key: SecretKey = KEY) -> Log:
        """Write an entry, and seal it when the clock of whoever seals says *at*."""
        self.hospital.now = at
        line = Line(act="noted", actor="process:test", at=at)
        await self.hospital.ledger.append(await self.hospital.chain(case), [line])
        return await seal(self.hospital, key)

    async def stamp(self) -> KeptStamp:
        log = Log(self.hospital.ledger.store, KEY.public)
        await stamp_head(self.hospital.ledger, log, Asked(self.authority.url), self.hospital.now)
        return (await kept_stamps(self.hospital.ledger.store))[0][-1]

    async def verdict(self, roots: Roots | None = None) -> Verdict:
        await seal(self.hospital)
        log = Log(self.hospital.ledger.store, KEY.public)
        now = max(self.hospital.now, datetime.now(UTC))
        return await verify(self.hospital.ledger, log, roots=roots or self.roots, now=now)

    async def faults(self, roots: Roots | None = None) -> list[tuple[str, str]]:
        return [(x.where, x.fault) for x in (await self.verdict(roots)).findings]

    def rewrite(self, key: str, data: bytes | None) -> None:
        path = self.folder / key
        path.unlink() if data is None else path.write_bytes(data)


@pytest.fixture
async def house(hospital: Hospital, authority: Authority, tmp_path: Path) -> House:
    made = House(hospital, authority, tmp_path / "store")
    await made.write("RQ-1", datetime.now(UTC))
    return made


async def test_what_holds_is_told_with_the_last_stamp_and_how_many_entries_it_covers(house):
    kept = await house.stamp()
    verdict = await house.verdict()
    assert (verdict.findings, verdict.stamps) == ((), 1)
    assert verdict.stamped.startswith(f"{kept.size} entries at {datetime.now(UTC):%Y-%m-%d} ")
    assert verdict.stamped.endswith("UTC by Clock & Sons")
    assert UNCHECKED not in verdict.notes


async def test_without_roots_it_says_that_nobody_asked_who_signed(house):
    await house.stamp()
    log = Log(house.hospital.ledger.store, KEY.public)
    verdict = await verify(house.hospital.ledger, log, now=house.hospital.now)
    assert (verdict.findings, UNCHECKED in verdict.notes) == ((), True)


async def test_a_ledger_without_stamps_is_told_nothing_of_them(house):
    verdict = await house.verdict()
    assert (verdict.findings, verdict.stamps, verdict.stamped, verdict.notes) == ((), 0, "", ())


async def test_a_bit_flipped_anywhere_in_an_answer_or_in_what_was_stamped_is_named(house):
    kept = await house.stamp()
    random = Random(3161)  # noqa: S311  to be the same every time
    for key, data in ((kept.answer_key, kept.answer), (kept.note_key, kept.note)):
        assert data
        for _ in range(12):
            flipped = bytearray(data)
            flipped[random.randrange(len(data))] ^= 1 << random.randrange(8)
            house.rewrite(key, bytes(flipped))
            assert (key, "altered") in await house.faults()
        house.rewrite(key, data)
    assert await house.faults() == []


@pytest.mark.parametrize("part", ["answer_key", "note_key"])
async def test_what_was_taken_away_is_named(house, part):
    kept = await house.stamp()
    house.rewrite(getattr(kept, part), None)
    assert await house.faults() == [(getattr(kept, part), "removed")]


async def test_what_lies_there_and_is_none_is_named(house):
    kept = await house.stamp()
    copy = f"{kept.name[:-1]}{'0' if kept.name[-1] != '0' else '1'}"
    house.rewrite("log/stamps/readme.txt", b"?")
    house.rewrite(f"{copy}.tsr", kept.answer)
    assert set(await house.faults()) == {("log/stamps/readme.txt", "inserted"), (f"{copy}.note", "removed")}


async def slipped_in(house: House, answer: bytes) -> KeptStamp:
    """Keep an answer for the head of now, as one who may write to the store could, and tell the ledger nothing."""
    head = await (await seal(house.hospital)).head()
    assert head is not None
    return await keep_stamp(house.hospital.ledger.store, head, answer)


async def test_a_token_for_another_head_is_named(house):
    first = await house.stamp()
    await house.write("RQ-2", datetime.now(UTC))
    assert first.answer
    second = await slipped_in(house, first.answer)
    (finding,) = (await house.verdict()).findings
    assert (finding.where, finding.fault) == (second.answer_key, "unproven")
    assert "it stamps something else" in finding.because


async def test_a_token_by_another_authority_is_named(house, tmp_path):
    head = await (await seal(house.hospital)).head()
    assert head is not None
    with Authority(tmp_path / "other", "Elsewhere").open() as other:
        kept = await slipped_in(house, await Asked(other.url).stamp(head.note.data))
    (finding,) = (await house.verdict()).findings
    assert (finding.where, finding.fault) == (kept.answer_key, "unproven")
    assert "vouched for by none of the roots" in finding.because


async def test_a_token_by_a_certificate_that_had_expired_is_named(house, tmp_path):
    head = await (await seal(house.hospital)).head()
    assert head is not None
    with Authority(tmp_path / "late", "Past", (-20, -10)).open() as late:
        kept = await slipped_in(house, await Asked(late.url).stamp(head.note.data))
        (finding,) = (await house.verdict(Roots.read(late.roots.read_bytes()))).findings
    assert (finding.where, finding.fault) == (kept.answer_key, "unproven")
    assert "not when it stamped" in finding.because


async def test_a_head_that_another_key_signed_is_none_though_it_is_stamped(house):
    theirs = SecretKey.made(KEY.name)
    head = await (await seal(house.hospital)).head()
    assert head is not None
    note = head.checkpoint.signed([theirs])
    forged = head._replace(note=note)
    answer = await Asked(house.authority.url).stamp(note.data)
    kept = await keep_stamp(house.hospital.ledger.store, forged, answer)
    assert await house.faults() == [(kept.note_key, "altered")]


async def test_an_entry_that_says_it_was_sealed_after_the_stamp_over_it_is_named(house):
    await house.write("RQ-2", datetime.now(UTC) + 2 * HOUR)
    await house.stamp()
    assert ("cases/RQ-2/00000001.json", "postdated") in await house.faults()


async def test_an_entry_that_says_it_was_sealed_before_a_stamp_that_does_not_cover_it_is_named(
    hospital, authority, tmp_path
):
    """A log that is written on with the clock put back, as one who forges yesterday would."""
    house = House(hospital, authority, tmp_path / "store")
    await house.write("RQ-1", datetime.now(UTC) - 3 * HOUR)
    house.hospital.now = datetime.now(UTC)
    head = await (await seal(hospital)).head()
    assert head is not None
    await slipped_in(house, await Asked(authority.url).stamp(head.note.data))
    await house.write("RQ-2", datetime.now(UTC) - 2 * HOUR)
    (finding,) = (await house.verdict()).findings
    assert (finding.where, finding.fault) == ("cases/RQ-2/00000001.json", "backdated")
    assert "did not have it" in finding.because


async def test_a_log_that_was_cut_back_behind_a_stamped_head_is_named(house):
    early = {x.relative_to(house.folder): x.read_bytes() for x in house.folder.glob("log/*") if x.is_file()}
    await house.write("RQ-2", datetime.now(UTC))
    await house.stamp()
    for path, data in early.items():
        (house.folder / path).write_bytes(data)
    log = Log(house.hospital.ledger.store, KEY.public)
    verdict = await verify(house.hospital.ledger, log, roots=house.roots, now=house.hospital.now)
    assert any(
        x.where == "log/checkpoint" and x.fault == "replayed" and "time-stamped" in x.because for x in verdict.findings
    )


async def test_a_log_rewritten_with_its_own_stolen_key_is_named_by_the_stamp_alone(house):
    """Without a witness, which finds it first."""
    await house.stamp()
    case = house.folder / "cases/RQ-1/00000001.json"
    case.write_bytes(case.read_bytes().replace(b"process:test", b"process:TEST"))
    stamps = {x: x.read_bytes() for x in (house.folder / "log/stamps").iterdir()}
    for path in sorted((house.folder / "log").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    thief = Sealer(house.hospital.ledger, KEY)
    await thief.follow()
    await thief.sweep()
    await thief.seal(datetime.now(UTC))
    (house.folder / "log/stamps").mkdir()
    for path, data in stamps.items():
        path.write_bytes(data)
    (finding,) = (await house.verdict()).findings
    assert (finding.where, finding.fault) == ("log/checkpoint", "rewritten")
    assert "time-stamped" in finding.because


async def test_an_entry_that_says_it_was_sealed_before_the_one_before_it_is_named(house):
    """So that what two stamps say of the entries at their edges holds for all between them."""
    late = moment_text(datetime.now(UTC) + HOUR)
    leaves = [leaf async for _, leaf in Log(house.hospital.ledger.store, KEY.public).leaves(3)]
    first = committed(leaves[0], 0)._replace(at=late)
    for path in sorted((house.folder / "log").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    edge, files = grown(Edge(), [first.data, *leaves[1:]])
    note = Checkpoint(KEY.name, edge.size, edge.root).signed([KEY]).data
    for key, data in {**files, "checkpoint": note, "lock": note}.items():
        path = house.folder / "log" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    log = Log(house.hospital.ledger.store, KEY.public)
    (finding,) = (await verify(house.hospital.ledger, log, now=datetime.now(UTC))).findings
    second = committed(leaves[1], 1)
    assert (finding.where, finding.fault) == (f"cases/{second.case}/{second.seq:08}.json", "backdated")
    assert f"the one before it at {late}" in finding.because

"""The witness cosigns what continues what it saw, and nothing else: not even what the log's own key signed."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from blocks.audit.verdict import verify
from blocks.ledger import Ledger
from blocks.sealing.log import CHECKPOINT, Log
from blocks.sealing.sealer import Sealer
from blocks.sealing.witness import SEEN, Witness, Witnessed
from blocks.store import FolderStore
from blocks.wire.signed_note import COSIGNS, SecretKey
from tests.blocks.sealing.test_sealer import KEY, Writer
from tests.samples import NOON

WITNESS = SecretKey.made("audit.example/witness", COSIGNS)


class House:
    """A log that is written, and its witness, each in a folder of its own."""

    def __init__(self, root: Path) -> None:
        self.root, self.own = root / "log", FolderStore(root / "witness")
        self.store = FolderStore(self.root)
        self.witness = self.another()
        self.writer = Writer(self.store, "one")

    def another(self) -> Witness:
        return Witness(Log(self.store, KEY.public), self.own, WITNESS)

    async def grow(self, entries: int, case: str = "RQ-1") -> None:
        await self.writer.write(case, entries)
        await Sealer(Ledger(self.store), KEY).round(NOON)

    async def seen(self) -> int:
        head = await Witnessed(self.own, WITNESS.public).head()
        return head.checkpoint.size if head else -1

    def forge(self) -> None:
        """Begin the log anew, in the same place, with the same key."""
        shutil.rmtree(self.root)
        self.store = FolderStore(self.root)
        self.writer = Writer(self.store, "forger")
        self.witness.log = Log(self.store, KEY.public)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def test_a_log_that_only_grows_is_cosigned(house: House):
    assert await house.witness.look(NOON) is None
    assert await house.seen() == -1
    for entries in (0, 3, 252, 1, 300):
        await house.grow(entries)
        assert await house.witness.look(NOON) is None
    assert await house.seen() == 556
    head = await Witnessed(house.own, WITNESS.public).head()
    assert head is not None
    assert KEY.public.signed(head.note)
    assert WITNESS.public.signed(head.note)


async def test_a_witness_started_anew_remembers(house: House):
    await house.grow(300)
    await house.witness.look(NOON)
    await house.grow(5)
    assert await house.another().look(NOON) is None
    assert await house.seen() == 305


@pytest.mark.parametrize("anew", [False, True])
async def test_history_rewritten_with_the_logs_own_key_is_refused_and_the_first_other_entry_is_named(
    house: House, anew: bool
):
    await house.grow(2)
    await house.grow(300, "RQ-2")
    await house.witness.look(NOON)
    house.forge()
    await house.grow(2)
    await house.grow(1, "RQ-3")
    await house.grow(400, "RQ-2")
    alarm = await (house.another() if anew else house.witness).look(NOON)
    assert alarm is not None
    assert alarm.place == 2
    assert await house.seen() == 302
    assert await Witnessed(house.own, WITNESS.public).alarms() == [alarm]


async def test_a_log_that_shrank_is_refused_and_the_alarm_is_kept_once(house: House):
    await house.grow(5)
    await house.witness.look(NOON)
    house.forge()
    await house.grow(4)
    for _ in range(3):
        alarm = await house.witness.look(NOON)
        assert alarm is not None
        assert alarm.why == "it shrank: 5 entries were seen, 4 are shown"
    assert len(await Witnessed(house.own, WITNESS.public).alarms()) == 1


async def test_a_log_that_was_rewritten_and_grows_raises_one_alarm(house: House):
    await house.grow(5)
    await house.witness.look(NOON)
    house.forge()
    await house.grow(1, "RQ-9")
    for _ in range(3):
        await house.grow(6)
        alarm = await house.witness.look(NOON)
        assert alarm is not None
    assert await Witnessed(house.own, WITNESS.public).alarms() == [alarm]


async def test_what_the_witness_refused_is_told_although_its_own_head_is_garbled(house: House):
    await house.grow(5)
    await house.witness.look(NOON)
    await house.own.create("alarms/x", b'{"why":"it shrank","place":null}')
    (house.own._root / SEEN).write_bytes(b"nonsense")
    found = await verify(
        Ledger(house.store), Log(house.store, KEY.public), Witnessed(house.own, WITNESS.public), now=NOON
    )
    assert [(one.where, one.fault) for one in found.findings] == [("alarms/x", "refused"), ("checkpoint", "altered")]


async def test_a_log_that_is_gone_or_signed_by_a_stranger_is_refused(house: House):
    await house.grow(5)
    await house.witness.look(NOON)
    path = house.root / CHECKPOINT
    note = path.read_bytes()
    path.unlink()
    gone = await house.witness.look(NOON)
    path.write_bytes(note.replace(b"5\n", b"6\n", 1))
    altered = await house.witness.look(NOON)
    assert gone is not None
    assert gone.why == "log/checkpoint is gone"
    assert altered is not None
    assert "is not a head that the log's key signed" in altered.why


async def test_a_head_that_stays_the_same_is_cosigned_anew_once_an_hour(house: House):
    await house.grow(1)
    own = Witnessed(house.own, WITNESS.public)
    assert await own.at() == 0
    for minutes, wanted in ((0, 0), (30, 0), (60, 60)):
        await house.witness.look(NOON + timedelta(minutes=minutes))
        assert await own.at() == int(NOON.timestamp()) + 60 * wanted


async def test_a_witness_whose_own_memory_was_harmed_keeps_an_alarm_of_it_and_cosigns_nothing(house: House):
    await house.grow(5)
    await house.witness.look(NOON)
    tile = next((house.own._root / "tile").rglob("5"))
    tile.write_bytes(b"\0" * 160)
    await house.grow(1)
    for _ in range(2):
        alarm = await house.another().look(NOON)
        assert alarm is not None
        assert "own hashes" in alarm.why
    assert await Witnessed(house.own, WITNESS.public).alarms() == [alarm]
    assert await house.seen() == 5
    (house.own._root / SEEN).write_bytes(b"nonsense")
    alarm = await house.another().look(NOON)
    assert alarm is not None
    assert "not a head that the witness cosigned" in alarm.why


async def test_a_tile_put_in_the_witnesss_way_is_an_alarm_and_not_a_silence(house: House):
    await house.grow(4)
    await house.witness.look(NOON)
    await house.own.create("tile/0/000.p/5", b"\0" * 160)
    await house.grow(1)
    alarm = await house.witness.look(NOON)
    assert alarm is not None
    assert alarm.why == "tile/0/000.p/5 in the witness's store is not what it saw"


@pytest.mark.parametrize("entries", [4, 300, 400])
async def test_a_witness_whose_head_was_taken_away_does_not_begin_anew_with_another_history(house: House, entries: int):
    await house.grow(2)
    await house.grow(300, "RQ-2")
    await house.witness.look(NOON)
    (house.own._root / SEEN).unlink()
    house.forge()
    await house.grow(2)
    await house.grow(entries, "RQ-3")
    alarm = await house.another().look(NOON)
    assert alarm is not None
    assert (alarm.why, alarm.place) == (f"its own {SEEN} is gone, and the log does not show what it saw", 2)
    assert await house.seen() == -1


async def test_a_witness_whose_head_was_taken_away_misses_entries_and_the_whole_log(house: House):
    await house.grow(302)
    await house.witness.look(NOON)
    (house.own._root / SEEN).unlink()
    path = house.root / CHECKPOINT
    note = path.read_bytes()
    path.unlink()
    gone = await house.another().look(NOON)
    path.write_bytes(note)
    house.forge()
    await house.grow(301)
    fewer = await house.another().look(NOON)
    assert gone is not None
    assert gone.why == "log/checkpoint is gone"
    assert fewer is not None
    assert fewer.place == 301


async def test_a_witness_that_died_before_its_first_head_was_written_goes_on(house: House):
    await house.grow(300)
    await house.witness.look(NOON)
    (house.own._root / SEEN).unlink()
    await house.grow(5)
    assert await house.another().look(NOON) is None
    assert await house.seen() == 305


async def test_a_witness_that_stands_still_is_missed_after_ten_minutes(house: House):
    await house.grow(5)
    await house.witness.look(NOON)
    await house.grow(1)
    ledger, log, witnessed = Ledger(house.store), Log(house.store, KEY.public), Witnessed(house.own, WITNESS.public)
    soon = await verify(ledger, log, witnessed, now=NOON + timedelta(minutes=9))
    late = await verify(ledger, log, witnessed, now=NOON + timedelta(minutes=11))
    assert soon.findings == ()
    (finding,) = late.findings
    assert (finding.where, finding.fault) == (CHECKPOINT, "unwitnessed")
    assert finding.because == "the witness has seen 5 entries, and not what was sealed since 2026-11-23T12:00:00Z"


async def test_what_the_witness_refused_is_told_first_and_by_a_name_of_its_own(house: House):
    await house.grow(5)
    await house.witness.look(NOON)
    await house.own.create("alarms/x", b'{"why":"it shrank","place":null}')
    path = house.root / "cases/RQ-1/00000002.json"
    path.write_bytes(path.read_bytes() + b" ")
    found = await verify(
        Ledger(house.store), Log(house.store, KEY.public), Witnessed(house.own, WITNESS.public), now=NOON
    )
    assert [(one.where, one.fault) for one in found.findings] == [
        ("alarms/x", "refused"), ("cases/RQ-1/00000002.json", "altered"),
    ]  # fmt: skip
    assert found.findings[0].because == "the witness did not cosign: it shrank"


async def test_a_tile_of_the_log_that_is_gone_is_refused(house: House):
    await house.grow(5)
    await house.witness.look(NOON)
    await house.grow(1)
    (house.root / "log/tile/0/000.p/6").unlink()
    alarm = await house.witness.look(NOON)
    assert alarm is not None
    assert alarm.why == "log/tile/0/000.p/6 is missing"
    assert await house.seen() == 5


async def test_an_alarm_that_nobody_can_read_is_one_too(house: House):
    await house.own.create("alarms/x", b"nonsense")
    (alarm,) = await Witnessed(house.own, WITNESS.public).alarms()
    assert alarm.why == "it is not an alarm as the witness writes one"


async def test_history_rewritten_is_found_by_the_cosigned_root_alone_where_the_witness_lost_its_hashes(house: House):
    await house.grow(5)
    await house.witness.look(NOON)
    house.forge()
    await house.grow(1, "RQ-9")
    await house.grow(4)
    shutil.rmtree(house.own._root / "tile")
    found = await verify(
        Ledger(house.store), Log(house.store, KEY.public), Witnessed(house.own, WITNESS.public), now=NOON
    )
    assert (found.findings[0].where, found.findings[0].fault) == (CHECKPOINT, "rewritten")
    assert [(x.where, x.fault) for x in found.findings[1:]] == [("tile/0/000.p/5", "removed")]

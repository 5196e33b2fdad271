"""What a run set aside, or counted, that was overtaken or killed, is given back and counts no more."""

from datetime import timedelta

import pytest

from blocks.errors import UnknownError
from blocks.ledger import Ledger
from blocks.records.ledger import Line
from blocks.records.outcome import Hold
from tasks.case import OvertakenError
from tasks.effects import InDoubtError
from tasks.rules.books import funds_book, spend_book
from tests.crashes.points import Killed
from tests.fakes.erp import FakeErp
from tests.fakes.erp_server import PERSONALITIES
from tests.hospital import Hospital
from tests.samples import usd
from tests.stores import Overtaken


async def test_what_a_run_held_that_died_after_another_had_refused_is_given_back_by_the_next_request(tmp_path):
    first = await Hospital.opened(tmp_path / "store")
    case = await first.submit("SUTURE-30", 2)
    store = Overtaken(tmp_path / "store")
    store.at, store.first = "cases/book~funds", lambda: first.wake(case)
    died = Hospital(Ledger(store), first.erp, first.desk, first.now + timedelta(minutes=1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flows.requisition.let_go_if_over", dies)
        with pytest.raises(Killed):
            await died.wake(case)
    assert await funds_of(first, case) == ["held", "released", "held"]
    for minutes, given_back in ((5, False), (10, True)):
        first.now += timedelta(minutes=minutes)
        await first.wake(await first.submit("SUTURE-30", 1))
        assert (await funds_of(first, case) == ["held", "released", "held", "released"]) is given_back


async def test_what_was_counted_with_it_is_taken_out_of_the_requesters_book(hospital):
    case = await hospital.submit("GLOVE-M", 20)
    assert (await hospital.wake(case)).ended == "filled"
    amount = usd("90.00")
    spent = {"supplier": "SUP-CORDIS", "amount": amount.model_dump(mode="json")}
    held = {"hold": Hold(case=case, amount=amount, order_key="k").model_dump(mode="json")}
    for name, act, body in ((spend_book("rita.okafor"), "spent", spent), (funds_book("OR", 2026), "held", held)):
        line = Line(act=act, key=case, actor="process:requisition", at=hospital.now, body=body)
        await hospital.ledger.append(await hospital.chain(name), [line])
    hospital.now += timedelta(minutes=15)
    await hospital.wake(await hospital.submit("SUTURE-30", 1))
    assert (await funds_of(hospital, case))[-1] == "released"
    book = await hospital.chain(spend_book("rita.okafor"))
    assert [line.act for line in book.lines if line.key == case] == ["spent", "dropped"]


async def funds_of(hospital: Hospital, case: str) -> list[str]:
    book = await hospital.chain(funds_book("OR", 2026))
    return [line.act for line in book.lines if line.key == case]


async def test_what_is_in_doubt_stays_held_however_long_it_takes(hospital):
    hospital.erp = NeverSays(personality=PERSONALITIES["nothing at all"])
    case = await hospital.submit("IVSET-20", 96)
    with pytest.raises(InDoubtError):
        await hospital.wake(case)
    hospital.now += timedelta(days=3)
    await hospital.wake(await hospital.submit("SUTURE-30", 1))
    assert (await hospital.chain(funds_book("OR", 2026))).last("released", case) is None


async def test_what_an_overtaken_run_counted_as_ordered_counts_no_more(tmp_path):
    first = await Hospital.opened(tmp_path / "store")
    case = await first.submit("KNEE-TIB-4", 1)
    store = Overtaken(tmp_path / "store")

    async def refuse() -> None:
        first.erp.stock["KNEE-TIB-4"] = 3
        assert (await first.wake(case)).ended == "filled"

    store.at, store.first = "cases/book~spend", refuse
    with pytest.raises(OvertakenError):
        await Hospital(Ledger(store), first.erp, first.desk, first.now + timedelta(minutes=1)).wake(case)
    spend = await first.chain("book~spend~rita.okafor")
    assert [line.act for line in spend.lines] == ["spent", "dropped"]


async def dies(_request: object) -> None:
    raise Killed


class NeverSays(FakeErp):
    """Its orders are made, and nobody hears of them."""

    async def order(self, draft, *, key):
        await super().order(draft, key=key)
        raise UnknownError("erp", "the answer was lost")

"""Funds are held in the book of the fiscal year that the ERP names, and let go there, whatever day it is by then."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from blocks.errors import UnreadableError
from tests.fakes.erp import FakeErp
from tests.hospital import Hospital


class OtherYears(FakeErp):
    """An ERP whose fiscal years begin in July and end *later* years after the day's own; closed, it takes no orders."""

    later: int = 1
    closed: bool = False

    def _budget(self, centre, day):
        budget = super()._budget(centre, day)
        return budget.model_copy(update={"year": day.year + (self.later if day.month > 6 else 0)})

    def _arrive(self, call):
        if self.closed and call == "order":
            raise UnreadableError("erp", "it does not accept our key")
        super()._arrive(call)


@pytest.fixture
async def hospital(tmp_path: Path) -> Hospital:
    opened = await Hospital.opened(tmp_path / "store")
    opened.erp = OtherYears()
    return opened


async def acts(hospital: Hospital, year: int) -> list[str]:
    return [line.act for line in (await hospital.chain(f"book~funds~OR~{year}")).lines]


async def held_and_not_ordered(hospital: Hospital, item: str, quantity: int) -> str:
    """Let a case come as far as its hold."""
    case = await hospital.submit(item, quantity)
    hospital.erp.closed = True
    with pytest.raises(UnreadableError):
        await hospital.wake(case)
    hospital.erp.closed = False
    return case


async def test_what_is_held_in_a_fiscal_year_is_seen_by_the_next_look_into_that_year(hospital):
    held = await held_and_not_ordered(hospital, "IVSET-20", 40)
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    assert [str(ask.budget_left) for ask in await hospital.asks(case)] == ["$399,750.00"]
    assert (await hospital.wake(held)).ended == "ordered"
    await hospital.answer(case, "ivo.petrov")
    assert (await hospital.wake(case)).ended == "ordered"
    assert await acts(hospital, 2027) == ["held", "placed", "held"]
    assert await acts(hospital, 2026) == []


async def test_what_the_erp_refuses_is_let_go_in_the_book_of_its_fiscal_year(hospital):
    assert (await hospital.wake(await hospital.submit("SUTURE-30", 2))).ended == "refused"
    assert await acts(hospital, 2027) == ["held", "released"]


@pytest.mark.parametrize("began", [datetime(2026, 12, 31, 18, 0, tzinfo=UTC), datetime(2027, 1, 1, 3, 0, tzinfo=UTC)])
@pytest.mark.parametrize(("later", "year"), [(0, 2026), (1, 2027)])
async def test_what_was_held_before_new_year_is_let_go_after_it(hospital, began, later, year):
    """At three in the morning in London the old year still lasts in Chicago."""
    hospital.erp.later, hospital.now = later, began
    case = await held_and_not_ordered(hospital, "SUTURE-30", 2)
    hospital.now = datetime(2027, 1, 4, 15, 0, tzinfo=UTC)
    assert (await hospital.wake(case)).ended == "refused"
    assert await acts(hospital, year) == ["held", "released"]


async def test_what_is_charged_to_another_year_is_let_go_there(hospital):
    case = await hospital.submit("SUTURE-30", 2, charge_on="2027-09-01")
    assert (await hospital.wake(case)).ended == "refused"
    assert await acts(hospital, 2028) == ["held", "released"]


async def test_a_budget_for_longer_than_a_fiscal_year_is_an_admins_matter(hospital):
    hospital.erp.later = 3
    case = await hospital.submit("IVSET-20", 40)
    with pytest.raises(UnreadableError, match="the budget of OR for 2026-11-23 ends in 2029: give it one for each"):
        await hospital.wake(case)

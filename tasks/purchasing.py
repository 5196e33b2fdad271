"""Buying: the ERP's part, and the book of funds."""

import asyncio
from datetime import date
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from blocks import connect
from blocks.errors import RefusedError, UnreadableError
from blocks.ledger import Chain
from blocks.ports import Personality
from blocks.records.ledger import Line
from blocks.records.money import Money
from blocks.records.outcome import Facts, Hold, Outcome
from blocks.records.purchasing import CancelDraft, ErpDocument, IssueDraft, OrderDraft, Requisition, ReverseDraft
from blocks.wire.names import effect_key, reference
from tasks.book import Book, book
from tasks.case import current, today
from tasks.durable import step
from tasks.effects import once
from tasks.rules.books import Funds, Spend, fiscal_years, funds_book, spend_book
from tasks.rules.funds import condensed, left, reason_short

AGAIN = Personality(key_kept_s=None, finds=False, knows_before_it_judges=True)
"""How every ERP treats a document that is taken back twice: it is taken back, its state being its key. So it is asked
again, never sought; and a no says that the first call did not take it back either, once that is no longer at work."""


@step
async def look_up(request: Requisition, look: int) -> Facts:  # noqa: ARG001  each look is a new look
    """Ask the ERP what stock, supplier, contract, budget and calendar say now, and our book what is held."""
    case, day = current(), today()
    on = request.charge_on or day
    before = await _read_funds(request.cost_centre, on)
    found = await connect.erp().sourcing(request, on)
    year = found.budget.year
    if year not in before:
        why = f"the budget of {request.cost_centre} for {on} ends in {year}: give it one for each fiscal year"
        raise UnreadableError("erp", why)
    funds, (seq, in_flight) = _funds(request.cost_centre, year), before[year]
    await funds.read()  # what the ERP shows by now, and was held since we looked, is held before it was ordered
    held = funds.state.standing(since=seq, but=case.id)  # what decides is judged again in hold_funds
    in_flight |= {hold.order_key for hold in held}  # held, and perhaps placed, while the ERP was being read
    sourcing = found.model_copy(update={"budget": condensed(found.budget, in_flight)})
    _mark_placed(funds, {order.reference for order in sourcing.budget.ordered} & in_flight)
    return Facts(sourcing=sourcing, left=left(sourcing.budget, held), funds_seq=seq, looked_on=day)


@step
async def note_spend(request: Requisition, supplier: str, amount: Money, window_days: int, look: int) -> Money | None:
    """Enter the amount in the requester's book; return what else they ordered there within the window.

    The book has one order of entries, so of two halves of a split order the later one sees the earlier.
    At a later look the amounts entered before may have changed.
    """
    case = current()

    def entry(book: Spend) -> Line | None:
        entered = book.spent.get(case.id)
        if entered and entered[:2] == (supplier, amount):
            return None
        body = {"supplier": supplier, "amount": amount.model_dump(mode="json")}
        return Line(act="spent", key=case.id, actor=case.actor, at=case.clock(), body=body)

    spend = book(case.ledger, spend_book(request.requester), Spend)
    if look > 1:
        await spend.read()
    return (await spend.enter(entry)).recent(case.id, window_days)


@step
async def drop_spend(request: Requisition) -> None:
    """Take the amount out of the requester's book again: nothing was ordered."""
    await _drop(current().id, request.requester)


async def _drop(of: str, requester: str) -> None:
    case = current()

    def entry(book: Spend) -> Line | None:
        if of not in book.spent or of in book.dropped:
            return None
        return Line(act="dropped", key=of, actor=case.actor, at=case.clock())

    spend = book(case.ledger, spend_book(requester), Spend)
    await spend.read()
    await spend.enter(entry)


@step
async def hold_funds(facts: Facts, amount: Money) -> Hold:
    """Set the money aside, so that no later request can spend it; `RefusedError` where it has gone."""
    case, budget = current(), facts.sourcing.budget
    hold = Hold(case=case.id, amount=amount, order_key=reference(effect_key(case.id, "order")))

    def entry(funds: Funds) -> Line | None:
        if funds.holds.get(case.id) == hold or case.id in funds.placed:
            return None
        held = funds.standing(since=facts.funds_seq, but=case.id)
        if reason := reason_short(facts.model_copy(update={"left": left(budget, held)}), amount):
            raise RefusedError("funds", reason)
        return Line(act="held", key=case.id, actor=case.actor, at=case.clock(), body=_body(hold))

    await _funds(budget.cost_centre, budget.year).enter(entry)
    return hold


@step
async def release_funds(request: Requisition) -> None:
    """Give the money back, if any was held: also by a run that died before it could say so, and whatever day it is."""
    case = current()
    began = case.chain.lines[0].at.astimezone(ZoneInfo(case.zone)).date()

    for year in fiscal_years(request.charge_on or began, request.charge_on or today()):
        funds = _funds(request.cost_centre, year)
        await funds.read()  # a process that starts here knows of no hold yet, and would find nothing to release
        await funds.enter(lambda now: _released(now, case.id))


async def let_go_if_over(request: Requisition) -> None:
    """Give back what we hold for a case that another run brings to an end without an order, as it overtook us.

    That run may have looked for a hold, or for what we counted, before there was any. Where we die before we get here,
    the next request of the cost centre gives it back (see `look_up`).
    """
    case = current()
    chain = await case.ledger.read(case.id, known=case.chain)
    came = chain.last("outcome", effect_key(case.id, "order"))
    refused = came is not None and "refused" in came.body
    if refused or chain.last("withdrawn") or _bought_nothing(chain):
        await release_funds(request)
        await drop_spend(request)


async def _let_go_of_ended(funds: Book[Funds]) -> None:
    """Give back what is held, and counted, for cases that have ended without an order: whoever did it died over it."""
    case = current()
    for other in funds.state.long_held(case.clock()):
        chain = await case.ledger.read(other) if other != case.id else case.chain
        if _bought_nothing(chain):
            await _drop(other, chain.lines[0].body["request"]["requester"])
            await funds.enter(partial(_released, of=other))


def _released(funds: Funds, of: str) -> Line | None:
    case, hold = current(), funds.holds.get(of)
    return Line(act="released", key=of, actor=case.actor, at=case.clock(), body=_body(hold)) if hold else None


def _bought_nothing(chain: Chain) -> bool:
    ended = chain.last("ended")
    return ended is not None and ended.body["outcome"]["ended"] != "ordered"


@step
async def issue_order(draft: OrderDraft, year: int) -> ErpDocument:
    """Place the order, charged to a fiscal year; the ERP keeps one order a case, however often we ask."""
    erp, case = connect.erp(), current()
    order = await once("order", draft, do=erp.order, find=erp.find_order, personality=erp.personality)
    paid = {"item": draft.item, "unit_price": draft.unit_price.model_dump(mode="json")}
    placed = Line(act="placed", key=case.id, actor=case.actor, at=case.clock(), body=paid)
    _funds(draft.cost_centre, year).marks.append(placed)
    return order


@step
async def issue_from_stock(draft: IssueDraft) -> ErpDocument:
    """Issue what the shelf holds to the department."""
    erp = connect.erp()
    return await once("issue", draft, do=erp.issue, find=erp.find_issue, personality=erp.personality)


@step
async def take_back(bought: Outcome) -> ErpDocument:
    """Let the ERP take back what the case ordered or issued; `RefusedError` once goods came or went."""
    erp, case = connect.erp(), current()
    effect, kind = ("issue", "stock issue") if bought.ended == "filled" else ("order", "purchase order")
    asked = case.chain.having("cancelling")
    because, nth = asked[-1].body["because"], len(asked) - 1
    draft = CancelDraft(kind=kind, of=effect_key(case.id, effect), number=bought.document or "", because=because)
    return await once("cancel", draft, do=erp.cancel, find=erp.find_order, personality=AGAIN, nth=nth)


@step
async def reverse_entry(bought: Outcome, nth: int) -> ErpDocument:
    """Let the ERP reverse the journal entry of a bill for the case's order: the *nth* that was agreed to, from 0."""
    erp, case = connect.erp(), current()
    agreed = case.chain.having("reversing")[nth]
    of, because = effect_key(case.id, "order"), agreed.body["because"]
    draft = ReverseDraft(entry=agreed.key, of=of, number=bought.document or "", because=because)
    return await once("reverse", draft, do=erp.reverse, find=erp.find_order, personality=AGAIN, nth=nth)


async def _read_funds(cost_centre: str, on: date) -> dict[int, tuple[int, frozenset[str]]]:
    """Read the books in which a day may be held, by year: how far each goes, and the orders that are in flight."""
    years = fiscal_years(on, on)
    books = {year: _funds(cost_centre, year) for year in years}
    await asyncio.gather(*(one.read() for one in books.values()))
    for one in books.values():
        await _let_go_of_ended(one)
    return {year: (one.state.seq, one.state.in_flight()) for year, one in books.items()}


def _mark_placed(funds: Book[Funds], seen: set[str]) -> None:
    """Mark holds whose order is seen in the ERP: whoever placed it may have died before marking it himself."""
    case, marked = current(), {line.key for line in funds.marks}
    for hold in funds.state.holds.values():
        if hold.order_key in seen and hold.case not in marked:
            funds.marks.append(Line(act="placed", key=hold.case, actor=case.actor, at=case.clock()))


def _funds(cost_centre: str, year: int) -> Book[Funds]:
    return book(current().ledger, funds_book(cost_centre, year), Funds)


def _body(hold: Hold) -> dict[str, Any]:
    return {"hold": hold.model_dump(mode="json")}

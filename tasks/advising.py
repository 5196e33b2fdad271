"""Advising: what models recommend is noted beside the question, with what became of it. Knows no Prefect.

It is noted in the same entry as the question, so that it costs no write; and made from books that were just read.
"""

from blocks.records.approval import Ask
from blocks.records.ledger import Line
from blocks.records.money import Money
from tasks.book import book
from tasks.case import Case, today
from tasks.rules.books import Funds, fiscal_years, funds_book
from tasks.rules.governance import governed
from tasks.rules.price_history import advice_on


def note_advice(case: Case, ask: Ask) -> None:
    """Note what is advised on an ask, and whether whoever is asked sees it; nothing where there is no advice."""
    if before := _same(case, ask):
        case.note("advised", ask.key, body={**before.body, "whom": ask.whom})
        return
    if found := advice_on(ask.item, ask.unit_price, _paid(case, ask)):
        answer, words = governed(found.advice)
        advice = found.advice.model_dump(mode="json")
        body = {"advice": advice, "made_from": found.made_from, "answer": answer, "words": words, "whom": ask.whom}
        case.note("advised", ask.key, body=body)


def _same(case: Case, ask: Ask) -> Line | None:
    """Find what another approver was shown on the same price: all of a case see the same."""
    price = {"item": ask.item, "unit_price": str(ask.unit_price.amount), "currency": ask.unit_price.currency}
    return next((x for x in case.chain.having("advised") if price.items() <= x.body["made_from"].items()), None)


def _paid(case: Case, ask: Ask) -> list[Money]:
    """List what the cost centre paid for one of the item, as far as its books were read for this look."""
    on = today()
    books = (book(case.ledger, funds_book(ask.cost_centre, year), Funds) for year in fiscal_years(on, on))
    return [Money.model_validate(one) for each in books for one in each.state.paid.get(ask.item, ())]

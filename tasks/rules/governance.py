"""Governance: what becomes of a model's advice. The only place that reads any. Pure.

Advice is shown to people who were going to be asked anyway. It asks nobody, spares nobody, and moves no money: no
rule that does reads this, which the import contracts hold.
"""

from typing import Literal, NamedTuple

from blocks.records.advice import Advice

CONFIDENT = 50
"""Below so many per cent, by its own account, advice would only be in the way."""


class Governed(NamedTuple):
    """What becomes of advice, and the words in which it is shown; none where it is not."""

    answer: Literal["show", "route", "ignore"]
    words: str


def governed(advice: Advice) -> Governed:
    """Say what becomes of advice.

    show: beside the question. route: the same, marked as what this person should look at before they decide.
    ignore: it is kept in the ledger, and nobody sees it.
    """
    if advice.confidence < CONFIDENT:
        return Governed("ignore", "")
    if advice.recommendation == "look":
        return Governed("route", f"Please look at the price: {advice.because}")
    return Governed("show", f"The usual price: {advice.because}")

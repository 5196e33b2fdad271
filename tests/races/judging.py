"""Judging a race: one effective decision, everybody told the truth, nothing lost."""

from collections import Counter
from collections.abc import Iterator

from blocks.ledger import Chain
from blocks.records.ledger import Line
from tests.races.crowd import names
from tests.races.race import Finish, Told

OURS = ("decided", "late", "refused-click")
DONE = {"approve": "approved", "reject": "rejected"}


def faults(finish: Finish) -> list[str]:
    """List what is wrong with how a race went; empty where nothing is."""
    decided = finish.chain.having("decided", finish.ask.key)
    if len(decided) != 1:
        return [f"{len(decided)} decisions on {finish.ask.key}"]
    by_device = {one.clicker.device: one for one in finish.told}
    winner = by_device.get(decided[0].source or "")
    if winner is None:
        return [f"decided by {decided[0].source}, who did not click"]
    found = [*finish.findings, *_wrong_with_winner(winner, decided[0], finish)]
    for one in finish.told:
        found += _untrue(one, winner)
    found += [*_lost(finish.chain, by_device), *_disorder(finish.chain, finish.ask.key), *_wrong_end(finish, winner)]
    return found


def _wrong_with_winner(winner: Told, line: Line, finish: Finish) -> Iterator[str]:
    clicker, decision = winner.clicker, line.body["decision"]
    if not clicker.able:
        yield f"{clicker} decided, and may not"
    if winner.verdict.taken != "counted" and winner.tries == 1:
        yield f"{clicker} decided and was told {winner.verdict.taken}"
    if (decision["by"], decision["verdict"], line.seen) != (clicker.person, clicker.verdict, decision["shown"]):
        yield f"the ledger holds another decision than {clicker} gave: {decision}"
    counted = [one.clicker.device for one in finish.told if one.verdict.taken == "counted"]
    if counted not in ([], [clicker.device]):
        yield f"{counted} were told that they counted"


def _untrue(one: Told, winner: Told) -> Iterator[str]:
    """Say where somebody was told what is not so: the text holds who decided what, and when, or what one may not."""
    clicker, verdict, first = one.clicker, one.verdict, winner.clicker
    who, when = names()[first.person], f"{first.at:%H:%M} UTC on {first.at:%d %b}"
    if verdict.taken == "counted":
        if one is not winner:
            yield f"{clicker} was told that they counted, and did not"
    elif verdict.taken == "late":
        if verdict.text != f"Already {DONE[first.verdict]} by {who} at {when}.":
            yield f"{clicker} was told {verdict.text!r} of {first}"
    elif verdict.taken not in ("void", "changed") or clicker.able or not verdict.text:
        yield f"{clicker} was told {verdict.taken}: {verdict.text}"


def _lost(chain: Chain, by_device: dict[str, Told]) -> Iterator[str]:
    """Everybody who clicked stands in the ledger, with what they were told; once, where nothing was repeated."""
    lines = Counter(line.source for line in chain.lines if line.act in OURS)
    for device, one in by_device.items():
        if not 1 <= lines[device] <= one.tries:
            yield f"{one.clicker} clicked {one.tries} times and stands {lines[device]} times in the ledger"
        texts = [x.body.get("because") for x in chain.lines if x.source == device and x.act != "decided"]
        if one.verdict.taken != "counted" and one.verdict.text not in texts:
            yield f"{one.clicker} was told {one.verdict.text!r}, the ledger says {texts}"


def _disorder(chain: Chain, ask: str) -> Iterator[str]:
    """Before the decision nobody is late, after it everybody is."""
    acts = [line.act for line in chain.lines if line.act in OURS and line.key == ask]
    place = acts.index("decided")
    if "late" in acts[:place] or set(acts[place + 1 :]) - {"late"}:
        yield f"out of order: {acts}"


def _wrong_end(finish: Finish, winner: Told) -> Iterator[str]:
    """The process goes on from the one decision: to a reason, to one order, or to the next question."""
    orders = len(finish.erp.orders())
    if winner.clicker.verdict == "reject":
        if finish.outcome is None or finish.outcome.ended != "rejected" or orders:
            yield f"rejected, and it ended {finish.outcome} with {orders} orders"
    elif finish.outcome is not None and (finish.outcome.ended, orders) != ("ordered", 1):
        yield f"approved, and it ended {finish.outcome} with {orders} orders"

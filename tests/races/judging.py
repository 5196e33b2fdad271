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
    withdrawn = finish.chain.having("withdrawn")
    if len([*decided, *withdrawn]) != 1:
        return [f"{len(decided)} decisions on {finish.ask.key}, {len(withdrawn)} times withdrawn"]
    by_device = {one.clicker.device: one for one in finish.told}
    if withdrawn:
        return [*finish.findings, *_wrong_after_withdrawal(finish, withdrawn[0]), *_lost(finish.chain, by_device)]
    winner = by_device.get(decided[0].source or "")
    if winner is None:
        return [f"decided by {decided[0].source}, who did not click"]
    found = [*finish.findings, *_wrong_with_winner(winner, decided[0], finish)]
    for one in finish.told:
        found += _untrue(one, winner)
    found += _untold(finish, decided[0], f"Already {DONE[winner.clicker.verdict]} by {_who_and_when(winner)}.")
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
    if verdict.taken == "counted":
        if one is not winner:
            yield f"{clicker} was told that they counted, and did not"
    elif verdict.taken == "late":
        if verdict.text != f"Already {DONE[first.verdict]} by {_who_and_when(winner)}.":
            yield f"{clicker} was told {verdict.text!r} of {first}"
    elif verdict.taken not in ("void", "changed") or clicker.able or not verdict.text:
        yield f"{clicker} was told {verdict.taken}: {verdict.text}"


def _who_and_when(winner: Told) -> str:
    first = winner.clicker
    return f"{names()[first.person]} at {first.at:%H:%M} UTC on {first.at:%d %b}"


def _wrong_after_withdrawal(finish: Finish, line: Line) -> Iterator[str]:
    """It was taken back before anybody decided: nobody did, everybody is told, and nothing is ordered."""
    when = f"at {line.at:%H:%M} UTC on {line.at:%d %b}"
    for one in finish.told:
        text, taken = one.verdict.text, one.verdict.taken
        if taken == "counted" or (taken == "late" and text != f"Withdrawn by {line.body['name']} {when}."):
            yield f"{one.clicker} was told {taken}: {text!r}, it was withdrawn {when}"
        if taken in ("void", "changed") and one.clicker.able:
            yield f"{one.clicker} was told {taken}: {text}"
    yield from _untold(finish, line, f"Withdrawn by {line.body['name']} {when}.")
    if finish.outcome is None or finish.outcome.ended != "withdrawn" or finish.erp.orders():
        yield f"withdrawn, and it ended {finish.outcome} with {len(finish.erp.orders())} orders"


def _untold(finish: Finish, last: Line, told: str) -> Iterator[str]:
    """Who handed it over or took it back stands in the ledger before the end, or was told of it."""
    place = finish.chain.lines.index(last)
    for one, verdict in finish.beside:
        mine = [n for n, line in enumerate(finish.chain.lines) if line.source == one.device]
        if len(mine) != 1:
            yield f"{one} stands {len(mine)} times in the ledger"
        elif verdict.taken == "counted" and mine[0] > place:
            yield f"{one} counted after the end"
        elif verdict.taken == "late" and (mine[0] < place or not verdict.text.startswith(told)):
            yield f"{one} was told {verdict.text!r}, not {told!r}"


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

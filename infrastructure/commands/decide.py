"""`almoner decide`: read a request and decide it, or do with it what its card in Slack lets one do."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple, cast, get_args

import typer

from infrastructure.commands.identity import HERE, By, Home, Speaker, speaker
from infrastructure.commands.speaking import NOT_TAKEN, done, plainly
from infrastructure.commands.surroundings import find

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from blocks.ledger import Chain
    from blocks.records.approval import Ask
    from blocks.records.ledger import Line
    from tasks.decide import Verdicts
    from tasks.telling import Room

app = typer.Typer()
SHOWN = 12
"""Letters of the digest of what was shown that one repeats: enough to name one card of a case."""


class What(StrEnum):
    """What one can do with a request."""

    approve = "approve"
    reject = "reject"
    ask = "ask"
    hold = "hold"
    resume = "resume"
    hand_over = "hand-over"
    add = "add"
    withdraw = "withdraw"


class Said(NamedTuple):
    """What somebody typed."""

    what: What
    note: str
    quantity: int | None
    to: str


@app.command()
def decide(  # noqa: PLR0913, PLR0917  as many options as a card has fields
    case: Annotated[str, typer.Argument(help="A case, such as RQ-OKIPKKIRS6.")],
    what: Annotated[What | None, typer.Argument(help="Left out: the request is shown.", show_default=False)] = None,
    note: Annotated[str, typer.Option(help="Why; the question, for ask.")] = "",
    quantity: Annotated[int | None, typer.Option(min=1, help="Approve so many, fewer than were asked for.")] = None,
    to: Annotated[str, typer.Option(help="To whom, for hand-over and add: an id of the directory.")] = "",
    shown: Annotated[str, typer.Option(help="The letters by which the request was shown; else you are asked.")] = "",
    by: By = "",
    home: Home = HERE,
) -> None:
    """Show a request, or decide it: the same rules as on its card, and what you approve is what you saw."""
    with plainly():
        find(home)
        found = done(_waiting(case, shown))
        if what is None or (what in {What.approve, What.reject} and not shown):
            print("\n".join(one.told for one in found))
        if what is None:
            return
        waiting = found[-1] if what is What.withdraw else _the_one(found)
        if what in {What.approve, What.reject}:
            shown = shown or _asked_whether(what, waiting)
        taken, text = done(_carried_out(Said(what, note, quantity, to), waiting, shown, home, by))
    print(f"{'✓' if taken else '✗'} {text}", file=sys.stdout if taken else sys.stderr)
    if not taken:
        raise typer.Exit(NOT_TAKEN)


class _Waiting(NamedTuple):
    chain: "Chain"
    asked: "Line"
    ask: "Ask"
    told: str


def _the_one(found: list[_Waiting]) -> _Waiting:
    """Take the only ask there is; who may mean one of several names it."""
    if len(found) > 1:
        named = " or ".join(f"--shown {str(one.asked.seen)[:SHOWN]} ({one.ask.role})" for one in found)
        print(f"✗ {found[0].ask.case} asks several at once: say which you mean, {named}", file=sys.stderr)
        raise typer.Exit(NOT_TAKEN)
    return found[0]


def _asked_whether(what: What, waiting: _Waiting) -> str:
    """Let somebody at a terminal say yes to what they have just read; who cannot be asked names it."""
    seen = str(waiting.asked.seen)
    if not sys.stdin.isatty():
        print(f"✗ say what you have seen: --shown {seen[:SHOWN]}", file=sys.stderr)
        raise typer.Exit(NOT_TAKEN)
    if not typer.confirm(f"{what.value.capitalize()} this?"):
        raise typer.Exit(NOT_TAKEN)
    return seen


async def _waiting(case: str, shown: str) -> list[_Waiting]:
    """Read and tell the open asks of a case, that one alone which was named by what it showed; else the newest."""
    from blocks import connect
    from blocks.errors import RefusedError
    from blocks.records.approval import Ask
    from tasks.decide import on_whom, open_asks, reason_over

    chain = await connect.ledger().read(case)
    newest = chain.last("asked")
    if newest is None:
        raise RefusedError(
            "case", f"{case}: " + ("nobody is asked yet" if chain.seq else "the ledger has no such case")
        )
    found = []
    for key in [ask.key for ask in open_asks(chain)] or [newest.key]:
        asked = chain.last("asked", key) or newest
        ask = asked.record(Ask, "ask")
        stands = reason_over(chain, ask) or f"waits for {on_whom(chain, ask)}"
        told = [f"{case}  {stands}", *_told(ask, str(asked.seen)[:SHOWN])]
        found.append(_Waiting(chain, asked, ask, "\n".join(told)))
    return [one for one in found if shown and str(one.asked.seen).startswith(shown)] or found[-1:] if shown else found


def _told(ask: "Ask", seen: str) -> list[str]:
    from_whom = f"{ask.supplier_name}, {f'contract {ask.contract}' if ask.contract else 'no contract fixes the price'}"
    rows = {
        "": f"{ask.quantity:,} × {ask.description}, {ask.amount}",
        "for": f"{ask.cost_centre}, asked by {ask.requester_name}",
        "from": f"{from_whom}, {ask.unit_price} each",
        "reason": ask.reason,
        "needed by": ask.needed_by,
        "counts as": f"{ask.counted}, with recent orders" if ask.counted != ask.amount else "",
        "budget left": f"{ask.budget_left} of {ask.budget}, before this one",
        "asked as": f"{ask.role.replace('-', ' ')}: {ask.why}",
        "then": ask.after.removeprefix("then "),
        "shown as": f"{seen}{'; to approve takes your passkey' if ask.passkey else ''}",
    }
    return [f"  {name:<12}{value}".rstrip() for name, value in rows.items() if value]


async def _carried_out(said: Said, waiting: _Waiting, shown: str, home: Path, by: str) -> tuple[bool, str]:
    """Do it by the one function that stands behind every door, and what follows it."""
    from blocks import connect
    from blocks.records.approval import Verdict
    from tasks.decide import Answer
    from tasks.decide import decide as decide_it
    from tasks.requests import Deed, Wish, carry_out
    from tasks.signing.stepup import told

    who, ask = await speaker(home, by), waiting.ask
    if said.what is What.ask:
        return await _question(said, waiting, who)
    seen, what = _seen(waiting, shown), said.what.value
    rules = {"ledger": connect.ledger(), "rulebook": who.rulebook, "at": who.at}
    if what in get_args(Verdict):
        answer = Answer(ask.case, ask.key, cast("Verdict", what), seen, said.note, quantity=said.quantity)
        verdict = await decide_it(answer, who.by, who.door, **rules)  # type: ignore[arg-type]
    else:
        wish = Wish(ask.case, ask.key, cast("Deed", what), seen, said.to, said.note)
        verdict = await carry_out(wish, who.by, who.door, **rules)  # type: ignore[arg-type]
    text = told(verdict)
    if verdict.taken == "counted":
        text += await _after(said.what, verdict, who)
    return verdict.taken in {"counted", "confirm"}, text


def _seen(waiting: _Waiting, shown: str) -> str:
    """Name in full what somebody has seen; what was no card of the case stays as it was typed, and is refused."""
    if not shown:
        return str(waiting.asked.seen)
    seen = (str(line.seen) for line in reversed(waiting.chain.having("asked")))
    return next((one for one in seen if len(shown) >= SHOWN and one.startswith(shown)), shown)


async def _question(said: Said, waiting: _Waiting, who: Speaker) -> tuple[bool, str]:
    from blocks import connect
    from blocks.wire.cards import Pressed
    from tasks.conversation import ask_back, reason_not_to_ask

    if why := reason_not_to_ask(said.note.strip()):
        return False, why
    pressed = Pressed(waiting.ask.case, waiting.ask.key, str(waiting.asked.seen))
    ledger, note = connect.ledger(), said.note.strip()
    asked = await ask_back(pressed, note, who.by, ledger=ledger, rulebook=who.rulebook, at=who.at, door=who.door)
    if isinstance(asked, str):
        return False, asked

    async def say(desk: "Room") -> None:
        await asked.say(desk, who.rulebook.directory)

    return True, f"You asked {asked.ask.requester_name}.{await _in_slack(say)}"


async def _after(what: What, verdict: "Verdicts", who: Speaker) -> str:
    """Ring the bell where a process has to hear of it, and let Slack show it; say what did not reach anybody."""
    from blocks.bell import ring
    from tasks.showing import card_of
    from tasks.telling import SAID, say_in_thread, tell_colleague

    chain, ask, posted = verdict.chain, verdict.ask, verdict.posted
    if chain is None or ask is None:
        return ""
    heard = what not in {What.approve, What.reject, What.withdraw} or await ring([ask.case])
    line = chain.lines[-1]

    async def show(desk: "Room") -> None:
        if posted:
            await desk.redraw(posted, card_of(chain, ask, who.rulebook, who.at))
        if posted and line.act in SAID:
            await say_in_thread(line, posted, desk)
        if line.act == "handed":
            await tell_colleague(ask, line, posted, desk, who.rulebook.directory)

    told = await _in_slack(show)
    return told if heard else f"{told}\nNobody heard the bell: the case goes on with the next round of upkeep."


async def _in_slack(say: "Callable[[Room], Awaitable[None]]") -> str:
    """Say something in Slack; what cannot be said there is in the ledger all the same, and cards are redrawn later."""
    from blocks import connect
    from blocks.errors import OutsideError

    try:
        await say(cast("Room", connect.desk()))
    except (OutsideError, connect.SettingError) as error:
        return f"\nSlack was not told ({error}); the card shows it with the next round of upkeep."
    return ""

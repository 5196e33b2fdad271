"""Questions and answers about a request: part of the case, decided by nobody. Knows no Prefect."""

from datetime import datetime
from typing import Any, NamedTuple, Protocol

from blocks.ledger import Chain, Ledger
from blocks.ports import Desk
from blocks.records.approval import Ask, Posted
from blocks.records.ledger import Line
from blocks.records.people import Directory, Person
from blocks.records.policy import Rulebook
from blocks.wire.cards import Pressed, escape, said_card
from blocks.wire.patients import reason_to_leave_out
from tasks.decide import Verdicts, append_judged, attempted, decisions_of, has_changed, posted_of, reason_over
from tasks.rules.authority import acting_for
from tasks.rules.standing import above_of

TEXT_MAX = 1000


class Thread(Desk, Protocol):
    """A desk that knows which of our messages a message is."""

    async def key_of(self, posted: Posted) -> str | None:
        """Read the key of a message of ours; None where it is not ours."""
        ...


class Asked(NamedTuple):
    """A question that stands in the ledger, and where it is to be said."""

    ask: Ask
    posted: Posted | None
    by: Person
    text: str

    async def say(self, desk: Desk, directory: Directory) -> None:
        """Put the question into the card's thread, and tell the requester."""
        requester = directory.person(self.ask.requester)
        whom = f"<@{requester.slack_user}>" if requester and requester.slack_user else self.ask.requester_name
        said = f"{whom}, *{escape(self.by.name)}* asks: {escape(self.text)}\nPlease answer in this thread."
        if self.posted:
            await desk.say(self.posted, said)
        if requester and requester.slack_user:
            told = f"*{escape(self.by.name)}* asks about {self.ask.case}: {escape(self.text)}"
            await desk.tell(requester.slack_user, said_card(f"{self.ask.case}/question/{self.by.id}", told))


def reason_not_to_ask(text: str) -> str | None:
    """Say why a question is not asked as it is written, or None."""
    if not text:
        return "Please write what you want to know."
    why = reason_to_leave_out(text)
    return f"Your question {why}." if why else None


async def ask_back(  # noqa: PLR0913  who says what about which card, and by which rules
    pressed: Pressed,
    text: str,
    by: Person | None,
    *,
    ledger: Ledger,
    rulebook: Rulebook,
    at: datetime,
    door: str = "slack",
) -> Asked | str:
    """Note a question about an open request by somebody who may decide it; or say why it is none, and note that.

    A question stops the clock, so who could not decide what they ask about cannot stop it either.
    """

    def judged(chain: Chain) -> tuple[Verdicts, Line | None]:
        verdict = _judge(pressed, by, chain, rulebook, at)
        if by and verdict.taken == "counted":
            return verdict, _said("question", pressed.ask, by, {"text": text}, at, door)
        actor = f"person:{by.id}" if by else f"door:{door}"
        return verdict, attempted(verdict, "ask", pressed.shown, actor, door, at)

    verdict = await append_judged(pressed.case, judged, ledger)
    if by is None or verdict.ask is None or verdict.taken != "counted":
        return verdict.text
    return Asked(verdict.ask, verdict.posted, by, text)


def _judge(pressed: Pressed, by: Person | None, chain: Chain, rulebook: Rulebook, at: datetime) -> Verdicts:
    asked = chain.last("asked", pressed.ask)
    if asked is None:
        return Verdicts("unknown", "This request is not in the ledger. Ask the requester to submit it again.")
    ask = asked.record(Ask, "ask")
    if over := reason_over(chain, ask):
        return Verdicts("late", over, ask)
    if pressed.shown != asked.seen:
        return Verdicts("changed", has_changed(chain, pressed.shown, ask), ask)
    above = above_of(chain.lines, ask.key)
    acting = acting_for(ask, by, decisions_of(chain), rulebook.directory, rulebook.duties, at, above=above)
    if isinstance(acting, str):
        return Verdicts("void", f"Only who may decide this can ask about it here. {acting}", ask)
    return Verdicts("counted", "", ask, posted=posted_of(chain, ask.key))


async def hear(event: dict[str, Any], by: Person | None, *, ledger: Ledger, desk: Thread, at: datetime) -> None:
    """Note a reply in a card's thread as part of the case; other threads are none of ours."""
    key = await desk.key_of(Posted(channel=event["channel"], ts=event["thread_ts"]))
    if key is None or by is None:
        return
    case, _, ask = key.partition("/")
    chain = await ledger.read(case)
    if chain.last("asked", ask) and (why := reason_to_leave_out(str(event.get("text", "")))):
        about = f"<@{by.slack_user}>, your answer {why}. It is not in the case: please delete it and write it anew."
        await desk.say(Posted(channel=event["channel"], ts=event["thread_ts"]), about)
        return
    if chain.last("asked", ask):
        said = {"text": str(event.get("text", "")), "ts": str(event["ts"])}
        line = _said("answer", ask, by, said, at)
        # Once: Slack sends it again where our answer was late, perhaps while the first is being noted.
        await ledger.enter(case, lambda now: None if said["ts"] in _noted(now) else line)


def _said(act: str, ask: str, by: Person, said: dict[str, str], at: datetime, door: str = "slack") -> Line:
    body = {**said, "text": said["text"][:TEXT_MAX]}
    return Line(act=act, key=ask, actor=f"person:{by.id}", at=at, source=door, body=body)


def _noted(chain: Chain) -> set[str]:
    """Name the replies that are noted, by when Slack had them."""
    return {str(x.body.get("ts")) for x in chain.having("answer")}

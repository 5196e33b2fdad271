"""Slack cards: what an ask looks like, what a decided one looks like, and what a click on one says.

Designed for a phone: what and how much in the header, the rest in short fields. `text` is what a screen
reader reads, so it says the whole thing. Slack's limits are kept by cutting, never by failing.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from blocks.ports import Card
from blocks.records.approval import Ask, ByEmergency, Decision
from blocks.records.people import Person
from blocks.wire.blockkit import TEXT_MAX, button, context, header, mrkdwn, plain, section
from blocks.wire.canonical import canonical, digest

WHO_MAX = 8

NOBODY: Mapping[str, str] = MappingProxyType({})
APPROVE, REJECT, QUESTION, RESUME, WITHDRAW = "approve", "reject", "question", "resume", "withdraw"
MORE, FEWER, HAND_OVER, ADD, HOLD = "more", "fewer", "hand-over", "add", "hold"
MARKS = {
    "filled": "📦", "ordered": "✅", "refused": "⛔", "rejected": "🚫", "withdrawn": "↩️", "expired": "⌛",
    "cancelled": "✖️",
}  # fmt: skip
DONE = {"approve": ("✅", "Approved"), "reject": ("🚫", "Rejected"), "expire": ("⌛", "Not approved in time")}


class Held(NamedTuple):
    """Who put an ask on hold, when, and what they wait for."""

    by: str
    at: datetime
    because: str


class Around(NamedTuple):
    """What has come about around an ask, beyond what it says itself."""

    handed_by: str = ""
    handed_to: Person | None = None
    held: Held | None = None
    then: tuple[str, ...] = ()
    changed: str = ""
    fewer: bool = True
    due: datetime | None = None
    lacks: str = "the directory must name somebody"
    advice: str = ""


NOTHING = Around()


class Pressed(NamedTuple):
    """What a button carries: the case, the ask, and the digest of what the card shows."""

    case: str
    ask: str
    shown: str


def button_value(ask: Ask) -> str:
    """Print what the buttons of a card carry."""
    return f"{ask.case}/{ask.key}/{digest(canonical(ask))}"


def read_value(value: str) -> Pressed:
    """Read a button's value; `ValueError` where it is not one of ours."""
    case, ask, shown = value.split("/")
    return Pressed(case, ask, shown)


def ask_card(
    ask: Ask,
    people: tuple[Person, ...],
    standing_in: Mapping[str, str] = NOBODY,
    around: Around = NOTHING,
    zone: str = "UTC",
) -> Card:
    """Draw the question, with its buttons; *standing_in* names for whom a person, by id, would answer."""
    blocks, why = _facts(ask), escape(ask.why)
    if around.changed:
        blocks.append(section(f"🔁 *Asked again*, for it has changed: {escape(around.changed)}."))
    needed = (
        f"your approval is needed: {why}." if ask.added else f"your approval as *{spoken(ask.role)}* is needed — {why}."
    )
    if ask.beside:
        needed += f" {_together(ask)}"
    first = tuple(one for one in people if one == around.handed_to)
    others = tuple(one for one in people if one not in first)
    if first:
        still = f" {_mentions(others, standing_in)} may still decide." if others else ""
        needed += f" {escape(around.handed_by)} hands it over to you.{still}"
    advice = f"Advice, by a machine: {around.advice}. " if around.advice else ""
    if advice:
        blocks.append(context(f"💡 *Advice*, by a machine: it decides nothing. {escape(around.advice)}"))
    whom = _mentions(first or people, standing_in) or f"⚠️ *Nobody may decide this just now*, {escape(around.lacks)}"
    blocks.append(section(f"{whom}: {needed}"))
    waits = f"Waits for {_asked(ask)}."
    if around.held:
        since = f"⏸️ *On hold* by {escape(around.held.by)} since {moment(around.held.at, zone)}"
        blocks.append(section(f"{since}\n> {escape(around.held.because)}"))
        waits = f"On hold by {around.held.by}: {around.held.because}. {waits}"
    until = f" Due {moment(around.due, zone)}." if around.due else ""
    until += " You confirm it with your passkey." if ask.passkey else ""
    blocks += [context(f"If approved, {_after(ask, around)}.{until}"), _buttons(ask, around)]
    text = f"{_headline(ask)}. Asked by {ask.requester_name} for {ask.cost_centre}. {_money_line(ask)} {advice}{waits}"
    return Card(blocks, text[:TEXT_MAX], ask_message(ask))


def decided_card(ask: Ask, decision: Decision, zone: str, around: Around = NOTHING) -> Card:
    """Draw the locked card: who decided what, and when; or that nobody did in time."""
    mark, done = DONE[decision.verdict]
    role = _title(ask) + (f", for {escape(decision.on_behalf_of)}" if decision.on_behalf_of else "")
    role += f"; 🚨 {escape(lent.words)} until {moment(lent.until, zone)}" if (lent := decision.emergency) else ""
    few = decision.quantity if decision.quantity not in (None, ask.quantity) else None
    done += f" {few:,} of {ask.quantity:,}" if few else ""
    by, said = (
        f" by {escape(decision.name)} ({role})",
        f" by {decision.name}, {_title(ask)}{f', {_lent(lent, zone)}' if lent else ''}",
    )
    if decision.verdict == "expire":
        by = said = ""
    line = f"{mark} *{done}*{by} {moment(decision.at, zone)}"
    if decision.note:
        line += f"\n> {escape(decision.note)}"
    after = f"Next: {_after(ask, around).removeprefix('then ')}."
    if decision.verdict != "approve":
        after = "The requester is told."
    text = f"{_headline(ask)}. {done}{said}. {decision.note}".strip()
    return Card([*_facts(ask), section(line), context(after)], text, ask_message(ask))


def _lent(lent: ByEmergency, zone: str) -> str:
    """Say in plain words by which emergency access a decision counts, and until when that holds."""
    return f"{lent.words}, until {lent.until.astimezone(ZoneInfo(zone)):%d %b %H:%M}"


def closed_card(ask: Ask, because: str) -> Card:
    """Draw the locked card of an ask that needs no answer any more: the others of its step have given theirs."""
    text = f"{_headline(ask)}. No answer is needed any more. {because}"
    return Card(
        [*_facts(ask), section(f"☑️ *No answer needed*\n> {escape(because)}")], text[:TEXT_MAX], ask_message(ask)
    )


def withdrawn_card(ask: Ask, by: str, at: datetime, zone: str) -> Card:
    """Draw the locked card of a request that was withdrawn before anybody decided."""
    line = f"{MARKS['withdrawn']} *Withdrawn* by {escape(by)} {moment(at, zone)}"
    text = f"{_headline(ask)}. Withdrawn by {by}."
    return Card([*_facts(ask), section(line), context("Nothing is ordered.")], text, ask_message(ask))


def waiting_card(ask: Ask, ended: str = "") -> Card:
    """Tell a requester that theirs waits for people, with a way to withdraw it; locked once it has *ended*."""
    what = f"{ask.quantity:,} × {escape(ask.description)}"
    if ended:
        words = f"*{ask.case}* {what}: {ended}."
        return Card([section(words)], words, waiting_message(ask.case))
    head = f"⏳ *{ask.case}* waits for approval: {what} — {ask.amount}"
    sure = {
        "title": plain(f"Withdraw {ask.case}?"[:100]),
        "text": plain("Nobody is asked any more, and nothing is ordered."),
        "confirm": plain("Withdraw"),
        "deny": plain("Keep it"),
        "style": "danger",
    }
    take_back = button(WITHDRAW, "Withdraw…", button_value(ask), confirm=sure)
    text = f"{ask.case} waits for approval: {ask.quantity:,} × {ask.description} — {ask.amount}."
    first = context(f"Asked first: {escape(_asked(ask))}. You will hear how it ends.")
    blocks = [section(head), first, {"type": "actions", "block_id": "mine", "elements": [take_back]}]
    return Card(blocks, text[:TEXT_MAX], waiting_message(ask.case))


def waiting_message(case: str) -> str:
    """Name the message that tells a requester that their case waits."""
    return f"{case}/waits"


def said_card(key: str, text: str) -> Card:
    """Draw a plain message."""
    return Card([section(text)], text[:TEXT_MAX], key)


def ask_message(ask: Ask) -> str:
    """Name the message of an ask, so that it can be found before it is posted again."""
    return f"{ask.case}/{ask.key}"


def moment(at: datetime, zone: str) -> str:
    """Print a moment so that each reader sees it in their own zone; the hospital's where Slack cannot."""
    local = at.astimezone(ZoneInfo(zone))
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time}}|{local:%b %d, %H:%M}>"


def escape(text: str) -> str:
    """Escape what Slack would read as markup of its own: a note must not mention everybody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def spoken(role: str) -> str:
    """Print a role as people say it.

    >>> spoken("department-manager")
    'department manager'
    """
    return role.replace("-", " ")


def each(unit: str) -> str:
    """Print what a price is for; ERPs abbreviate the plain unit.

    >>> each("u"), each("kg")
    ('each', 'per kg')
    """
    return "each" if unit.lower() in {"", "u", "unit", "ea"} else f"per {escape(unit)}"


def _headline(ask: Ask) -> str:
    many = f"{ask.quantity:,} (of {ask.asked_for:,} asked for)" if ask.asked_for else f"{ask.quantity:,}"
    return f"{'Emergency: ' * ask.emergency}{many} × {ask.description} — {ask.amount}"


def _money_line(ask: Ask) -> str:
    contract = f"contract {ask.contract}" if ask.contract else "no contract"
    return f"{ask.unit_price} each, {contract}. {ask.cost_centre} has {ask.budget_left} of {ask.budget} left."


def _facts(ask: Ask) -> list[dict[str, Any]]:
    contract = f"{escape(ask.contract)} ✓" if ask.contract else "⚠️ none: list price"
    after = ask.budget_left - ask.amount
    fields = [
        ("For", f"{escape(ask.cost_centre)}, asked by {escape(ask.requester_name)}"),
        ("From", f"{escape(ask.supplier_name)}"),
        ("Price", f"{ask.unit_price} {each(ask.unit)}"),
        ("Contract", contract),
        ("Budget", f"{ask.budget_left} left → {after} after this"),
        ("Needed by", ask.needed_by or "no date given"),
    ]
    grid = {"type": "section", "fields": [mrkdwn(f"*{name}*\n{value}"[:2000]) for name, value in fields]}
    lines: list[dict[str, Any]] = [header(_headline(ask)), grid]
    if ask.emergency:
        lines.insert(1, section("🚨 *Emergency*: it cannot wait for the usual way."))
    if ask.reason:
        lines.append(section(f"> {escape(ask.reason)}"))
    lines.append(context(f"{ask.case} · {escape(ask.item)} · {ask.category}"))
    return lines


def _buttons(ask: Ask, around: Around) -> dict[str, Any]:
    value = button_value(ask)
    decide = [button(APPROVE, "Approve", value, style="primary"), button(REJECT, "Reject…", value, style="danger")]
    if around.held:
        decide = [button(RESUME, "Resume", value, style="primary")]
    more = {
        FEWER: "Approve fewer…" if around.fewer and ask.quantity > 1 and not around.held else "",
        HAND_OVER: "" if ask.added else "Hand over…",
        ADD: "Add an approver…",
        HOLD: "" if around.held else "Put on hold…",
    }
    options = [{"text": plain(label), "value": f"{deed}/{value}"} for deed, label in more.items() if label]
    menu = {"type": "overflow", "action_id": MORE, "options": options}
    buttons = [*decide, button(QUESTION, "Ask a question…", value), menu]
    return {"type": "actions", "block_id": "decide", "elements": buttons}


def _together(ask: Ask) -> str:
    """Say that others are asked at the same time, and how many of them must approve."""
    many = len(ask.beside)
    if ask.enough < many:
        return f"{many} are asked at the same time; {ask.enough} of them must approve."
    return "The other one is asked at the same time." if many == 2 else f"{many} are asked at the same time."  # noqa: PLR2004


def _asked(ask: Ask) -> str:
    return f"{ask.added.name}, added by {ask.added.by}" if ask.added else f"the {spoken(ask.role)}"


def _title(ask: Ask) -> str:
    return f"added by {ask.added.by}" if ask.added else spoken(ask.role)


def _after(ask: Ask, around: Around) -> str:
    """Say what follows: those who were added come last, before the order."""
    if around.then and ask.after.startswith("then the order"):
        return f"then {escape(around.then[0])} is asked"
    return escape(ask.after)


def _mentions(people: tuple[Person, ...], standing_in: Mapping[str, str]) -> str:
    named = [
        (f"<@{person.slack_user}>" if person.slack_user else escape(person.name))
        + (f" (for {escape(standing_in[person.id])})" if person.id in standing_in else "")
        for person in people
    ]
    shown, rest = named[:WHO_MAX], len(named) - WHO_MAX
    return ", ".join(shown) + (f" and {rest} more" if rest > 0 else "")

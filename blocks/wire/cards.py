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
from blocks.records.approval import Ask, Decision, Verdict
from blocks.records.outcome import Outcome
from blocks.records.people import Person
from blocks.wire.canonical import canonical, digest

HEADER_MAX = 150
TEXT_MAX = 3000
VALUE_MAX = 2000
WHO_MAX = 8

NOBODY: Mapping[str, str] = MappingProxyType({})
APPROVE, REJECT, QUESTION = "approve", "reject", "question"
MARKS = {"filled": "📦", "ordered": "✅", "refused": "⛔", "rejected": "🚫"}


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


def ask_card(ask: Ask, people: tuple[Person, ...], standing_in: Mapping[str, str] = NOBODY) -> Card:
    """Draw the question, with its three buttons; *standing_in* names for whom a person, by id, would answer."""
    who = _mentions(people, standing_in)
    blocks = [*_facts(ask), _section(f"{who}: your approval as *{spoken(ask.role)}* is needed — {escape(ask.why)}.")]
    blocks += [_context(f"If approved, {escape(ask.after)}."), _buttons(ask)]
    asked = f"Asked by {ask.requester_name} for {ask.cost_centre}."
    text = f"{_headline(ask)}. {asked} {_money_line(ask)} Waits for the {spoken(ask.role)}."
    return Card(blocks, text, ask_message(ask))


def decided_card(ask: Ask, decision: Decision, zone: str) -> Card:
    """Draw the locked card: who decided what, and when."""
    done = "Approved" if decision.verdict == "approve" else "Rejected"
    mark = "✅" if decision.verdict == "approve" else "🚫"
    when = moment(decision.at, zone)
    role = spoken(decision.role) + (f", for {escape(decision.on_behalf_of)}" if decision.on_behalf_of else "")
    line = f"{mark} *{done}* by {escape(decision.name)} ({role}) {when}"
    if decision.note:
        line += f"\n> {escape(decision.note)}"
    after = f"Next: {escape(ask.after.removeprefix('then '))}."
    if decision.verdict == "reject":
        after = "The requester is told."
    text = f"{_headline(ask)}. {done} by {decision.name}, {spoken(decision.role)}. {decision.note}".strip()
    return Card([*_facts(ask), _section(line), _context(after)], text, ask_message(ask))


def told_card(case: str, what: str, outcome: Outcome) -> Card:
    """Draw the message that tells a requester how their requisition ended."""
    mark = MARKS[outcome.ended]
    head = f"{mark} *{case}* {outcome.ended}: {escape(what)}"
    text = f"{case} {outcome.ended}: {what}. {outcome.because}"
    return Card([_section(head), _context(escape(outcome.because))], text[:TEXT_MAX], f"{case}/told")


def said_card(key: str, text: str) -> Card:
    """Draw a plain message."""
    return Card([_section(text)], text[:TEXT_MAX], key)


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


def verdict_of(action: str) -> Verdict | None:
    """Read which verdict a button stands for, if it does."""
    return {APPROVE: "approve", REJECT: "reject"}.get(action)  # type: ignore[return-value]


def _headline(ask: Ask) -> str:
    return f"{ask.quantity:,} × {ask.description} — {ask.amount}"


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
    header = {"type": "header", "text": _plain(_headline(ask)[:HEADER_MAX])}
    grid = {"type": "section", "fields": [_mrkdwn(f"*{name}*\n{value}"[:2000]) for name, value in fields]}
    lines: list[dict[str, Any]] = [header, grid]
    if ask.reason:
        lines.append(_section(f"> {escape(ask.reason)}"))
    lines.append(_context(f"{ask.case} · {escape(ask.item)} · {ask.category}"))
    return lines


def _buttons(ask: Ask) -> dict[str, Any]:
    value = button_value(ask)
    return {
        "type": "actions",
        "block_id": "decide",
        "elements": [
            _button(APPROVE, "Approve", value, style="primary"),
            _button(REJECT, "Reject…", value, style="danger"),
            _button(QUESTION, "Ask a question…", value),
        ],
    }


def _button(action: str, label: str, value: str, **style: str) -> dict[str, Any]:
    return {"type": "button", "action_id": action, "text": _plain(label), "value": value, **style}


def _mentions(people: tuple[Person, ...], standing_in: Mapping[str, str]) -> str:
    named = [
        (f"<@{person.slack_user}>" if person.slack_user else escape(person.name))
        + (f" (for {escape(standing_in[person.id])})" if person.id in standing_in else "")
        for person in people
    ]
    shown, rest = named[:WHO_MAX], len(named) - WHO_MAX
    return ", ".join(shown) + (f" and {rest} more" if rest > 0 else "")


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _mrkdwn(text[:TEXT_MAX])}


def _context(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [_mrkdwn(text[:TEXT_MAX])]}


def _mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": True}

"""App Home as inbox: what waits for me, what I asked for, who stands in for me; and the digest of routine requests."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from blocks.records.approval import Ask
from blocks.wire.broken import Broken, stand_still
from blocks.wire.cards import APPROVE, button_value, escape, moment

BULK, OPEN_BULK = "bulk", "open-bulk"
ITEMS_MAX = 25
"""Of each list: a Home tab holds a hundred blocks, and nobody scrolls through more."""
OPTION_MAX = 75
"""Characters that Slack shows of an option's text, and of its description."""
BULK_MAX = 10
"""Slack's limit of checkboxes in a group."""


class Waiting(NamedTuple):
    """A request that waits for me: its ask, since when, in whose name I would answer, if it is routine, due when."""

    ask: Ask
    since: datetime
    on_behalf_of: str = ""
    routine: bool = False
    due: datetime | None = None
    late: bool = False


class Mine(NamedTuple):
    """A request of mine: its case, what it is, and how it stands."""

    case: str
    what: str
    stands: str


def home_view(
    waiting: Sequence[Waiting],
    mine: Sequence[Mine],
    standing_in: Sequence[str],
    zone: str,
    broken: Sequence[Broken] = (),
) -> dict[str, Any]:
    """Draw the Home tab. What stands still is told to everybody: nobody can tell whom it waits for."""
    head = f"Waiting for you ({len(waiting)})" if waiting else "Nothing waits for you"
    blocks: list[dict[str, Any]] = [_section(stand_still(broken)), {"type": "divider"}] if broken else []
    blocks.append(_header(head))
    if sum(one.routine for one in waiting) > 1:
        blocks += _routine(waiting)
    for one in waiting[:ITEMS_MAX]:
        blocks += [_item(one, zone), _buttons(one.ask)]
    blocks += _more(len(waiting))
    blocks += [{"type": "divider"}, _header("You asked for" if mine else "You asked for nothing that is open")]
    blocks += [_section(f"*{one.case}* {escape(one.what)}\n{escape(one.stands)}") for one in mine[:ITEMS_MAX]]
    blocks += _more(len(mine))
    if standing_in:
        blocks += [{"type": "divider"}, _section("\n".join(escape(one) for one in standing_in))]
    blocks.append(_context("`/requisition` asks for something · `/almoner help` says what else there is"))
    return {"type": "home", "blocks": blocks}


def bulk_modal(routine: Sequence[Waiting]) -> dict[str, Any]:
    """Ask which of the routine requests to approve: all are ticked, each is a decision of its own."""
    options = [
        {"text": _plain(_brief(one.ask)), "description": _plain(_for_whom(one.ask)), "value": button_value(one.ask)}
        for one in routine[:BULK_MAX]
    ]
    boxes = {"type": "checkboxes", "action_id": "value", "options": options, "initial_options": options}
    return {
        "type": "modal",
        "callback_id": BULK,
        "title": _plain("Routine requests"),
        "submit": _plain("Approve"),
        "close": _plain("Cancel"),
        "blocks": [
            {"type": "input", "block_id": "which", "label": _plain("Under contract, within budget"), "element": boxes}
        ],
    }


def bulk_values(view: dict[str, Any]) -> tuple[str, ...]:
    """Read which requests were left ticked, each once; `ValueError` where there are more than the form has."""
    chosen = view["state"]["values"]["which"]["value"]["selected_options"]
    values = tuple(dict.fromkeys(str(one["value"]) for one in chosen))
    if len(values) > BULK_MAX:
        raise ValueError(len(values))
    return values


def _routine(waiting: Sequence[Waiting]) -> list[dict[str, Any]]:
    count = min(sum(one.routine for one in waiting), BULK_MAX)
    button = {"type": "button", "action_id": OPEN_BULK, "text": _plain(f"Review {count} together…"), "value": "routine"}
    said = f"{count} are routine: small, under contract, within budget."
    return [_section(said), {"type": "actions", "elements": [button]}, {"type": "divider"}]


def _item(one: Waiting, zone: str) -> dict[str, Any]:
    due = ""
    if one.due:
        due = f"\n🔴 *late*, was due {moment(one.due, zone)}" if one.late else f"\n⏳ due {moment(one.due, zone)}"
    behalf = f" · in the name of {escape(one.on_behalf_of)}" if one.on_behalf_of else ""
    since = f"{one.ask.case} · since {moment(one.since, zone)}{behalf}"
    return _section(f"*{_headline(one.ask)}*\n{_why(one.ask)}{due}\n{since}")


def _buttons(ask: Ask) -> dict[str, Any]:
    value = button_value(ask)
    elements = [
        {"type": "button", "action_id": action, "text": _plain(label), "value": value, **style}
        for action, label, style in (
            (APPROVE, "Approve", {"style": "primary"}),
            ("reject", "Reject…", {"style": "danger"}),
            ("question", "Ask…", {}),
        )
    ]
    return {"type": "actions", "elements": elements}


def _headline(ask: Ask) -> str:
    return f"{ask.quantity:,} × {escape(ask.description)} — {ask.amount}"


def _brief(ask: Ask) -> str:
    """Say in a line of an option how many of what, for how much: the sum is never what is cut."""
    begin, end = f"{ask.quantity:,} × ", f" — {ask.amount}"
    return begin + _cut(ask.description, OPTION_MAX - len(begin) - len(end)) + end


def _for_whom(ask: Ask) -> str:
    begin, end = f"{ask.case} · {_cut(ask.cost_centre, 12)}, ", f"; {ask.budget_left} left"
    return begin + _cut(ask.requester_name, OPTION_MAX - len(begin) - len(end)) + end


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def _why(ask: Ask) -> str:
    contract = "under contract" if ask.contract else "⚠️ no contract"
    centre, name = escape(ask.cost_centre), escape(ask.requester_name)
    return f"{centre} · {name} · {contract} · {ask.budget_left} left"


def _more(count: int) -> list[dict[str, Any]]:
    return [_context(f"and {count - ITEMS_MAX} more: answer these first")] if count > ITEMS_MAX else []


def _header(text: str) -> dict[str, Any]:
    return {"type": "header", "text": _plain(text)}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:3000]}}


def _context(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": True}

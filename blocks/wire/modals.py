"""Slack modals: why it is rejected, what one wants to know, and the form of a requisition."""

from typing import Any

from blocks.records.approval import Ask
from blocks.records.people import Person
from blocks.wire.blockkit import TEXT_MAX
from blocks.wire.cards import ADD, FEWER, HAND_OVER, HOLD, Pressed, escape
from blocks.wire.requisitions import storable

REJECT, QUESTION, REQUISITION = "reject", "question", "requisition"
NOTE, WHOM, QUANTITY = "note", "whom", "quantity"
NOTE_MAX = 300


def reject_modal(pressed: Pressed) -> dict[str, Any]:
    """Ask why; the requester will read it."""
    hint = "The requester reads this. No patient's name or number, please."
    body = [field(NOTE, "Why not?", text_input(multiline=True, max_length=NOTE_MAX), hint)]
    return modal(REJECT, "Reject", "Reject", body, "/".join(pressed))


def question_modal(pressed: Pressed) -> dict[str, Any]:
    """Ask what one wants to know; the request stays open."""
    hint = "Posted in the card's thread; the requester answers there. The request stays open."
    body = [field(NOTE, "Your question", text_input(multiline=True, max_length=NOTE_MAX), hint)]
    return modal(QUESTION, "Ask a question", "Ask", body, "/".join(pressed))


def fewer_modal(pressed: Pressed, ask: Ask) -> dict[str, Any]:
    """Ask how many are approved."""
    number = {"type": "number_input", "is_decimal_allowed": False, "min_value": "1", "max_value": str(ask.quantity)}
    why = text_input(multiline=True, max_length=NOTE_MAX)
    body = [
        field(QUANTITY, "How many do you approve?", number, f"{ask.quantity:,} were asked for."),
        field(NOTE, "Why fewer", why, "Everybody who looks at the card reads this.", optional=True),
    ]
    what = f"{escape(ask.description)}, {ask.unit_price} each"[:TEXT_MAX]
    shown = {"type": "section", "text": {"type": "mrkdwn", "text": what}}
    return modal(FEWER, "Approve fewer", "Approve", [shown, *body], "/".join(pressed))


def hand_over_modal(pressed: Pressed) -> dict[str, Any]:
    """Ask to whom it is handed over."""
    hint = "Somebody who may decide this. They are told; anybody else who may can still decide."
    return modal(HAND_OVER, "Hand over", "Hand over", [field(WHOM, "To whom?", _colleague(), hint)], "/".join(pressed))


def add_modal(pressed: Pressed) -> dict[str, Any]:
    """Ask whose approval is wanted as well."""
    hint = "They are asked after everybody whom policy names, and have to approve it too."
    body = [field(WHOM, "Who has to approve it as well?", _colleague(), hint)]
    return modal(ADD, "Add an approver", "Add", body, "/".join(pressed))


def hold_modal(pressed: Pressed) -> dict[str, Any]:
    """Ask what is waited for."""
    hint = "Everybody who looks at the card reads this. Nobody decides it until somebody resumes it."
    body = [field(NOTE, "What do you wait for?", text_input(multiline=True, max_length=NOTE_MAX), hint)]
    return modal(HOLD, "Put on hold", "Hold", body, "/".join(pressed))


URGENT: dict[str, Any] = {
    "type": "checkboxes",
    "options": [{"text": {"type": "plain_text", "text": "No, it is an emergency"}, "value": "yes"}],
}


def requisition_modal(person: Person, channel: str) -> dict[str, Any]:
    """Draw the form of a requisition, with the cost centres that *person* may ask for."""
    body = [
        field("item", "Item number", text_input(placeholder="HIP-STEM-12"), "As in the ERP's catalogue"),
        field("quantity", "How many", {"type": "number_input", "is_decimal_allowed": False, "min_value": "1"}),
        field("cost_centre", "Who pays", _centres(person)),
        field("needed_by", "Needed by", {"type": "datepicker"}, optional=True),
        field(
            "reason",
            "Why, in a line",
            text_input(max_length=200),
            "For the approver. No patient's name or number, please.",
            optional=True,
        ),
        field("emergency", "Can it wait?", URGENT, "Policy says who is asked then. Say why, above.", optional=True),
    ]
    return modal(REQUISITION, "New requisition", "Submit", body, channel)


def read_state(view: dict[str, Any]) -> dict[str, str]:
    """Read a submitted modal: what stands in each of its inputs, by block; `TypeError` where that is no text."""
    values = view["state"]["values"]
    return {block: _value(next(iter(inputs.values()))) for block, inputs in values.items()}


def _value(element: dict[str, Any]) -> str:
    ticked = element.get("selected_options")
    chosen = ticked[0] if isinstance(ticked, list) and ticked else element.get("selected_option") or {}
    value = (
        element.get("value")
        or element.get("selected_date")
        or element.get("selected_user")
        or chosen.get("value")
        or ""
    )
    if not isinstance(value, str):
        raise TypeError(value)
    return storable(value).strip()


def _colleague() -> dict[str, Any]:
    return {"type": "users_select", "placeholder": _plain("Choose a colleague")}


def _centres(person: Person) -> dict[str, Any]:
    if not person.cost_centres:
        return text_input(placeholder="OR")
    options = [{"text": _plain(name), "value": name} for name in person.cost_centres[:100]]
    return {"type": "static_select", "options": options, "initial_option": options[0]}


def modal(callback: str, title: str, submit: str, blocks: list[dict[str, Any]], private: str) -> dict[str, Any]:
    """Draw a modal."""
    return {
        "type": "modal",
        "callback_id": callback,
        "title": _plain(title),
        "submit": _plain(submit),
        "close": _plain("Cancel"),
        "private_metadata": private,
        "blocks": blocks,
    }


def field(name: str, label: str, element: dict[str, Any], hint: str = "", *, optional: bool = False) -> dict[str, Any]:
    """Draw one field of a modal."""
    block = {
        "type": "input",
        "block_id": name,
        "label": _plain(label),
        "element": {**element, "action_id": "value"},
        "optional": optional,
    }
    return {**block, "hint": _plain(hint)} if hint else block


def text_input(*, multiline: bool = False, placeholder: str = "", max_length: int = 0) -> dict[str, Any]:
    """Draw what one types into."""
    element: dict[str, Any] = {"type": "plain_text_input", "multiline": multiline}
    if placeholder:
        element["placeholder"] = _plain(placeholder)
    if max_length:
        element["max_length"] = max_length
    return element


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}

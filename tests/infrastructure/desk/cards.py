"""A card and a form like the ones our app sends, and one block of every kind."""

from typing import Any

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def option(value: str, text: str) -> Json:
    return {"value": value, "text": plain(text)}


CARD: list[Json] = [
    {"type": "header", "text": plain("2 × Cementless hip stem 12 for the OR")},
    {
        "type": "section",
        "block_id": "facts",
        "text": mrkdwn("*$12,500.50* from Cordis Devices, asked for by <@U0RITA>"),
        "fields": [
            mrkdwn("*Cost centre*\nOperating theatres (OR)"),
            mrkdwn("*Contract*\nC-CORDIS-26 at $6,250.25"),
            mrkdwn("*Budget left*\n$214,380.00 of $400,000.00"),
            mrkdwn("*On the shelf*\n0"),
        ],
        "accessory": {
            "type": "overflow",
            "action_id": "more",
            "options": [option("ledger", "Show the ledger"), option("run", "Open the run")],
        },
    },
    {"type": "context", "elements": [mrkdwn("Needs you because implants over $10,000 go to a *department manager*.")]},
    {"type": "divider"},
    {
        "type": "actions",
        "block_id": "decide",
        "elements": [
            {
                "type": "button",
                "action_id": "approve",
                "text": plain("Approve"),
                "style": "primary",
                "value": "RQ-1041",
            },
            {"type": "button", "action_id": "reject", "text": plain("Reject…"), "style": "danger", "value": "RQ-1041"},
            {"type": "button", "action_id": "ask", "text": plain("Ask a question"), "value": "RQ-1041"},
        ],
    },
    {"type": "context", "elements": [mrkdwn(":lock: RQ-1041 · after your yes the order goes to the ERP at once")]},
]

FORM: Json = {
    "type": "modal",
    "callback_id": "requisition",
    "private_metadata": "from the channel",
    "title": plain("New requisition"),
    "submit": plain("Send"),
    "close": plain("Cancel"),
    "notify_on_close": True,
    "blocks": [
        {"type": "section", "block_id": "intro", "text": mrkdwn("What do you need? *Prices come from the ERP.*")},
        {
            "type": "input",
            "block_id": "item",
            "label": plain("Item"),
            "element": {
                "type": "static_select",
                "action_id": "item",
                "placeholder": plain("Choose an item"),
                "options": [
                    option("GLOVE-M", "Nitrile gloves M, box of 100"),
                    option("VENT-T1", "Transport ventilator"),
                ],
            },
        },
        {
            "type": "input",
            "block_id": "quantity",
            "label": plain("How many"),
            "hint": plain("Whole boxes"),
            "element": {"type": "number_input", "action_id": "quantity", "is_decimal_allowed": False, "min_value": "1"},
        },
        {
            "type": "input",
            "block_id": "why",
            "optional": True,
            "label": plain("What for"),
            "element": {"type": "plain_text_input", "action_id": "why", "multiline": True},
        },
    ],
}

EVERY_BLOCK: list[Json] = [
    {"type": "header", "text": plain("Every block :package:")},
    {"type": "section", "text": mrkdwn("*bold* _italic_ ~struck~ `code` <https://example.com/a?b=1&amp;c=2|a link>")},
    {"type": "section", "text": mrkdwn("> a quotation\n<@U0ANA> in <#C0GENERAL> at <!date^1767225600^{date_short}|x>")},
    {"type": "section", "text": mrkdwn("```three\nlines *not bold*\nof code```")},
    {"type": "section", "fields": [mrkdwn("*Left*\none"), plain("right")]},
    {
        "type": "section",
        "text": plain("With a picker"),
        "accessory": {"type": "datepicker", "action_id": "day", "initial_date": "2026-03-01"},
    },
    {"type": "divider"},
    {"type": "context", "elements": [plain("plain context"), mrkdwn("_and italic_")]},
    {
        "type": "actions",
        "block_id": "choose",
        "elements": [
            {"type": "static_select", "action_id": "one", "placeholder": plain("Pick one"),
             "options": [option("a", "Apples"), option("b", "Beans")]},
            {"type": "users_select", "action_id": "who", "placeholder": plain("Pick a person")},
            {"type": "checkboxes", "action_id": "boxes", "options": [option("x", "Ex"), option("y", "Why")]},
            {"type": "radio_buttons", "action_id": "radio", "options": [option("1", "First"), option("2", "Second")]},
            {"type": "button", "action_id": "sure", "text": plain("Are you sure?"), "style": "danger",
             "confirm": {"title": plain("Really?"), "text": mrkdwn("It *cannot* be undone."),
                         "confirm": plain("Do it"), "deny": plain("Leave it")}},
        ],
    },
    {"type": "image", "image_url": "https://127.0.0.1:1/p.png", "alt_text": "A picture", "title": plain("Picture")},
    {
        "type": "rich_text",
        "elements": [
            {"type": "rich_text_section", "elements": [{"type": "text", "text": "rich", "style": {"bold": True}}]},
            {"type": "rich_text_list", "style": "bullet",
             "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "an item"}]}]},
        ],
    },
    {"type": "markdown", "text": "## Markdown\n\n- **strong** item\n\n| a | b |\n|---|---|\n| 1 | 2 |"},
    {"type": "input", "label": plain("A note"), "element": {"type": "plain_text_input", "action_id": "note"}},
]  # fmt: skip

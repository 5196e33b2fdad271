"""The desk against Slack's own OpenAPI file of 2021: arguments, answers, error codes.

Where the desk says something else, the table says why; an entry that is no longer needed fails.
"""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator
from jsonschema.exceptions import ValidationError
from slack_sdk import WebClient

from infrastructure.local.desk.desk import Desk
from infrastructure.local.desk.settings import DeskSettings
from infrastructure.local.desk.webapi.call import Call
from infrastructure.local.desk.webapi.methods import METHODS
from tests.infrastructure.desk.cards import CARD, FORM
from tests.infrastructure.desk.conftest import Running
from tests.needs import corpus

Json = dict[str, Any]
HOME = {"type": "home", "blocks": CARD[:1]}
NOTE = {"event_type": "case", "event_payload": {"case": "RQ-1"}}
ABSENT = {"apps.connections.open": "came after 2021"}

# Properties that Slack's answers have today and the file of 2021 does not: (pattern, reason).
ANSWERS: list[tuple[str, str]] = [
    (r"'T0MERCY' does not match", "the cast's team id is shorter than a real one"),
    (r"messages?(/\d+)?: Additional properties .*'(app_id|metadata)'", "messages carry more since 2021"),
    (r"chat.update message/blocks: .* is not of type 'object'", "blocks are a list there as everywhere"),
    (r"conversations.open channel: Additional .*'context_team_id'", "Slack returns the whole conversation today"),
    (r"conversations.history : 'channel_actions_(ts|count)' is a required", "Slack no longer sends this pair"),
    (
        r"user.*/profile: 'fields' is a required|members/\d+/profile: 'fields'",
        "custom fields come from users.profile.get",
    ),
    (r"Additional properties .*'is_email_confirmed' was", "came after the file"),
]
# Error codes of today's reference that the file of 2021 does not list for the method.
CODES = {
    "invalid_arguments": "a required argument is missing; the general answer since 2021",
    "invalid_blocks": "Block Kit is not in the file",
    "invalid_cursor": "documented for every paged method today",
    "thread_not_found": "documented for chat.postMessage today",
    "no_such_subteam": "documented today",
}


@pytest.fixture(scope="module")
def spec() -> Json:
    loaded: Json = loose(json.loads(corpus("slack/slack_web_openapi_v2.json").read_text()))
    return loaded


def loose(schema: Any) -> Any:
    """Read the file as it is meant: `items` with a list, outside an array, lists alternatives."""
    if isinstance(schema, list):
        return [loose(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    made = {k: loose(v) for k, v in schema.items()}
    if isinstance(made.get("items"), list) and made.get("type") != "array":
        made["anyOf"] = made.pop("items")
    return made


def operation(spec: Json, method: str) -> Json:
    (found,) = spec["paths"][f"/{method}"].values()
    return dict(found)


def examples(ts: str, desk: Desk) -> dict[str, Json]:
    """Give one good call of every method; `ts` is a message of the app's own in #approvals."""
    here = {"channel": "C0APPROVALS"}
    view = desk.views.stack("U0ANA")[-1]["id"] if desk.views.stack("U0ANA") else ""
    return {
        "auth.test": {},
        "chat.postMessage": here | {"text": "x", "blocks": CARD, "metadata": NOTE, "thread_ts": ts},
        "chat.update": here | {"ts": ts, "text": "y", "blocks": CARD},
        "chat.postEphemeral": here | {"user": "U0ANA", "text": "x"},
        "chat.getPermalink": here | {"message_ts": ts},
        "conversations.open": {"users": "U0ANA", "return_im": True},
        "conversations.list": {"limit": 1, "types": "public_channel,im"},
        "conversations.info": here | {"include_num_members": True},
        "conversations.history": here | {"limit": 1},
        "conversations.replies": here | {"ts": ts},
        "conversations.members": here,
        "users.info": {"user": "U0ANA"},
        "users.list": {},
        "users.lookupByEmail": {"email": "ana.silva@mercy.example"},
        "usergroups.list": {"include_users": True},
        "usergroups.users.list": {"usergroup": "S0FINANCE"},
        "views.open": {"trigger_id": desk.triggers.issue("U0ANA"), "view": FORM},
        "views.push": {"trigger_id": desk.triggers.issue("U0ANA"), "view": FORM},
        "views.update": {"view_id": view, "view": FORM},
        "views.publish": {"user_id": "U0ANA", "view": HOME},
        "reactions.add": here | {"timestamp": ts, "name": "eyes"},
        "chat.delete": here | {"ts": ts},
    }


def told(slack: WebClient, desk: Desk) -> Iterator[tuple[str, Json]]:
    """Call every method once, in an order that works; yield what it answered."""
    ts = slack.chat_postMessage(channel="C0APPROVALS", text="x", blocks=CARD)["ts"]
    for method in examples(ts, desk):
        answer = slack.api_call(method, json=examples(ts, desk)[method])
        yield method, dict(answer.data)  # type: ignore[arg-type]


def plainly(errors: Iterable[ValidationError]) -> Iterator[ValidationError]:
    """Where no alternative fits, complain about the nearest one."""
    for error in errors:
        if error.validator != "anyOf":
            yield error
            continue
        branches: dict[int, list[ValidationError]] = {}
        for inner in error.context:
            branches.setdefault(int(inner.schema_path[0]), []).append(inner)
        yield from plainly(min(branches.values(), key=len))


def test_every_answer_is_what_the_file_describes_but_for_listed_reasons(
    spec: Json, slack: WebClient, desk: Running
) -> None:
    unexplained: list[str] = []
    used: set[str] = set()
    for method, answer in told(slack, desk.desk):
        schema = operation(spec, method)["responses"]["200"]["schema"] | {"definitions": spec["definitions"]}
        for error in plainly(Draft4Validator(schema).iter_errors(answer)):
            line = f"{method} {'/'.join(map(str, error.absolute_path))}: {error.message}"
            reason = next((p for p, _ in ANSWERS if re.search(p, line)), None)
            if reason is None:
                unexplained.append(line[:400])
            else:
                used.add(reason)
    assert not unexplained, "\n".join(unexplained)
    assert used == {pattern for pattern, _ in ANSWERS}, "an explanation that explains nothing"


def test_every_method_is_in_the_file_or_younger(spec: Json) -> None:
    assert {m for m in METHODS if f"/{m}" not in spec["paths"]} == set(ABSENT)


class Asked(dict[str, Any]):
    """Arguments that remember which were looked at."""

    def __init__(self, given: Json) -> None:
        super().__init__(given)
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)


LATER_ARGUMENTS = {
    "metadata": "2022",
    "include_all_metadata": "2022",
}


def test_every_argument_read_is_in_the_file_or_younger(spec: Json, tmp_path: Path) -> None:
    desk = Desk(DeskSettings(bot_token="t", signing_secret="s", home=tmp_path))
    ts = desk.messages.post("C0APPROVALS", desk.messages.by_app(text="x"))["ts"]
    strange: set[str] = set()
    for method in examples(ts, desk):
        args = Asked(examples(ts, desk)[method])
        METHODS[method](Call(desk, method, args, "http://127.0.0.1"))
        described = {p["name"] for p in operation(spec, method)["parameters"]}
        strange |= args.names - described
    desk.store.close()
    assert strange == set(LATER_ARGUMENTS)


REFUSALS: list[tuple[str, Json, str]] = [
    ("chat.postMessage", {"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
    ("chat.postMessage", {"channel": "C0GENERAL"}, "no_text"),
    ("chat.postMessage", {"channel": "C0GENERAL", "text": "x" * 40_001}, "msg_too_long"),
    ("chat.postMessage", {"channel": "C0GENERAL", "attachments": [{}] * 101}, "too_many_attachments"),
    ("chat.postMessage", {"channel": "C0GENERAL", "blocks": [{"type": "?"}]}, "invalid_blocks"),
    ("chat.postMessage", {"channel": "C0GENERAL", "text": "x", "thread_ts": "1.1"}, "thread_not_found"),
    ("chat.postMessage", {"text": "x"}, "invalid_arguments"),
    ("chat.update", {"channel": "C0GENERAL", "ts": "1.1", "text": "x"}, "message_not_found"),
    ("chat.delete", {"channel": "C0GENERAL", "ts": "1.1"}, "message_not_found"),
    ("chat.postEphemeral", {"channel": "C0GENERAL", "user": "U0GUS", "text": "x"}, "user_not_in_channel"),
    ("chat.getPermalink", {"channel": "C0GENERAL", "message_ts": "1.1"}, "message_not_found"),
    ("conversations.open", {"users": "U0NOBODY"}, "user_not_found"),
    ("conversations.open", {"users": "U0GUS"}, "user_disabled"),
    ("conversations.open", {"users": ""}, "users_list_not_supplied"),
    ("conversations.open", {"users": ",".join(f"U{n}" for n in range(9))}, "too_many_users"),
    ("conversations.info", {"channel": "C0NOWHERE"}, "channel_not_found"),
    ("conversations.history", {"channel": "C0GENERAL", "latest": "now"}, "invalid_ts_latest"),
    ("conversations.history", {"channel": "C0GENERAL", "cursor": "?"}, "invalid_cursor"),
    ("conversations.members", {"channel": "C0GENERAL", "limit": "some"}, "invalid_limit"),
    ("conversations.members", {"channel": "C0GENERAL", "cursor": "?"}, "invalid_cursor"),
    ("conversations.replies", {"channel": "C0GENERAL", "ts": "1.1"}, "thread_not_found"),
    ("users.info", {"user": "U0NOBODY"}, "user_not_found"),
    ("users.lookupByEmail", {"email": "nobody@mercy.example"}, "users_not_found"),
    ("usergroups.users.list", {"usergroup": "S0NONE"}, "no_such_subteam"),
    ("reactions.add", {"channel": "C0GENERAL", "timestamp": "1.1", "name": "x"}, "message_not_found"),
]


@pytest.mark.parametrize(("method", "args", "code"), REFUSALS, ids=[f"{m} {c}" for m, _, c in REFUSALS])
def test_a_refusal_is_one_the_file_lists_or_a_younger_one(
    spec: Json, desk: Running, method: str, args: Json, code: str
) -> None:
    answer = _raw(desk, method, args)
    assert (answer["ok"], answer["error"]) == (False, code)
    listed = operation(spec, method)["responses"]["default"]["schema"]["properties"]["error"]["enum"]
    assert code in listed or code in CODES


def _raw(desk: Running, method: str, args: Json) -> Json:
    from slack_sdk.errors import SlackApiError

    try:
        return dict(desk.client().api_call(method, json=args).data)  # type: ignore[arg-type]
    except SlackApiError as error:
        return dict(error.response.data)  # type: ignore[arg-type]

"""Slack's own client, sync and async, against the desk's Web API."""

import httpx
import pytest
from slack_sdk import WebClient
from slack_sdk.web.async_client import AsyncWebClient

from tests.infrastructure.desk.cards import CARD
from tests.infrastructure.desk.conftest import Running, code, refusal
from tests.infrastructure.desk.listening import TOKEN

NOTE = {"event_type": "almoner_case", "event_payload": {"case": "RQ-1041"}}


def test_a_token_says_who_it_is(slack: WebClient, desk: Running) -> None:
    who = slack.auth_test()
    assert (who["user_id"], who["team_id"], who["bot_id"]) == ("U0ALMONER", "T0MERCY", "B0ALMONER")
    assert who["url"] == f"{desk.url}/"


def test_no_token_and_a_wrong_token_are_told_apart(desk: Running) -> None:
    assert code(desk.client(None).auth_test) == "not_authed"
    assert code(desk.client("xoxb-stolen").auth_test) == "invalid_auth"


async def test_the_async_client_posts_and_reads(desk: Running) -> None:
    slack = AsyncWebClient(TOKEN, base_url=f"{desk.url}/api/")
    posted = await slack.chat_postMessage(channel="#approvals", text="Hello")
    seen = await slack.conversations_history(channel=posted["channel"])
    assert [m["text"] for m in seen["messages"]] == ["Hello"]


def test_a_posted_card_comes_back_as_slack_keeps_it(slack: WebClient) -> None:
    posted = slack.chat_postMessage(channel="approvals", text="R&D wants 2 <b>", blocks=CARD)
    assert posted["channel"] == "C0APPROVALS"
    message = posted["message"]
    assert message["text"] == "R&amp;D wants 2 &lt;b&gt;"
    assert message["bot_id"] == "B0ALMONER"
    assert [b["type"] for b in message["blocks"]] == [b["type"] for b in CARD]
    assert all(b["block_id"] for b in message["blocks"])
    assert message["blocks"][0]["text"]["emoji"] is True


def test_a_form_post_is_as_good_as_json(desk: Running) -> None:
    form = {"channel": "approvals", "blocks": '[{"type":"divider"}]', "text": "x", "token": TOKEN}
    answer = httpx.post(f"{desk.url}/api/chat.postMessage", data=form).json()
    assert answer["ok"], answer
    assert answer["message"]["blocks"][0]["type"] == "divider"


def test_unreadable_bodies_get_slacks_own_codes(desk: Running) -> None:
    url, headers = f"{desk.url}/api/chat.postMessage", {"Authorization": f"Bearer {TOKEN}"}
    as_json = headers | {"Content-Type": "application/json"}
    assert httpx.post(url, content="{no", headers=as_json).json() == {"ok": False, "error": "invalid_json"}
    assert httpx.post(url, content="[1]", headers=as_json).json()["error"] == "json_not_object"
    assert httpx.post(f"{desk.url}/api/chat.shout", headers=headers).json() == {
        "ok": False,
        "error": "unknown_method",
        "req_method": "chat.shout",
    }


def test_posting_nothing_nowhere_or_too_much_is_refused(slack: WebClient) -> None:
    assert code(slack.chat_postMessage, channel="C0NOWHERE", text="x") == "channel_not_found"
    empty = {"channel": "approvals", "text": " "}
    assert code(slack.api_call, api_method="chat.postMessage", json=empty) == "no_text"
    assert code(slack.chat_postMessage, channel="approvals", text="x" * 40_001) == "msg_too_long"
    assert slack.chat_postMessage(channel="approvals", text="x" * 40_000)["ok"]
    many = [{"text": "x", "fallback": "x"}] * 101
    assert code(slack.chat_postMessage, channel="approvals", text="x", attachments=many) == "too_many_attachments"
    missing = refusal(slack.api_call, api_method="chat.postMessage", json={"text": "x"})
    assert missing.response["error"] == "invalid_arguments"
    assert missing.response["response_metadata"]["messages"] == ["[ERROR] missing required field: channel"]


def test_an_update_replaces_the_card_and_keeps_the_metadata(slack: WebClient) -> None:
    posted = slack.chat_postMessage(channel="approvals", text="waiting", blocks=CARD, metadata=NOTE)
    slack.chat_update(channel=posted["channel"], ts=posted["ts"], text="approved", blocks=[{"type": "divider"}])
    (seen,) = slack.conversations_history(channel=posted["channel"], include_all_metadata=True)["messages"]
    assert (seen["text"], [b["type"] for b in seen["blocks"]]) == ("approved", ["divider"])
    assert seen["metadata"] == NOTE
    assert seen["edited"]["user"] == "U0ALMONER"


def test_metadata_is_returned_only_when_asked_for(slack: WebClient) -> None:
    posted = slack.chat_postMessage(channel="approvals", text="x", metadata=NOTE)
    (plain,) = slack.conversations_history(channel=posted["channel"])["messages"]
    assert "metadata" not in plain
    thread = slack.conversations_replies(channel=posted["channel"], ts=posted["ts"], include_all_metadata=True)
    assert thread["messages"][0]["metadata"] == NOTE


def test_only_the_apps_own_standing_messages_can_be_changed(slack: WebClient, desk: Running) -> None:
    his = desk.desk.messages.post("C0APPROVALS", desk.desk.messages.by_person("U0ANA", text="mine"))
    quiet = slack.chat_postEphemeral(channel="C0APPROVALS", user="U0ANA", text="psst")
    here = {"channel": "C0APPROVALS"}
    assert code(slack.chat_update, ts=his["ts"], text="x", **here) == "cant_update_message"
    assert code(slack.chat_delete, ts=his["ts"], **here) == "cant_delete_message"
    assert code(slack.chat_update, ts="1.2", text="x", **here) == "message_not_found"
    assert code(slack.chat_update, ts=quiet["message_ts"], text="x", **here) == "message_not_found"
    own = slack.chat_postMessage(text="x", **here)
    assert code(slack.chat_update, ts=own["ts"], text="x" * 4001, **here) == "msg_too_long"
    slack.chat_delete(ts=own["ts"], **here)
    assert [m["text"] for m in slack.conversations_history(**here)["messages"]] == ["mine"]


def test_a_thread_has_its_facts_on_the_parent_and_a_tombstone_when_that_goes(slack: WebClient) -> None:
    parent = slack.chat_postMessage(channel="C0APPROVALS", text="card")
    for text in ("first", "second"):
        slack.chat_postMessage(channel="C0APPROVALS", text=text, thread_ts=parent["ts"])
    (seen,) = slack.conversations_history(channel="C0APPROVALS")["messages"]
    assert (seen["reply_count"], seen["reply_users"]) == (2, ["U0ALMONER"])
    thread = slack.conversations_replies(channel="C0APPROVALS", ts=parent["ts"])["messages"]
    assert [m["text"] for m in thread] == ["card", "first", "second"]
    slack.chat_delete(channel="C0APPROVALS", ts=parent["ts"])
    (stone,) = slack.conversations_history(channel="C0APPROVALS")["messages"]
    assert stone["subtype"] == "tombstone"
    assert code(slack.conversations_replies, channel="C0APPROVALS", ts="1.2") == "thread_not_found"


def test_history_is_paged_newest_first_and_bounded_by_time(slack: WebClient) -> None:
    stamps = [slack.chat_postMessage(channel="C0GENERAL", text=str(n))["ts"] for n in range(5)]
    first = slack.conversations_history(channel="C0GENERAL", limit=2)
    assert [m["text"] for m in first["messages"]] == ["4", "3"]
    assert first["has_more"]
    rest = [m["text"] for page in first for m in page["messages"]]
    assert rest == ["4", "3", "2", "1", "0"]
    after = slack.conversations_history(channel="C0GENERAL", oldest=stamps[2])
    assert [m["text"] for m in after["messages"]] == ["4", "3"]
    closed = slack.conversations_history(channel="C0GENERAL", oldest=stamps[2], latest=stamps[2], inclusive=True)
    assert [m["text"] for m in closed["messages"]] == ["2"]
    assert code(slack.conversations_history, channel="C0GENERAL", oldest="yesterday") == "invalid_ts_oldest"
    assert code(slack.conversations_history, channel="C0GENERAL", cursor="made-up") == "invalid_cursor"


def test_people_are_found_by_id_and_by_address_unless_they_left(slack: WebClient) -> None:
    ana = slack.users_lookupByEmail(email="ana.silva@mercy.example")["user"]
    assert (ana["id"], ana["profile"]["real_name"], ana["tz"]) == ("U0ANA", "Ana Silva", "America/Chicago")
    assert slack.users_info(user="U0GUS")["user"]["deleted"] is True
    assert code(slack.users_lookupByEmail, email="gus.inactive@mercy.example") == "users_not_found"
    assert code(slack.users_info, user="U0NOBODY") == "user_not_found"
    assert {u["id"] for page in slack.users_list(limit=2) for u in page["members"]} == {
        "U0RITA",
        "U0ANA",
        "U0CARL",
        "U0GUS",
        "U0ALMONER",
    }
    assert slack.usergroups_list(include_users=True)["usergroups"][0]["users"] == ["U0CARL"]
    assert slack.usergroups_users_list(usergroup="S0FINANCE")["users"] == ["U0CARL"]


def test_direct_messages_open_to_people_who_are_there(slack: WebClient) -> None:
    direct = slack.conversations_open(users="U0ANA", return_im=True)["channel"]
    assert (direct["is_im"], direct["user"]) == (True, "U0ANA")
    assert slack.chat_postMessage(channel="U0ANA", text="x")["channel"] == direct["id"]
    group = slack.conversations_open(users=["U0ANA", "U0CARL"])["channel"]["id"]
    assert slack.conversations_open(users="U0CARL,U0ANA")["channel"]["id"] == group
    assert code(slack.conversations_open, users="U0NOBODY") == "user_not_found"
    assert code(slack.conversations_open, users="U0GUS") == "user_disabled"
    assert code(slack.conversations_open, users="") == "users_list_not_supplied"


def test_conversations_are_listed_by_kind(slack: WebClient) -> None:
    assert [c["name"] for c in slack.conversations_list()["channels"]] == ["approvals", "finance-audit", "general"]
    ims = slack.conversations_list(types="im")["channels"]
    assert {c["user"] for c in ims} == {"U0RITA", "U0ANA", "U0CARL"}
    assert slack.conversations_info(channel="C0GENERAL", include_num_members=True)["channel"]["num_members"] == 4
    assert "U0GUS" not in slack.conversations_members(channel="C0GENERAL")["members"]


def test_an_ephemeral_message_is_in_nobodys_history(slack: WebClient) -> None:
    slack.chat_postEphemeral(channel="C0APPROVALS", user="U0ANA", text="psst")
    assert slack.conversations_history(channel="C0APPROVALS")["messages"] == []
    assert code(slack.chat_postEphemeral, channel="C0APPROVALS", user="U0GUS", text="x") == "user_not_in_channel"


def test_a_permalink_opens_the_desk_on_the_message(slack: WebClient, desk: Running) -> None:
    posted = slack.chat_postMessage(channel="C0APPROVALS", text="x")
    link = slack.chat_getPermalink(channel="C0APPROVALS", message_ts=posted["ts"])["permalink"]
    assert httpx.get(link).headers["location"] == f"/#C0APPROVALS/{posted['ts']}"
    assert link.startswith(desk.url)


def test_a_reaction_counts_once(slack: WebClient) -> None:
    ts = slack.chat_postMessage(channel="C0APPROVALS", text="x")["ts"]
    slack.reactions_add(channel="C0APPROVALS", timestamp=ts, name="eyes")
    assert code(slack.reactions_add, channel="C0APPROVALS", timestamp=ts, name="eyes") == "already_reacted"
    (seen,) = slack.conversations_history(channel="C0APPROVALS")["messages"]
    assert seen["reactions"] == [{"name": "eyes", "users": ["U0ALMONER"], "count": 1}]


def test_socket_mode_is_not_for_a_bots_token(slack: WebClient) -> None:
    assert code(slack.api_call, api_method="apps.connections.open") == "not_allowed_token_type"


@pytest.mark.parametrize("metadata", ["text", {"event_type": "x"}, {"event_type": "", "event_payload": {}}])
def test_metadata_that_is_no_metadata_is_refused(slack: WebClient, metadata: object) -> None:
    args = {"channel": "C0APPROVALS", "text": "x", "metadata": metadata}
    assert code(slack.api_call, api_method="chat.postMessage", json=args) == "invalid_metadata_format"


def test_another_hosts_name_for_this_machine_is_turned_away(desk: Running) -> None:
    assert httpx.get(f"{desk.url}/health", headers={"Host": "evil.example"}).status_code == 400
    assert httpx.get(f"{desk.url}/health").json()["ok"]

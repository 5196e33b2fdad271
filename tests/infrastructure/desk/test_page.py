"""What the page makes of text: Slack's markup, and nothing else."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import httpx
import pytest
from slack_sdk import WebClient

from infrastructure.local.desk.directory import read_directory
from infrastructure.local.desk.page.dates import pretty_day, slack_date
from infrastructure.local.desk.page.emoji import DRAWN, EMOJI
from infrastructure.local.desk.page.mrkdwn import Renderer
from tests.infrastructure.desk.cards import EVERY_BLOCK, FORM, mrkdwn, plain
from tests.infrastructure.desk.conftest import Running

CHICAGO = ZoneInfo("America/Chicago")
NOON = datetime(2026, 3, 1, 18, tzinfo=UTC)
SHORT_EVIL = '"><img src=x onerror=p>'
EVIL = '"><img src=x onerror="pwned()"><script>pwned()</script>'


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(read_directory(None), CHICAGO, NOON.timestamp)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*bold* _it_ ~no~", "<strong>bold</strong> <em>it</em> <s>no</s>"),
        ("*bold _both_*", "<strong>bold <em>both</em></strong>"),
        ("2 * 3 * 4 and snake_case_name", "2 * 3 * 4 and snake_case_name"),
        ("`*code*` and\nnext", "<code>*code*</code> and<br>next"),
        ("```a *b*\nc```", "<pre>a *b*\nc</pre>"),
        ("&lt;b&gt; &amp; <b>", "&lt;b&gt; &amp; &lt;b&gt;"),
        ("<@U0ANA>", '<span class="mention" data-user="U0ANA">@Ana Silva</span>'),
        ("<#C0GENERAL>", '<a class="mention" href="#C0GENERAL">#general</a>'),
        ("<!here> <!subteam^S0FINANCE>", '<span class="mention">@here</span> <span class="mention">@finance</span>'),
        (
            "<https://x.example/?a=1&amp;b=2|the *link*>",
            '<a href="https://x.example/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer">the *link*</a>',
        ),
        ("<javascript:alert(1)|click>", "&lt;javascript:alert(1)|click&gt;"),
        ("> one\n> two\nafter", "<blockquote>one<br>two</blockquote>after"),
        ("&gt; quoted", "<blockquote>quoted</blockquote>"),
        ("<!date^1772388000^{date_num} {time}|then>", "2026-03-01 12:00 PM"),
        ("at 10:30:00 :nonsense:", "at 10:30:00 :nonsense:"),
        (":wave:", "👋"),
        ("a \ue0000\ue001 b", "a 0 b"),
    ],
)
def test_mrkdwn_reads_as_in_slack(renderer: Renderer, text: str, html: str) -> None:
    assert str(renderer.mrkdwn(text)) == html


def test_an_emoji_that_is_drawn_is_a_picture_with_a_name(renderer: Renderer) -> None:
    expected = '<svg class="emoji" role="img" aria-label="warning"><use href="/static/emoji.svg#warning"/></svg>'
    assert str(renderer.mrkdwn(":warning:")) == str(renderer.plain("⚠️")) == str(renderer.plain("⚠")) == expected
    assert set(EMOJI) >= DRAWN


def test_every_drawn_emoji_is_in_the_sheet(desk: Running) -> None:
    sheet = httpx.get(f"{desk.url}/static/emoji.svg").text
    assert [name for name in DRAWN if f'<symbol id="{name}"' not in sheet] == []


@pytest.mark.parametrize(
    "text", [EVIL, f"*{EVIL}*", f"`{EVIL}`", f"```{EVIL}```", f"<https://x.example/{EVIL}|{EVIL}>", f"<@{EVIL}>",
             f"<#{EVIL}|{EVIL}>", f"<!{EVIL}>", f"<!date^1^{{{EVIL}}}|{EVIL}>", f"> {EVIL}", f":{EVIL}:"]
)  # fmt: skip
def test_no_text_becomes_a_tag(renderer: Renderer, text: str) -> None:
    for html in (renderer.mrkdwn(text), renderer.plain(text), renderer.markdown(text)):
        assert "<script" not in html
        assert "<img" not in html
        assert 'onerror="' not in html.replace("&quot;", "")


def test_evil_in_every_field_of_every_block_stays_text(slack: WebClient, desk: Running) -> None:
    def spoiled(node: object, key: str = "") -> object:
        if isinstance(node, dict):
            return {k: spoiled(v, k) for k, v in node.items()}
        if isinstance(node, list):
            return [spoiled(v, key) for v in node]
        return SHORT_EVIL if key in ("text", "alt_text", "value", "action_id", "block_id") else node

    blocks = [b | {"block_id": f"{SHORT_EVIL}{n}"} for n, b in enumerate(spoiled(EVERY_BLOCK))]  # type: ignore[arg-type]
    slack.chat_postMessage(channel="general", text=EVIL, blocks=blocks)
    slack.chat_postMessage(channel="general", text=EVIL, attachments=[{"fallback": EVIL, "text": EVIL, "color": EVIL}])
    slack.views_publish(user_id="U0ANA", view={"type": "home", "blocks": blocks[:3]})
    slack.views_open(trigger_id=desk.desk.triggers.issue("U0ANA"), view=FORM | {"title": plain(SHORT_EVIL)})
    desk.desk.messages.post("C0GENERAL", desk.desk.messages.by_person("U0CARL", text=EVIL))
    for name in ("talk", "home", "modal", "sidebar"):
        page = httpx.get(f"{desk.url}/shown/{name}", params={"as": "U0ANA", "channel": "C0GENERAL"})
        assert page.status_code == 200
        assert "<script" not in page.text
        assert "<img src=x" not in page.text
        assert "default-src 'self'" in page.headers["content-security-policy"]


def test_days_are_said_as_people_say_them() -> None:
    now = datetime(2026, 3, 3, 12, tzinfo=CHICAGO)
    days = [(2026, 3, 3), (2026, 3, 2), (2026, 2, 23), (2025, 12, 11)]
    said = [pretty_day(datetime(*day, 9, tzinfo=CHICAGO), now) for day in days]
    assert said == ["Today", "Yesterday", "Monday, February 23rd", "Thursday, December 11th, 2025"]
    hour_ago = int(now.timestamp()) - 3600
    assert slack_date(hour_ago, "{date_pretty}, {ago}", CHICAGO, now) == "today, 1 hour ago"


def test_who_has_left_cannot_be_chosen(desk: Running) -> None:
    assert httpx.get(f"{desk.url}/").headers["location"] == "/?as=U0RITA"
    gone = httpx.get(f"{desk.url}/?as=U0GUS")
    assert (gone.status_code, "deactivated" in gone.text) == (404, True)
    page = httpx.get(f"{desk.url}/?as=U0ANA").text
    assert 'data-be="U0CARL"' in page
    assert 'data-be="U0GUS"' not in page


def test_what_one_may_not_see_is_not_shown(desk: Running, slack: WebClient) -> None:
    slack.chat_postMessage(channel="U0CARL", text="for Carl")
    slack.chat_postEphemeral(channel="C0GENERAL", user="U0CARL", text="for Carl")
    for channel in ("D0000CARL", "C0GENERAL"):
        seen = {
            user: "for Carl" in httpx.get(f"{desk.url}/shown/talk", params={"as": user, "channel": channel}).text
            for user in ("U0CARL", "U0ANA")
        }
        assert seen == {"U0CARL": True, "U0ANA": False}


def test_unread_is_counted_where_one_is_meant(desk: Running, slack: WebClient) -> None:
    slack.chat_postMessage(channel="approvals", text="<@U0ANA> please", blocks=[
        {"type": "section", "text": mrkdwn("<@U0ANA> please")}])  # fmt: skip
    slack.chat_postMessage(channel="general", text="for all")
    side = httpx.get(f"{desk.url}/shown/sidebar", params={"as": "U0ANA"}).text
    assert side.count('class="unread"') == 2
    assert side.count('aria-label="1 unread"') == 1
    httpx.post(f"{desk.url}/desk/read", json={"as": "U0ANA", "channel": "approvals"})
    side = httpx.get(f"{desk.url}/shown/sidebar", params={"as": "U0ANA"}).text
    assert side.count('class="unread"') == 1

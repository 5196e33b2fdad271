"""One contract for every desk: the fake that remembers, and Slack's own client against the Slack desk."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import pytest

from blocks.errors import RefusedError, UnavailableError, UnreadableError
from blocks.ports import Card
from blocks.records.approval import Posted
from blocks.slack import SlackDesk
from blocks.wire.cards import said_card
from infrastructure.local.desk.desk import Desk as Workspace
from infrastructure.local.desk.serving import running
from infrastructure.local.desk.settings import DeskSettings
from tests.fakes.desk import FakeDesk

TOKEN = "xoxb-a-token-for-tests"


@dataclass
class Place:
    """A desk, what one sees in a channel of it, and how its next answer to a post is lost."""

    desk: FakeDesk | SlackDesk
    texts: Callable[[str], list[str]]
    lose_next: Callable[[], None]


@pytest.fixture(scope="module")
def workspace() -> Iterator[tuple[str, Workspace]]:
    settings = DeskSettings(bot_token=TOKEN, signing_secret="8f742231b10e8888", rate_factor=None)
    with running(settings) as served:
        yield served


def fake_place() -> Place:
    desk = FakeDesk()

    def lose() -> None:
        desk.lose_answers = 1

    return Place(desk, lambda channel: [card.text for card in desk.cards(channel)], lose)


def slack_place(desk: SlackDesk, workspace: Workspace) -> Place:
    def texts(channel: str) -> list[str]:
        return [str(one["text"]) for one in workspace.messages.top_level(channel)]

    def lose() -> None:
        workspace.faults.add({"method": "chat.postMessage", "kind": "lost"})

    return Place(desk, texts, lose)


@pytest.fixture
async def connect(workspace: tuple[str, Workspace]) -> AsyncIterator[Callable[..., SlackDesk]]:
    """Connect to Slack; the connections end with the test."""
    made: list[SlackDesk] = []

    def connected(token: str = TOKEN, url: str = "") -> SlackDesk:
        made.append(SlackDesk(token, url=f"{url or workspace[0]}/api/", timeout_s=5))
        return made[-1]

    yield connected
    for desk in made:
        await desk.aclose()


@pytest.fixture(params=["fake", "slack"])
def place(request: pytest.FixtureRequest, workspace: tuple[str, Workspace], connect) -> Place:
    workspace[1].faults.clear()
    return fake_place() if request.param == "fake" else slack_place(connect(), workspace[1])


def card(key: str, text: str = "something to read") -> Card:
    return said_card(key, f"{text} ({key})")


def seen(place: Place, posted: Posted, key: str) -> int:
    return sum(f"({key})" in text for text in place.texts(posted.channel))


async def test_a_card_is_posted_and_stands_where_it_says(place, request):
    key = request.node.name
    posted = await place.desk.post("approvals", card(key))
    assert seen(place, posted, key) == 1
    assert await place.desk.key_of(posted) == key


async def test_a_card_that_may_stand_there_already_is_looked_for_first(place, request):
    key = request.node.name
    posted = await place.desk.post("approvals", card(key))
    assert await place.desk.post("approvals", card(key), maybe_posted=True) == posted
    assert seen(place, posted, key) == 1


async def test_a_card_that_is_not_there_yet_is_posted_although_it_might_have_been(place, request):
    key = request.node.name
    posted = await place.desk.post("approvals", card(key), maybe_posted=True)
    assert seen(place, posted, key) == 1


async def test_a_post_whose_answer_was_lost_is_found_and_not_repeated(place, request):
    key = request.node.name
    place.lose_next()
    posted = await place.desk.post("approvals", card(key))
    assert seen(place, posted, key) == 1
    assert await place.desk.key_of(posted) == key


async def test_a_card_is_drawn_anew_in_its_place(place, request):
    key = request.node.name
    posted = await place.desk.post("approvals", card(key))
    await place.desk.redraw(posted, card(key, "decided"))
    assert f"decided ({key})" in place.texts(posted.channel)
    assert seen(place, posted, key) == 1
    assert await place.desk.key_of(posted) == key


async def test_what_is_not_there_cannot_be_drawn_anew(place, request):
    posted = await place.desk.post("approvals", card(request.node.name))
    with pytest.raises(RefusedError):
        await place.desk.redraw(Posted(channel=posted.channel, ts="1.000001"), card("k"))


async def test_something_is_said_in_a_thread_and_not_beside_it(place, request):
    key = request.node.name
    posted = await place.desk.post("approvals", card(key))
    before = len(place.texts(posted.channel))
    await place.desk.say(posted, "why now?")
    assert len(place.texts(posted.channel)) in (before, before + 1)
    assert seen(place, posted, key) == 1


async def test_one_person_is_told_once(place, request):
    key = request.node.name
    posted = await place.desk.tell("U0RITA", card(key))
    assert await place.desk.tell("U0RITA", card(key), maybe_posted=True) == posted
    assert seen(place, posted, key) == 1


async def test_whoever_is_known_by_an_id_of_an_enterprise_grid_is_told(tmp_path):
    people = tmp_path / "people.json"
    people.write_text(json.dumps({"people": [{"id": "rita.okafor", "name": "Rita Okafor", "slack_user": "W012A3CDE"}]}))
    settings = DeskSettings(bot_token=TOKEN, signing_secret="8f742231b10e8888", people=people, rate_factor=None)
    with running(settings) as (address, workspace):
        desk = SlackDesk(TOKEN, url=f"{address}/api/", timeout_s=5)
        posted = await desk.tell("W012A3CDE", card("grid"))
        await desk.aclose()
        assert seen(slack_place(desk, workspace), posted, "grid") == 1


async def test_many_posts_at_once_all_stand(place, request):
    keys = [f"{request.node.name}-{number}" for number in range(10)]
    posted = await asyncio.gather(*(place.desk.post("approvals", card(key)) for key in keys))
    assert len({one.ts for one in posted}) == 10
    assert all(seen(place, one, key) == 1 for one, key in zip(posted, keys, strict=True))


async def test_a_message_that_is_not_there_has_no_key_to_read(connect):
    desk = connect()
    posted = await desk.post("approvals", card("k"))
    assert await desk.key_of(posted) == "k"
    with pytest.raises(RefusedError):
        await desk.key_of(Posted(channel=posted.channel, ts="1.000001"))


async def test_a_channel_that_is_not_there_is_refused_with_what_to_do(connect):
    with pytest.raises(RefusedError, match="no channel #nowhere: create it and invite the app"):
        await connect().post("#nowhere", card("k"))


async def test_a_token_that_is_not_ours_is_an_admins_matter_with_what_to_check(connect):
    with pytest.raises(UnreadableError, match="invalid_auth: check SLACK_BOT_TOKEN and the scopes of the app"):
        await connect("xoxb-another").post("approvals", card("k"))


async def test_an_error_of_slacks_own_is_unknown_and_a_desk_that_is_away_unavailable(connect, workspace):
    _, desk = workspace
    desk.faults.add({"method": "chat.postMessage", "kind": "error"})
    desk.faults.add({"method": "conversations.history", "kind": "error"})
    with pytest.raises(UnavailableError):
        await connect().post("approvals", card("k"))
    desk.faults.clear()
    with pytest.raises(UnavailableError):
        await connect(url="http://127.0.0.1:9").post("approvals", card("k"))


async def test_being_told_to_come_back_it_comes_back(connect, workspace, request):
    _, desk = workspace
    desk.faults.add({"method": "chat.postMessage", "kind": "ratelimited", "seconds": 1})
    key = request.node.name
    place = slack_place(connect(), desk)
    assert seen(place, await place.desk.post("approvals", card(key)), key) == 1


async def test_who_is_not_in_the_channel_is_told_directly(connect, workspace):
    await connect().whisper("C0NOWHERE", "U0ANA", "not yours to answer")
    assert "not yours to answer" in str(workspace[1].messages.top_level("D00000ANA"))

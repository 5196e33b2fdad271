"""The page between two looks: nothing that somebody does is lost because something was drawn, or not drawn yet."""

import pytest
from playwright.sync_api import APIResponse, Page, Route, expect
from slack_sdk import WebClient

from tests.infrastructure.desk.cards import CARD, FORM, plain
from tests.infrastructure.desk.conftest import Running
from tests.infrastructure.desk.listening import ListeningApp


@pytest.mark.parametrize("tab", ["messages", "home"])
def test_a_click_is_not_lost_while_what_it_hits_is_drawn_anew(
    page: Page, desk: Running, slack: WebClient, app: ListeningApp, tab: str
) -> None:
    def drawn(word: str) -> None:
        blocks = [{"type": "section", "text": plain(word)}, *CARD]
        if tab == "home":
            slack.views_publish(user_id="U0ANA", view={"type": "home", "blocks": blocks})
        else:
            slack.chat_update(channel=posted["channel"], ts=posted["ts"], text=word, blocks=blocks)

    posted = slack.chat_postMessage(channel="U0ANA", text="card", blocks=CARD)
    drawn("as it was")
    page.goto(f"{desk.url}/?as=U0ANA#{posted['channel']}{'/home' if tab == 'home' else ''}")
    expect(page.get_by_text("as it was")).to_be_visible()
    page.get_by_role("button", name="Approve").hover()
    page.mouse.down()
    drawn("a line higher,\nand another")
    page.wait_for_timeout(400)
    expect(page.get_by_text("as it was")).to_be_visible()
    page.mouse.up()
    expect(page.get_by_text("a line higher")).to_be_visible()
    expect(page.locator(".busy")).to_have_count(0)
    assert [one["actions"][0]["action_id"] for one in app.interactions] == ["approve"]


def test_a_click_on_a_place_is_not_lost_while_the_list_of_places_is_drawn_anew(page: Page, desk: Running) -> None:
    late: list[tuple[Route, APIResponse]] = []
    page.goto(f"{desk.url}/?as=U0ANA#C0APPROVALS")
    expect(page.get_by_role("heading", name="approvals", exact=True).first).to_be_visible()
    page.route("**/shown/sidebar*", lambda route: late.append((route, route.fetch())), times=1)
    page.get_by_role("link", name="general").click()
    while not late:
        page.wait_for_timeout(20)
    page.get_by_role("link", name="Almoner").hover()
    page.mouse.down()
    route, places = late[0]
    route.fulfill(response=places)
    page.wait_for_timeout(200)
    page.mouse.up()
    expect(page.get_by_role("tab", name="Home")).to_be_visible()


def test_what_is_sent_before_the_page_is_drawn_is_sent(page: Page, desk: Running, app: ListeningApp) -> None:
    late: list[Route] = []
    page.route("**/shown/sidebar*", lambda route: late.append(route), times=1)  # noqa: PLW0108 (Playwright marks what it is given)
    page.goto(f"{desk.url}/?as=U0RITA#C0APPROVALS")
    composer = page.get_by_role("textbox", name="Message")
    with page.expect_response("**/desk/write"):
        composer.fill("/requisition gloves")
        composer.press("Enter")
    assert [(one["text"], one["channel_id"]) for one in app.commands] == [("gloves", "C0APPROVALS")]
    late[0].continue_()
    expect(page.get_by_role("heading", name="approvals", exact=True).first).to_be_visible()


def test_a_late_look_does_not_close_the_form_that_a_later_one_showed(
    page: Page, desk: Running, slack: WebClient, app: ListeningApp
) -> None:
    def opened(typed: dict[str, str]) -> str:
        slack.views_open(trigger_id=typed["trigger_id"], view=FORM)
        return ""

    app.on_command = opened
    late: list[tuple[Route, APIResponse]] = []
    page.route("**/shown/modal*", lambda route: late.append((route, route.fetch())), times=1)
    page.goto(f"{desk.url}/?as=U0RITA#C0APPROVALS")
    while not late:
        page.wait_for_timeout(20)
    composer = page.get_by_role("textbox", name="Message")
    composer.fill("/requisition gloves")
    composer.press("Enter")
    form = page.get_by_role("dialog", name="New requisition")
    expect(form).to_be_visible()
    route, nothing = late[0]
    with page.expect_event("requestfinished", lambda done: done == route.request):
        route.fulfill(response=nothing)
    page.wait_for_timeout(100)
    expect(form).to_be_visible()

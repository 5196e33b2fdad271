"""The page in a real browser: read, click, fill, reply, and be somebody else; on a phone too."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from slack_sdk import WebClient

from blocks.wire.cards import ask_card, button_value, read_value
from blocks.wire.modals import fewer_modal, hand_over_modal
from tests.infrastructure.desk.cards import CARD, EVERY_BLOCK, FORM, plain
from tests.infrastructure.desk.conftest import Running
from tests.infrastructure.desk.listening import ListeningApp
from tests.samples import ask

EVIL = "<img src=x onerror=\"document.title='pwned'\">"


def test_a_card_appears_is_approved_and_locks_without_a_reload(
    page: Page, desk: Running, slack: WebClient, app: ListeningApp
) -> None:
    page.goto(f"{desk.url}/?as=U0ANA")
    expect(page.get_by_role("heading", name="approvals", exact=True).first).to_be_visible()
    posted = slack.chat_postMessage(channel="approvals", text="card", blocks=CARD)

    def locked(payload: dict[str, object]) -> str:
        done = [*CARD[:2], {"type": "context", "elements": [plain("Approved by Ana Silva")]}]
        slack.chat_update(channel="C0APPROVALS", ts=posted["ts"], text="approved", blocks=done)
        assert payload["type"] == "block_actions"
        return ""

    app.on_interaction = locked
    card = page.get_by_role("article").filter(has_text="Cementless hip stem")
    card.get_by_role("button", name="Approve").click()
    expect(card.get_by_text("Approved by Ana Silva")).to_be_visible()
    expect(card.get_by_role("button", name="Approve")).to_have_count(0)
    assert app.last["user"]["id"] == "U0ANA"


def test_a_menu_on_the_home_tab_stays_open_while_other_things_happen(
    page: Page, desk: Running, slack: WebClient
) -> None:
    menu = {"type": "overflow", "action_id": "more", "options": [{"text": plain("Later"), "value": "later"}]}
    blocks = [{"type": "section", "text": plain("Something"), "accessory": menu}]
    channel = slack.chat_postMessage(channel="U0ANA", text="hello")["channel"]
    slack.views_publish(user_id="U0ANA", view={"type": "home", "blocks": blocks})
    page.goto(f"{desk.url}/?as=U0ANA#{channel}/home")
    page.get_by_role("button", name="More actions").click()
    slack.chat_postMessage(channel="general", text="news")
    expect(page.get_by_role("link", name="general")).to_have_class("unread")
    expect(page.get_by_role("menuitem", name="Later")).to_be_visible()


def test_a_late_app_shows_its_warning_on_the_card(
    page: Page, desk: Running, slack: WebClient, app: ListeningApp
) -> None:
    slack.chat_postMessage(channel="approvals", text="card", blocks=CARD)
    app.status = 500
    page.goto(f"{desk.url}/?as=U0ANA#C0APPROVALS")
    page.get_by_role("button", name="Ask a question").click()
    expect(page.get_by_role("alert").filter(has_text="This app is not responding")).to_be_visible()
    app.status = 200
    page.get_by_role("button", name="Ask a question").click()
    expect(page.get_by_text("This app is not responding")).to_be_hidden()


def test_every_block_is_drawn_and_works(page: Page, desk: Running, slack: WebClient, app: ListeningApp) -> None:
    slack.chat_postMessage(channel="general", text="every", blocks=EVERY_BLOCK)
    page.goto(f"{desk.url}/?as=U0ANA#C0GENERAL")
    message = page.get_by_role("article")
    expect(message.get_by_role("heading", name="Every block")).to_be_visible()
    expect(message.get_by_role("img", name="package")).to_be_visible()
    expect(message.locator("strong", has_text="bold").first).to_be_visible()
    expect(message.get_by_role("link", name="a link")).to_have_attribute("href", "https://example.com/a?b=1&c=2")
    expect(message.locator("blockquote")).to_have_text("a quotation")
    expect(message.locator("pre")).to_contain_text("*not bold*")
    expect(message.get_by_role("separator")).to_have_count(1)
    expect(message.get_by_role("heading", name="Markdown")).to_be_visible()
    expect(message.get_by_role("cell", name="2")).to_be_visible()
    expect(message.get_by_role("textbox", name="A note")).to_be_visible()
    message.get_by_label("Pick one").select_option("Beans")
    expect(message.get_by_label("Pick one")).to_be_enabled()
    message.get_by_label("Pick a person").select_option("Carl Moss")
    expect(message.get_by_label("Pick a person")).to_be_enabled()
    assert [i["actions"][0]["action_id"] for i in app.interactions] == ["one", "who"]
    assert app.last["state"]["values"]["choose"]["one"]["selected_option"]["value"] == "b"
    message.get_by_role("button", name="Are you sure?").click()
    page.get_by_role("dialog", name="Really?").get_by_role("button", name="Leave it").click()
    message.get_by_role("button", name="Are you sure?").click()
    page.get_by_role("dialog", name="Really?").get_by_role("button", name="Do it").click()
    expect(message.locator(".busy")).to_have_count(0)
    assert [i["actions"][0]["action_id"] for i in app.interactions] == ["one", "who", "sure"]


def test_a_word_that_arrives_out_of_sight_is_pointed_to(page: Page, desk: Running, slack: WebClient) -> None:
    for number in range(12):
        slack.chat_postMessage(channel="approvals", text=f"card {number}", blocks=CARD)
    page.goto(f"{desk.url}/?as=U0ANA#C0APPROVALS")
    page.get_by_role("article").first.scroll_into_view_if_needed()
    jump, word = page.get_by_role("button", name="New messages"), page.get_by_text("not yours")
    expect(jump).to_be_hidden()
    slack.chat_postEphemeral(channel="C0APPROVALS", user="U0ANA", text="This is not yours to answer.")
    jump.click()
    expect(word).to_be_in_viewport()
    expect(jump).to_be_hidden()
    slack.chat_postMessage(channel="approvals", text="in sight")
    expect(page.get_by_text("in sight")).to_be_in_viewport()
    expect(jump).to_be_hidden()


def test_a_form_opens_complains_and_is_sent(page: Page, desk: Running, slack: WebClient, app: ListeningApp) -> None:
    def opened(typed: dict[str, str]) -> str:
        slack.views_open(trigger_id=typed["trigger_id"], view=FORM)
        return ""

    app.on_command = opened
    page.goto(f"{desk.url}/?as=U0RITA#C0APPROVALS")
    composer = page.get_by_role("textbox", name="Message")
    composer.fill("/req")
    page.get_by_role("option", name="/requisition").click()
    expect(composer).to_have_value("/requisition ")
    composer.press("Enter")
    form = page.get_by_role("dialog", name="New requisition")
    form.get_by_label("Item").select_option("Nitrile gloves M, box of 100")
    form.get_by_role("button", name="Send").click()
    expect(form.get_by_role("alert").filter(has_text="Please complete this required field.")).to_be_visible()
    form.get_by_label("How many").fill("900")
    app.body = {"response_action": "errors", "errors": {"quantity": "The shelf holds 480."}}
    form.get_by_role("button", name="Send").click()
    expect(form.get_by_text("The shelf holds 480.")).to_be_visible()
    app.status = 500
    form.get_by_role("button", name="Send").click()
    expect(form.get_by_text("We had some trouble connecting. Try again?")).to_be_visible()
    app.status, app.body = 200, ""
    form.get_by_label("How many").fill("9")
    form.get_by_role("button", name="Send").click()
    expect(form).to_be_hidden()
    values = app.last["view"]["state"]["values"]
    assert (values["quantity"]["quantity"]["value"], app.last["user"]["id"]) == ("9", "U0RITA")


@pytest.mark.parametrize("width", [1280, 390])
def test_a_colleague_is_chosen_in_a_form_that_a_cards_menu_opened(
    page: Page, desk: Running, slack: WebClient, app: ListeningApp, width: int
) -> None:
    asked = ask(quantity=5)
    card = ask_card(asked, ())
    slack.chat_postMessage(channel="approvals", text=card.text, blocks=card.blocks)
    pressed = read_value(button_value(asked))

    def opened(payload: dict[str, Any]) -> str:
        if payload["type"] == "block_actions":
            entry = payload["actions"][0]["selected_option"]["value"]
            form = fewer_modal(pressed, asked) if entry.startswith("fewer/") else hand_over_modal(pressed)
            slack.views_open(trigger_id=payload["trigger_id"], view=form)
        return ""

    app.on_interaction = opened
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(f"{desk.url}/?as=U0ANA#C0APPROVALS")
    menu = page.get_by_role("button", name="More actions")
    menu.click()
    expect(page.get_by_role("menuitem")).to_have_text(
        ["Approve fewer…", "Hand over…", "Add an approver…", "Put on hold…"]
    )
    expect(page.get_by_role("menuitem").last).to_be_in_viewport(ratio=1)
    page.get_by_role("menuitem", name="Hand over…").click()
    form = page.get_by_role("dialog", name="Hand over")
    form.get_by_label("To whom?").select_option("Carl Moss")
    form.get_by_role("button", name="Hand over").click()
    expect(form).to_be_hidden()
    chosen = app.last["view"]["state"]["values"]["whom"]["value"]
    assert chosen == {"type": "users_select", "selected_user": "U0CARL"}
    menu.click()
    page.get_by_role("menuitem", name="Approve fewer…").click()
    form = page.get_by_role("dialog", name="Approve fewer")
    form.get_by_label("How many do you approve?").fill("6")
    form.get_by_role("button", name="Approve").click()
    expect(form.get_by_role("alert").filter(has_text="Please enter a number of 5 or less.")).to_be_visible()
    form.get_by_label("How many do you approve?").fill("2")
    form.get_by_role("button", name="Approve").click()
    expect(form).to_be_hidden()
    assert app.last["view"]["state"]["values"]["quantity"]["value"] == {"type": "number_input", "value": "2"}


def test_a_reply_in_a_thread_is_seen_by_the_others(page: Page, desk: Running, slack: WebClient) -> None:
    slack.chat_postMessage(channel="approvals", text="a question for all")
    page.goto(f"{desk.url}/?as=U0ANA#C0APPROVALS")
    message = page.get_by_role("article").filter(has_text="a question for all")
    message.hover()
    message.get_by_role("button", name="Reply in thread").click()
    thread = page.get_by_role("complementary", name="Thread")
    thread.get_by_role("textbox", name="Reply").fill(f"here is mine {EVIL}")
    thread.get_by_role("textbox", name="Reply").press("Enter")
    expect(thread.get_by_text("here is mine")).to_be_visible()
    page.get_by_role("button", name="You are: Ana Silva").click()
    page.get_by_role("menuitem", name="Carl Moss").click()
    expect(page.get_by_role("button", name="You are: Carl Moss")).to_be_visible()
    page.get_by_role("button", name="1 reply").click()
    expect(page.get_by_role("complementary", name="Thread").get_by_text("here is mine")).to_contain_text(EVIL)
    assert "pwned" not in page.title()


def test_a_home_tab_and_messages_are_two_tabs(page: Page, desk: Running, slack: WebClient) -> None:
    slack.chat_postMessage(channel="U0ANA", text="Your order is placed.")
    slack.views_publish(user_id="U0ANA", view={"type": "home", "blocks": CARD[:1]})
    page.goto(f"{desk.url}/?as=U0ANA")
    expect(page.get_by_label("1 unread")).to_be_visible()
    page.get_by_role("link", name="Almoner").click()
    expect(page.get_by_text("Your order is placed.")).to_be_visible()
    expect(page.get_by_label("1 unread")).to_have_count(0)
    page.get_by_role("tab", name="Home").click()
    expect(page.get_by_role("tabpanel").get_by_role("heading", name="Cementless")).to_be_visible()


def test_on_a_phone_one_thing_is_shown_at_a_time_and_nothing_is_cut_off(
    browser: Browser, desk: Running, slack: WebClient, app: ListeningApp
) -> None:
    slack.chat_postMessage(channel="approvals", text="card", blocks=CARD)
    phone = browser.new_page(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    phone.goto(f"{desk.url}/?as=U0ANA")
    phone.get_by_role("link", name="approvals").tap()
    expect(phone.get_by_role("navigation", name="Conversations")).to_be_hidden()
    phone.get_by_role("button", name="Approve").tap()
    expect(phone.locator(".busy")).to_have_count(0)
    assert app.last["actions"][0]["action_id"] == "approve"
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    phone.get_by_role("button", name="Back to the list").tap()
    expect(phone.get_by_role("link", name="general")).to_be_visible()
    phone.close()

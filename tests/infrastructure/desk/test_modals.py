"""Modals: opened, filled, refused, changed, stacked, closed."""

from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk import WebClient

from infrastructure.local.desk.driver import DeskDriver, RefusedClickError
from infrastructure.local.desk.modals import TROUBLE
from tests.infrastructure.desk.cards import FORM, plain
from tests.infrastructure.desk.conftest import Running, code
from tests.infrastructure.desk.listening import ListeningApp

FILLED = {"item": "GLOVE-M", "quantity": "4", "why": "two weeks"}
Json = dict[str, Any]


@pytest.fixture
async def form(desk: Running, slack: WebClient, driver: DeskDriver) -> Json:
    slack.views_open(trigger_id=desk.desk.triggers.issue("U0ANA"), view=FORM)
    return await driver.person("U0ANA").wait_for_modal(title="New requisition")


async def test_a_filled_form_arrives_with_its_state_and_closes(
    driver: DeskDriver, form: Json, app: ListeningApp
) -> None:
    ana = driver.person("U0ANA")
    assert (await ana.submit(form, FILLED)).ok
    sent = app.last
    assert (sent["type"], sent["user"]["id"], sent["response_urls"]) == ("view_submission", "U0ANA", [])
    assert sent["view"]["private_metadata"] == "from the channel"
    values = sent["view"]["state"]["values"]
    assert values["quantity"]["quantity"] == {"type": "number_input", "value": "4"}
    assert values["item"]["item"]["selected_option"]["value"] == "GLOVE-M"
    assert values["why"]["why"]["value"] == "two weeks"
    assert await ana.modal() is None


@pytest.mark.parametrize(
    ("typed", "errors"),
    [
        ({}, {"item", "quantity"}),
        ({"item": "GLOVE-M", "quantity": "many"}, {"quantity"}),
        ({"item": "GLOVE-M", "quantity": "1.5"}, {"quantity"}),
        ({"item": "GLOVE-M", "quantity": "0"}, {"quantity"}),
        ({"item": "GLOVE-M", "quantity": "NaN"}, {"quantity"}),
    ],
)
async def test_what_is_missing_is_said_before_the_app_is_asked(
    driver: DeskDriver, form: Json, app: ListeningApp, typed: dict[str, str], errors: set[str]
) -> None:
    outcome = await driver.person("U0ANA").submit(form, typed)
    assert set(outcome.errors) == errors
    assert app.interactions == []


async def test_the_apps_own_errors_stand_under_their_fields(driver: DeskDriver, form: Json, app: ListeningApp) -> None:
    app.body = {"response_action": "errors", "errors": {"quantity": "The shelf holds 480."}}
    ana = driver.person("U0ANA")
    assert (await ana.submit(form, FILLED)).errors == {"quantity": "The shelf holds 480."}
    assert await ana.modal() == form


@pytest.mark.parametrize(
    "body",
    [
        {"response_action": "errors", "errors": {"no such field": "x"}},
        {"response_action": "update", "view": {"type": "modal"}},
        {"response_action": "dance"},
        "[1]",
        "not JSON",
    ],
)
async def test_an_answer_slack_would_not_take_is_trouble(
    driver: DeskDriver, form: Json, app: ListeningApp, body: Json | str
) -> None:
    app.body = body
    outcome = await driver.person("U0ANA").submit(form, FILLED)
    assert (outcome.error, outcome.says) == ("bad_response", TROUBLE)
    assert await driver.person("U0ANA").modal() == form


async def test_a_late_app_leaves_the_form_open(start: Callable[..., Running], app: ListeningApp) -> None:
    desk = start(app_wait_s=0.2)
    desk.client().views_open(trigger_id=desk.desk.triggers.issue("U0ANA"), view=FORM)
    app.delay_s = 1
    async with DeskDriver(desk.url) as driver:
        ana = driver.person("U0ANA")
        outcome = await ana.submit(await ana.wait_for_modal(), FILLED)
        assert (outcome.error, outcome.says) == ("timeout", "We had some trouble connecting. Try again?")
        assert await ana.modal() is not None


async def test_the_app_may_change_the_form_stack_another_or_clear_all(
    driver: DeskDriver, form: Json, app: ListeningApp
) -> None:
    ana = driver.person("U0ANA")
    app.body = {"response_action": "update", "view": FORM | {"title": plain("Second step")}}
    assert (await ana.submit(form, FILLED)).ok
    second = await ana.wait_for_modal(title="Second step")
    assert (second["id"], second["hash"] != form["hash"]) == (form["id"], True)
    app.body = {"response_action": "push", "view": FORM | {"title": plain("On top")}}
    assert (await ana.submit(second, FILLED)).ok
    top = await ana.wait_for_modal(title="On top")
    assert (top["previous_view_id"], top["root_view_id"]) == (form["id"], form["id"])
    app.body = {"response_action": "clear"}
    assert (await ana.submit(top, FILLED)).ok
    assert await ana.modal() is None


async def test_a_stack_is_three_high(desk: Running, slack: WebClient, form: Json) -> None:
    for _ in range(2):
        slack.views_push(trigger_id=desk.desk.triggers.issue("U0ANA"), view=FORM)
    assert code(slack.views_push, trigger_id=desk.desk.triggers.issue("U0ANA"), view=FORM) == "push_limit_reached"
    assert form["previous_view_id"] is None


async def test_an_update_needs_the_view_and_the_hash_that_stand(slack: WebClient, form: Json) -> None:
    changed = FORM | {"title": plain("Changed")}
    assert slack.views_update(view_id=form["id"], hash=form["hash"], view=changed)["view"]["id"] == form["id"]
    assert code(slack.views_update, view_id=form["id"], hash=form["hash"], view=FORM) == "hash_conflict"
    assert code(slack.views_update, view_id="V0NONE", view=FORM) == "not_found"


async def test_closing_tells_an_app_that_asked(driver: DeskDriver, form: Json, app: ListeningApp) -> None:
    ana = driver.person("U0ANA")
    assert (await ana.close(form, everything=True)).ok
    for _ in range(100):
        if app.interactions:
            break
        await ana.conversations()
    assert (app.last["type"], app.last["is_cleared"]) == ("view_closed", True)
    with pytest.raises(RefusedClickError, match="view_not_found"):
        await ana.submit(form, FILLED)


async def test_nobody_fills_somebody_elses_form(driver: DeskDriver, form: Json) -> None:
    with pytest.raises(RefusedClickError, match="view_not_found"):
        await driver.person("U0CARL").submit(form, FILLED)
    with pytest.raises(RefusedClickError, match="no field price"):
        await driver.person("U0ANA").submit(form, {"price": "0"})


async def test_a_home_tab_is_each_persons_own(driver: DeskDriver, slack: WebClient, app: ListeningApp) -> None:
    button = {"type": "button", "action_id": "refresh", "text": plain("Refresh")}
    view = {"type": "home", "blocks": [{"type": "actions", "block_id": "a", "elements": [button]}]}
    slack.views_publish(user_id="U0ANA", view=view)
    ana = driver.person("U0ANA")
    home = await ana.home()
    assert home is not None
    assert await driver.person("U0CARL").home() is None
    assert (await ana.click_in_view(home, "refresh")).ok
    assert (app.last["container"]["type"], app.last["view"]["type"]) == ("view", "home")
    assert "channel" not in app.last

"""A desk on a port of its own, an app that listens, and Slack's own client between them."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from infrastructure.local.desk.desk import Desk
from infrastructure.local.desk.driver import DeskDriver
from infrastructure.local.desk.serving import running
from infrastructure.local.desk.settings import DeskSettings
from tests.infrastructure.desk.listening import SECRET, TOKEN, ListeningApp, listening
from tests.needs import CHROMIUM_FLAGS, chromium


class Clock:
    """The time, and any time later; `stop` makes it stand still until it is moved ahead."""

    def __init__(self) -> None:
        self.ahead_s = 0.0
        self._stopped: float | None = None

    def stop(self) -> None:
        self._stopped = time.time()

    def __call__(self) -> float:
        return (self._stopped or time.time()) + self.ahead_s


@dataclass
class Running:
    url: str
    desk: Desk
    clock: Clock

    def client(self, token: str | None = TOKEN) -> WebClient:
        return WebClient(token, base_url=f"{self.url}/api/")


@pytest.fixture
def app() -> Iterator[ListeningApp]:
    with listening() as heard:
        yield heard


@pytest.fixture
def start(app: ListeningApp) -> Iterator[Callable[..., Running]]:
    with ExitStack() as stack:

        def started(**wanted: Any) -> Running:
            clock = Clock()
            told = {"bot_token": TOKEN, "signing_secret": SECRET, "app_url": app.url, "rate_factor": None, "now": clock}
            url, desk = stack.enter_context(running(DeskSettings(**(told | wanted))))
            return Running(url, desk, clock)

        yield started


@pytest.fixture
def desk(start: Callable[..., Running]) -> Running:
    return start()


@pytest.fixture
def slack(desk: Running) -> WebClient:
    return desk.client()


@pytest.fixture
async def driver(desk: Running) -> AsyncIterator[DeskDriver]:
    async with DeskDriver(desk.url) as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1280, "height": 860})
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    opened.close()
    assert errors == []


def refusal(call: Callable[..., Any], **args: Any) -> SlackApiError:
    """Call a method that must be refused; return Slack's error."""
    with pytest.raises(SlackApiError) as caught:
        call(**args)
    return caught.value


def code(call: Callable[..., Any], **args: Any) -> str:
    return str(refusal(call, **args).response["error"])

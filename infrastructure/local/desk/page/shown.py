"""What the page shows: the shell once, then fragments it fetches again when something changed."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from infrastructure.local.desk import formstate
from infrastructure.local.desk.desk import Desk
from infrastructure.local.desk.directory import SLACKBOT
from infrastructure.local.desk.page import dates, richtext
from infrastructure.local.desk.page.emoji import EMOJI
from infrastructure.local.desk.page.mrkdwn import Renderer, safe_link
from infrastructure.local.desk.page.requests import actor
from infrastructure.local.desk.payloads import Actor
from infrastructure.local.desk.shapes import Json, SlackError
from infrastructure.local.desk.webapi.people import colour

_POLICY = (
    "default-src 'self'; img-src 'self' https: data:; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)
_SHOWN = 100
_REMEMBERED = 4000
_TOGETHER_S = 300


class Page:
    """Renders the page of one desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._drawn: dict[tuple[str, ...], Markup] = {}
        directory = desk.directory
        self.zone = ZoneInfo(directory.team.time_zone)
        renderer = Renderer(directory, self.zone, desk.settings.now)
        self.env = Environment(
            loader=PackageLoader(__package__ or "", "templates"), autoescape=True,
            trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        self.env.globals |= {
            "team": directory.team, "app": directory.app, "people": directory.people,
            "name_of": directory.name_of, "commands": desk.settings.commands,
            "colour": colour, "initial": formstate.initial, "emoji": EMOJI,
        }  # fmt: skip
        self.env.filters |= {
            "mrkdwn": renderer.mrkdwn, "plain": renderer.plain, "words": renderer.words, "text_object": renderer.text,
            "markdown": renderer.markdown, "safe_link": safe_link,
            "rich_text": lambda block: richtext.rich_text(block, renderer),
            "clock": lambda ts: dates.clock(dates.moment(ts, self.zone)),
            "full_time": lambda ts: f"{dates.moment(ts, self.zone):%B %-d, %Y} at "
            + dates.clock(dates.moment(ts, self.zone), seconds=True),
            "ago": self._short_time, "initials": self._initials,
        }  # fmt: skip

    def _initials(self, user: str) -> str:
        person = self.desk.directory.person(user)
        return person.initials if person else self.desk.directory.name_of(user)[:1].upper()

    def _today(self) -> datetime:
        return datetime.fromtimestamp(self.desk.settings.now(), self.zone)

    def _short_time(self, ts: str) -> str:
        at = dates.moment(ts, self.zone)
        day = dates.pretty_day(at, self._today())
        return f"{day.lower()} at {dates.clock(at)}" if day == "Today" else day

    def render(self, template: str, **values: object) -> HTMLResponse:
        """Render one template, to be fetched anew each time."""
        headers = {"Cache-Control": "no-store", "Content-Security-Policy": _POLICY,
                   "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}  # fmt: skip
        return HTMLResponse(self.env.get_template(template).render(**values), headers=headers)

    def articles(self, messages: list[Json], conversation: Json, place: str) -> list[Markup]:
        """Render messages; one that was rendered before and has not changed is not rendered again."""
        made: list[Markup] = []
        draw = self.env.get_template("message.html").module.message  # type: ignore[attr-defined]
        for row in self._rows(messages):
            key = (place, conversation["id"], row["message"]["ts"], row["mark"], row["day"])
            if key not in self._drawn:
                self._drawn[key] = draw(row, conversation, place)
            made.append(self._drawn[key])
        while len(self._drawn) > _REMEMBERED:
            del self._drawn[next(iter(self._drawn))]
        return made

    def _rows(self, messages: list[Json]) -> list[Json]:
        """Prepare messages for the list: day lines, who speaks on, and a mark of the content."""
        rows: list[Json] = []
        before: Json | None = None
        today = self._today()
        for message in messages:
            at = dates.moment(message["ts"], self.zone)
            day = dates.pretty_day(at, today)
            new_day = before is None or rows[-1]["day"] != day
            follows = before is not None and not new_day and _speaks_on(before, message)
            mark = hashlib.sha256(json.dumps(message).encode()).hexdigest()[:12]
            rows.append({"message": message, "day": day, "new_day": new_day, "follows": follows,
                         "mark": f"{mark}-{int(follows)}{int(new_day)}"})  # fmt: skip
            before = message
        return rows


def _speaks_on(before: Json, message: Json) -> bool:
    near = float(message["ts"]) - float(before["ts"]) < _TOGETHER_S
    plain = "blocks" not in message and "blocks" not in before and "subtype" not in before
    alike = before.get("is_ephemeral") == message.get("is_ephemeral")
    return near and plain and alike and before["user"] == message["user"] != SLACKBOT


def _sidebar(page: Page, who: Actor, _request: Request) -> Response:
    desk = page.desk
    rows: list[Json] = []
    for conversation in desk.conversations.of(who.user):
        read = desk.conversations.last_read(who.user, conversation["id"])
        unread = desk.messages.unread(conversation["id"], who.user, read)
        named = sum(f"<@{who.user}>" in json.dumps(m) for m in unread)
        direct = conversation["is_im"] or conversation["is_mpim"]
        badge = len(unread) if direct else named
        rows.append(conversation | {"unread": len(unread), "badge": badge})
    return page.render("sidebar.html", who=who.person, conversations=rows)


def _talk(page: Page, who: Actor, request: Request) -> Response:
    desk = page.desk
    conversation = desk.conversation(request.query_params.get("channel", ""))
    if who.user not in conversation["members"]:
        raise SlackError("channel_not_found")
    messages = desk.messages.top_level(conversation["id"], who.user, newest=_SHOWN)
    return page.render("talk.html", who=who.person, conversation=conversation,
                       articles=page.articles(messages, conversation, "talk"))  # fmt: skip


def _thread(page: Page, who: Actor, request: Request) -> Response:
    desk = page.desk
    conversation = desk.conversation(request.query_params.get("channel", ""))
    thread = desk.messages.thread(conversation["id"], request.query_params.get("thread", ""), who.user)
    if who.user not in conversation["members"] or not thread:
        raise SlackError("message_not_found")
    return page.render("thread.html", who=who.person, conversation=conversation,
                       articles=page.articles(thread, conversation, "thread"),
                       parent=thread[0]["ts"])  # fmt: skip


def _modal(page: Page, who: Actor, _request: Request) -> Response:
    stack = page.desk.views.stack(who.user)
    return page.render("modal.html", who=who.person, view=stack[-1] if stack else None,
                       depth=len(stack))  # fmt: skip


def _home(page: Page, who: Actor, _request: Request) -> Response:
    return page.render("home.html", who=who.person, view=page.desk.views.home(who.user))


def routes(desk: Desk) -> list[Route]:
    """Return the page and its fragments."""
    page = Page(desk)

    def shell(request: Request) -> Response:
        user = request.query_params.get("as", "")
        if not user:
            first = next((p.user for p in desk.directory.people if p.active), "")
            return RedirectResponse(f"/?as={first}", 307)
        try:
            return page.render("shell.html", who=actor(desk, request, user).person)
        except SlackError as error:
            answer = page.render("nobody.html", error=error.code, user=user)
            answer.status_code = 404
            return answer

    def fragment(show: Callable[[Page, Actor, Request], Response]) -> Callable[[Request], Response]:
        def handle(request: Request) -> Response:
            try:
                return show(page, actor(desk, request, request.query_params.get("as", "")), request)
            except SlackError as error:
                return page.render("gone.html", error=error.code)

        return handle

    def permalink(request: Request) -> Response:
        channel, stamp = request.path_params["channel"], request.path_params["stamp"].lstrip("p")
        return RedirectResponse(f"/#{channel}/{stamp[:-6]}.{stamp[-6:]}")

    fragments = {"sidebar": _sidebar, "talk": _talk, "thread": _thread, "modal": _modal,
                 "home": _home}  # fmt: skip
    return [
        Route("/", _on_loop(shell)),
        Route("/archives/{channel}/{stamp}", _on_loop(permalink)),
        *(Route(f"/shown/{name}", _on_loop(fragment(show))) for name, show in fragments.items()),
    ]


def _on_loop(handle: Callable[[Request], Response]) -> Callable[[Request], Awaitable[Response]]:
    """Keep a handler on the event loop, where the store is used; starlette would thread it."""

    async def on_loop(request: Request) -> Response:
        return handle(request)

    return on_loop

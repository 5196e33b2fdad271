"""Slack's mrkdwn and text objects as safe HTML. Whatever is not markup is escaped."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from html import escape
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from markdown_it import MarkdownIt
from markupsafe import Markup

from infrastructure.local.desk.directory import Directory
from infrastructure.local.desk.page.dates import slack_date
from infrastructure.local.desk.page.emoji import pictured, with_emoji

_HELD = re.compile("\ue000(\\d+)\ue001")
_FENCE = re.compile(r"```\n?(.+?)\n?```", re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_CONTROL = re.compile(r"<([^<>\n]+)>")
_QUOTE = re.compile(r"^(?:&gt;|>) ?(.*)$")
_STYLES = (("*", "strong"), ("_", "em"), ("~", "s"))
_SCHEMES = frozenset({"http", "https", "mailto", "tel"})
_SPECIAL = frozenset({"here", "channel", "everyone"})


def safe_link(url: str) -> str | None:
    """Return an address that may be followed, or None (scripts, files, nonsense)."""
    try:
        return url if urlsplit(url).scheme in _SCHEMES else None
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Renderer:
    """Renders text for one workspace: names for ids, times in its zone."""

    directory: Directory
    zone: ZoneInfo
    now: Callable[[], float]

    def mrkdwn(self, text: str) -> Markup:
        """Render mrkdwn."""
        held: list[str] = []

        def hold(html: str) -> str:
            held.append(html)
            return f"\ue000{len(held) - 1}\ue001"

        text = re.sub("[\ue000\ue001]", "", text)
        text = _FENCE.sub(lambda m: hold(f"<pre>{_literal(m.group(1))}</pre>"), text)
        text = _CODE.sub(lambda m: hold(f"<code>{_literal(m.group(1))}</code>"), text)
        text = _CONTROL.sub(lambda m: hold(self._control(m.group(1))), text)
        text = _styled(pictured(with_emoji(_literal(text)), hold))
        html = _quoted(text)
        while _HELD.search(html):
            html = _HELD.sub(lambda m: held[int(m.group(1))], html)
        return Markup(html)  # noqa: S704 (every part was escaped above)

    def plain(self, text: str) -> Markup:
        """Render plain text: emoji and line breaks, nothing else."""
        safe = escape(with_emoji(unescape_slack(text)))
        return Markup(pictured(safe).replace("\n", "<br>"))  # noqa: S704 (escaped on the line above)

    @staticmethod
    def words(text: str) -> str:
        """Return plain text as bare words, for attributes and menus that hold no markup."""
        return with_emoji(unescape_slack(text))

    def text(self, thing: dict[str, str]) -> Markup:
        """Render a text object."""
        if thing["type"] == "mrkdwn":
            return self.mrkdwn(thing["text"])
        return self.plain(thing["text"])

    def markdown(self, text: str) -> Markup:
        """Render a markdown block: standard Markdown, without raw HTML."""
        made = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
        return Markup(made.render(with_emoji(text)))  # noqa: S704 (the library escapes; no HTML)

    def _control(self, inside: str) -> str:
        target, _, label = inside.partition("|")
        if target.startswith("@"):
            user = target[1:]
            return f'<span class="mention" data-user="{escape(user)}">@{escape(self.directory.name_of(user))}</span>'
        if target.startswith("#"):
            return self._channel(target[1:], label)
        if target.startswith("!"):
            return self._special(target[1:], label)
        url = safe_link(unescape_slack(target))
        if url is None:
            return _literal(f"<{inside}>")
        shown = _literal(label or target.removeprefix("mailto:"))
        return f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer">{shown}</a>'

    def _channel(self, channel: str, label: str) -> str:
        known = next((s.name for s in self.directory.channels if s.channel == channel), label)
        return f'<a class="mention" href="#{escape(channel)}">#{escape(known or channel)}</a>'

    def _special(self, inside: str, label: str) -> str:
        word, *rest = inside.split("^")
        if word == "date" and len(rest) > 1 and rest[0].isdigit():
            today = datetime.fromtimestamp(self.now(), self.zone)
            return _literal(slack_date(int(rest[0]), rest[1], self.zone, today))
        if word == "subteam" and rest:
            handle = next((g.handle for g in self.directory.usergroups if g.id == rest[0]), "")
            return _mention("@" + handle if handle else label or rest[0])
        return _mention(f"@{word}") if word in _SPECIAL else _literal(label or inside)


def unescape_slack(text: str) -> str:
    """Undo Slack's three escapes.

    >>> unescape_slack("R&amp;D &lt;3")
    'R&D <3'
    """
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _literal(text: str) -> str:
    return escape(unescape_slack(text))


def _mention(name: str) -> str:
    return f'<span class="mention">{escape(name)}</span>'


def _styled(text: str) -> str:
    for mark, tag in _STYLES:
        m = re.escape(mark)
        pattern = rf"(?<![\w{m}]){m}(?=[^\s{m}])([^\n]*?[^\s{m}]|[^\s{m}]){m}(?![\w{m}])"
        text = re.sub(pattern, rf"<{tag}>\1</{tag}>", text)
    return text


def _quoted(text: str) -> str:
    out: list[str] = []
    quote: list[str] = []
    for line in [*text.split("\n"), None]:
        found = _QUOTE.match(line) if line is not None else None
        if found:
            quote.append(found.group(1))
            continue
        if quote:
            out.append(f"<blockquote>{'<br>'.join(quote)}</blockquote>")
            quote = []
        if line is not None:
            out.append(line)
    html = "<br>".join(out)
    return html.replace("</blockquote><br>", "</blockquote>").replace("</pre><br>", "</pre>")

"""rich_text blocks as safe HTML."""

from html import escape

from markupsafe import Markup

from infrastructure.local.desk.page.mrkdwn import Renderer, safe_link
from infrastructure.local.desk.shapes import Json

_TAGS = (("code", "code"), ("strike", "s"), ("italic", "em"), ("bold", "strong"))


def rich_text(block: Json, renderer: Renderer) -> Markup:
    """Render a rich_text block."""
    html = "".join(_part(part, renderer) for part in block["elements"])
    return Markup(html)  # noqa: S704 (every leaf is escaped)


def _part(part: Json, renderer: Renderer) -> str:
    kind = part["type"]
    inner = part.get("elements", [])
    if kind == "rich_text_list":
        tag = "ol" if part.get("style") == "ordered" else "ul"
        rows = "".join(f"<li>{_inline(item.get('elements', []), renderer)}</li>" for item in inner)
        return f'<{tag} class="indent-{min(int(part.get("indent", 0)), 4)}">{rows}</{tag}>'
    html = _inline(inner, renderer)
    if kind == "rich_text_quote":
        return f"<blockquote>{html}</blockquote>"
    if kind == "rich_text_preformatted":
        return f"<pre>{html}</pre>"
    return f"<div>{html}</div>"


def _inline(elements: list[Json], renderer: Renderer) -> str:
    return "".join(_leaf(element, renderer) for element in elements)


def _leaf(leaf: Json, renderer: Renderer) -> str:
    kind = leaf["type"]
    if kind == "user":
        html = str(renderer.mrkdwn(f"<@{leaf['user_id']}>"))
    elif kind == "channel":
        html = str(renderer.mrkdwn(f"<#{leaf['channel_id']}>"))
    elif kind == "broadcast":
        html = str(renderer.mrkdwn(f"<!{leaf['range']}>"))
    elif kind == "usergroup":
        html = str(renderer.mrkdwn(f"<!subteam^{leaf['usergroup_id']}>"))
    elif kind == "emoji":
        html = str(renderer.plain(f":{leaf['name']}:"))
    elif kind == "date":
        stamp = f"<!date^{int(leaf['timestamp'])}^{leaf['format']}|{leaf.get('fallback', '')}>"
        html = str(renderer.mrkdwn(stamp))
    elif kind == "link":
        html = _link(leaf)
    else:
        html = escape(str(leaf.get("text", ""))).replace("\n", "<br>")
    style = leaf.get("style") or {}
    for name, tag in _TAGS:
        if style.get(name):
            html = f"<{tag}>{html}</{tag}>"
    return html


def _link(leaf: Json) -> str:
    shown = escape(str(leaf.get("text") or leaf["url"]))
    url = safe_link(str(leaf["url"]))
    if url is None:
        return shown
    return f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer">{shown}</a>'

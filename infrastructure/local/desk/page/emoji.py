"""The emoji that cards use, by Slack's names."""

import re
from collections.abc import Callable
from typing import Final

EMOJI: Final[dict[str, str]] = {
    "+1": "👍", "-1": "👎", "thumbsup": "👍", "thumbsdown": "👎", "wave": "👋", "pray": "🙏",
    "clap": "👏", "tada": "🎉", "eyes": "👀", "smile": "😄", "slightly_smiling_face": "🙂",
    "thinking_face": "🤔", "heart": "❤️", "fire": "🔥", "rocket": "🚀", "star": "⭐",
    "sparkles": "✨", "bulb": "💡", "bell": "🔔", "no_bell": "🔕", "lock": "🔒", "unlock": "🔓",
    "key": "🔑", "white_check_mark": "✅", "heavy_check_mark": "✔️", "ballot_box_with_check": "☑️",
    "x": "❌", "negative_squared_cross_mark": "❎", "no_entry": "⛔", "no_entry_sign": "🚫",
    "octagonal_sign": "🛑", "warning": "⚠️", "rotating_light": "🚨", "question": "❓",
    "grey_question": "❔", "exclamation": "❗", "information_source": "ℹ️", "hourglass": "⌛",
    "hourglass_flowing_sand": "⏳", "stopwatch": "⏱️", "alarm_clock": "⏰", "clock3": "🕒",
    "calendar": "📆", "date": "📅", "package": "📦", "truck": "🚚", "shopping_trolley": "🛒",
    "moneybag": "💰", "dollar": "💵", "credit_card": "💳", "receipt": "🧾", "ledger": "📒",
    "memo": "📝", "clipboard": "📋", "page_facing_up": "📄", "paperclip": "📎", "link": "🔗",
    "mag": "🔍", "bar_chart": "📊", "chart_with_upwards_trend": "📈",
    "chart_with_downwards_trend": "📉", "hospital": "🏥", "pill": "💊", "syringe": "💉",
    "stethoscope": "🩺", "dna": "🧬", "bone": "🦴", "microscope": "🔬", "computer": "💻",
    "wrench": "🔧", "gear": "⚙️", "speech_balloon": "💬", "email": "📧", "inbox_tray": "📥",
    "outbox_tray": "📤", "arrow_right": "➡️", "arrow_left": "⬅️", "arrow_up": "⬆️",
    "arrow_down": "⬇️", "repeat": "🔁", "large_green_circle": "🟢", "large_yellow_circle": "🟡",
    "large_orange_circle": "🟠", "red_circle": "🔴", "large_blue_circle": "🔵",
    "white_circle": "⚪", "black_circle": "⚫", "point_right": "👉", "raised_hand": "✋",
    "robot_face": "🤖", "balance_scale": "⚖️", "handshake": "🤝", "seedling": "🌱",
}  # fmt: skip
# Drawn in static/emoji.svg, so that a card looks the same on a machine without an emoji font.
DRAWN: Final = frozenset({
    "white_check_mark", "heavy_check_mark", "x", "warning", "lock",
    "key", "hourglass_flowing_sand", "question", "exclamation", "information_source",
    "no_entry", "no_entry_sign", "package", "truck", "memo",
    "clipboard", "page_facing_up", "receipt", "bell", "moneybag",
    "eyes", "speech_balloon", "tada", "large_green_circle", "large_yellow_circle",
    "large_orange_circle", "red_circle", "large_blue_circle", "white_circle", "hospital",
    "calendar", "arrow_right", "mag", "chart_with_upwards_trend", "bar_chart",
    "pill", "computer", "link", "repeat",
})  # fmt: skip
_NAMED = re.compile(r":([a-z0-9_+\-]+):(?::skin-tone-[2-6]:)?")


def with_emoji(text: str) -> str:
    """Put the sign for each `:name:` that is known.

    >>> with_emoji("done :tada: at 10:30:00")
    'done 🎉 at 10:30:00'
    """
    return _NAMED.sub(lambda found: EMOJI.get(found.group(1), found.group()), text)


_BARE = {EMOJI[name].rstrip("\ufe0f"): name for name in sorted(DRAWN)} | {EMOJI["hourglass"]: "hourglass_flowing_sand"}
_SIGNS = re.compile(f"({'|'.join(map(re.escape, _BARE))})\ufe0f?")


def pictured(text: str, put: Callable[[str], str] = str) -> str:
    """Replace signs that are drawn with their picture. `text` is HTML text: no tags around it."""

    def picture(found: re.Match[str]) -> str:
        name = _BARE[found.group(1)]
        use = f'<use href="/static/emoji.svg#{name}"/>'
        return put(f'<svg class="emoji" role="img" aria-label="{name.replace("_", " ")}">{use}</svg>')

    return _SIGNS.sub(picture, text)

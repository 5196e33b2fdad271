"""Altering a request: its JSON, its text, its form, its bytes, its signature, and to whom it is sent."""

import copy
import json
from collections.abc import Callable
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

from tests.mutations.house import House, directory_json
from tests.mutations.sent import FORM, Json, Sent

Alter = Callable[[Sent, Random, House], None]

ODD: tuple[Json, ...] = (
    None, True, False, 0, -1, 1.5, 2.0, 10**30, -0.0, 1e308, float("inf"), float("nan"), "", " ", "0", "12", "\x00",
    "a\x00b", "\ud83d", "\udcff", "\u202e", "\u0661", "\U0001f600", "ä", "a" * 5000, "\n", "..", ".", "/",
    "../../inbox", "RQ-0000000000", "book~policy", "T0MERCY", "U0IVO", "C1", "<!channel>", "'; --", "%00", "{}", [], {},
    [[]], [None], {"id": "U0IVO"}, {"value": {}}, {"": ""}, ["a", 1, None], "approve", "block_actions",
    "view_submission",
)  # fmt: skip
DEEP = 300
JUNK = (b"\x00", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"&", b"=", b"%", b"%zz", b"+", b";", b'"', b"{", b"[" * 2000,
        b"\r\n", b"payload=", b"a" * 20_000)  # fmt: skip


def alter(sent: Sent, dice: Random, house: House) -> None:
    """Alter a request in one way, or two, or three; then sign what came of it: rightly, too early, or as a forger."""
    ways = [dice.choice(WAYS) for _ in range(dice.choice((1, 1, 2, 3)))]
    if dice.random() < STALE:  # it was signed before it was altered
        sent.sign()
        _all(ways, sent, dice, house)
        return
    _all(ways, sent, dice, house)
    sent.sign()
    if dice.random() < FORGED:
        way = dice.choice(FORGERIES)
        sent.trail.append(way.__name__)
        way(sent, dice, house)


STALE, FORGED = 0.1, 0.15


def _all(ways: list[Alter], sent: Sent, dice: Random, house: House) -> None:
    for way in sorted(ways, key=WAYS.index):  # the tree, then its text, then the bytes
        sent.trail.append(way.__name__)
        way(sent, dice, house)


def places(tree: Json, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List the ways to everything in a tree."""
    found = [at] if at else []
    for name, inner in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        found += places(inner, (*at, name))
    return found


def a_value(sent: Sent, dice: Random, _house: House) -> None:
    """Put something odd in place of a value."""
    _put(sent, dice, lambda _: dice.choice(ODD))


def a_type(sent: Sent, dice: Random, _house: House) -> None:
    """Write a value as another type would."""
    _put(sent, dice, lambda value: dice.choice((str(value), [value], {"value": value}, bool(value), len(str(value)))))


def a_deep_value(sent: Sent, dice: Random, _house: House) -> None:
    """Put lists within lists in place of a value."""

    def deep(_: Json) -> Json:
        made: Json = []
        for _turn in range(DEEP):
            made = [made]
        return made

    _put(sent, dice, deep)


def a_removal(sent: Sent, dice: Random, _house: House) -> None:
    """Leave something out."""
    if found := places(sent.tree) if sent.form is None else [(name,) for name in sent.form]:
        way = dice.choice(found)
        holder = _holder(sent.tree if sent.form is None else sent.form, way)
        del holder[way[-1]]


def a_swap(sent: Sent, dice: Random, _house: House) -> None:
    """Put the value of one place in another."""
    if len(found := places(sent.tree)) > 1:
        one, other = dice.sample(found, 2)
        value = copy.deepcopy(_holder(sent.tree, other)[other[-1]])
        _holder(sent.tree, one)[one[-1]] = value


def another_person(sent: Sent, dice: Random, _house: House) -> None:
    """Let it come from somebody else, or from another workspace, or from nobody."""
    users = [str(person["slack_user"]) for person in directory_json().values()]
    user = dice.choice([*users, "U0X", "", users[0].lower(), f"{users[0]} "])
    team = dice.choice(["T0MERCY", "T0MERCY", "T0OTHER", "", "t0mercy", None])
    if sent.form is not None:
        sent.form |= {"user_id": user, "team_id": str(team)}
    elif isinstance(sent.tree, dict) and isinstance(sent.tree.get("user"), dict):
        sent.tree["user"] |= {"id": user, "team_id": team}
        sent.tree["team"] = dice.choice([{"id": team}, sent.tree.get("team")])
    elif isinstance(sent.tree, dict) and isinstance(sent.tree.get("event"), dict):
        sent.tree["event"]["user"], sent.tree["team_id"] = user, team
    elif isinstance(sent.tree, dict):
        sent.tree["requester"] = dice.choice(sorted(directory_json()))


def another_button(sent: Sent, dice: Random, house: House) -> None:
    """Press the button of another card, or one that is not quite the right one."""
    waiting = house.open[dice.choice(sorted(house.open))]
    case, ask, shown = waiting.value.split("/")
    other = house.open[dice.choice(sorted(house.open))].value.split("/")[2]
    made = dice.choice([
        waiting.value, f"{case}/{ask}/{other}", f"{case}/{ask}/{'0' * 64}", f"{case}/{ask}/{shown.upper()}",
        f"{case.lower()}/{ask}/{shown}", f"{case}/{ask.upper()}/{shown}", f"{case}/2-{ask[2:]}/{shown}",
        f"{case}/{ask}/{shown}/", f"{case}/{ask}/{shown}\n", f" {case}/{ask}/{shown}", f"{case}/{ask}/{shown[:-1]}",
        f"book~policy/{ask}/{shown}", f"../{ask}/{shown}", f"./{ask}/{shown}", f"//{shown}", f"{case}//{shown}",
        f"{case}\x00/{ask}/{shown}", f"{'a' * 5000}/{ask}/{shown}", f"\ud83d/{ask}/{shown}", f"{case}/{ask}/", "",
        f"hold/{waiting.value}", f"approve/{waiting.value}",
    ])  # fmt: skip
    if isinstance(sent.tree, dict) and "actions" in sent.tree:
        _put_at(sent.tree, ("actions", 0, "value"), made)
        _put_at(sent.tree, ("actions", 0, "selected_option"), {"value": made})
    elif isinstance(sent.tree, dict):
        _put_at(sent.tree, ("view", "private_metadata"), made)


def another_deed(sent: Sent, dice: Random, _house: House) -> None:
    """Press a button, or send a form, of another name."""
    name = dice.choice(["approve", "reject", "question", "more", "fewer", "hand-over", "add", "hold", "resume",
                        "withdraw", "requisition", "Approve", "approve ", "", None])  # fmt: skip
    if sent.form is not None:
        sent.form["command"] = f"/{name}"
    elif isinstance(sent.tree, dict):
        _put_at(sent.tree, ("actions", 0, "action_id") if "actions" in sent.tree else ("view", "callback_id"), name)


def the_text(sent: Sent, dice: Random, _house: House) -> None:
    """Spoil the JSON's text: cut it, double a name, add to it, open what is never closed."""
    if sent.form is not None:
        return
    text = sent.printed()
    cut = dice.randrange(len(text) + 1)
    sent.text = dice.choice([
        text[:cut], text + text, text + ",", f"[{text}]", text.replace('"type"', '"type": 1, "type"', 1), "[" * 50_000,
        text.replace('"id"', '"id": "U0IVO", "id"', 1), text.replace(":", "=", 1), "/* */" + text, text.upper(), "",
        f"\ufeff{text}", text[:cut] + "\x00" + text[cut:], '{"a":' * 50_000, "null", "1", '"text"', "9" * 5000,
    ])  # fmt: skip


def the_form(sent: Sent, dice: Random, _house: House) -> None:
    """Spoil the form around the JSON: name it twice, or otherwise, or print it as something else."""
    text = urlencode(sent.form, errors="replace") if sent.form is not None else sent.printed()
    as_payload = quote(text.encode(errors="replace"))
    made = dice.choice([
        f"payload={as_payload}&payload=1", f"payload=1&payload={as_payload}", f"Payload={as_payload}", text,
        f"payload={as_payload}&x", f"payload[]={as_payload}", f"payload={text}", f"&payload={as_payload}&",
        f"payload={as_payload}".replace("%22", '"'), f"payload={as_payload};x=1", f"{text}&user=U0IVO&team=T0MERCY",
        f"{text}&channel=C1&message=1", "&".join(f"a{n}=1" for n in range(3000)),
    ])  # fmt: skip
    sent.body = made.encode(errors="replace")
    sent.headers[b"content-type"] = dice.choice([FORM, b"application/json", b"multipart/form-data; boundary=x", b""])


def the_encoding(sent: Sent, dice: Random, _house: House) -> None:
    """Print the body in another encoding."""
    text = sent.packed().decode(errors="replace")
    encoding = dice.choice(["utf-16", "utf-32", "utf-7", "latin-1", "utf-8-sig", "cp037"])
    sent.body = text.encode(encoding, errors="replace")


def the_bytes(sent: Sent, dice: Random, _house: House) -> None:
    """Turn, drop, repeat or put in some bytes."""
    body = bytearray(sent.packed())
    for _ in range(dice.choice((1, 1, 2, 8))):
        at = dice.randrange(len(body) + 1)
        deed = dice.randrange(4)
        if deed == 0 and at < len(body):
            body[at] ^= 1 << dice.randrange(8)
        elif deed == 1:
            del body[at : at + dice.choice((1, 5, 500))]
        elif deed == 2:
            body[at:at] = dice.choice(JUNK)
        else:
            body[at:at] = body[at : at + dice.choice((1, 20, 500))]
    sent.body = bytes(body)


def the_door(sent: Sent, dice: Random, _house: House) -> None:
    """Send it to another door."""
    sent.body = sent.packed()
    sent.path = dice.choice(["/slack/interactions", "/slack/commands", "/slack/events", "/events/inventory",
                             "/events/ehr", "/events/Inventory", "/events/%00", "/slack/interactions/"])  # fmt: skip


def a_header(sent: Sent, dice: Random, _house: House) -> None:
    """Add a header that means something to somebody."""
    sent.headers |= dice.choice([
        {b"content-length": b"abc"}, {b"content-length": b"-1"}, {b"content-type": b"\xff"}, {b"cookie": b"a" * 5000},
        {b"x-slack-retry-num": b"1", b"x-slack-retry-reason": b"http_timeout"}, {b"content-encoding": b"gzip"},
        {b"x-http-method-override": b"GET"}, {b"transfer-encoding": b"chunked"},
    ])  # fmt: skip


def another_secret(sent: Sent, _dice: Random, _house: House) -> None:
    """Sign as one who does not know the secret."""
    sent.sign(secret="guessed")


def another_time(sent: Sent, dice: Random, _house: House) -> None:
    """Sign rightly, for a moment that is too far away."""
    sent.sign(skew_s=dice.choice((-3600, -320, 320, 10**7)))


def a_broken_signature(sent: Sent, dice: Random, _house: House) -> None:
    """Spoil a header of the signature, or leave one out."""
    names = [name for name in sent.headers if b"slack" in name or name.startswith(b"webhook")]
    name = dice.choice(sorted(names))
    if dice.random() < 0.3:
        del sent.headers[name]
        return
    value = sent.headers[name]
    sent.headers[name] = dice.choice([b"", value[:-1], value.upper() + b"x", b"v0=", b"v1,", b"\xff", b"1_0",
                                      value + value, b"9" * 5000, b"-" + value, b"v0=" + b"0" * 64])  # fmt: skip


FORGERIES: tuple[Alter, ...] = (another_secret, another_time, a_broken_signature)
WAYS: tuple[Alter, ...] = (
    a_value, a_value, a_type, a_deep_value, a_removal, a_swap, another_person, another_person, another_button,
    another_button, another_deed, the_text, the_form, the_encoding, the_bytes, the_door, a_header,
)  # fmt: skip


def _put(sent: Sent, dice: Random, make: Callable[[Json], Json]) -> None:
    if sent.form is not None:
        name = dice.choice(sorted(sent.form)) if sent.form else "command"
        sent.form[name] = str(make(sent.form.get(name)))
    elif found := places(sent.tree):
        way = dice.choice(found)
        holder = _holder(sent.tree, way)
        holder[way[-1]] = make(holder[way[-1]])


def _holder(tree: Json, way: tuple[Any, ...]) -> Any:
    for name in way[:-1]:
        tree = tree[name]
    return tree


def _put_at(tree: Json, way: tuple[Any, ...], value: Json) -> None:
    try:
        _holder(tree, way)[way[-1]] = value
    except (LookupError, TypeError):
        return


def shown(sent: Sent) -> str:
    """Print a request for who has to find out what it did."""
    body = sent.packed()
    return f"{sent.kind} to {sent.path}, {' + '.join(sent.trail) or 'as it was'}: {json.dumps(repr(body[:600]))}"

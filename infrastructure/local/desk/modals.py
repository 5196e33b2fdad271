"""Submitting and closing modals, and what the app may answer to that."""

from typing import Any

from infrastructure.local.desk import formstate, payloads
from infrastructure.local.desk.desk import Desk
from infrastructure.local.desk.formstate import Values
from infrastructure.local.desk.payloads import Actor
from infrastructure.local.desk.shapes import Json, SlackError

TROUBLE = "We had some trouble connecting. Try again?"


def _in_front(desk: Desk, actor: Actor, view_id: str) -> Json:
    stack = desk.views.stack(actor.user)
    if not stack or stack[-1]["id"] != view_id:
        raise SlackError("view_not_found")
    return stack[-1]


async def submit(desk: Desk, actor: Actor, view_id: str, values: Values) -> Json:
    """Submit the modal in front.

    What is missing is said at once, as Slack's client does; the app's own errors come next; then
    the modal closes, changes, or gets another on top, as the app answers.
    """
    view = _in_front(desk, actor, view_id)
    errors = formstate.missing(view["blocks"], values)
    if errors:
        return {"ok": False, "errors": errors}
    shown = view | {"state": formstate.state(view["blocks"], values)}
    answer = await desk.delivery.interaction(payloads.view_submission(desk, actor, shown))
    if answer.trouble:
        return {"ok": False, "error": answer.trouble, "says": TROUBLE}
    try:
        return _obeyed(desk, actor, view, answer.document() or {})
    except (SlackError, ValueError, TypeError) as why:
        return {"ok": False, "error": "bad_response", "says": TROUBLE, "because": str(why)}


def _obeyed(desk: Desk, actor: Actor, view: Json, wanted: Json) -> Json:
    does = wanted.get("response_action")
    if does == "errors":
        return {"ok": False, "errors": _errors(view, wanted.get("errors"))}
    if does == "update":
        desk.views.update(view, wanted.get("view"), None)
    elif does == "push":
        desk.views.open(actor.user, wanted.get("view"), push=True)
    elif does == "clear":
        desk.views.clear(actor.user)
    elif does is None:
        desk.views.close(view["id"])
    else:
        raise ValueError(f"response_action {does} is not one of errors, update, push, clear")
    desk.live.tell("views", only_for=actor.user)
    return {"ok": True}


def _errors(view: Json, errors: Any) -> dict[str, str]:
    fields = {b["block_id"] for b in view["blocks"] if b["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not set(errors) <= fields:
        raise ValueError("errors must name input blocks of this view by block_id")
    return {block_id: str(says) for block_id, says in errors.items()}


def close(desk: Desk, actor: Actor, view_id: str, values: Values, *, everything: bool) -> Json:
    """Close the modal in front, or the whole stack; tell the app where it asked to be told."""
    view = _in_front(desk, actor, view_id)
    everything = everything or view["clear_on_close"]
    going = desk.views.stack(actor.user) if everything else [view]
    for one in going:
        desk.views.close(one["id"])
        if one["notify_on_close"]:
            shown = one | {"state": formstate.state(one["blocks"], values)}
            payload = payloads.view_closed(desk, actor, shown, cleared=everything)
            desk.delivery.later(_tell(desk, payload))
    desk.live.tell("views", only_for=actor.user)
    return {"ok": True}


async def _tell(desk: Desk, payload: Json) -> None:
    await desk.delivery.interaction(payload)

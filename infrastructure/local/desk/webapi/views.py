"""views.*: modals for who just did something, and Home tabs."""

from infrastructure.local.desk.shapes import Json, SlackError
from infrastructure.local.desk.webapi.call import Call


def open_modal(call: Call) -> Json:
    """views.open."""
    return _shown(call, push=False)


def push_modal(call: Call) -> Json:
    """views.push."""
    return _shown(call, push=True)


def _shown(call: Call, *, push: bool) -> Json:
    desk = call.desk
    trigger = call.need("trigger_id")
    view = call.document("view", "invalid_arguments")
    desk.views.check(view, "modal")
    user = desk.triggers.exchange(trigger)
    opened = desk.views.open(user, view, push=push)
    desk.live.tell("views", only_for=user)
    return {"ok": True, "view": opened}


def update(call: Call) -> Json:
    """views.update, by view_id or external_id."""
    desk = call.desk
    view_id, external_id = call.text("view_id"), call.text("external_id")
    if not view_id and not external_id:
        raise SlackError("invalid_arguments", ["missing required field: view_id"])
    known = desk.views.get(view_id) if view_id else desk.views.by_external_id(external_id)
    if known is None:
        raise SlackError("not_found")
    view = call.document("view", "invalid_arguments")
    made = desk.views.update(known, view, call.text("hash") or None)
    owner = desk.views.owner(made["id"])
    desk.live.tell("home" if made["type"] == "home" else "views", only_for=owner)
    return {"ok": True, "view": made}


def publish(call: Call) -> Json:
    """views.publish: a person's Home tab."""
    desk, user = call.desk, call.need("user_id")
    if desk.directory.person(user) is None:
        raise SlackError("user_not_found")
    view = call.document("view", "invalid_arguments")
    made = desk.views.publish(user, view, call.text("hash") or None)
    desk.live.tell("home", only_for=user)
    return {"ok": True, "view": made}
